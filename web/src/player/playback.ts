// What a video element is doing, as state for the controls.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** A glance at the video element. `starved`: it should move and cannot, for that many milliseconds. */
export interface Playback {
  time: number;
  paused: boolean;
  ended: boolean;
  starved: number;
  /** The last place a starving element wants to play from, in seconds. */
  wants: number;
}

const AT_START: Playback = { time: 0, paused: true, ended: false, starved: 0, wants: 0 };

// The events say at once what a key or a click did; the clock sees what no event tells.
const EVENTS = ["timeupdate", "play", "playing", "pause", "ended", "seeking", "seeked", "canplay"];
const GLANCE_MS = 250;
// HTMLMediaElement.readyState
const HAVE_NOTHING = 0;
const HAVE_FUTURE_DATA = 3;

/** Follows the video element in `ref`, which must be there on the first render. */
export function usePlayback(ref: RefObject<HTMLVideoElement | null>): Playback {
  const [playback, setPlayback] = useState(AT_START);
  const starvedSince = useRef(0);
  const wants = useRef(0);

  const glance = (): void => {
    const video = ref.current;
    if (!video) return;
    const now = Date.now();
    const moving = video.seeking || !video.paused || video.readyState === HAVE_NOTHING;
    if (moving && !video.ended && video.readyState < HAVE_FUTURE_DATA) {
      // Each place sought is waited for anew; creeping along at the edge of what exists is one wait.
      if (starvedSince.current === 0 || Math.abs(video.currentTime - wants.current) > 1) wants.current = video.currentTime;
      starvedSince.current = starvedSince.current || now;
    } else {
      starvedSince.current = 0;
    }
    setPlayback({
      time: video.currentTime,
      paused: video.paused,
      ended: video.ended,
      starved: starvedSince.current ? now - starvedSince.current : 0,
      wants: wants.current,
    });
  };

  useEffect(() => {
    const video = ref.current;
    if (!video) return undefined;
    EVENTS.forEach((name) => video.addEventListener(name, glance));
    const timer = setInterval(glance, GLANCE_MS);
    return () => {
      clearInterval(timer);
      EVENTS.forEach((name) => video.removeEventListener(name, glance));
    };
  }, []);
  return playback;
}
