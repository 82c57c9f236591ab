import assert from "node:assert/strict";
import { test } from "node:test";
import { between, boxOf, layOut } from "../src/library/layout.ts";
import { marked, type Mark, MOST_MARKS, resumeAt, watched } from "../src/library/resume.ts";

test("every entry has a box of its own within the width, in order, and what is near a height is found", () => {
  for (const [total, folders] of [[0, 0], [1, 0], [1, 1], [7, 3], [400, 30], [20_000, 500]] as const) {
    for (const width of [300, 720, 1700]) {
      for (const look of ["grid", "list"] as const) {
        const layout = layOut(width, 16, total, folders, look);
        let last = { left: 0, top: -1 };
        for (let i = 0; i < total; i += Math.max(1, Math.floor(total / 977))) {
          const box = boxOf(layout, i);
          assert.ok(box.left >= 0 && box.left + box.width <= width + 0.01, `${i} of ${total} in ${width}`);
          assert.ok(box.top + box.height <= layout.height);
          assert.ok(box.top > last.top || (box.top === last.top && box.left > last.left), "they go on");
          last = box;
          const [from, to] = between(layout, box.top, box.top + 1);
          assert.ok(from <= i && i <= to, `entry ${i} is found at its own height`);
        }
      }
    }
  }
});

test("the entries near the screen are few, however many there are", () => {
  const layout = layOut(1200, 16, 20_000, 10, "grid");
  for (const top of [0, layout.height / 2, layout.height - 800]) {
    const [from, to] = between(layout, top - 800, top + 1600);
    assert.ok(to >= from && to - from < 120, `${from} to ${to}`);
  }
  assert.deepEqual(between(layout, layout.height + 5000, layout.height + 6000), [0, -1]);
  assert.deepEqual(between(layOut(1200, 16, 0, 0, "grid"), 0, 800), [0, -1]);
});

const mark = (at: number, duration: number | null = 5400, path = "a"): Mark => ({ path, name: path, kind: "video", at, duration, when: 0 });

test("one goes on where one left, but not at a beginning or an end", () => {
  assert.equal(resumeAt(undefined), 0);
  assert.equal(resumeAt(mark(10)), 0);
  assert.equal(resumeAt(mark(1000)), 997);
  assert.equal(resumeAt(mark(5300)), 0);
  assert.equal(resumeAt(mark(1000, null)), 0);
  assert.equal(watched(mark(5300)), 1);
  // A short clip counts as begun after its first moments.
  assert.ok(watched(mark(3, 60)) > 0);
});

test("marks are kept in order of the last watched, each once, and not without end", () => {
  let marks: Mark[] = [];
  for (let i = 0; i < MOST_MARKS + 50; i += 1) marks = marked(marks, mark(100, 5400, String(i)));
  marks = marked(marks, mark(200, 5400, "100"));
  assert.equal(marks.length, MOST_MARKS);
  assert.deepEqual([marks[0]?.path, marks[0]?.at], ["100", 200]);
  assert.equal(marks.filter(({ path }) => path === "100").length, 1);
  assert.ok(!marks.some(({ path }) => path === "3"), "the oldest are forgotten");
});
