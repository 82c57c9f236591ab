import assert from "node:assert/strict";
import { test } from "node:test";
import { type Box, nextInDirection } from "../src/focus.ts";

function box(left: number, top: number, width: number, height: number): Box {
  return { left, top, right: left + width, bottom: top + height };
}

// The library's screen, roughly:
//
//   brand   crumb  crumb
//   [tile 0] [tile 1] [tile 2]
//   [tile 3]
//   [ row 0                  ]
//   [ row 1                  ]
const screen: Record<string, Box> = {
  brand: box(0, 0, 100, 48),
  crumb: box(120, 0, 80, 48),
  tile0: box(0, 150, 190, 80),
  tile1: box(205, 150, 190, 80),
  tile2: box(410, 150, 190, 80),
  tile3: box(0, 245, 190, 80),
  row0: box(0, 350, 600, 72),
  row1: box(0, 430, 600, 72),
};

function step(from: string, direction: "left" | "right" | "up" | "down"): string | undefined {
  const names = Object.keys(screen).filter((name) => name !== from);
  const found = nextInDirection(screen[from] as Box, names.map((name) => screen[name] as Box), direction);
  return names[found];
}

test("the D-pad goes where the eye expects", () => {
  const table: [string, "left" | "right" | "up" | "down", string | undefined][] = [
    ["tile0", "right", "tile1"],
    ["tile1", "right", "tile2"],
    ["tile2", "right", undefined],
    ["tile2", "left", "tile1"],
    ["tile0", "down", "tile3"],
    ["tile2", "down", "row0"],
    ["tile3", "right", undefined],
    ["tile3", "down", "row0"],
    ["row0", "down", "row1"],
    ["row1", "down", undefined],
    ["row1", "up", "row0"],
    ["row0", "up", "tile3"],
    ["row0", "left", undefined],
    ["tile0", "up", "brand"],
    ["tile1", "up", "crumb"],
    ["brand", "right", "crumb"],
    ["brand", "down", "tile0"],
  ];
  for (const [from, direction, to] of table) assert.equal(step(from, direction), to, `${from} ${direction}`);
});

test("boxes that touch or overlap a little are still neighbours", () => {
  assert.equal(nextInDirection(box(0, 0, 100, 50), [box(0, 48, 100, 50)], "down"), 0);
  assert.equal(nextInDirection(box(0, 0, 100, 50), [box(98, 0, 100, 50)], "right"), 0);
});

test("no targets, no move", () => {
  assert.equal(nextInDirection(box(0, 0, 10, 10), [], "up"), -1);
});
