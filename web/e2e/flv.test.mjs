// HTTP-FLV as a stock FLV player takes it: mpegts.js, in a page of the server. It is no part of the page; it stands
// for every player that finds its way by the keyframe table of onMetaData.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { playableFiles, start } from "./browser.mjs";

const MPEGTS = readFileSync(createRequire(import.meta.url).resolve("mpegts.js/dist/mpegts.js"), "utf8");
/** For a conversion to get anywhere in a sample of 90 s, on a busy machine. */
const CONVERTED_MS = 60_000;

// The stand-in server of the other tests makes no FLV.
const options = { skip: !process.env.WIIDIA_URL };

let wiidia, files;
before(async () => {
  if (options.skip) return;
  wiidia = await start();
  files = await playableFiles(wiidia.api);
});
after(() => wiidia?.close());

for (const [what, name] of [
  ["a film that is being converted", /90 seconds/],
  ["an flv that is served as it is", /^H264\.flv$/],
]) {
  test(`a stock flv player plays ${what} and seeks in it`, options, async () => {
    const file = files.find((entry) => name.test(entry.name));
    assert.ok(file, `the library has no ${name}`);
    const view = await wiidia.open();
    await view.visit();
    await view.page.evaluate(MPEGTS);
    await view.page.evaluate((path) => {
      const video = document.createElement("video");
      video.muted = true;
      document.body.append(video);
      const player = window.mpegts.createPlayer({ type: "flv", url: location.origin + "/flv/" + path }, { lazyLoad: false });
      player.on(window.mpegts.Events.ERROR, (kind, detail) => console.error(`mpegts.js: ${kind} ${detail}`));
      player.attachMediaElement(video);
      player.load();
      void player.play();
      window.flvTest = video;
    }, file.path);
    const reached = (time, limit) =>
      view.page.waitForFunction((at) => window.flvTest.currentTime > at && window.flvTest.videoWidth > 0, time, {
        timeout: limit,
      });
    await reached(0.5, 20_000);
    const duration = await view.page.evaluate(() => window.flvTest.duration);
    assert.ok(Math.abs(duration - (file.duration ?? duration)) < 0.5, `${duration} s, the library says ${file.duration}`);
    const target = duration * 0.8;
    await view.page.evaluate((at) => (window.flvTest.currentTime = at), target);
    await reached(target + 0.5, CONVERTED_MS);
    assert.deepEqual(view.complaints, []);
    await view.close();
  });
}
