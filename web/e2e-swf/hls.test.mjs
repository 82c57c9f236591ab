// Chromium plays HLS by itself: a film whole and sought, beyond what is converted.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { getJson, start } from "../e2e/browser.mjs";

let browser;
before(async () => {
  assert.ok(process.env.WIIDIA_URL, "these tests need a server: scripts/test swf");
  browser = await start();
});
after(() => browser?.close());

const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");

/**
 * Waits until the segment of a film at a time is there. Chromium gives up at the first 503, which a machine with other work may have
 * to answer; that the server converts ahead because somebody wants to go there is the same with it.
 */
async function converted(film, seconds) {
  const lines = (await (await fetch(`${browser.api}${film}/index.m3u8`)).text()).split("\n");
  let end = 0;
  const at = lines.findIndex((line) => line.startsWith("#EXTINF:") && (end += parseFloat(line.slice(8))) > seconds);
  assert.ok(at > 0, lines.join("\n"));
  for (let tries = 0; tries < 20; tries++) {
    const { status } = await fetch(`${browser.api}${film}/${lines[at + 1]}`);
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  assert.fail(`the segment of ${film} at ${seconds} s does not come`);
}

/** Plays an address in a <video>, seeks, and says where it is then and what it has seen. */
async function played(address, seekTo) {
  const { page, complaints, close } = await browser.open({ expected: /404|favicon|blob:/ });
  await page.goto(browser.base + "/wiidiaplayer.html");
  const result = await page.evaluate(
    async ([address, seekTo]) => {
      const video = document.createElement("video");
      video.muted = true;
      document.body.append(video);
      const until = (done, what) =>
        new Promise((resolve, reject) => {
          const began = Date.now();
          const look = setInterval(() => {
            if (video.error) reject(new Error(`${what}: ${video.error.message}`));
            else if (done()) resolve();
            else if (Date.now() - began > 60_000) reject(new Error(`waited in vain until ${what}`));
            else return;
            clearInterval(look);
          }, 50);
        });
      video.src = address;
      await video.play();
      await until(() => video.currentTime > 1, "it plays");
      const [duration, width] = [video.duration, video.videoWidth];
      video.currentTime = seekTo;
      await until(() => !video.seeking && video.currentTime > seekTo + 0.5, "it plays behind the seek");
      return { duration, width, at: video.currentTime, frames: video.getVideoPlaybackQuality().totalVideoFrames };
    },
    [address, seekTo],
  );
  await close();
  return { ...result, complaints };
}

test("Chromium's own HLS plays films and goes ahead of the conversion", async () => {
  for (const [path, length, width, seekTo] of [
    ["Films/Big Test (H.264).mp4", 20, 640, 13],
    ["Films/A Long Way (90 seconds).avi", 90, 1280, 75],
    ["Flash Era/H264.flv", 20, 640, 15],
  ]) {
    const film = `/hls/${encoded(path)}`;
    await converted(film, 0);
    await converted(film, seekTo);
    const got = await played(film + "/master.m3u8", seekTo);
    assert.ok(Math.abs(got.duration - length) < 1, `${path}: ${got.duration} of ${length} s`);
    // A machine that is too slow for it goes on smaller.
    assert.ok(got.width > 0 && got.width <= width, `${path}: ${got.width} pixels wide`);
    assert.ok(got.frames > 30, `${path}: ${got.frames} frames`);
    assert.deepEqual(got.complaints, [], path);
  }
  const { ranges } = await getJson(`${browser.api}/api/v1/media/Films/${encodeURIComponent("A Long Way (90 seconds).avi")}`);
  assert.ok(ranges.length > 0);
});
