import assert from "node:assert/strict";
import { test } from "node:test";
import { commandFor, type PlayerCommand } from "../src/player/keys.ts";

test("keys of keyboards", () => {
  const table: [string, "button" | "seek-bar" | "slider" | "nowhere", PlayerCommand | undefined][] = [
    [" ", "seek-bar", { do: "toggle" }],
    [" ", "nowhere", { do: "toggle" }],
    [" ", "button", undefined], // presses the button
    ["k", "button", { do: "toggle" }],
    ["K", "nowhere", { do: "toggle" }], // caps lock
    ["j", "nowhere", { do: "seek", by: -10 }],
    ["l", "nowhere", { do: "seek", by: 10 }],
    ["ArrowRight", "nowhere", { do: "seek", by: 10 }],
    ["ArrowRight", "button", undefined], // moves the focus
    ["ArrowRight", "seek-bar", undefined], // the bar's own business
    ["ArrowUp", "nowhere", { do: "volume", by: 0.05 }],
    ["ArrowUp", "seek-bar", undefined],
    ["Enter", "seek-bar", { do: "toggle" }], // OK on a remote control
    ["Enter", "button", undefined],
    ["Enter", "slider", undefined],
    ["f", "slider", { do: "full-screen" }],
    ["m", "nowhere", { do: "mute" }],
    ["x", "nowhere", undefined],
  ];
  for (const [key, focus, command] of table) assert.deepEqual(commandFor(key, 0, focus), command, `${key} on ${focus}`);
});

test("keys of remote controls, by name and by number", () => {
  assert.deepEqual(commandFor("MediaPlayPause", 0, "button"), { do: "toggle" });
  assert.deepEqual(commandFor("Unidentified", 415, "button"), { do: "play" });
  assert.deepEqual(commandFor("", 417, "button"), { do: "seek", by: 10 });
  assert.deepEqual(commandFor("Unidentified", 1, "button"), undefined);
});
