// What to do with the buffer: decisions about ranges of seconds. Pure; engine.ts carries them out.

/** A stretch of buffered media, in seconds. Lists are sorted and do not overlap, as `TimeRanges` are. */
export interface Range {
  start: number;
  end: number;
}

/** The running download: it was asked for `base` seconds and fills the buffer from there. */
export interface Download {
  base: number;
}

// Browsers report range ends that differ from the frames' times by rounding and by audio frames that stick
// out a little beyond the picture.
const EDGE = 0.1;
// A download that starts at a keyframe may leave its first range a little after the second asked for.
const START_SLACK = 0.5;
// A seek this little beyond what has arrived is served sooner by the running download than by a new one.
const NEAR_AHEAD = 3;
// Holes up to this long come from streams whose first frame is not at 0, or from a joint between two
// downloads; nothing will ever fill them.
const SMALL_HOLE = 0.5;
// What stays buffered behind the position when room is needed: one step back with a remote control.
const KEEP_BEHIND = 10;

/** The range that holds `time`. */
export function rangeAt(ranges: readonly Range[], time: number): Range | undefined {
  return ranges.filter((range) => time >= range.start - EDGE && time < range.end)[0];
}

/** How many seconds can be played from `time` without a gap. */
export function secondsAhead(ranges: readonly Range[], time: number): number {
  const range = rangeAt(ranges, time);
  return range ? range.end - time : 0;
}

/** The range a download has filled so far: the one at its base, or the next one that begins just after it. */
export function filledBy(ranges: readonly Range[], download: Download): Range | undefined {
  return ranges.filter(
    (range) => range.end > download.base + EDGE / 2 && range.start <= download.base + START_SLACK,
  )[0];
}

/**
 * What a seek to `time` needs:
 * - `play`: it is buffered, and the running download goes on from there (or none runs);
 * - `leave`: it is buffered, but the download fills another place and is of no use now;
 * - `wait`: the running download is about to bring it;
 * - `restart`: it must be asked for.
 */
export function seekNeeds(
  ranges: readonly Range[],
  time: number,
  download: Download | null,
): "play" | "leave" | "wait" | "restart" {
  const filled = download ? filledBy(ranges, download) : undefined;
  const target = rangeAt(ranges, time);
  if (target) return !download || target === filled ? "play" : "leave";
  if (!download) return "restart";
  const frontier = filled ? filled.end : download.base;
  return time >= download.base - EDGE && time < frontier + NEAR_AHEAD ? "wait" : "restart";
}

/**
 * True if the latest append made the download run into a range that was there before: from here on it would
 * bring what is buffered already.
 */
export function hasJoined(before: readonly Range[], after: readonly Range[], download: Download): boolean {
  const old = filledBy(before, download);
  const frontier = old ? old.end : download.base;
  const island = before.filter((range) => range !== old && range.start > frontier)[0];
  const now = filledBy(after, download);
  return island !== undefined && now !== undefined && now.end >= island.end - EDGE;
}

/** Where playing goes on if `time` lies in, or right before, a hole that is too small to wait for. */
export function beyondSmallHole(ranges: readonly Range[], time: number): number | undefined {
  const here = rangeAt(ranges, time);
  // Well inside a range there is no hole to speak of.
  if (here && here.end - time > 2 * EDGE) return undefined;
  const from = here ? here.end : time;
  const next = ranges.filter((range) => range.start > time && range.start - from <= SMALL_HOLE)[0];
  return next ? next.start + 0.01 : undefined;
}

/**
 * What to drop when the browser has no more room: first what lies well behind the position, then the range
 * furthest ahead that neither the position nor the download is in. Nothing if only playing on will help.
 */
export function evictable(ranges: readonly Range[], time: number, download: Download): Range | undefined {
  const first = ranges[0];
  const keepFrom = time - KEEP_BEHIND;
  if (first && first.start < keepFrom - 1) return { start: 0, end: keepFrom };
  const filled = filledBy(ranges, download);
  const last = ranges[ranges.length - 1];
  return last && last !== filled && last.start > time ? last : undefined;
}

/** Milliseconds to wait before the `attempt`th try (from 0): doubles from half a second up to eight. */
export function retryDelay(attempt: number): number {
  return Math.min(8000, 500 * Math.pow(2, attempt));
}

/** True if a body that ended at `end` reached the medium's end, as far as `duration` can tell. */
export function reachesEnd(end: number, duration: number | null): boolean {
  // Containers round, and a track may be shorter than the film by a GOP's tail.
  return duration === null || end >= duration - 1.5;
}
