// The playable files before and after one: in the list of what is up next, or else in its folder.

import { useEffect, useState } from "preact/hooks";
import { fetchNeighbours } from "../api.ts";
import { loadOrder } from "../library/preferences.ts";
import { queue, type Queued } from "../queue-list.ts";

/** The files beside the one that plays; undefined where there is none, or while not known. */
export interface Neighbours {
  previous?: Queued | undefined;
  next?: Queued | undefined;
}

/** Finds the neighbours of `path`. Without an answer there are simply none. */
export function useNeighbours(path: string): Neighbours {
  const [neighbours, setNeighbours] = useState<Neighbours>({});
  useEffect(() => {
    let current = true;
    const files = queue();
    const at = files.map((file) => file.path).indexOf(path);
    if (at >= 0) {
      setNeighbours({ previous: files[at - 1], next: files[at + 1] });
    } else {
      fetchNeighbours(path, loadOrder()).then(
        ({ previous, next }) => current && setNeighbours({ previous: previous ?? undefined, next: next ?? undefined }),
        () => undefined,
      );
    }
    return () => {
      current = false;
    };
  }, [path]);
  return neighbours;
}
