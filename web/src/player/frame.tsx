// The one player, for films, for what is still being recorded, and for live pictures: the picture, the bars over it, keys and
// pointers. What is special to each comes from its owner: what stands in the seek bar's place, further buttons, what its keys do.

import type { ComponentChildren, RefObject, TargetedPointerEvent, VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { isBackKey, takeKeys } from "../dpad.ts";
import { Icon, type IconName } from "../icons.tsx";
import { strings } from "../language/index.ts";
import { commandFor, type PlayerCommand } from "./keys.ts";
import type { Playback } from "./playback.ts";
import { Slider } from "./slider.tsx";
import type { FrameState } from "./use-frame.ts";

/** See the head of this file. */
export interface FrameProps {
  rootRef: RefObject<HTMLElement | null>;
  frame: FrameState;
  playback: Playback;
  top: VNode;
  /** Stands in for a picture where there is none. */
  art?: ComponentChildren;
  /** Why it does not move, "" while it does; and the same for those who listen. */
  waiting: string;
  announced: string;
  /** Something is open over the picture: the controls stay. */
  open: boolean;
  /** The seek bar, or what is in its place. */
  timeline: VNode;
  /** Beside the play button, and at the other end. */
  previous?: VNode | undefined;
  next?: VNode | undefined;
  buttons?: ComponentChildren;
  /** What a key asked for, beyond what every picture does; Back comes as "leave". */
  onCommand: (command: PlayerCommand) => void;
  /** Over all of it. */
  children?: ComponentChildren;
  tracks?: ComponentChildren;
}

/** The player. */
export function Frame(props: FrameProps) {
  const { frame, playback, rootRef } = props;
  const { volume } = frame;
  const words = strings.player;
  const touched = useRef(false);
  const busy = props.waiting !== "";
  const shown = frame.awake || playback.paused || busy || props.open;
  const state = busy ? "waiting" : playback.ended ? "ended" : playback.paused ? "paused" : "playing";
  const toggle: IconName = playback.ended ? "replay" : playback.paused ? "play" : "pause";
  const toggleWord = playback.ended ? words.replay : playback.paused ? words.play : words.pause;

  // Hidden controls keep no focus but the first one's: Enter must never press what one cannot see.
  useLayoutEffect(() => {
    const first = rootRef.current?.querySelector<HTMLElement>(".over-bottom [data-first]");
    if (!shown && document.activeElement !== document.body) first?.focus({ preventScroll: true });
  }, [shown]);

  const obey = (command: PlayerCommand): void => {
    switch (command.do) {
      case "toggle":
        return frame.toggle();
      case "play":
        return frame.play();
      case "pause":
        return frame.video.current?.pause();
      case "volume":
        return frame.setVolume({ level: volume.level + command.by, muted: false });
      case "mute":
        return frame.setVolume({ level: volume.level, muted: !volume.muted });
      case "full-screen":
        return frame.toggleFullScreen();
      case "pip":
        return frame.togglePip();
      default:
        return props.onCommand(command);
    }
  };
  // The listener sees the latest state through this; it is added once.
  const latest = useRef({ obey, shown });
  latest.current = { obey, shown };
  useLayoutEffect(
    () =>
      takeKeys((event) => {
        const { obey, shown } = latest.current;
        if (isBackKey(event)) {
          obey({ do: "leave" });
          return true;
        }
        frame.poke();
        if (!shown && (event.key === "ArrowUp" || event.key === "ArrowDown")) return true;
        const command = commandFor(event.key, event.keyCode, focusPlace());
        if (command) obey(command);
        return command !== undefined;
      }),
    [],
  );

  const onPictureClick = (): void => {
    if (!touched.current) frame.toggle();
    else if (shown) frame.rest();
    else frame.poke();
  };
  const onPointer = (event: TargetedPointerEvent<HTMLElement>): void => {
    touched.current = event.pointerType === "touch";
    if (!touched.current) frame.poke();
  };

  return (
    <main
      class={"player" + (shown ? "" : " player-bare")}
      data-state={state}
      ref={rootRef}
      onPointerMove={onPointer}
      onPointerDown={onPointer}
    >
      {/* Clicks on the picture are a convenience: every one of them has its button and its key. */}
      <video class="picture" ref={frame.video} playsInline onClick={onPictureClick} onDblClick={frame.toggleFullScreen}>
        {props.tracks}
      </video>
      {props.art}
      {props.top}
      <div class="centre centre-open">
        {busy && <Waiting>{props.waiting}</Waiting>}
        {frame.refused && !busy && (
          <button type="button" class="round round-huge" aria-label={words.play} onClick={frame.play}>
            <Icon name="play" />
          </button>
        )}
      </div>
      <p class="unseen" role="status">
        {props.announced}
      </p>
      {/* A click must not take the focus from the seek bar: arrows would move between buttons from then on. */}
      <div class="over over-bottom" role="group" aria-label={words.controls} onMouseDown={keepFocus}>
        {props.timeline}
        <div class="buttons">
          {props.previous}
          <Round icon={toggle} label={toggleWord} main onClick={frame.toggle} />
          {props.next}
          <span class="spring" />
          {props.buttons}
          <Round
            icon={volume.muted || volume.level === 0 ? "muted" : "loud"}
            label={volume.muted ? words.unmute : words.mute}
            onClick={() => frame.setVolume({ level: volume.level || 0.5, muted: !volume.muted && volume.level > 0 })}
          />
          <Slider
            class="volume"
            label={words.volume}
            value={volume.muted ? 0 : volume.level}
            max={1}
            step={0.05}
            valueText={words.percent(volume.muted ? 0 : volume.level)}
            onMove={(level) => frame.setVolume({ level, muted: false })}
            onSet={(level) => frame.setVolume({ level, muted: false })}
            onStep={(by) => frame.setVolume({ level: volume.level + by, muted: false })}
          />
          {frame.pip !== null && (
            <Round icon="pip" label={frame.pip ? words.leavePip : words.pip} class="round-pip" onClick={frame.togglePip} />
          )}
          <Round
            icon={frame.fullScreen ? "shrink" : "grow"}
            label={frame.fullScreen ? words.leaveFullScreen : words.fullScreen}
            onClick={frame.toggleFullScreen}
          />
        </div>
      </div>
      {props.children}
    </main>
  );
}

/** A round button of the player. */
export function Round(props: {
  icon: IconName;
  label: string;
  class?: string;
  main?: boolean;
  disabled?: boolean;
  first?: boolean;
  pressed?: boolean;
  /** Given for a button that opens a panel. */
  expanded?: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class={"round" + (props.main ? " round-main" : "") + (props.class ? " " + props.class : "")}
      aria-label={props.label}
      title={props.label}
      disabled={props.disabled === true}
      aria-haspopup={props.expanded === undefined ? undefined : "dialog"}
      aria-expanded={props.expanded}
      aria-pressed={props.pressed}
      data-first={props.first ? "" : undefined}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** The bar at the top of a player: the way back, and what this is. */
export function TopBar(props: { title: string; href: string; back: string; onLeave: () => void; children?: ComponentChildren }) {
  return (
    <header class="over over-top">
      <a
        class="round"
        href={props.href}
        aria-label={props.back}
        title={props.back}
        onClick={(event) => {
          event.preventDefault();
          props.onLeave();
        }}
      >
        <Icon name="back" />
      </a>
      <h1>{props.title}</h1>
      {props.children}
    </header>
  );
}

/** The sign that something is being waited for, with words. */
export function Waiting({ children }: { children: ComponentChildren }) {
  return (
    <div class="waiting">
      <span class="spinner" />
      <p>{children}</p>
    </div>
  );
}

function keepFocus(event: MouseEvent): void {
  const target = event.target;
  if (target instanceof Element && !target.closest("[role=slider]")) event.preventDefault();
}

function focusPlace(): "button" | "seek-bar" | "slider" | "nowhere" {
  const active = document.activeElement;
  if (!active || active === document.body) return "nowhere";
  if (active.getAttribute("role") === "slider") return active.classList.contains("seek") ? "seek-bar" : "slider";
  return "button";
}
