// What plays, for the keys of keyboards and headsets, the lock screen of telephones, and car radios.

import { useEffect } from "preact/hooks";
import { strings } from "../language/index.ts";
import { SEEK_STEP } from "./keys.ts";

/** What those keys can do; without a function a key has nothing to do. */
export interface SessionActions {
  play: () => void;
  pause: () => void;
  seek?: ((by: number) => void) | undefined;
  seekTo?: ((time: number) => void) | undefined;
  next?: (() => void) | undefined;
  previous?: (() => void) | undefined;
}

/** Tells the device what plays. `poster`: the address of a picture. */
export function useMediaSession(title: string, poster: string | null, actions: SessionActions, time: number, duration: number | null): void {
  const session = navigator.mediaSession as MediaSession | undefined;

  useEffect(() => {
    if (!session || typeof MediaMetadata === "undefined") return undefined;
    const artwork = poster ? [{ src: poster, sizes: "320x180", type: "image/jpeg" }] : [];
    session.metadata = new MediaMetadata({ title, artist: strings.appName, artwork });
    return () => {
      session.metadata = null;
    };
  }, [title, poster]);

  useEffect(() => {
    const { seek, seekTo, next, previous } = actions;
    handle("play", actions.play);
    handle("pause", actions.pause);
    handle("seekbackward", seek && ((details) => seek(-(details.seekOffset ?? SEEK_STEP))));
    handle("seekforward", seek && ((details) => seek(details.seekOffset ?? SEEK_STEP)));
    handle("seekto", seekTo && ((details) => seekTo(details.seekTime ?? 0)));
    handle("nexttrack", next);
    handle("previoustrack", previous);
  });
  useEffect(
    () => () =>
      (["play", "pause", "seekbackward", "seekforward", "seekto", "nexttrack", "previoustrack"] as MediaSessionAction[]).forEach(
        (action) => handle(action, undefined),
      ),
    [],
  );

  const second = Math.floor(time);
  useEffect(() => {
    if (!session || !session.setPositionState || !duration) return;
    session.setPositionState({ duration, position: Math.min(second, duration) });
  }, [second, duration]);

  function handle(action: MediaSessionAction, handler: MediaSessionActionHandler | undefined): void {
    try {
      session?.setActionHandler(action, handler ?? null);
    } catch {
      // This browser does not know this key.
    }
  }
}
