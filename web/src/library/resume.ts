// Where one left off, film by film, on this device.

import { recall, remember } from "../memory.ts";

/** A film begun: seconds, its length if known, when it was watched last (milliseconds since 1970). */
export interface Mark {
  path: string;
  name: string;
  kind: "video" | "audio";
  at: number;
  duration: number | null;
  when: number;
  poster?: string | null;
}

const STORED = "positions";
/** Films remembered; the oldest are forgotten first. */
export const MOST_MARKS = 300;
// Who has watched less wants to begin again, and the last minutes are names of people.
const BEGUN = 20;
const SHARE_BEGUN = 0.02;
const SHARE_DONE = 0.95;

/** All films that were begun, the latest first. */
export function marks(): Mark[] {
  const stored = recall(STORED);
  return Array.isArray(stored) ? stored.filter(isMark) : [];
}

/** Remembers a place, in front of the others. Pure. */
export function marked(before: readonly Mark[], mark: Mark): Mark[] {
  const others = before.filter(({ path }) => path !== mark.path);
  return [mark].concat(others).slice(0, MOST_MARKS);
}

/** Remembers all of these, and nothing else. */
export function setMarks(all: readonly Mark[]): void {
  remember(STORED, all.slice(0, MOST_MARKS));
}

/** Remembers a place. */
export function saveMark(mark: Mark): void {
  const poster = mark.poster ?? markOf(mark.path)?.poster;
  setMarks(marked(marks(), poster ? { ...mark, poster } : mark));
}

/** Forgets where one was in `path`. */
export function forgetMark(path: string): void {
  setMarks(marks().filter((mark) => mark.path !== path));
}

/** The mark of one film. */
export function markOf(path: string): Mark | undefined {
  return marks().filter((mark) => mark.path === path)[0];
}

/** How much of it was watched, as a share of 1; 1 when it was watched to the end, 0 when it was not really begun. Pure. */
export function watched({ at, duration }: { at: number; duration: number | null }): number {
  if (!duration) return 0;
  const share = at / duration;
  if (share >= SHARE_DONE) return 1;
  return at < Math.min(BEGUN, duration * SHARE_BEGUN) ? 0 : share;
}

/** Where to go on: not at the beginning of what was hardly begun, and not at the end of what is over. Pure. */
export function resumeAt(mark: Mark | undefined): number {
  if (!mark) return 0;
  const share = watched(mark);
  return share > 0 && share < 1 ? Math.max(0, mark.at - 3) : 0;
}

function isMark(value: unknown): value is Mark {
  const mark = value as Partial<Mark> | null;
  return (
    typeof mark === "object" &&
    mark !== null &&
    typeof mark.path === "string" &&
    typeof mark.name === "string" &&
    typeof mark.at === "number" &&
    (mark.duration === null || typeof mark.duration === "number")
  );
}
