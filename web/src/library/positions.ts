// Where one left off, shared by the devices of one viewer through the server. What this device knows (resume.ts) holds without it.

import { getJson, type Position, send } from "../api.ts";
import { recall, remember } from "../memory.ts";
import { forgetMark, type Mark, marks, marked, saveMark, setMarks } from "./resume.ts";

const STORED = "viewer";
// Who says nothing is one of the house, and the house goes on from one room to the next.
const EVERYBODY = "home";
const SOUND = /\.(mp3|flac|ogg|oga|opus|m4a|m4b|aac|wav|wma)$/i;

/** The name under which this device keeps its places. */
export function viewer(): string {
  const stored = recall(STORED);
  return typeof stored === "string" && stored ? stored : EVERYBODY;
}

/** Gives this device's viewer a name; "" for everybody's. */
export function setViewer(name: string): void {
  const plain = name.trim().replace(/\//g, " ").slice(0, 30);
  remember(STORED, plain === "" || plain === EVERYBODY ? undefined : plain);
}

/** Learns from the server where other devices of this viewer are. Never rejects. */
export function fetchMarks(): Promise<void> {
  return getJson<{ positions: Position[] }>(address()).then(
    ({ positions }) => setMarks(withPositions(marks(), positions)),
    () => undefined,
  );
}

/** Remembers a place, here and on the server. */
export function keepMark(mark: Mark): void {
  saveMark(mark);
  send("PUT", address() + "/" + mark.path, { position: mark.at, duration: mark.duration }).catch(() => undefined);
}

/** Forgets a place, here and on the server. */
export function dropMark(path: string): void {
  forgetMark(path);
  fetch(address() + "/" + path, { method: "DELETE" }).catch(() => undefined);
}

/** `known` with what the server knows later. Pure. */
export function withPositions(known: readonly Mark[], positions: readonly Position[]): Mark[] {
  return positions
    .slice()
    .sort((a, b) => a.at - b.at)
    .reduce((all: Mark[], { path, name, position, duration, at }) => {
      const mine = all.filter((mark) => mark.path === path)[0];
      const when = at * 1000;
      // The server's clock counts whole seconds.
      if (mine && mine.when + 1000 >= when) return all;
      const kind = SOUND.test(name) ? "audio" : "video";
      const mark: Mark = { path, name, kind, at: position, duration, when };
      return marked(all, mine?.poster ? { ...mark, poster: mine.poster } : mark);
    }, known.slice())
    .sort((a, b) => b.when - a.when);
}

function address(): string {
  return "/api/v1/positions/" + encodeURIComponent(viewer());
}
