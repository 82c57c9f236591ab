// Sorting and searching a folder that came whole, as the server does with one that it gives page by page. Pure.

import type { Entry, Kind } from "../api.ts";

/** What an entry can be sorted by. */
type Key = (entry: Entry) => number | null | undefined;

const KEYS: Record<string, Key | undefined> = {
  size: (entry) => entry.size,
  duration: (entry) => entry.duration,
  date: (entry) => entry.modified,
};

/** `entries`, which are in order of their names, in another order: a key, "-" before it for descending. Folders stay first. */
export function inOrder(entries: readonly Entry[], order: string): Entry[] {
  const down = order.charAt(0) === "-";
  const key = KEYS[order.replace("-", "")];
  const place = new Map(entries.map((entry, i) => [entry, i]));
  const byPlace = (a: Entry, b: Entry): number => (place.get(a) ?? 0) - (place.get(b) ?? 0);
  const sorted = entries.slice().sort((a, b) => {
    const groups = Number(b.kind === "folder") - Number(a.kind === "folder");
    if (groups) return groups;
    if (!key) return down ? byPlace(b, a) : byPlace(a, b);
    const [left, right] = [key(a), key(b)];
    // What is not known comes last, whichever way.
    if (left == null || right == null) return Number(left == null) - Number(right == null) || byPlace(a, b);
    return (down ? right - left : left - right) || byPlace(a, b);
  });
  return sorted;
}

/** Those whose names contain every one of `words`, upper and lower case and accents aside. */
export function matching(entries: readonly Entry[], words: string): Entry[] {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  return entries.filter(({ name }) => {
    const said = plain(name);
    return wanted.every((word) => said.indexOf(word) >= 0);
  });
}

/** True if the page can play an entry of this kind. */
export function isPlayable({ kind }: { kind: Kind }): boolean {
  return kind === "video" || kind === "audio";
}

function plain(text: string): string {
  const lower = text.toLowerCase();
  return lower.normalize ? lower.normalize("NFD").replace(/[\u0300-\u036f]/g, "") : lower;
}
