// A folder's entries as state: loading, there page by page, or failed; with lengths that arrive later.

import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Entry, fetchListing, type Listing, type Problem } from "../api.ts";
import { followFolder } from "./follow.ts";

/** Entries asked for at once: some screens full, a few dozen kilobytes. */
export const PAGE_SIZE = 200;

/** The entries of a folder, those that have come. */
export interface Entries {
  /** How many there are. */
  total: number;
  /** How many of them are folders; these come first. */
  folders: number;
  at(index: number): Entry | undefined;
}

/** What is known about a folder. */
export type FolderState =
  | { phase: "loading" }
  | ({ phase: "ready" } & Entries)
  | { phase: "failed"; problem: Problem };

/** A folder that is followed: its state; `see` says which entries are on the screen, `reload` asks for everything afresh. */
export interface Folder {
  state: FolderState;
  see: (from: number, to: number) => void;
  reload: () => void;
}

interface Held {
  /** How many entries are folders; null until that is known. */
  folders: number | null;
  entries: (Entry | undefined)[];
  /** Pages asked for and not there yet. */
  asked: Record<number, boolean>;
  seen: [from: number, to: number];
}

/** Follows folder `path` in `order`, only what contains the words `q`. The page around entry `first` is asked for first. */
export function useFolder(path: string, order: string, q: string, first: number): Folder {
  const [state, setState] = useState<FolderState>({ phase: "loading" });
  const [attempt, setAttempt] = useState(0);
  const see = useRef<(from: number, to: number) => void>(() => undefined);

  useEffect(() => {
    let current = true;
    const start = pageStart(first);
    const held: Held = { folders: null, entries: [], asked: {}, seen: [start, start] };
    setState({ phase: "loading" });

    const fetchPage = (offset: number): Promise<void> => {
      held.asked[offset] = true;
      return fetchListing(path, { offset, limit: PAGE_SIZE, order, ...(q ? { q } : {}) }).then(
        (listing) => {
          delete held.asked[offset];
          if (current) take(listing);
        },
        (thrown: unknown) => {
          // It is asked for again when it is seen again.
          delete held.asked[offset];
          throw thrown;
        },
      );
    };
    const take = (listing: Listing): void => {
      // A folder that grew or shrank meanwhile: its places mean something else.
      if (listing.total !== held.entries.length) {
        held.entries = resized(held.entries, listing.total);
        held.folders = null;
      }
      listing.entries.forEach((entry, i) => (held.entries[listing.offset + i] = entry));
      held.folders = held.folders ?? foldersSeen(held.entries);
      if (held.folders !== null) return ready();
      fetchListing(path, { offset: 0, limit: 1, kind: "folder", ...(q ? { q } : {}) }).then(({ total }) => {
        held.folders = total;
        if (current) ready();
      }, failed);
    };
    const ready = (): void => {
      const { entries, folders } = held;
      setState({ phase: "ready", total: entries.length, folders: folders ?? 0, at: (index) => entries[index] });
    };
    const failed = (thrown: unknown): void => {
      if (current) setState({ phase: "failed", problem: asProblem(thrown) });
    };
    const quiet = (): void => undefined;
    // What is on the screen is asked for at once, and stays until it has come; the rest when it is seen again.
    const refresh = (): void => {
      const [from, to] = held.seen;
      const last = pageStart(to) + PAGE_SIZE;
      held.entries = held.entries.map((entry, i) => (i >= pageStart(from) && i < last ? entry : undefined));
      held.folders = null;
      for (let offset = pageStart(from); offset < last; offset += PAGE_SIZE) {
        fetchPage(offset).catch((thrown: unknown) => asProblem(thrown).status === 404 && failed(thrown));
      }
    };
    see.current = (from, to) => {
      held.seen = [from, to];
      for (let offset = pageStart(from); offset <= to; offset += PAGE_SIZE) {
        const missing = held.entries.slice(offset, offset + PAGE_SIZE).some((entry) => entry === undefined);
        if (missing && !held.asked[offset]) fetchPage(offset).catch(quiet);
      }
    };
    fetchPage(start).catch(failed);
    const unfollow = followFolder(path, refresh);
    return () => {
      current = false;
      unfollow();
    };
  }, [path, order, q, attempt]);

  return { state, see: (from, to) => see.current(from, to), reload: () => setAttempt((n) => n + 1) };
}

/** All entries of a folder in `order`, page by page, at most `most`. */
export function fetchAll(path: string, order: string, most: number): Promise<Entry[]> {
  const gather = (found: Entry[]): Promise<Entry[]> =>
    fetchListing(path, { offset: found.length, limit: PAGE_SIZE, order }).then((listing) => {
      const all = found.concat(listing.entries);
      const more = listing.entries.length > 0 && all.length < Math.min(most, listing.total);
      return more ? gather(all) : all.slice(0, most);
    });
  return gather([]);
}

function isFolder(entry: Entry | undefined): boolean {
  return entry !== undefined && entry.kind === "folder";
}

// Folders come first: their number is known where the last one and the first file are, or the end.
function foldersSeen(entries: readonly (Entry | undefined)[]): number | null {
  for (let i = 0; i < entries.length; i += 1) {
    const entry = entries[i];
    if (entry && !isFolder(entry)) return i === 0 || isFolder(entries[i - 1]) ? i : null;
  }
  const last = entries[entries.length - 1];
  return entries.length === 0 ? 0 : isFolder(last) ? entries.length : null;
}

function resized(entries: (Entry | undefined)[], length: number): (Entry | undefined)[] {
  const sized: (Entry | undefined)[] = new Array<Entry | undefined>(length);
  // Written out: a hole would be skipped by `some`.
  for (let i = 0; i < length; i += 1) sized[i] = entries[i];
  return sized;
}

function pageStart(index: number): number {
  return Math.max(0, index - (index % PAGE_SIZE));
}
