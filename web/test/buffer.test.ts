import assert from "node:assert/strict";
import { test } from "node:test";
import {
  beyondSmallHole,
  evictable,
  filledBy,
  hasJoined,
  rangeAt,
  reachesEnd,
  retryDelay,
  secondsAhead,
  seekNeeds,
  type Range,
} from "../src/player/buffer.ts";

// Ranges are drawn as [start, end] pairs.
function ranges(...pairs: [number, number][]): Range[] {
  return pairs.map(([start, end]) => ({ start, end }));
}

test("a time is in the range that holds it, with a little grace before the first frame", () => {
  const list = ranges([0, 10], [20, 60]);
  assert.equal(rangeAt(list, 5), list[0]);
  assert.equal(rangeAt(list, 19.95), list[1]);
  assert.equal(rangeAt(list, 10), undefined);
  assert.equal(rangeAt(list, 15), undefined);
  assert.equal(secondsAhead(list, 25), 35);
  assert.equal(secondsAhead(list, 15), 0);
});

test("a download fills the range at its base, even if the keyframe lies before it or the sound after it", () => {
  assert.deepEqual(filledBy(ranges([0, 10], [29.2, 33]), { base: 30 }), { start: 29.2, end: 33 });
  assert.deepEqual(filledBy(ranges([30.3, 33]), { base: 30 }), { start: 30.3, end: 33 });
  assert.equal(filledBy(ranges([0, 30]), { base: 30 }), undefined);
  assert.equal(filledBy(ranges([40, 50]), { base: 30 }), undefined);
});

test("what a seek needs", () => {
  const list = ranges([0, 10], [20, 60]);
  const table: [time: number, base: number | null, needs: string][] = [
    [5, 0, "play"], // within what the download fills
    [5, null, "play"], // buffered, nothing runs
    [5, 20, "leave"], // buffered, but the download is busy elsewhere
    [61, 20, "wait"], // just ahead of the download
    [64, 20, "restart"], // too far ahead of it
    [15, 0, "restart"], // in the hole, beyond the reach of the download at 10
    [12, 0, "wait"], // in the hole, but the download is about to fill it
    [70, null, "restart"], // nothing there, nothing runs
    [69, 70, "restart"], // before the base of a download that has brought nothing yet
    [70, 70, "wait"], // at its base
  ];
  for (const [time, base, needs] of table) {
    assert.equal(seekNeeds(list, time, base === null ? null : { base }), needs, `seek to ${time}, download at ${base}`);
  }
});

test("a download has joined when its range runs into the next one", () => {
  const before = ranges([0, 19], [20, 60]);
  assert.equal(hasJoined(before, ranges([0, 60]), { base: 0 }), true);
  assert.equal(hasJoined(before, ranges([0, 19.8], [20, 60]), { base: 0 }), false);
  // A large chunk at the open end is only a large chunk.
  assert.equal(hasJoined(ranges([0, 19]), ranges([0, 45]), { base: 0 }), false);
  // The first chunk of a download may already touch the next range.
  assert.equal(hasJoined(ranges([31, 60]), ranges([30, 60]), { base: 30 }), true);
  assert.equal(hasJoined([], ranges([0, 2]), { base: 0 }), false);
});

test("a small hole is jumped over, a large one is waited for", () => {
  assert.equal(beyondSmallHole(ranges([0.08, 10]), 0), undefined, "within the grace of the first frame");
  assert.equal(beyondSmallHole(ranges([0.3, 10]), 0), 0.31);
  assert.equal(beyondSmallHole(ranges([0, 10], [10.2, 20]), 9.95), 10.209999999999999);
  assert.equal(beyondSmallHole(ranges([0, 10], [10.2, 20]), 5), undefined);
  assert.equal(beyondSmallHole(ranges([0, 10], [12, 20]), 9.95), undefined);
  assert.equal(beyondSmallHole([], 3), undefined);
});

test("room is made behind the position first, then far ahead, and never where the download is", () => {
  assert.deepEqual(evictable(ranges([0, 60]), 40, { base: 0 }), { start: 0, end: 30 });
  assert.deepEqual(evictable(ranges([0, 20], [50, 80]), 5, { base: 0 }), { start: 50, end: 80 });
  assert.equal(evictable(ranges([0, 40]), 5, { base: 0 }), undefined);
  assert.equal(evictable(ranges([0, 8], [8.5, 40]), 5, { base: 8.5 }), undefined);
});

test("tries come at doubling distances, up to eight seconds", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 9].map(retryDelay), [500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

test("a body reaches the end if it stops within a GOP's tail of the length", () => {
  assert.equal(reachesEnd(59.2, 60), true);
  assert.equal(reachesEnd(50, 60), false);
  assert.equal(reachesEnd(5, null), true);
});
