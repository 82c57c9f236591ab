// Remembers where one is in a film, while it plays.

import { useEffect, useRef } from "preact/hooks";
import type { Media } from "../api.ts";
import { keepMark } from "../library/positions.ts";
import type { Playback } from "./playback.ts";

// Seconds of the film between two notes: what a crash costs at most.
const EVERY = 8;
// Music is played from the beginning; what is as long as an audio book is not.
const LONG_SOUND = 20 * 60;

/** Keeps the mark of `path` while it plays. */
export function useMark(path: string, media: Media, playback: Playback, duration: number | null, poster?: string | null): void {
  const noted = useRef(0);
  const latest = useRef(() => {});
  latest.current = () => {
    const at = playback.ended && duration ? duration : playback.time;
    const kind = media.video ? "video" : "audio";
    if (at === 0 || (kind === "audio" && (duration ?? 0) < LONG_SOUND)) return;
    noted.current = at;
    keepMark({ path, name: media.name, kind, at, duration, when: Date.now(), ...(poster ? { poster } : {}) });
  };
  const due = Math.abs(playback.time - noted.current) >= EVERY || playback.ended;
  useEffect(() => {
    if (due) latest.current();
  }, [due]);
  useEffect(() => {
    const note = (): void => latest.current();
    window.addEventListener("pagehide", note);
    return () => {
      window.removeEventListener("pagehide", note);
      note();
    };
  }, []);
}
