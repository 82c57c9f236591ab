// What plays next: a list of files, kept on this device until it is emptied.

import type { Entry, Kind } from "./api.ts";
import { recall, remember } from "./memory.ts";

/** A file in the list. */
export interface Queued {
  path: string;
  name: string;
  kind: Kind;
  duration: number | null;
  poster?: string | null;
}

const STORED = "queue";
/** Files in the list: a folder of 2,000 songs is five days of music, and 400 kB of the 5 MB that a browser stores. */
export const MOST_QUEUED = 2000;

/** The list. */
export function queue(): Queued[] {
  const stored = recall(STORED);
  const known = (value: unknown): value is Queued => {
    const item = value as Partial<Queued> | null;
    return typeof item === "object" && item !== null && typeof item.path === "string" && typeof item.name === "string";
  };
  return Array.isArray(stored) ? stored.filter(known) : [];
}

/** Replaces the list. */
export function setQueue(items: readonly Queued[]): void {
  remember(STORED, items.length ? items.slice(0, MOST_QUEUED) : undefined);
}

/** What the list keeps of an entry. */
export function queuedOf({ path, name, kind, duration, poster }: Entry | Queued): Queued {
  return poster ? { path, name, kind, duration, poster } : { path, name, kind, duration };
}

/** The list with `item` behind `current`, or last without it; what was in it already moves. Pure. */
export function withQueued(items: readonly Queued[], item: Queued, current: string | null): Queued[] {
  const others = items.filter(({ path }) => path !== item.path);
  const at = current === null ? -1 : others.map(({ path }) => path).indexOf(current);
  return at < 0 ? others.concat(item) : others.slice(0, at + 1).concat(item, others.slice(at + 1));
}
