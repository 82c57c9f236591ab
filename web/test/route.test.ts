import assert from "node:assert/strict";
import { test } from "node:test";
import { above, crumbs, formatHash, isWithin, lastName, parentPath, parseHash, type View } from "../src/route.ts";

test("every hash leads somewhere", () => {
  const table: [string, View, string][] = [
    ["", "browse", ""],
    ["#", "browse", ""],
    ["#/browse/", "browse", ""],
    ["#/browse/films/a%20b", "browse", "films/a%20b"],
    ["#/browse/films/", "browse", "films"],
    ["#/play/films/%C3%9C.avi", "play", "films/%C3%9C.avi"],
    ["#/play/", "browse", ""],
    ["#/elsewhere/x", "browse", ""],
    ["#/elsewhere", "browse", ""],
    ["#/live", "live", ""],
    ["#/watch/house%2Fdoor", "watch", "house%2Fdoor"],
    ["#/watch/", "browse", ""],
    ["#/setup/network/wlan", "setup", "network/wlan"],
    ["#/show/", "show", ""],
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

test("what an address says beyond its path survives, and what it does not know is left out", () => {
  const route = { view: "browse", path: "a%20b", query: { q: "x&y=ö?", sort: "-size" } } as const;
  assert.deepEqual(parseHash(formatHash(route)), route);
  assert.deepEqual(parseHash("#/play/a?start=0&evil=1"), { view: "play", path: "a", query: { start: "0" } });
  assert.deepEqual(parseHash("#/browse/a?evil=1"), { view: "browse", path: "a" });
  assert.equal(formatHash({ view: "browse", path: "a", query: { q: "" } }), "#/browse/a");
});

test("every place but the root has one above it, and from each the root is reached", () => {
  const places = ["#/browse/a/b?q=x", "#/play/a/b.avi", "#/show/a/b?at=a", "#/watch/x", "#/live/", "#/next/", "#/look/", "#/setup/a/b"];
  for (const place of places) {
    let route = above(parseHash(place));
    for (let steps = 0; route && steps < 10; steps += 1) {
      const next = above(route);
      if (!next) break;
      route = next;
    }
    assert.deepEqual(route, { view: "browse", path: "" }, place);
  }
  assert.equal(above({ view: "browse", path: "" }), null);
});
