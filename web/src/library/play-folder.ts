// "Play this folder": everything in it that plays becomes the list of what is up next.

import { asProblem } from "../api.ts";
import { goTo } from "../navigate.ts";
import { MOST_QUEUED, queuedOf, setQueue } from "../queue-list.ts";
import { shuffled } from "../shuffled.ts";
import { strings } from "../language/index.ts";
import { say } from "../toast.tsx";
import { fetchAll } from "./folder.ts";
import { isPlayable } from "./order.ts";

/** Plays all of `path` in `order`, or `mixed`. */
export function playFolder(path: string, order: string, mixed: boolean): void {
  fetchAll(path, order, MOST_QUEUED).then(
    (entries) => {
      const files = entries.filter(isPlayable).map(queuedOf);
      const items = mixed ? shuffled(files) : files;
      const first = items[0];
      if (!first) return say(strings.folder.foundNone);
      setQueue(items);
      goTo({ view: "play", path: first.path });
    },
    (thrown: unknown) => say(asProblem(thrown).message),
  );
}
