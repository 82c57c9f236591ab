// Live streams as stock players take them in a browser: mpegts.js in a page of the server, over HTTP and WebSocket.
// ffmpeg publishes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { getJson, start } from "./browser.mjs";

const MPEGTS = readFileSync(createRequire(import.meta.url).resolve("mpegts.js/dist/mpegts.js"), "utf8");
const KEY = "browser-test";

// Somebody must publish, which takes the real server.
const options = { skip: !process.env.WIIDIA_URL || !process.env.WIIDIA_RTMP };

let wiidia, publisher;
before(async () => {
  if (options.skip) return;
  wiidia = await start();
  publisher = spawn(
    "ffmpeg",
    `-v error -re -f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine -c:v libx264 -preset ultrafast -g 25
     -pix_fmt yuv420p -c:a aac -f flv`.split(/\s+/).concat(new URL(`/live/${KEY}`, process.env.WIIDIA_RTMP).href),
    { stdio: ["ignore", "inherit", "inherit"] },
  );
  for (let tries = 0; ; tries++) {
    const { streams } = await getJson(`${wiidia.api}/api/v1/streams`);
    if (streams.some((stream) => stream.name === KEY && stream.bytes_in > 50_000)) break;
    assert.ok(tries < 200, "the stream did not come on air");
    await sleep(100);
  }
});
after(() => {
  publisher?.kill("SIGKILL");
  return wiidia?.close();
});

for (const scheme of ["http", "ws"]) {
  test(`a stock flv player plays a live stream over ${scheme}`, options, async () => {
    const view = await wiidia.open();
    await view.visit();
    await view.page.evaluate(MPEGTS);
    await view.page.evaluate(
      ([scheme, key]) => {
        const video = document.createElement("video");
        video.muted = true;
        document.body.append(video);
        const url = `${scheme}://${location.host}/live/${key}.flv`;
        const player = window.mpegts.createPlayer({ type: "flv", isLive: true, url });
        player.on(window.mpegts.Events.ERROR, (kind, detail) => console.error(`mpegts.js: ${kind} ${detail}`));
        player.attachMediaElement(video);
        player.load();
        void player.play();
        window.liveTest = { video, player };
      },
      [scheme, KEY],
    );
    const watched = () => {
      const { video } = window.liveTest;
      const begin = video.buffered.length > 0 ? video.buffered.start(0) : Infinity;
      return video.videoWidth === 320 && video.currentTime > begin + 3;
    };
    await view.page.waitForFunction(watched, null, { timeout: 30_000 });
    await view.page.evaluate(() => window.liveTest.player.destroy());
    assert.deepEqual(view.complaints, []);
    await view.close();
    for (let tries = 0; ; tries++) {
      const { streams } = await getJson(`${wiidia.api}/api/v1/streams`);
      if (streams.find((stream) => stream.name === KEY).viewers === 0) break;
      assert.ok(tries < 100, "the viewer is still counted");
      await sleep(100);
    }
  });
}
