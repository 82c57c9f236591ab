import assert from "node:assert/strict";
import { test } from "node:test";
import { crumbs, formatHash, isWithin, lastName, parentPath, parseHash } from "../src/route.ts";

test("every hash leads somewhere", () => {
  const table: [string, "browse" | "play", string][] = [
    ["", "browse", ""],
    ["#", "browse", ""],
    ["#/browse/", "browse", ""],
    ["#/browse/films/a%20b", "browse", "films/a%20b"],
    ["#/browse/films/", "browse", "films"],
    ["#/play/films/%C3%9C.avi", "play", "films/%C3%9C.avi"],
    ["#/play/", "browse", ""],
    ["#/elsewhere/x", "browse", ""],
  ];
  for (const [hash, view, path] of table) assert.deepEqual(parseHash(hash), { view, path }, hash);
});

test("a route survives the way through the address", () => {
  for (const path of ["a", "a/b%20c/%25", "%FF%FE/x%23y%3Fz"]) {
    assert.deepEqual(parseHash(formatHash({ view: "play", path })), { view: "play", path });
  }
});

test("names are decoded for the eye, and left alone if they are not UTF-8", () => {
  assert.equal(lastName("films/Gr%C3%B6%C3%9Fe%20%26%20Ma%C3%9F.mp4"), "Größe & Maß.mp4");
  assert.equal(lastName("%FF.avi"), "%FF.avi");
  assert.deepEqual(crumbs("a%20b/c"), [
    { name: "a b", path: "a%20b" },
    { name: "c", path: "a%20b/c" },
  ]);
  assert.deepEqual(crumbs(""), []);
});

test("up leads to the folder above, and ends at the root", () => {
  assert.equal(parentPath("a/b/c"), "a/b");
  assert.equal(parentPath("a"), "");
  assert.equal(parentPath(""), "");
});

test("a file is within its folders, not within a folder of a similar name", () => {
  assert.equal(isWithin("films/old/x.avi", "films"), true);
  assert.equal(isWithin("films/old/x.avi", "films/old/x.avi"), true);
  assert.equal(isWithin("films/older", "films/old"), false);
  assert.equal(isWithin("", "films"), false);
});
