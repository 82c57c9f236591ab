// The picture with its controls: joins the video element, the engine, keys, pointers and the waiting reports.

import type { RefObject, TargetedPointerEvent, VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Choice, type Entry, fetchMedia, type Media } from "../api.ts";
import { isBackKey, setScreenKeys } from "../dpad.ts";
import { Icon } from "../icons.tsx";
import { replaceWith } from "../navigate.ts";
import { strings } from "../strings.ts";
import { Choices, hasChoices } from "./choices.tsx";
import { Controls } from "./controls.tsx";
import { type Engine, type Failure, startEngine } from "./engine.ts";
import { toggleFullScreen, useFullScreen } from "./full-screen.ts";
import { commandFor, type PlayerCommand } from "./keys.ts";
import { useNeighbours } from "./neighbours.ts";
import { usePlayback } from "./playback.ts";
import { leave, Waiting } from "./screen.tsx";
import { clampLevel, loadVolume, saveVolume, type Volume } from "./volume.ts";
import { useCalmText, useWaitReport } from "./wait.ts";

// Controls go away this long after the last sign of life.
const HIDE_AFTER_MS = 3500;
// A held arrow key adds up its steps; the seek itself is made once the key rests.
const SETTLE_MS = 300;
// Shorter waits than these need neither a sign nor a report.
const SHOW_WAIT_MS = 350;
const ASK_WAIT_MS = 600;
// How often a growing medium is asked how far it has got.
const PROGRESS_MS = 2_000;

