// Plays the server's fragmented MP4 through Media Source Extensions, over the medium's full length.
//
//   fetch ?start=t ── chunk ──▶ append ──▶ SourceBuffer        one chunk at a time, never a queue
//        ▲                        │
//        └── only while less than READ_AHEAD seconds are buffered ahead of the position
//
// The body carries absolute times, so `timestampOffset` stays 0 and every download lands where it belongs.
// A newer download takes a new `turn`; an older one notices after its next await and stops by itself.

import { startPlainEngine, plainAddresses } from "./plain-engine.ts";
import { asProblem, type Choice, fetchMedia, fmp4Address, type Problem, problemOf } from "../api.ts";
import { strings } from "../language/index.ts";
import {
  beyondSmallHole,
  type Download,
  evictable,
  filledBy,
  hasJoined,
  rangeAt,
  reachesEnd,
  type Range,
  retryDelay,
  secondsAhead,
  seekNeeds,
} from "./buffer.ts";

// Seconds of media buffered ahead of the position. Beyond it the body is not read, the socket fills, and the
// server stops sending: a paused film costs neither side anything.
const READ_AHEAD = 30;
// Below this a finished or abandoned download is followed by the next.
const REFILL_BELOW = 10;
// How often the engine looks at position and buffer. A glance, not work.
const TICK_MS = 250;
// Tries after a broken connection, 0.5 to 8 s apart: a server that restarts is back within these 24 s.
const MAX_ATTEMPTS = 6;
// Bodies that end early and bring nothing new: after so many the medium is taken to end there.
const MAX_EMPTY_ENDS = 2;
// A range that ends this close to the last frame's end is the last one.
const END_SLACK = 0.3;
// HTMLMediaElement.HAVE_FUTURE_DATA: the next frame is there.
const HAVE_FUTURE_DATA = 3;

/** What cannot be played, why, and whether trying again or another player may help. */
export interface Failure {
  title: string;
  detail: string;
  retry: boolean;
  elsewhere: boolean;
  /** The server does not answer, or not yet: it is tried again by itself. */
  away?: boolean;
}

/** What the engine tells its owner. */
export interface EngineEvents {
  /** Playing is over; nothing follows. */
  failed(failure: Failure): void;
  /** The connection broke (true) and works again (false). */
  reconnecting(active: boolean): void;
}

interface ManagedSource extends MediaSource {
  readonly streaming?: boolean;
}

declare global {
  interface Window {
    ManagedMediaSource?: { new (): ManagedSource; isTypeSupported(mime: string): boolean };
  }
}

/** Why this browser cannot play `mime` at all; null if it can, or if it may without Media Source Extensions. */
export function unsupported(mime: string): Failure | null {
  const words = strings.player;
  const Source = window.ManagedMediaSource ?? window.MediaSource;
  if (Source && Source.isTypeSupported(mime)) return null;
  if (!Source && plainAddresses("", {}).length > 0) return null;
  const detail = Source ? words.noCodec(mime) : words.noMediaSource;
  return { title: words.unsupported, detail, retry: false, elsewhere: true };
}

/** A running player; see `startEngine`. */
export interface Engine {
  /** Takes a length that became known, or more exact, while the medium is being converted. */
  setDuration(duration: number | null): void;
  /** Stops everything and lets the element go. */
  destroy(): void;
}

/**
 * Plays one medium in one video element until `destroy`. Check `unsupported` first. `duration` and `startAt`
 * are in seconds. (A function rather than a class: its state is nobody's business, and local names are the
 * only ones a minifier can shorten.)
 */
