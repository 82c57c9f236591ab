// The volume one likes, kept across films and visits. Storage may be missing or refused; then it is forgotten.

const KEY = "wiidia.volume";

/** Loudness as a share of 1, and whether it is muted. */
export interface Volume {
  level: number;
  muted: boolean;
}

/** The remembered volume, or full. */
export function loadVolume(): Volume {
  try {
    // Nothing stored yet parses as null, which has no properties and ends below, too.
    const stored = JSON.parse(String(localStorage.getItem(KEY))) as { level: unknown; muted: unknown };
    return { level: clampLevel(Number(stored.level)), muted: stored.muted === true };
  } catch {
    // Private windows and some televisions refuse storage.
    return { level: 1, muted: false };
  }
}

/** Remembers `volume` if the browser lets us. */
export function saveVolume(volume: Volume): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(volume));
  } catch {
    // As above.
  }
}

/** A loudness between silence and full; full for what is no number. */
export function clampLevel(level: number): number {
  return level >= 0 ? Math.min(1, level) : level < 0 ? 0 : 1;
}
