// What is up next, as a list one can change.

import { useState } from "preact/hooks";
import {
  clock,
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

// Of a long list, what is behind these is not drawn: nobody walks there.
const MOST_SHOWN = 300;

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
      <ol class="queue">
        {items.slice(0, MOST_SHOWN).map((item, i) => (
          <li key={item.path}>
            <a
              class="file file-list"
              href={formatHash({ view: "play", path: item.path })}
              data-first={i === Math.max(0, at) ? "" : undefined}
              aria-current={i === at ? "true" : undefined}
            >
              <span class={"still still-" + item.kind}>
                <Icon name={item.kind} />
                {item.poster && <img src={item.poster} alt="" onError={(event) => event.currentTarget.classList.add("gone")} />}
              </span>
              <span class="about">
                <span class="name">{item.name}</span>
                <span class="facts">
                  {[i === at ? words.now : "", item.duration === null ? "" : clock(item.duration)].filter(Boolean).join(" · ")}
                </span>
              </span>
            </a>
            <button
              type="button"
              class="round"
              aria-label={words.removeFile(item.name)}
              title={strings.remove}
              onClick={() => change(items.filter((other) => other !== item))}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ol>
    </Page>
  );
}
