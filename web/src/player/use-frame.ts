// What every picture that plays has, whatever it shows: controls that come and go, loudness, play and pause, full screen,
// picture in picture.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { toggleFullScreen, useFullScreen } from "./full-screen.ts";
import { clampLevel, loadVolume, saveVolume, type Volume } from "./preferences.ts";

// Controls go away this long after the last sign of life.
const HIDE_AFTER_MS = 3500;

/** The common state of a picture and what can be done with it. */
export interface FrameState {
  video: RefObject<HTMLVideoElement | null>;
  awake: boolean;
  /** A sign of life: controls come. */
  poke: () => void;
  /** They go at once. */
  rest: () => void;
  volume: Volume;
  setVolume: (volume: Volume) => void;
  /** The browser wants a press of a button before it plays. */
  refused: boolean;
  play: () => void;
  toggle: () => void;
  fullScreen: boolean;
  toggleFullScreen: () => void;
  /** Whether the picture is in one of its own; null where there is no such thing. */
  pip: boolean | null;
  togglePip: () => void;
}

/** The state for the video element of `video`, which must be there on the first render. */
export function useFrame(video: RefObject<HTMLVideoElement | null>): FrameState {
  const [awake, setAwake] = useState(true);
  const timer = useRef(0);
  const [volume, setVolume] = useState<Volume>(loadVolume);
  const [refused, setRefused] = useState(false);
  const fullScreen = useFullScreen();
  const [pip, setPip] = useState<boolean | null>(pipPossible() ? false : null);

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

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.volume = volume.level;
    element.muted = volume.muted;
  }, [volume]);

  useEffect(() => {
    const element = video.current;
    if (!element || pip === null) return undefined;
    const enter = (): void => setPip(true);
    const leave = (): void => setPip(false);
    element.addEventListener("enterpictureinpicture", enter);
    element.addEventListener("leavepictureinpicture", leave);
    return () => {
      element.removeEventListener("enterpictureinpicture", enter);
      element.removeEventListener("leavepictureinpicture", leave);
    };
  }, []);

  const play = (): void => {
    const started: Promise<void> | undefined = video.current?.play();
    started?.then(
      () => setRefused(false),
      (error: unknown) => setRefused(error instanceof DOMException && error.name === "NotAllowedError"),
    );
  };
  return {
    video,
    awake,
    poke,
    rest,
    volume,
    setVolume: ({ level, muted }) => {
      const changed = { level: clampLevel(level), muted };
      poke();
      setVolume(changed);
      saveVolume(changed);
    },
    refused,
    play,
    toggle: () => (video.current?.paused ? play() : video.current?.pause()),
    fullScreen,
    toggleFullScreen: () => toggleFullScreen(video.current),
    pip,
    togglePip: () => {
      if (pip === null) return;
      const done = pip ? document.exitPictureInPicture() : video.current?.requestPictureInPicture();
      // Refused before there is a picture.
      done?.then(undefined, () => undefined);
    },
  };
}

function pipPossible(): boolean {
  return document.pictureInPictureEnabled === true && "requestPictureInPicture" in HTMLVideoElement.prototype;
}
