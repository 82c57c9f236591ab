import assert from "node:assert/strict";
import { test } from "node:test";
import { joined, type Source } from "../src/live/joined.ts";
import { correction, JUMP_FROM, TARGET } from "../src/live/edge.ts";
import { tileAt } from "../src/player/bar-picture.tsx";

// Plays for `seconds` behind an edge that moves on, in glances of 0.2 s; returns the jumps and the largest rate.
function play(behind: number, seconds: number, steady = false): { behind: number; jumps: number; fastest: number } {
  let [time, edge, rate, jumps, fastest] = [0, behind, 1, 0, 1];
  for (let passed = 0; passed < seconds; passed += 0.2) {
    edge += 0.2;
    time += 0.2 * rate;
    const wanted = correction(time, edge, rate, steady);
    if ("jump" in wanted) {
      time = wanted.jump;
      jumps += 1;
    } else {
      rate = wanted.rate;
    }
    fastest = Math.max(fastest, rate);
  }
  return { behind: edge - time, jumps, fastest };
}

test("after a stall of four seconds one is near the present again without a jump, and never hurried", () => {
  const after = play(4.9, 40);
  assert.equal(after.jumps, 0);
  assert.ok(after.behind < 1.5, `${after.behind} s behind`);
  assert.ok(after.fastest <= 1.15);
});

test("far behind, one jump is made and no second one", () => {
  const after = play(JUMP_FROM + 5, 20);
  assert.equal(after.jumps, 1);
  assert.ok(after.behind < 2);
});

test("near the present nothing is done", () => {
  for (const behind of [0.5, TARGET, 1.4]) assert.deepEqual(correction(0, behind, 1, false), { rate: 1 });
});

test("a browser that stutters at other speeds only jumps", () => {
  const after = play(5, 10, true);
  assert.deepEqual([after.jumps, after.fastest], [1, 1]);
});

test("a buffer that runs dry is stretched, and rests again once there is room", () => {
  assert.ok("rate" in correction(0, 0.1, 1, false));
  const slow = correction(0, 0.1, 1, false);
  assert.ok("rate" in slow && slow.rate < 1);
  assert.deepEqual(correction(0, 0.6, 0.97, false), { rate: 1 });
});

const source = (name: string, state: Source["state"]): Source => ({
  name,
  url: "",
  kind: "rtsp",
  origin: "api",
  state,
  reason: state === "waiting" ? "no route to it" : null,
  next_try_seconds: state === "waiting" ? 3 : null,
  viewers: 0,
});

test("streams and sources of one name are one channel, in order of their names", () => {
  const channels = joined(
    [
      { name: "cam 10", on_air: true, viewers: 2 },
      { name: "cam 2", on_air: false, viewers: 0 },
      { name: "door", on_air: true, viewers: 1 },
    ],
    [source("door", "on_air"), source("garden", "waiting"), source("attic", "idle")],
    [{ stream: "door", state: "recording", path: null, name: null, duration: 0, error: null }],
  );
  assert.deepEqual(
    channels.map(({ name, state, viewers, recording }) => [name, state, viewers, recording]),
    [
      ["attic", "idle", 0, false],
      ["cam 2", "off", 0, false],
      ["cam 10", "on_air", 2, false],
      ["door", "on_air", 1, true],
      ["garden", "waiting", 0, false],
    ],
  );
});

test("the picture of a place is the last one before it", () => {
  assert.deepEqual([0, 5, 54, 109.9, 500].map((time) => tileAt([0, 54, 110], time)), [0, 0, 1, 1, 2]);
});
