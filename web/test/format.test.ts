import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, fileSize, roughWait } from "../src/format.ts";

test("times read as on a clock", () => {
  const table: [number, string][] = [
    [0, "0:00"],
    [7.9, "0:07"],
    [59.999, "0:59"],
    [60, "1:00"],
    [754, "12:34"],
    [3600, "1:00:00"],
    [3723.5, "1:02:03"],
    [36000, "10:00:00"],
    [-3, "0:00"],
    [NaN, "0:00"],
    [Infinity, "0:00"],
  ];
  for (const [seconds, text] of table) assert.equal(clock(seconds), text, String(seconds));
});

test("sizes have one digit after the point while they are small", () => {
  const table: [number, string][] = [
    [0, "0 B"],
    [512, "512 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [48213, "48 kB"],
    [1_234_567, "1.2 MB"],
    [9_960_000, "10 MB"],
    [999_600, "1.0 MB"],
    [23e9, "23 GB"],
    [5e15, "5000 TB"],
  ];
  for (const [bytes, text] of table) assert.equal(fileSize(bytes), text, String(bytes));
});

test("a wait is told the more roughly the longer it is, and never as nothing", () => {
  assert.deepEqual(roughWait(0), { value: 1, unit: "s" });
  assert.deepEqual(roughWait(12.4), { value: 12, unit: "s" });
  assert.deepEqual(roughWait(33), { value: 35, unit: "s" });
  assert.deepEqual(roughWait(89), { value: 90, unit: "s" });
  assert.deepEqual(roughWait(100), { value: 2, unit: "min" });
  assert.deepEqual(roughWait(600), { value: 10, unit: "min" });
});