export function startEngine(
  video: HTMLVideoElement,
  path: string,
  choice: Choice,
  mime: string,
  duration: number | null,
  startAt: number,
  events: EngineEvents,
): Engine {
  const Managed = window.ManagedMediaSource;
  if (!Managed && !window.MediaSource) return startPlainEngine(video, plainAddresses(path, choice), startAt, events.failed);
  const words = strings.player;
  const source: ManagedSource = Managed ? new Managed() : new MediaSource();
  const address = URL.createObjectURL(source);
  let buffer: SourceBuffer | null = null;
  let download: Download | null = null;
  let abort: AbortController | null = null;
  let turn = 0;
  let over = false;
  let lastEnd: number | null = null;

  function onSourceOpen(): void {
    // Opens again when bytes follow an end of stream; the buffer is there already then.
    if (buffer || over) return;
    applyDuration();
    try {
      buffer = source.addSourceBuffer(mime);
    } catch {
      return fail(words.unsupported, words.noCodec(mime), false, true);
    }
    void run(startAt);
  }

  function onMetadata(): void {
    if (startAt > 0 && video.currentTime === 0) video.currentTime = startAt;
  }

  function onSeeking(): void {
    if (!buffer || over) return;
    const time = video.currentTime;
    const needs = seekNeeds(bufferedRanges(), time, download);
    if (needs === "restart") void run(time);
    // The tick asks for the rest of the place sought when that runs short.
    else if (needs === "leave") stop();
  }

  function onVideoError(): void {
    if (video.error && !over) fail(words.decode, words.decodeDetail, true, true);
  }

  function tick(): void {
    if (!buffer || over) return;
    if (duration !== null && source.duration < duration) applyDuration();
    const time = video.currentTime;
    const ranges = bufferedRanges();
    if (video.readyState < HAVE_FUTURE_DATA && !video.ended) {
      const beyond = beyondSmallHole(ranges, time);
      if (beyond !== undefined) {
        video.currentTime = beyond;
        return;
      }
    }
    if (download) return;
    const range = rangeAt(ranges, time);
    const end = range ? range.end : time;
    if (lastEnd !== null && end >= lastEnd - END_SLACK) markEnd();
    else if (end - time < REFILL_BELOW) void run(end);
  }

  // Downloads from `start` on until the end, a failure, or a newer turn.
  async function run(start: number): Promise<void> {
    stop();
    const mine = turn;
    const target: Download = { base: start };
    download = target;
    let attempt = 0;
    let emptyEnds = 0;
    let from = start;
    for (;;) {
      const before = frontier(target);
      let problem: Problem | null = null;
      try {
        await settled();
        if (mine !== turn) return;
        resetParser();
        const outcome = await stream(from, target, mine);
        if (mine !== turn) return;
        if (outcome === "joined") return stop();
        const end = frontier(target);
        emptyEnds = end > before + 0.05 ? 0 : emptyEnds + 1;
        const real = emptyEnds >= MAX_EMPTY_ENDS || (await isRealEnd(end));
        if (mine !== turn) return;
        if (real) return endHere(target, end);
      } catch (thrown) {
        problem = asProblem(thrown);
      }
      if (mine !== turn) return;
      if (video.error) return onVideoError();
      // The server answered, and it said no: its own words are better than a retry. 503 and 504 mean "not now".
      const answered = problem !== null && problem.status > 0;
      const busy = problem !== null && problem.status > 502;
      if (problem && answered && !busy) return fail(problem.title, problem.detail, true, false);
      if (frontier(target) > before + 0.05) attempt = 0;
      // What is buffered is played out before the screen goes over to an error.
      if (attempt >= MAX_ATTEMPTS && secondsAhead(bufferedRanges(), video.currentTime) < 1) {
        return problem && answered
          ? fail(problem.title, problem.detail, true, false, true)
          : fail(words.lost, words.lostDetail, true, false, true);
      }
      events.reconnecting(true);
      await sleep(retryDelay(attempt));
      if (mine !== turn) return;
      attempt += 1;
      from = frontier(target);
    }
  }

  // One request, read to its end. Rejects on a broken connection and on an answer that is not ok.
  async function stream(from: number, target: Download, mine: number): Promise<"ended" | "joined" | "superseded"> {
    abort = typeof AbortController === "undefined" ? null : new AbortController();
    const response = await fetch(fmp4Address(path, choice, from), abort ? { signal: abort.signal } : {});
    if (!response.ok || !response.body) throw await problemOf(response);
    const reader = response.body.getReader();
    try {
      for (;;) {
        while (mine === turn && !wantsMore(target)) await sleep(TICK_MS);
        if (mine !== turn) return "superseded";
        const { done, value } = await reader.read();
        if (mine !== turn) return "superseded";
        if (done) return "ended";
        events.reconnecting(false);
        const before = bufferedRanges();
        await append(value, target, mine);
        if (mine !== turn) return "superseded";
        if (hasJoined(before, bufferedRanges(), target)) return "joined";
      }
    } finally {
      // Without an AbortController this is what ends the request.
      reader.cancel().catch(() => undefined);
    }
  }

  function append(chunk: BufferSource, target: Download, mine: number): Promise<unknown> {
    return settled().then(() => {
      if (mine !== turn || !buffer) return undefined;
      try {
        buffer.appendBuffer(chunk);
        return settled();
      } catch (error) {
        if (!(error instanceof DOMException) || error.name !== "QuotaExceededError") throw error;
      }
      // Full: the same chunk is tried again once there is room, by dropping what is not needed or, if all of
      // it is, by playing on.
      const old = evictable(bufferedRanges(), video.currentTime, target);
      if (old) buffer.remove(old.start, old.end);
      return sleep(old ? 0 : TICK_MS).then(() => append(chunk, target, mine));
    });
  }

  function wantsMore(target: Download): boolean {
    const filled = filledBy(bufferedRanges(), target);
    if (!filled) return true;
    const ahead = filled.end - video.currentTime;
    // A managed source says when the device would rather rest its radio; a nearly empty buffer overrules it.
    return ahead < (source.streaming === false ? REFILL_BELOW : READ_AHEAD);
  }

  // A body that ends before the known length may be the true end (lengths are estimates at first) or a
  // server that gave up; the server knows.
  function isRealEnd(end: number): Promise<boolean> {
    if (reachesEnd(end, duration)) return Promise.resolve(true);
    return fetchMedia(path, choice).then((media) => media.complete && reachesEnd(end, media.available));
  }

  function endHere(target: Download, end: number): void {
    const ranges = bufferedRanges();
    // A seek behind the last frame brings nothing at all: then the last frame there is ends the film.
    const last = filledBy(ranges, target) ?? ranges[ranges.length - 1];
    lastEnd = last ? last.end : end;
    stop();
    markEnd();
  }

  function frontier(target: Download): number {
    const filled = filledBy(bufferedRanges(), target);
    return filled ? filled.end : target.base;
  }

  // A fragment that was cut off must not glue itself to the next download's first bytes.
  function resetParser(): boolean {
    if (source.readyState !== "open" || !buffer || buffer.updating) return false;
    buffer.abort();
    return true;
  }

  // Once ended, the source lets nobody reset its parser; so before.
  function markEnd(): void {
    if (resetParser()) source.endOfStream();
  }

  function applyDuration(): void {
    if (duration === null || source.readyState !== "open" || (buffer && buffer.updating)) return;
    const ranges = bufferedRanges();
    source.duration = Math.max(duration, ranges[ranges.length - 1]?.end ?? 0);
  }

  // The element's ranges stop at what both tracks have, which is what can be played.
  function bufferedRanges(): Range[] {
    const list: Range[] = [];
    const { buffered } = video;
    for (let i = 0; i < buffered.length; i += 1) list.push({ start: buffered.start(i), end: buffered.end(i) });
    return list;
  }

  function settled(): Promise<unknown> {
    const busy = buffer;
    if (!busy || !busy.updating) return Promise.resolve();
    return new Promise((done) => busy.addEventListener("updateend", done, { once: true })).then(settled);
  }

  function stop(): void {
    turn += 1;
    download = null;
    if (abort) abort.abort();
    abort = null;
  }

  function fail(title: string, detail: string, retry: boolean, elsewhere: boolean, away = false): void {
    over = true;
    stop();
    events.failed({ title, detail, retry, elsewhere, away });
  }

  // iPhones hand out a ManagedMediaSource only to elements that cannot be sent to another screen.
  if (Managed) video.disableRemotePlayback = true;
  source.addEventListener("sourceopen", onSourceOpen);
  const heard: [string, () => void][] = [
    ["seeking", onSeeking],
    ["error", onVideoError],
    ["loadedmetadata", onMetadata],
  ];
  heard.forEach(([name, listener]) => video.addEventListener(name, listener));
  video.src = address;
  const timer = setInterval(tick, TICK_MS);

  return {
    setDuration(known) {
      if (known === null) return;
      duration = known;
      applyDuration();
    },
    destroy() {
      over = true;
      stop();
      clearInterval(timer);
      heard.forEach(([name, listener]) => video.removeEventListener(name, listener));
      video.removeAttribute("src");
      video.load();
      URL.revokeObjectURL(address);
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
