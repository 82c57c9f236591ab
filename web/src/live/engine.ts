// Plays a live stream's fragmented MP4 through Media Source Extensions, near its newest frame.
//
//   fetch /live/<name>.mp4 ── chunk ──▶ append ──▶ SourceBuffer ──▶ edge.ts: faster, or one jump
//        ▲                                              │
//        └── again when it broke or ended               └── what was shown long ago is dropped
//
// The answer's header says which codecs come, so that a publisher who comes back with others gets a buffer for them.

import {
  addressesFor,
  asProblem,
  type Failure,
  type Problem,
  problemOf,
  retryDelay,
  startPlainEngine,
  strings,
} from "../shell.ts";
import { correction, TARGET } from "./edge.ts";

const TICK_MS = 200;
// Seconds kept behind the position: enough to look at something again after a pause.
const KEEP_BEHIND = 20;
// Room is made when more than this is behind, so that it is made seldom.
const TRIM_BEHIND = 40;

/** What the engine tells its owner. */
export interface LiveEvents {
  /** There is nothing to see: why, and that it goes on trying by itself. Null: the picture is there. */
  waiting(problem: Problem | null): void;
  /** It will never play here. */
  failed(failure: Failure): void;
}

/** A running live player. */
export interface LiveEngine {
  /** Seconds behind the newest frame that has arrived. */
  behind(): number;
  /** Goes to the newest picture. */
  toEdge(): void;
  destroy(): void;
}

/** The address of a live stream in a format. */
export function liveAddress(name: string, suffix: string): string {
  return "/live/" + name.split("/").map(encodeURIComponent).join("/") + suffix;
}

/** Plays live stream `name` in `video` until `destroy`. */
export function startLiveEngine(video: HTMLVideoElement, name: string, events: LiveEvents): LiveEngine {
  const Source = window.ManagedMediaSource ?? window.MediaSource;
  if (!Source) {
    const plain = startPlainEngine(video, addressesFor("/hls" + liveAddress(name, "/index.m3u8"), liveAddress(name, ".mp4")), 0, events.failed);
    return { behind: () => 0, toEdge: () => undefined, destroy: () => plain.destroy() };
  }
  if (window.ManagedMediaSource) video.disableRemotePlayback = true;
  // Safari buffers anew whenever its speed changes.
  const steady = /^((?!chrome|android).)*safari/i.test(navigator.userAgent);
  let over = false;
  let attempt = 0;
  let buffer: SourceBuffer | null = null;
  let address = "";
  let abort: AbortController | null = null;

  async function run(): Promise<void> {
    for (;;) {
      let problem: Problem | null = null;
      try {
        await watch();
      } catch (thrown) {
        problem = asProblem(thrown);
      }
      if (over) return;
      // What has arrived is shown to its end.
      await sleep(retryDelay(Math.min(3, attempt)));
      if (over) return;
      events.waiting(problem);
      attempt += 1;
    }
  }

  async function watch(): Promise<void> {
    abort = typeof AbortController === "undefined" ? null : new AbortController();
    const response = await fetch(liveAddress(name, ".mp4"), abort ? { signal: abort.signal } : {});
    if (!response.ok || !response.body) throw await problemOf(response);
    const mime = response.headers.get("Content-Type") ?? "";
    const reader = response.body.getReader();
    try {
      if (!Source?.isTypeSupported(mime)) {
        const words = strings.player;
        events.failed({ title: words.unsupported, detail: words.noCodec(mime), retry: true, elsewhere: false });
        over = true;
        return;
      }
      const mine = await open(mime);
      let first = true;
      for (;;) {
        const { done, value } = await reader.read();
        if (done || over) return;
        await append(mine, value);
        if (over) return;
        if (first && video.buffered.length) {
          first = false;
          attempt = 0;
          video.currentTime = Math.max(video.buffered.start(0), newest() - TARGET);
          events.waiting(null);
        }
      }
    } finally {
      reader.cancel().catch(() => undefined);
    }
  }

  // A fresh source for each attempt: times begin anew when the publisher does.
  function open(mime: string): Promise<SourceBuffer> {
    const source = Source ? new Source() : new MediaSource();
    const before = address;
    address = URL.createObjectURL(source);
    buffer = null;
    return new Promise((resolve, reject) => {
      source.addEventListener(
        "sourceopen",
        () => {
          try {
            buffer = source.addSourceBuffer(mime);
            resolve(buffer);
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        },
        { once: true },
      );
      const moving = !video.paused || attempt === 0;
      video.src = address;
      if (before) URL.revokeObjectURL(before);
      if (moving) video.play().catch(() => undefined);
    });
  }

  async function append(into: SourceBuffer, chunk: BufferSource): Promise<void> {
    const begin = video.buffered.length ? video.buffered.start(0) : 0;
    if (video.currentTime - begin > TRIM_BEHIND) {
      into.remove(0, video.currentTime - KEEP_BEHIND);
      await settled(into);
    }
    if (over || into !== buffer) return;
    try {
      into.appendBuffer(chunk);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "QuotaExceededError") throw error;
      // A long pause: what was shown goes, and the viewer goes on at the newest picture.
      toEdge();
      into.remove(0, Math.max(1, video.currentTime - 1));
      await settled(into);
      into.appendBuffer(chunk);
    }
    await settled(into);
  }

  function newest(): number {
    const { buffered } = video;
    return buffered.length ? buffered.end(buffered.length - 1) : 0;
  }

  function toEdge(): void {
    const end = newest();
    if (end > 0) video.currentTime = Math.max(0, end - TARGET);
    video.play().catch(() => undefined);
  }

  function tick(): void {
    if (over || !buffer || video.paused || !video.buffered.length) return;
    const begin = video.buffered.start(video.buffered.length - 1);
    // Frames were lost: the present begins behind the hole.
    if (video.currentTime < begin) {
      video.currentTime = Math.max(begin, newest() - TARGET);
      return;
    }
    const wanted = correction(video.currentTime, newest(), video.playbackRate, steady);
    if ("jump" in wanted) video.currentTime = Math.max(begin, wanted.jump);
    else if (Math.abs(video.playbackRate - wanted.rate) > 0.005) video.playbackRate = wanted.rate;
  }

  function onError(): void {
    // Decoding went wrong: a new attempt begins with a keyframe.
    if (video.error && !over) abort?.abort();
  }

  video.addEventListener("error", onError);
  const timer = setInterval(tick, TICK_MS);
  void run();
  return {
    behind: () => Math.max(0, newest() - video.currentTime),
    toEdge,
    destroy() {
      over = true;
      abort?.abort();
      clearInterval(timer);
      video.removeEventListener("error", onError);
      video.playbackRate = 1;
      video.removeAttribute("src");
      video.load();
      if (address) URL.revokeObjectURL(address);
    },
  };
}

function settled(buffer: SourceBuffer): Promise<unknown> {
  if (!buffer.updating) return Promise.resolve();
  return new Promise((done) => buffer.addEventListener("updateend", done, { once: true }));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
