// The playable files before and after one: in the list of what is up next, or else in its folder.

import { useEffect, useState } from "preact/hooks";
import { fetchAll } from "../library/folder.ts";
import { isPlayable } from "../library/order.ts";
import { queue, type Queued } from "../queue-list.ts";
import { parentPath } from "../route.ts";

/** The files beside the one that plays; undefined where there is none, or while not known. `self`: what is known of itself. */
export interface Neighbours {
  previous?: Queued | undefined;
  next?: Queued | undefined;
  self?: Queued | undefined;
}

// Of a folder with more files than these, the neighbours of the later ones are not looked for.
const MOST = 2000;

/** Finds the neighbours of `path`. Without an answer there are simply none. */
export function useNeighbours(path: string): Neighbours {
  const [neighbours, setNeighbours] = useState<Neighbours>({});
  useEffect(() => {
    let current = true;
    const queued = beside(queue(), path);
    if (queued) setNeighbours(queued);
    else {
      fetchAll(parentPath(path), "name", MOST).then(
        (entries) => {
          const found = beside(entries.filter(isPlayable), path);
          if (current && found) setNeighbours(found);
        },
        () => undefined,
      );
    }
    return () => {
      current = false;
    };
  }, [path]);
  return neighbours;
}

function beside(files: readonly Queued[], path: string): Neighbours | null {
  const at = files.map((file) => file.path).indexOf(path);
  return at < 0 ? null : { previous: files[at - 1], next: files[at + 1], self: files[at] };
}
