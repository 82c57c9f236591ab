// The pictures themselves: one in front, the next ones on their way, and what drives a slideshow.

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import {
  type Entry,
  folderHash,
  isBackKey,
  loadShow,
  pictureAddress,
  Round,
  saveShow,
  type ShowPreferences,
  strings,
  takeKeys,
  toggleFullScreen,
  TopBar,
  useFullScreen,
} from "../shell.ts";
import { Clip } from "./clip.tsx";
import { Music } from "./music.tsx";
import { startRound, stepped, type Round as Order } from "./order.ts";
import { ShowOptions } from "./show-options.tsx";
import { useWakeLock } from "./wake-lock.ts";

const HIDE_AFTER_MS = 3000;
// A picture that does not come holds the slideshow up no longer than this.
const PATIENCE_MS = 15_000;
// Sizes asked of the server differ in steps, so that it can keep what it has made.
const SIZE_STEP = 160;
const MOST_PIXELS = 3840;

/** Shows `entries`, beginning with the file `first`. `onPlace`: another one is in front. */
export function Show(props: {
  rootRef: RefObject<HTMLElement | null>;
  path: string;
  title: string;
  entries: Entry[];
  first: string;
  /** The folder has music. */
  music: boolean;
  onLeave: () => void;
  onPlace: (file: string) => void;
  onVideos: (on: boolean) => void;
}) {
  const { entries } = props;
  const words = strings.show;
  const [likes, setLikes] = useState(loadShow);
  const [running, setRunning] = useState(false);
  const [choosing, setChoosing] = useState(false);
  const [awake, setAwake] = useState(true);
  const hiding = useRef(0);
  const [round, setRound] = useRound(entries, props.first, likes.shuffle && running);
  const fullScreen = useFullScreen();
  const entry = entries[round.order[round.at] ?? 0];
  const { shown, before, failed } = useShown(entry);
  useWakeLock(running);
  const isClip = entry?.kind === "video";

  const poke = (): void => {
    setAwake(true);
    clearTimeout(hiding.current);
    hiding.current = window.setTimeout(() => setAwake(false), HIDE_AFTER_MS);
  };
  const step = (by: 1 | -1): void => {
    const next = stepped(round, by, likes.loop || !running, likes.shuffle && running);
    if (next) setRound(next);
    else setRunning(false);
  };
  const start = (on: boolean): void => {
    setRunning(on);
    // Shuffled from here on; afterwards it goes on in the folder's order.
    if (entry && likes.shuffle) setRound(startRound(entries.length, entries.indexOf(entry), on));
    if (on) setAwake(false);
    else poke();
  };
  const like = (changed: Partial<ShowPreferences>): void => {
    const all = { ...likes, ...changed };
    setLikes(all);
    saveShow(all);
    if (changed.shuffle !== undefined && running && entry) {
      setRound(startRound(entries.length, entries.indexOf(entry), changed.shuffle));
    }
    if (changed.videos !== undefined) props.onVideos(changed.videos);
  };

  useEffect(() => {
    poke();
    return () => clearTimeout(hiding.current);
  }, []);
  useEffect(() => {
    if (entry) props.onPlace(entry.path);
  }, [entry]);
  // The time of a picture begins when it is there.
  useEffect(() => {
    if (!running || choosing || isClip) return undefined;
    const here = shown === entry || failed;
    const timer = setTimeout(() => step(1), here ? likes.interval * 1000 : PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [running, choosing, shown, entry, failed, likes.interval]);
  // The pictures beside this one, so that they are there when their turn comes.
  useEffect(() => {
    if (shown !== entry) return;
    [1, -1].forEach((by) => {
      const next = stepped(round, by as 1 | -1, true, false);
      const beside = next && entries[next.order[next.at] ?? 0];
      if (beside && beside.kind === "picture") new Image().src = addressOf(beside);
    });
  }, [shown, entry]);

  const latest = useRef({ step, start, running });
  latest.current = { step, start, running };
  useLayoutEffect(
    () =>
      takeKeys((event) => {
        if (isBackKey(event)) {
          // The first Back ends the slideshow, the second one leaves.
          if (latest.current.running) latest.current.start(false);
          else props.onLeave();
          return true;
        }
        const onPicture = document.activeElement?.classList.contains("show-focus") === true;
        switch (event.key) {
          case "ArrowRight":
          case "ArrowLeft":
            if (!onPicture) return poke(), false;
            latest.current.step(event.key === "ArrowRight" ? 1 : -1);
            return true;
          case "n":
          case "MediaTrackNext":
          case "PageDown":
            latest.current.step(1);
            return true;
          case "p":
          case "MediaTrackPrevious":
          case "PageUp":
            latest.current.step(-1);
            return true;
          case "Enter":
            if (!onPicture) return poke(), false;
            latest.current.start(!latest.current.running);
            return true;
          case " ":
            if (document.activeElement?.tagName === "BUTTON") return false;
            latest.current.start(!latest.current.running);
            return true;
          case "MediaPlayPause":
          case "k":
            latest.current.start(!latest.current.running);
            return true;
          case "f":
            toggleFullScreen(null);
            return true;
        }
        poke();
        return false;
      }),
    [],
  );

  const visible = awake || choosing;
  const position = words.of(entry ? entries.indexOf(entry) + 1 : 0, entries.length);
  return (
    <main
      class={"player show" + (visible ? "" : " player-bare")}
      data-state={running ? "running" : "still"}
      ref={props.rootRef}
      onPointerMove={poke}
      onPointerDown={poke}
    >
      <div class={"slides slides-" + likes.transition}>
        {before && before !== shown && <Slide key={before.path} entry={before} />}
        {shown && !isClip && <Slide key={shown.path} entry={shown} />}
        {isClip && entry && <Clip key={entry.path} entry={entry} onEnd={() => latest.current.step(1)} />}
      </div>
      {failed && (
        <div class="centre centre-open">
          <p class="waiting">{words.broken}</p>
        </div>
      )}
      {/* The picture takes the arrows: left and right are the pictures beside it, up and down the buttons. */}
      <div
        class="show-focus"
        role="slider"
        tabIndex={0}
        data-first
        aria-label={strings.kinds.picture}
        aria-valuemin={1}
        aria-valuemax={entries.length}
        aria-valuenow={entry ? entries.indexOf(entry) + 1 : 1}
        aria-valuetext={position + (entry ? ", " + entry.name : "")}
        onClick={() => (running ? start(false) : step(1))}
      />
      <TopBar
        title={entry ? entry.name : props.title}
        href={folderHash(props.path)}
        back={strings.toFolder}
        onLeave={props.onLeave}
      >
        <span class="show-count">{position}</span>
      </TopBar>
      {likes.clock && <Clock />}
      {running && likes.music !== null && <Music folder={likes.music} quiet={isClip} />}
      <div class="over over-bottom" role="group" aria-label={strings.player.controls}>
        <div class="buttons">
          <Round icon="previous" label={words.previous} onClick={() => step(-1)} />
          <Round icon={running ? "pause" : "play"} label={running ? words.stop : words.start} main onClick={() => start(!running)} />
          <Round icon="next" label={words.next} onClick={() => step(1)} />
          <span class="spring" />
          <Round icon="tune" label={words.options} expanded={choosing} onClick={() => setChoosing(true)} />
          <Round
            icon={fullScreen ? "shrink" : "grow"}
            label={fullScreen ? strings.player.leaveFullScreen : strings.player.fullScreen}
            onClick={() => toggleFullScreen(null)}
          />
        </div>
      </div>
      {choosing && (
        <ShowOptions
          likes={likes}
          here={props.music ? props.path : null}
          onChange={like}
          onClose={() => setChoosing(false)}
        />
      )}
    </main>
  );
}

// Where in `entries` one is. When they become others (with films now, or without), one stays at the same file.
function useRound(entries: Entry[], first: string, shuffle: boolean): [round: Order, set: (round: Order) => void] {
  const [, redraw] = useState(0);
  const held = useRef({ entries, round: startRound(entries.length, placeOf(entries, first), false) });
  const { current } = held;
  if (current.entries !== entries) {
    const here = current.entries[current.round.order[current.round.at] ?? 0];
    held.current = { entries, round: startRound(entries.length, placeOf(entries, here?.path), shuffle) };
  }
  const set = (round: Order): void => {
    held.current = { entries, round };
    redraw((n) => n + 1);
  };
  return [held.current.round, set];
}

// The first one for a file that is not among them.
function placeOf(entries: Entry[], file: string | undefined): number {
  return Math.max(0, entries.map(({ path }) => path).indexOf(file ?? ""));
}

function Slide({ entry }: { entry: Entry }) {
  return <img class="slide" src={addressOf(entry)} alt={entry.name} />;
}

function Clock() {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 1000);
    return () => clearInterval(timer);
  }, []);
  return <p class="clock">{now.toLocaleTimeString(strings.language, { hour: "numeric", minute: "2-digit" })}</p>;
}

// The picture in front: the last one that has come. `before`: the one it replaces, which stays while they change.
function useShown(entry: Entry | undefined): { shown: Entry | null; before: Entry | null; failed: boolean } {
  const [state, setState] = useState<{ shown: Entry | null; before: Entry | null; failed: boolean }>({
    shown: null,
    before: null,
    failed: false,
  });
  useEffect(() => {
    if (!entry || entry.kind !== "picture") {
      setState({ shown: null, before: null, failed: false });
      return undefined;
    }
    let current = true;
    const image = new Image();
    image.onload = () => current && setState(({ shown }) => ({ shown: entry, before: shown, failed: false }));
    image.onerror = () => current && setState({ shown: null, before: null, failed: true });
    image.src = addressOf(entry);
    return () => {
      current = false;
    };
  }, [entry]);
  return state;
}

// In the size of this screen.
function addressOf({ path }: Entry): string {
  const size = (length: number): number => {
    const pixels = length * (window.devicePixelRatio || 1);
    return Math.min(MOST_PIXELS, Math.ceil(pixels / SIZE_STEP) * SIZE_STEP);
  };
  return pictureAddress(path, size(window.innerWidth), size(window.innerHeight));
}
