// What can be done with one entry of a folder.

import { downloadAddress, type Entry } from "../api.ts";
import { strings } from "../language/index.ts";
import { Menu, type MenuItem } from "../menu.tsx";
import { currentlyPlaying } from "../player/preferences.ts";
import { queue, queuedOf, setQueue, withQueued } from "../queue-list.ts";
import { folderHash, formatHash } from "../route.ts";
import { setMusicFolder } from "../show-preferences.ts";
import { say } from "../toast.tsx";
import { playFolder } from "./play-folder.ts";
import { m3uAddress } from "./playlist.ts";
import { dropMark } from "./positions.ts";
import { markOf, resumeAt } from "./resume.ts";

/** The menu of `entry`. */
export function EntryMenu({ entry, order, onClose }: { entry: Entry; order: string; onClose: () => void }) {
  const items = entry.kind === "folder" ? folderItems(entry, order) : fileItems(entry);
  return <Menu title={entry.name} items={items} onClose={onClose} />;
}

function folderItems({ path, name }: Entry, order: string): MenuItem[] {
  const words = strings.folder;
  return [
    { label: words.playAll, onChoose: () => playFolder(path, order, false) },
    { label: words.shuffle, onChoose: () => playFolder(path, order, true) },
    { label: words.slideshow, href: formatHash({ view: "show", path }) },
    {
      label: strings.show.setMusic,
      onChoose: () => {
        setMusicFolder(path);
        say(strings.show.musicSet(name));
      },
    },
    { label: words.m3u, href: m3uAddress(path) },
    { label: strings.folders, href: folderHash(path) },
  ];
}

function fileItems(entry: Entry): MenuItem[] {
  const words = strings.folder;
  const { path, name } = entry;
  const mark = markOf(path);
  const add = (behind: string | null): void => {
    setQueue(withQueued(queue(), queuedOf(entry), behind));
    say(words.queued(name));
  };
  const items: MenuItem[] = [{ label: words.play, href: formatHash({ view: "play", path }) }];
  if (resumeAt(mark) > 0) {
    items.push({ label: words.fromStart, href: formatHash({ view: "play", path, query: { start: "0" } }) });
  }
  items.push(
    { label: words.queueNext, onChoose: () => add(currentlyPlaying()) },
    { label: words.queueLast, onChoose: () => add(null) },
    { label: words.openFlv, href: m3uAddress(path) },
    { label: words.download, href: downloadAddress(path) },
  );
  if (mark) items.push({ label: words.forget, onChoose: () => dropMark(path) });
  return items;
}
