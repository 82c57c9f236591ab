// What one likes to hear, read and see, kept across films and visits. Storage may be missing or refused; then it
// is forgotten.

import type { Choice, Media, Track } from "../api.ts";

const KEY = "wiidia.choice";

/** The remembered choice: languages rather than numbers of tracks, which mean something else in the next film. */
export function loadChoice(): Choice {
  try {
    const stored = JSON.parse(String(localStorage.getItem(KEY))) as Record<string, unknown>;
    return sane(stored);
  } catch {
    // Nothing stored, or private windows and some televisions, which refuse storage.
    return {};
  }
}

/** Only what the server could mean something by: it refuses the rest. */
export function sane(stored: Record<string, unknown>): Choice {
  const choice: Choice = {};
  const { profile, audio, subtitles } = stored;
  if (profile === "tv" || profile === "small") choice.profile = profile;
  if (isLanguage(audio)) choice.audio = audio;
  if (subtitles === "none" || isLanguage(subtitles)) choice.subtitles = subtitles;
  return choice;
}

/** Remembers what of `choice`, made in `media`, means something in other films. */
export function saveChoice(choice: Choice, media: Media): void {
  const { audio, subtitles } = media.contents;
  const kept: Choice = { ...loadChoice() };
  // A film without its picture is for one evening.
  if (choice.profile && choice.profile !== "audio") kept.profile = choice.profile;
  const heard = languageOf(choice.audio, audio);
  if (heard) kept.audio = heard;
  const read = choice.subtitles === "none" ? "none" : languageOf(choice.subtitles, subtitles);
  if (read) kept.subtitles = read;
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // As above.
  }
}

function languageOf(chosen: string | undefined, tracks: Track[]): string | null {
  if (chosen === undefined || !/^\d+$/.test(chosen)) return null;
  return tracks[Number(chosen)]?.language ?? null;
}

function isLanguage(value: unknown): value is string {
  return typeof value === "string" && /^[a-z]{2,3}$/.test(value);
}
