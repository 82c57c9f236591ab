// What one likes, kept across films and visits: loudness, speed, what follows. And what plays now.

import type { Choice, Media } from "../api.ts";
import { recall, remember } from "../memory.ts";
import { currentRoute } from "../navigate.ts";
import { remembered, sane } from "./remember.ts";

/** Loudness as a share of 1, and whether it is muted. */
export interface Volume {
  level: number;
  muted: boolean;
}

/** The speeds there are. */
export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

/** The remembered volume, or full. */
export function loadVolume(): Volume {
  const stored = recall("volume") as { level?: unknown; muted?: unknown } | undefined;
  return { level: clampLevel(Number(stored?.level)), muted: stored?.muted === true };
}

/** Remembers `volume`. */
export function saveVolume(volume: Volume): void {
  remember("volume", volume);
}

/** A loudness between silence and full; full for what is no number. */
export function clampLevel(level: number): number {
  return level >= 0 ? Math.min(1, level) : level < 0 ? 0 : 1;
}

/** The remembered speed, or the normal one. */
export function loadSpeed(): number {
  const stored = Number(recall("speed"));
  return SPEEDS.indexOf(stored) >= 0 ? stored : 1;
}

/** Remembers a speed. */
export function saveSpeed(speed: number): void {
  remember("speed", speed === 1 ? undefined : speed);
}

/** The speed `by` steps from `speed`. */
export function speedBeside(speed: number, by: number): number {
  const at = SPEEDS.indexOf(speed) + by;
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at))] ?? 1;
}

/** Whether the next file follows by itself: yes, unless somebody said no. */
export function autoplay(): boolean {
  return recall("autoplay") !== false;
}

/** Says whether the next file follows by itself. */
export function setAutoplay(on: boolean): void {
  remember("autoplay", on ? undefined : false);
}

/** The remembered choice of sound, subtitles and quality. */
export function loadChoice(): Choice {
  return sane((recall("choice") ?? {}) as Record<string, unknown>);
}

/** Remembers what of `choice`, made in `media`, means something in other films. */
export function saveChoice(choice: Choice, media: Media): void {
  remember("choice", remembered(loadChoice(), choice, media.contents));
}

/** The file that plays now, or played last in this visit. */
export function currentlyPlaying(): string | null {
  const { view, path } = currentRoute();
  return view === "play" ? path : lastPlayed;
}

let lastPlayed: string | null = null;

/** Says that `path` plays. */
export function nowPlays(path: string): void {
  lastPlayed = path;
}
