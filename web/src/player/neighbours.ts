// The playable files before and after one in its folder.

import { useEffect, useState } from "preact/hooks";
import { type Entry, fetchListing } from "../api.ts";
import { isPlayable } from "../listing.ts";
import { parentPath } from "../route.ts";

/** The files beside the one that plays; undefined where there is none, or while not known. */
export interface Neighbours {
  previous?: Entry | undefined;
  next?: Entry | undefined;
}

/** Finds the neighbours of `path`. Without an answer there are simply none. */
export function useNeighbours(path: string): Neighbours {
  const [neighbours, setNeighbours] = useState<Neighbours>({});
  useEffect(() => {
    let current = true;
    fetchListing(parentPath(path)).then(
      ({ entries }) => {
        const playable = entries.filter(isPlayable);
        const at = playable.map((entry) => entry.path).indexOf(path);
        if (current && at >= 0) setNeighbours({ previous: playable[at - 1], next: playable[at + 1] });
      },
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [path]);
  return neighbours;
}
