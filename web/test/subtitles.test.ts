import assert from "node:assert/strict";
import { test } from "node:test";
import type { Media, Track } from "../src/api.ts";
import { askedFor, textTrack, toBeDrawn, wantedTrack } from "../src/player/subtitles.ts";

const track = (language: string | null, more: Partial<Track> = {}): Track => ({
  address: null,
  chosen: false,
  codec: "SubRip",
  default: false,
  external: false,
  forced: false,
  language,
  title: null,
  ...more,
});
const film = (subtitles: Track[], drawn: number | null = null): Media =>
  ({ video: {}, form: { subtitles: drawn }, contents: { audio: [], subtitles } }) as unknown as Media;

test("a language finds its subtitles, those that say everything before forced ones", () => {
  const tracks = [track("en", { forced: true }), track("de"), track("en"), track(null)];
  assert.equal(wantedTrack(tracks, "en"), 2);
  assert.equal(wantedTrack(tracks, "de"), 1);
  assert.equal(wantedTrack(tracks, "fr"), null);
  assert.equal(wantedTrack(tracks, "none"), null);
  assert.equal(wantedTrack(tracks, undefined), null);
  assert.equal(wantedTrack([track("en"), track("de", { default: true })], undefined), 1);
  assert.equal(wantedTrack([track("en", { forced: true })], "en"), 0);
});

test("subtitles of text are laid over the picture, those made of pictures are drawn into it once", () => {
  const text = track("de", { address: "/subtitles/a?track=0" });
  assert.equal(textTrack(film([text]), "de"), 0);
  assert.equal(toBeDrawn(film([text]), "de"), null);
  assert.equal(textTrack(film([track("de")]), "de"), null);
  assert.equal(toBeDrawn(film([track("de")]), "de"), 0);
  assert.equal(toBeDrawn(film([track("de")], 0), "de"), null, "they are in it already");
  assert.equal(toBeDrawn({ ...film([track("de")]), video: null }, "de"), null, "there is no picture");
});

test("the server is asked for drawn subtitles by their number alone", () => {
  assert.deepEqual(askedFor({ audio: "de", subtitles: "de" }), { audio: "de", subtitles: "none" });
  assert.deepEqual(askedFor({}), { subtitles: "none" });
  assert.deepEqual(askedFor({ subtitles: "1" }), { subtitles: "1" });
});
