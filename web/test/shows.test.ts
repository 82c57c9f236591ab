import assert from "node:assert/strict";
import { test } from "node:test";
import { bestLanguage } from "../src/language/index.ts";
import { startRound, stepped } from "../src/pictures/order.ts";
import { givesWay, moved } from "../src/queue/order.ts";
import { queuedOf, withQueued, type Queued } from "../src/queue-list.ts";
import { shuffled } from "../src/shuffled.ts";
import { saneShow } from "../src/show-preferences.ts";

// A generator of its own, so that a failure can be repeated.
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

test("a shuffled slideshow shows everything once before anything twice, and nothing twice in a row", () => {
  for (let seed = 1; seed < 200; seed += 1) {
    const random = dice(seed);
    const count = 2 + (seed % 7);
    let round = startRound(count, seed % count, true, random);
    const seen: number[] = [round.order[round.at] ?? -1];
    for (let i = 1; i < count * 4; i += 1) {
      const next = stepped(round, 1, true, true, random);
      assert.ok(next);
      round = next;
      seen.push(round.order[round.at] ?? -1);
    }
    for (let begin = 0; begin < seen.length; begin += count) {
      assert.equal(new Set(seen.slice(begin, begin + count)).size, count, `round of seed ${seed}: ${seen.join()}`);
    }
    assert.ok(seen.every((value, i) => i === 0 || value !== seen[i - 1]), `twice in a row: ${seen.join()}`);
  }
});

test("a slideshow that does not loop ends, and one can always go back and on", () => {
  const round = startRound(3, 2, false);
  assert.equal(round.order[round.at], 2);
  assert.equal(stepped(round, 1, false, false), null);
  assert.equal(stepped(round, 1, true, false)?.at, 0);
  assert.equal(stepped(startRound(3, 0, false), -1, true, false)?.at, 2);
  assert.equal(stepped(startRound(0, 0, false), 1, true, false), null);
});

test("what was stored of a slideshow is used as far as it makes sense", () => {
  assert.equal(saneShow(undefined).interval, 5);
  assert.equal(saneShow({ interval: 1e9 }).interval, 5);
  assert.deepEqual(saneShow({ interval: 20, music: 5, loop: "yes", transition: "explode", shuffle: true }), {
    ...saneShow(null),
    interval: 20,
    shuffle: true,
  });
});

const item = (path: string): Queued => ({ path, name: path, kind: "video", duration: null });
const paths = (items: readonly Queued[]) => items.map(({ path }) => path).join("");

test("what is put in the list is in it once, behind what plays or at the end", () => {
  const list = ["a", "b", "c"].map(item);
  assert.equal(paths(withQueued(list, item("x"), "a")), "axbc");
  assert.equal(paths(withQueued(list, item("x"), null)), "abcx");
  assert.equal(paths(withQueued(list, item("x"), "gone")), "abcx");
  assert.equal(paths(withQueued(list, item("a"), "b")), "bac");
  assert.equal(paths(withQueued([], item("a"), null)), "a");
  assert.deepEqual(queuedOf({ ...item("a"), size: 1, poster: null } as never), item("a"));
});

test("shuffling keeps everything", () => {
  const mixed = shuffled([1, 2, 3, 4, 5, 6, 7, 8], dice(7));
  assert.deepEqual(mixed.slice().sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.notDeepEqual(mixed, [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("the browser's first language that there is is spoken", () => {
  assert.equal(bestLanguage(["de-AT", "en"], ["en", "de"]), "de");
  assert.equal(bestLanguage(["fr", "DE"], ["en", "de"]), "de");
  assert.equal(bestLanguage(["fr"], ["en", "de"]), "en");
  assert.equal(bestLanguage([], ["en"]), "en");
});

test("a row is put where it is let go, and the others give way as they will lie", () => {
  const rows = ["a", "b", "c", "d"];
  for (let from = 0; from < rows.length; from += 1) {
    for (let to = -1; to <= rows.length; to += 1) {
      const after = moved(rows, from, to);
      const place = Math.min(Math.max(0, to), rows.length - 1);
      assert.equal(after[place], rows[from]);
      assert.deepEqual(after.filter((row) => row !== rows[from]), rows.filter((row) => row !== rows[from]));
      if (place !== to) continue;
      rows.forEach((row, i) => {
        if (i !== from) assert.equal(after.indexOf(row), i + givesWay(i, from, to), `${row} with ${from} at ${to}`);
      });
    }
  }
  assert.deepEqual(moved(rows, 9, 0), rows);
});
