// A folder's listing as state: loading, there, or failed; with lengths that arrive later.

import { useEffect, useState } from "preact/hooks";
import { asProblem, type Entry, fetchListing, type Problem } from "./api.ts";

/** What is known about a folder. */
export type ListingState =
  | { phase: "loading" }
  | { phase: "ready"; entries: Entry[] }
  | { phase: "failed"; problem: Problem };

// The server measures lengths in the background: most of a folder is done within seconds, a large one goes
// on for minutes and must not be asked for all the time.
const FIRST_REFRESH_MS = 3000;
const LATER_REFRESH_MS = 10000;

/** True if the page can play the entry. */
export function isPlayable(entry: Entry): boolean {
  return entry.kind === "video" || entry.kind === "audio";
}

/** Follows the listing of `path`; the function asks for it afresh. */
export function useListing(path: string): [ListingState, () => void] {
  const [state, setState] = useState<ListingState>({ phase: "loading" });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    let current = true;
    let timer = 0;
    setState({ phase: "loading" });

    const refreshAfter = (delay: number): void => {
      timer = window.setTimeout(() => {
        // A hidden page asks again only once it is looked at.
        if (document.hidden) refreshAfter(LATER_REFRESH_MS);
        else fetchListing(path).then(show, () => refreshAfter(LATER_REFRESH_MS));
      }, delay);
    };
    let delay = FIRST_REFRESH_MS;
    const show = ({ entries }: { entries: Entry[] }): void => {
      if (!current) return;
      setState({ phase: "ready", entries });
      if (entries.some((entry) => isPlayable(entry) && entry.duration === null)) {
        refreshAfter(delay);
        delay = LATER_REFRESH_MS;
      }
    };
    fetchListing(path).then(show, (thrown: unknown) => {
      if (current) setState({ phase: "failed", problem: asProblem(thrown) });
    });

    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [path, attempt]);

  return [state, () => setAttempt((n) => n + 1)];
}