/** Plays `media`. `position` is kept up to date, and playing starts there. */
export function Stage(props: {
  rootRef: RefObject<HTMLElement | null>;
  media: Media;
  path: string;
  choice: Choice;
  position: { current: number };
  onChoose: (choice: Choice) => void;
  onFailure: (failure: Failure) => void;
  top: VNode;
}) {
  const { path, choice } = props;
  const video = useRef<HTMLVideoElement>(null);
  const engine = useRef<Engine | null>(null);
  const [progress, setProgress] = useState(props.media);
  const [heading, setHeading] = useState<number | null>(null);
  const settle = useRef(0);
  const [awake, poke, rest] = useAwake();
  const [refused, setRefused] = useState(false);
  const [reconnecting, setReconnecting] = useState(false);
  const [volume, setVolume] = useState<Volume>(loadVolume);
  const [choosing, setChoosing] = useState(false);
  const touched = useRef(false);
  const fullScreen = useFullScreen();
  const neighbours = useNeighbours(path);
  const playback = usePlayback(video);

  const starving = playback.starved > SHOW_WAIT_MS;
  const report = useWaitReport(path, choice, playback.starved > ASK_WAIT_MS && !progress.complete ? playback.wants : null);
  const available = Math.max(progress.available, report ? report.available : 0);
  const duration = progress.duration ?? report?.duration ?? Math.max(available, playback.time);
  const time = Math.min(heading ?? playback.time, duration);
  const waitText = !starving
    ? ""
    : reconnecting
      ? strings.player.reconnecting
      : report
        ? strings.player.gettingThere(report.eta, report.available)
        : strings.player.buffering;
  const announced = useCalmText(report || reconnecting ? waitText : "");
  const shown = awake || playback.paused || starving || heading !== null || choosing;
  props.position.current = playback.time || props.position.current;

  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    const made = startEngine(element, path, choice, props.media.mime, props.media.duration, props.position.current, {
      failed: props.onFailure,
      reconnecting: setReconnecting,
    });
    engine.current = made;
    // Refused where nobody has touched the page yet; then it takes a press of the large button.
    play();
    return () => made.destroy();
  }, []);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.volume = volume.level;
    element.muted = volume.muted;
  }, [volume]);

  useEffect(() => {
    if (progress.complete) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) fetchMedia(path, choice).then(setProgress, () => undefined);
    }, PROGRESS_MS);
    return () => clearInterval(timer);
  }, [progress.complete]);

  useEffect(() => engine.current?.setDuration(progress.duration), [progress.duration]);

  useEffect(() => {
    if (report?.error) {
      props.onFailure({ title: strings.player.lost, detail: report.error, retry: true, elsewhere: false });
    }
  }, [report?.error]);

  // Hidden controls keep no focus but the seek bar's: Enter must never press what one cannot see.
  useLayoutEffect(() => {
    const bar = props.rootRef.current?.querySelector<HTMLElement>(".seek");
    if (!shown && document.activeElement !== document.body) bar?.focus({ preventScroll: true });
  }, [shown]);

  const play = (): void => {
    const started: Promise<void> | undefined = video.current?.play();
    started?.then(
      () => setRefused(false),
      (error: unknown) => setRefused(error instanceof DOMException && error.name === "NotAllowedError"),
    );
  };
  const toggle = (): void => (video.current?.paused ? play() : video.current?.pause());
  const seekTo = (target: number): void => {
    clearTimeout(settle.current);
    setHeading(null);
    if (video.current) video.current.currentTime = Math.min(Math.max(0, target), duration);
  };
  const step = (by: number): void => {
    const target = Math.min(Math.max(0, time + by), duration);
    poke();
    setHeading(target);
    clearTimeout(settle.current);
    settle.current = window.setTimeout(() => seekTo(target), SETTLE_MS);
  };
  const changeVolume = ({ level, muted }: Volume): void => {
    const changed = { level: clampLevel(level), muted };
    poke();
    setVolume(changed);
    saveVolume(changed);
  };
  // The focus goes back to where it came from, not to the page's beginning.
  const closeChoices = (): void => {
    setChoosing(false);
    props.rootRef.current?.querySelector<HTMLElement>("[aria-haspopup]")?.focus({ preventScroll: true });
  };
  const open = (entry: Entry | undefined): void => {
    if (entry) replaceWith({ view: "play", path: entry.path });
  };

  const obey = (command: PlayerCommand): void => {
    switch (command.do) {
      case "toggle":
        return toggle();
      case "play":
        return play();
      case "pause":
        return video.current?.pause();
      case "seek":
        return step(command.by);
      case "volume":
        return changeVolume({ level: volume.level + command.by, muted: false });
      case "mute":
        return changeVolume({ level: volume.level, muted: !volume.muted });
      case "full-screen":
        return toggleFullScreen(video.current);
      case "next":
        return open(neighbours.next);
      case "previous":
        return open(neighbours.previous);
      case "leave":
        leave();
    }
  };

  // Handlers see the latest state through this; listeners are added once.
  const latest = useRef(obey);
  latest.current = obey;
  const chosenFrom = useRef<(() => void) | null>(null);
  chosenFrom.current = choosing ? closeChoices : null;
  const visible = useRef(shown);
  visible.current = shown;

  useEffect(() => {
    setScreenKeys((event) => {
      if (isBackKey(event)) {
        if (!chosenFrom.current) return leave();
        chosenFrom.current();
        return true;
      }
      const wasShown = visible.current;
      poke();
      if (!wasShown && (event.key === "ArrowUp" || event.key === "ArrowDown")) return true;
      const command = commandFor(event.key, event.keyCode, focusPlace());
      if (command) latest.current(command);
      return command !== undefined;
    });
    return () => {
      setScreenKeys(null);
      clearTimeout(settle.current);
    };
  }, []);

  const onPictureClick = (): void => {
    if (choosing) closeChoices();
    else if (!touched.current) toggle();
    else if (shown) rest();
    else poke();
  };
  const onPointer = (event: TargetedPointerEvent<HTMLElement>): void => {
    touched.current = event.pointerType === "touch";
    if (!touched.current) poke();
  };

  const state = starving ? "waiting" : playback.ended ? "ended" : playback.paused ? "paused" : "playing";
  return (
    <main
      class={"player" + (shown ? "" : " player-bare")}
      data-state={state}
      ref={props.rootRef}
      onPointerMove={onPointer}
      onPointerDown={onPointer}
    >
      {/* Clicks on the picture are a convenience: every one of them has its button and its key. */}
      <video class="picture" ref={video} playsInline onClick={onPictureClick} onDblClick={() => toggleFullScreen(video.current)} />
      {!props.media.video && <Art name={props.media.name} turning={state === "playing"} />}
      {props.top}
      <div class="centre centre-open">
        {waitText && <Waiting>{waitText}</Waiting>}
        {refused && !waitText && (
          <button type="button" class="round round-huge" aria-label={strings.player.play} onClick={play}>
            <Icon name="play" />
          </button>
        )}
      </div>
      <p class="unseen" role="status">
        {announced}
      </p>
      {choosing && <Choices media={progress} onChoose={props.onChoose} onClose={closeChoices} />}
      <Controls
        time={time}
        duration={duration}
        ranges={report ? report.ranges : progress.ranges}
        moving={heading !== null}
        paused={playback.paused}
        ended={playback.ended}
        fullScreen={fullScreen}
        volume={volume}
        neighbours={neighbours}
        choosing={hasChoices(props.media) ? choosing : null}
        onChoices={() => (choosing ? closeChoices() : setChoosing(true))}
        onToggle={toggle}
        onMove={setHeading}
        onSeek={seekTo}
        onStep={step}
        onVolume={changeVolume}
        onFullScreen={() => toggleFullScreen(video.current)}
        onNext={() => open(neighbours.next)}
        onPrevious={() => open(neighbours.previous)}
      />
    </main>
  );
}

// What stands in for a picture while music plays: a record with the title under it.
function Art({ name, turning }: { name: string; turning: boolean }) {
  return (
    <div class="art">
      <div class={turning ? "record record-turning" : "record"} />
      <p class="art-name" aria-hidden="true">
        {name}
      </p>
    </div>
  );
}

// Awake after every sign of life, for a while.
function useAwake(): [boolean, () => void, () => void] {
  const [awake, setAwake] = useState(true);
  const timer = useRef(0);
  const rest = (): void => {
    clearTimeout(timer.current);
    setAwake(false);
  };
  const poke = (): void => {
    setAwake(true);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setAwake(false), HIDE_AFTER_MS);
  };
  useEffect(() => {
    poke();
    return () => clearTimeout(timer.current);
  }, []);
  return [awake, poke, rest];
}

function focusPlace(): "button" | "seek-bar" | "slider" | "nowhere" {
  const active = document.activeElement;
  if (!active || active === document.body) return "nowhere";
  if (active.getAttribute("role") === "slider") return active.classList.contains("seek") ? "seek-bar" : "slider";
  return "button";
}
