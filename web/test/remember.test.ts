import assert from "node:assert/strict";
import { test } from "node:test";
import { remembered, sane } from "../src/player/remember.ts";

test("what was stored is taken only if the server could mean something by it", () => {
  const all = { profile: "small", audio: "de", subtitles: "none" };
  assert.deepEqual(sane(all), all);
  assert.deepEqual(sane({ profile: "flash", audio: "1", subtitles: "German" }), {});
  assert.deepEqual(sane({ profile: 1, audio: null, subtitles: ["de"] }), {});
});

test("languages and quality are remembered, numbers of tracks are not", () => {
  const film = {
    audio: [{ language: "en" }, { language: "de" }, { language: null }],
    subtitles: [{ language: "fr" }],
  };
  assert.deepEqual(remembered({}, { audio: "1" }, film), { audio: "de" });
  assert.deepEqual(remembered({ audio: "de" }, { audio: "2" }, film), { audio: "de" }, "nobody knows its language");
  assert.deepEqual(remembered({ audio: "de" }, { subtitles: "0" }, film), { audio: "de", subtitles: "fr" });
  assert.deepEqual(remembered({ subtitles: "fr" }, { subtitles: "none" }, film), { subtitles: "none" });
  assert.deepEqual(remembered({ profile: "small" }, { profile: "tv" }, film), { profile: "tv" });
  assert.deepEqual(remembered({ profile: "small" }, { profile: "audio" }, film), { profile: "small" });
});
