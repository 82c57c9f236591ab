// A slider for pointer, touch and keys. Values change while dragging (`onMove`) and hold on release (`onSet`).

import type { TargetedKeyboardEvent, TargetedPointerEvent, VNode } from "preact";
import { useRef, useState } from "preact/hooks";

// Steps of each key; Page Up and Down take a minute's worth of a seek bar.
const STEPS: Record<string, number | undefined> = { ArrowLeft: -1, ArrowRight: 1, PageDown: -6, PageUp: 6 };

/** Props of a horizontal slider from 0 to `max`. */
export interface SliderProps {
  class: string;
  label: string;
  value: number;
  max: number;
  step: number;
  valueText: string;
  /** Values that can be had at once, in order; all of them without it. */
  ranges?: [start: number, end: number][];
  /** The value changes by key: what is shown over the slider belongs to the value. */
  moving?: boolean;
  /** Shows what a value means, over the slider, while one points at it, drags or steps. */
  peek?: (value: number) => VNode;
  first?: boolean;
  onMove: (value: number) => void;
  onSet: (value: number) => void;
  /** A step by key; the owner adds it to whatever it is heading for. */
  onStep: (by: number) => void;
}

/** The slider. Left and right step, Home and End go to the ends; up and down are left to the D-pad. */
export function Slider(props: SliderProps) {
  const track = useRef<HTMLDivElement>(null);
  const dragging = useRef(false);
  const [hover, setHover] = useState<number | null>(null);
  const share = props.max > 0 ? Math.min(1, Math.max(0, props.value / props.max)) : 0;

  const valueAt = (event: PointerEvent): number => {
    const box = track.current?.getBoundingClientRect();
    if (!box || box.width === 0) return props.value;
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * props.max;
  };
  const onPointerDown = (event: TargetedPointerEvent<HTMLDivElement>): void => {
    if (event.button !== 0) return;
    dragging.current = true;
    event.currentTarget.setPointerCapture(event.pointerId);
    props.onMove(valueAt(event));
  };
  const onPointerMove = (event: TargetedPointerEvent<HTMLDivElement>): void => {
    if (dragging.current) props.onMove(valueAt(event));
    if (props.peek && event.pointerType === "mouse") setHover(valueAt(event));
  };
  const onPointerUp = (event: TargetedPointerEvent<HTMLDivElement>): void => {
    if (!dragging.current) return;
    dragging.current = false;
    props.onSet(valueAt(event));
  };
  // The browser took the pointer away (a scroll, a call): what was shown last holds.
  const onPointerCancel = (): void => {
    if (!dragging.current) return;
    dragging.current = false;
    props.onSet(props.value);
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS[event.key];
    if (step !== undefined) props.onStep(step * props.step);
    else if (event.key === "Home") props.onSet(0);
    else if (event.key === "End") props.onSet(props.max);
    else return;
    event.preventDefault();
  };

  const peeked = props.moving || dragging.current ? props.value : hover;
  const peekShare = peeked === null || props.max <= 0 ? 0 : Math.min(1, peeked / props.max);

  return (
    <div
      class={"slider " + props.class}
      role="slider"
      tabIndex={0}
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={round(props.max)}
      aria-valuenow={round(props.value)}
      aria-valuetext={props.valueText}
      data-first={props.first ? "" : undefined}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerCancel}
      onPointerLeave={() => setHover(null)}
      onKeyDown={onKeyDown}
    >
      <div class="track" ref={track}>
        <div class="rail">
          {props.ranges?.map(([start, end]) => band("available", end / props.max, start / props.max))}
          {band("value", share)}
          {band("done", Math.min(share, settled(props) / props.max))}
        </div>
        <div class="thumb" style={{ left: share * 100 + "%" }} />
        {props.peek && peeked !== null && (
          // Beside the bar's ends it stays within the screen.
          <div class="bubble" style={{ left: peekShare * 100 + "%", transform: "translateX(-" + peekShare * 100 + "%)" }}>
            {props.peek(peeked)}
          </div>
        )}
      </div>
    </div>
  );
}

// Up to here the value is no promise: all the way if it lies in a range, else to the end of the first one.
function settled({ ranges, value, max }: SliderProps): number {
  if (!ranges || ranges.some(([start, end]) => value >= start && value <= end)) return max;
  return ranges[0]?.[1] ?? 0;
}

// A stretch of the track, from `start` to `end` as shares of its length.
function band(name: string, end: number, start = 0) {
  const from = Math.min(1, Math.max(0, start || 0));
  const wide = Math.min(1, end || 0) - from;
  const transform = "translateX(" + from * 100 + "%) scaleX(" + Math.max(0, wide) + ")";
  return <div class={"band band-" + name} style={{ transform }} />;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
