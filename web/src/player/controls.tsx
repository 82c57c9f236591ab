// The two bars over the picture: seek bar and buttons. They show what they are given and report what is wanted.

import { clock } from "../format.ts";
import { Icon, type IconName } from "../icons.tsx";
import { strings } from "../strings.ts";
import { SEEK_STEP } from "./keys.ts";
import type { Neighbours } from "./neighbours.ts";
import { Slider } from "./slider.tsx";
import type { Volume } from "./volume.ts";

/** What the bars show and report. Times in seconds. */
export interface ControlsProps {
  time: number;
  duration: number;
  /** Stretches that exist by now. */
  ranges: [start: number, end: number][];
  moving: boolean;
  paused: boolean;
  ended: boolean;
  fullScreen: boolean;
  /** Whether the panel of choices is open; null if there is nothing to choose. */
  choosing: boolean | null;
  volume: Volume;
  neighbours: Neighbours;
  onToggle: () => void;
  onChoices: () => void;
  onMove: (time: number) => void;
  onSeek: (time: number) => void;
  onStep: (by: number) => void;
  onVolume: (volume: Volume) => void;
  onFullScreen: () => void;
  onNext: () => void;
  onPrevious: () => void;
}

/** The bars at the bottom of the picture. */
export function Controls(props: ControlsProps) {
  const { neighbours, volume } = props;
  const words = strings.player;
  const toggle: IconName = props.ended ? "replay" : props.paused ? "play" : "pause";
  const toggleWord = props.ended ? words.replay : props.paused ? words.play : words.pause;
  return (
    // A click must not take the focus from the seek bar: arrows would move between buttons from then on.
    <div class="over over-bottom" role="group" aria-label={words.controls} onMouseDown={keepFocus}>
      <div class="timeline">
        <span class="time">{clock(props.time)}</span>
        <Slider
          class="seek"
          label={words.seek}
          value={props.time}
          max={props.duration}
          step={SEEK_STEP}
          valueText={words.position(props.time, props.duration)}
          ranges={props.ranges}
          bubble={props.moving && clock(props.time)}
          first
          onMove={props.onMove}
          onSet={props.onSeek}
          onStep={props.onStep}
        />
        <span class="time time-whole">{clock(props.duration)}</span>
      </div>
      <div class="buttons">
        <Round
          icon="previous"
          label={words.previous(neighbours.previous)}
          disabled={!neighbours.previous}
          onClick={props.onPrevious}
        />
        <Round icon={toggle} label={toggleWord} main onClick={props.onToggle} />
        <Round
          icon="next"
          label={words.next(neighbours.next)}
          disabled={!neighbours.next}
          onClick={props.onNext}
        />
        <span class="spring" />
        {props.choosing !== null && (
          <Round icon="tune" label={strings.choices.title} expanded={props.choosing} onClick={props.onChoices} />
        )}
        <Round
          icon={volume.muted || volume.level === 0 ? "muted" : "loud"}
          label={volume.muted ? words.unmute : words.mute}
          onClick={() => props.onVolume({ level: volume.level || 0.5, muted: !volume.muted && volume.level > 0 })}
        />
        <Slider
          class="volume"
          label={words.volume}
          value={volume.muted ? 0 : volume.level}
          max={1}
          step={0.05}
          valueText={words.percent(volume.muted ? 0 : volume.level)}
          onMove={(level) => props.onVolume({ level, muted: false })}
          onSet={(level) => props.onVolume({ level, muted: false })}
          onStep={(by) => props.onVolume({ level: volume.level + by, muted: false })}
        />
        <Round
          icon={props.fullScreen ? "shrink" : "grow"}
          label={props.fullScreen ? words.leaveFullScreen : words.fullScreen}
          onClick={props.onFullScreen}
        />
      </div>
    </div>
  );
}

function Round(props: {
  icon: IconName;
  label: string;
  main?: boolean;
  disabled?: boolean;
  /** Given for a button that opens a panel. */
  expanded?: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class={"round" + (props.main ? " round-main" : "")}
      aria-label={props.label}
      title={props.label}
      disabled={props.disabled === true}
      aria-haspopup={props.expanded === undefined ? undefined : "dialog"}
      aria-expanded={props.expanded}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

function keepFocus(event: MouseEvent): void {
  const target = event.target;
  if (target instanceof Element && !target.closest("[role=slider]")) event.preventDefault();
}
