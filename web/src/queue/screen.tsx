// What is up next, as a list one can change.

import { useState } from "preact/hooks";
import {
  currentlyPlaying,
  folderHash,
  formatHash,
  Icon,
  Page,
  Panel,
  queue,
  type Queued,
  setQueue,
  shuffled,
  strings,
} from "../shell.ts";
import { QueueList } from "./list.tsx";

/** The screen. */
export function QueueScreen() {
  const [items, setItems] = useState(queue);
  const words = strings.queue;
  const playing = currentlyPlaying();
  const change = (changed: Queued[]): void => {
    setQueue(changed);
    setItems(queue());
  };
  if (!items.length) {
    return (
      <Page state="" title={strings.upNext}>
        <Panel icon="queue" title={words.empty} detail={words.emptyDetail}>
          <a class="button primary" href={folderHash("")} data-first>
            {words.toLibrary}
          </a>
        </Panel>
      </Page>
    );
  }
  const at = items.map(({ path }) => path).indexOf(playing ?? "");
  return (
    <Page
      state=""
      title={strings.upNext}
      summary={strings.counts(0, items.length)}
      beside={
        <div class="tools">
          <a class="tool primary" href={formatHash({ view: "play", path: items[Math.max(0, at)]?.path ?? "" })}>
            <Icon name="play" />
            <span>{strings.folder.play}</span>
          </a>
          <button type="button" class="tool" onClick={() => change(shuffled(items))}>
            <Icon name="shuffle" />
            <span>{words.shuffle}</span>
          </button>
          <button type="button" class="tool" onClick={() => change([])}>
            <span>{words.clear}</span>
          </button>
        </div>
      }
    >
      <QueueList items={items} at={at} onChange={change} />
    </Page>
  );
}
