// What can be done with a folder: play it, show its pictures, search it, sort it, take it elsewhere, add to it.

import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { uploadFolders } from "../api.ts";
import { Icon, type IconName } from "../icons.tsx";
import { strings } from "../language/index.ts";
import { Menu } from "../menu.tsx";
import { loadPart } from "../parts.ts";
import { folderHash, formatHash, isWithin } from "../route.ts";
import { say } from "../toast.tsx";
import type { FolderState } from "./folder.ts";
import { isPlayable } from "./order.ts";
import { playFolder } from "./play-folder.ts";
import { m3uAddress } from "./playlist.ts";

/** What the part "upload" is given. `onDone`: something new is in the folder. */
export interface UploadPanelProps {
  path: string;
  title: string;
  onClose: () => void;
  onDone: () => void;
}

/** The buttons beside a folder's name. */
export function Tools(props: {
  path: string;
  title: string;
  state: FolderState;
  order: string;
  q: string;
  onOrder: (order: string) => void;
  onSearch: (words: string) => void;
  onChanged: () => void;
}) {
  const { path, state, order, q } = props;
  const words = strings.folder;
  const [open, setOpen] = useState<"sort" | "search" | null>(null);
  const [takesFiles, setTakesFiles] = useState(false);
  useEffect(() => {
    uploadFolders().then((folders) => setTakesFiles(folders.some((folder) => folder === "" || isWithin(path, folder))));
  }, [path]);
  const [Upload, setUpload] = useState<ComponentType<UploadPanelProps> | null>(null);
  const ready = state.phase === "ready";
  if (!ready) return null;
  const some = kinds(state);
  const close = (): void => setOpen(null);
  const openUpload = (): void => {
    loadPart("upload").then(
      (part) => setUpload(() => part as ComponentType<UploadPanelProps>),
      () => say(strings.parts.failedDetail),
    );
  };
  return (
    <div class="tools" role="group" aria-label={words.tools}>
      {some.playable && !q && (
        <>
          <Tool icon="play" label={words.playAll} main onPress={() => playFolder(path, order, false)} />
          <Tool icon="shuffle" label={words.shuffle} onPress={() => playFolder(path, order, true)} />
        </>
      )}
      {some.pictures && (
        <a class="tool" href={formatHash({ view: "show", path })}>
          <Icon name="picture" />
          <span>{words.slideshow}</span>
        </a>
      )}
      {q || open === "search" ? (
        <SearchField folder={props.title} q={q} fresh={open === "search"} onSearch={props.onSearch} onClose={close} />
      ) : (
        <Tool icon="search" label={words.search} onPress={() => setOpen("search")} />
      )}
      {q ? (
        <a class="tool" href={folderHash(path)}>
          <span>{words.endSearch}</span>
        </a>
      ) : (
        state.total > 1 && <Tool icon="sort" label={words.sorts[order] ?? words.sort} title={words.sort} onPress={() => setOpen("sort")} />
      )}
      {some.playable && (
        <a class="tool tool-small" href={m3uAddress(path, q)} aria-label={words.m3u} title={words.m3u}>
          <Icon name="playlist" />
        </a>
      )}
      {takesFiles && !q && <Tool icon="upload" label={words.upload} onPress={openUpload} />}
      {open === "sort" && (
        <Menu
          title={words.sort}
          onClose={close}
          items={Object.keys(words.sorts).map((key) => ({
            label: words.sorts[key] ?? key,
            on: key === order,
            onChoose: () => props.onOrder(key),
          }))}
        />
      )}
      {Upload && <Upload path={path} title={props.title} onClose={() => setUpload(null)} onDone={props.onChanged} />}
    </div>
  );
}

function Tool(props: { icon: IconName; label: string; title?: string; main?: boolean; onPress: () => void }) {
  return (
    <button type="button" class={"tool" + (props.main ? " primary" : "")} title={props.title} onClick={props.onPress}>
      <Icon name={props.icon} />
      <span>{props.label}</span>
    </button>
  );
}

function SearchField(props: {
  folder: string;
  q: string;
  fresh: boolean;
  onSearch: (words: string) => void;
  onClose: () => void;
}) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const words = field.current?.value.trim() ?? "";
        if (words) props.onSearch(words);
        else props.onClose();
      }}
    >
      <Icon name="search" />
      <input
        ref={(element) => {
          if (element && !field.current && props.fresh) element.focus();
          field.current = element;
        }}
        type="search"
        enterkeyhint="search"
        autocomplete="off"
        aria-label={strings.folder.searchIn(props.folder)}
        placeholder={strings.folder.search}
        defaultValue={props.q}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          event.stopPropagation();
          props.onClose();
        }}
      />
    </form>
  );
}

function kinds(state: FolderState & { phase: "ready" }): { playable: boolean; pictures: boolean } {
  const some = { playable: false, pictures: false };
  for (let i = state.folders; i < state.total; i += 1) {
    const entry = state.at(i);
    if (entry && isPlayable(entry)) some.playable = true;
    if (entry && entry.kind === "picture") some.pictures = true;
    if (some.playable && some.pictures) break;
  }
  return some;
}
