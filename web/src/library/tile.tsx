// One entry of a folder: a link with a picture, its name, and what is known of it.

import type { Entry } from "../api.ts";
import { pictureAddress } from "../api.ts";
import { clock, fileSize } from "../format.ts";
import { Icon, KindTile } from "../icons.tsx";
import { strings } from "../language/index.ts";
import { pressFor } from "../press.ts";
import { folderHash, formatHash, parentPath } from "../route.ts";
import type { Look } from "./layout.ts";
import { isPlayable } from "./order.ts";
import { type Mark, watched } from "./resume.ts";

// A tile's picture, in device pixels of the densest telephones; the server keeps the proportions.
const THUMB_WIDTH = 480;
const THUMB_HEIGHT = 270;

/** A folder's entry. `first`: the screen's focus begins here. */
export function Tile(props: {
  entry: Entry;
  look: Look;
  mark: Mark | undefined;
  first: boolean;
  onMenu: (entry: Entry) => void;
}) {
  const { entry, look } = props;
  const first = props.first ? "" : undefined;
  const press = pressFor<HTMLAnchorElement>(() => props.onMenu(entry));
  if (entry.kind === "folder") {
    return (
      <>
        <a class="folder" href={folderHash(entry.path)} data-first={first} {...press}>
          <KindTile kind="folder" />
          <span class="name">{entry.name}</span>
        </a>
        <Dots entry={entry} onMenu={props.onMenu} />
      </>
    );
  }
  const playable = isPlayable(entry);
  const inside = (
    <>
      <Thumb entry={entry} mark={props.mark} />
      <span class="about">
        <span class="name">{entry.name}</span>
        <Facts entry={entry} mark={props.mark} />
      </span>
    </>
  );
  const kind = "file file-" + look;
  const href = playable
    ? formatHash({ view: "play", path: entry.path })
    : formatHash({ view: "show", path: parentPath(entry.path), query: { at: entry.path } });
  return (
    <>
      <a class={kind} href={href} data-first={first} {...(playable ? press : {})}>
        {inside}
      </a>
      {playable && <Dots entry={entry} onMenu={props.onMenu} />}
    </>
  );
}

// For pointers and the Tab key; a remote control holds Enter.
function Dots({ entry, onMenu }: { entry: Entry; onMenu: (entry: Entry) => void }) {
  return (
    <button
      type="button"
      class="dots"
      data-skip
      aria-label={strings.folder.more(entry.name)}
      aria-haspopup="dialog"
      onClick={() => onMenu(entry)}
    >
      <Icon name="more" />
    </button>
  );
}

function Thumb({ entry, mark }: { entry: Entry; mark: Mark | undefined }) {
  const address =
    entry.poster || (entry.kind === "picture" ? pictureAddress(entry.path, THUMB_WIDTH, THUMB_HEIGHT) : undefined);
  const share = mark ? watched(mark) : 0;
  return (
    <span class={"still still-" + entry.kind}>
      <Icon name={entry.kind} />
      {address && <img src={address} alt="" loading="lazy" decoding="async" onError={hide} />}
      {isPlayable(entry) && entry.duration !== null && <span class="length">{clock(entry.duration)}</span>}
      {share > 0 && (
        <span class="watched">
          <span style={{ transform: "scaleX(" + share + ")" }} />
        </span>
      )}
    </span>
  );
}

function Facts({ entry, mark }: { entry: Entry; mark: Mark | undefined }) {
  const words = strings.folder;
  const playable = isPlayable(entry);
  const share = mark ? watched(mark) : 0;
  const facts = [
    strings.kinds[entry.kind],
    entry.size === null ? "" : fileSize(entry.size),
    share === 1 ? words.watched : mark && share > 0 && mark.duration ? words.left(mark.duration - mark.at) : "",
  ];
  return (
    <span class="facts">
      {facts.filter(Boolean).join(" · ")}
      {playable && entry.duration === null && <span class="unseen">, {strings.durationUnknown}</span>}
    </span>
  );
}

// The sign of its kind is behind a picture that does not come.
function hide(event: Event): void {
  if (event.target instanceof HTMLElement) event.target.classList.add("gone");
}
