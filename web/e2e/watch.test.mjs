// The page's own live player: how far it is behind, by a clock in the picture, and what it does after a stall. ffmpeg publishes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { getJson, start } from "./browser.mjs";

const KEY = "burnt-in-clock";
const RATE = 25;
// Each stripe of the picture, from the left, is one bit of the frame's number: white or black.
const BITS = 16;
const STRIPE = 20;

// Somebody must publish, which takes the real server.
const options = { skip: !process.env.WIIDIA_URL || !process.env.WIIDIA_RTMP };

let wiidia, publisher;
// When frame 0 was sent, by this machine's clock, in milliseconds.
let began = Infinity;
before(async () => {
  if (options.skip) return;
  wiidia = await start();
  const picture = `color=s=${BITS * STRIPE}x180:r=${RATE},geq=lum='235*mod(floor(N/pow(2,floor(X/${STRIPE}))),2)':cb=128:cr=128`;
  publisher = spawn(
    "ffmpeg",
    ["-v", "error", "-progress", "pipe:1", "-stats_period", "0.2", "-re", "-f", "lavfi", "-i", picture].concat(
      "-re -f lavfi -i sine -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -pix_fmt yuv420p -c:a aac -f flv".split(" "),
      new URL(`/live/${encodeURIComponent(KEY)}`, process.env.WIIDIA_RTMP).href,
    ),
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  // A report is never early, so the earliest one is the best.
  publisher.stdout.on("data", (text) => {
    const frame = Number(/frame=(\d+)/.exec(String(text))?.[1] ?? 0);
    if (frame > 0) began = Math.min(began, Date.now() - (frame / RATE) * 1000);
  });
  for (let tries = 0; ; tries++) {
    const { streams } = await getJson(`${wiidia.api}/api/v1/streams`);
    if (streams.some((stream) => stream.name === KEY && stream.bytes_in > 10_000)) break;
    assert.ok(tries < 300, "the stream did not come on air");
    await sleep(100);
  }
});
after(() => {
  publisher?.kill("SIGKILL");
  return wiidia?.close();
});

test("a live picture is less than two seconds old, and after a stall again without a jump", options, async (t) => {
  // Pictures of the channels are there only where the server makes them.
  const view = await wiidia.open({ viewport: { width: 1280, height: 720 }, expected: /Failed to load resource/ });
  await view.visit("#/live/");
  const tile = view.page.getByRole("link", { name: new RegExp(`On air.*${KEY}`) });
  await tile.waitFor();
  await view.page.waitForFunction((key) => document.activeElement?.textContent.includes(key), KEY);
  assert.deepEqual(await view.axe(), []);
  await view.page.keyboard.press("Enter");
  await view.page.waitForFunction(() => document.querySelector("video")?.readyState > 2 && document.querySelector("video")?.currentTime > 0, null, {
    timeout: 30_000,
  });
  assert.equal(await view.focused(), "Live");
  assert.deepEqual(await view.axe(), []);
  await sleep(4000);

  const steady = [];
  for (let i = 0; i < 5; i += 1) {
    steady.push(await age(view));
    await sleep(300);
  }
  t.diagnostic(`age of the picture: ${steady.map((ms) => Math.round(ms)).join(", ")} ms`);
  assert.ok(Math.max(...steady) < 2000, `the picture is ${Math.max(...steady)} ms old`);

  await view.page.evaluate(() => {
    const video = document.querySelector("video");
    let last = video.currentTime;
    window.liveTest = { jumps: 0, rate: 1 };
    setInterval(() => {
      if (video.currentTime - last > 1.2 || video.currentTime < last) window.liveTest.jumps += 1;
      last = video.currentTime;
      window.liveTest.rate = Math.max(window.liveTest.rate, video.playbackRate);
    }, 250);
  });
  publisher.kill("SIGSTOP");
  await sleep(3500);
  publisher.kill("SIGCONT");
  await sleep(1500);
  const stalled = await age(view);
  let caughtUp = stalled;
  const since = Date.now();
  while (caughtUp >= 2000 && Date.now() - since < 60_000) {
    await sleep(1000);
    caughtUp = await age(view);
  }
  const { jumps, rate } = await view.page.evaluate(() => window.liveTest);
  const { droppedVideoFrames, totalVideoFrames } = await view.page.evaluate(() => {
    const { droppedVideoFrames, totalVideoFrames } = document.querySelector("video").getVideoPlaybackQuality();
    return { droppedVideoFrames, totalVideoFrames };
  });
  t.diagnostic(
    `after a stall of 3.5 s: ${Math.round(stalled)} ms, then ${Math.round(caughtUp)} ms after ${((Date.now() - since) / 1000).toFixed(0)} s ` +
      `at up to ${rate.toFixed(2)} ×, ${jumps} jumps; ${droppedVideoFrames} of ${totalVideoFrames} frames dropped`,
  );
  assert.ok(caughtUp < 2000, `still ${caughtUp} ms behind`);
  assert.equal(jumps, 0, "the picture jumped");
  assert.ok(rate <= 1.16, `it ran at ${rate}`);

  await view.page.keyboard.press("Backspace");
  await view.page.getByRole("heading", { name: "Live" }).waitFor();
  assert.deepEqual(view.complaints, []);
  await view.close();
  for (let tries = 0; ; tries++) {
    const { streams } = await getJson(`${wiidia.api}/api/v1/streams`);
    if (streams.find((stream) => stream.name === KEY).viewers === 0) break;
    assert.ok(tries < 100, "the viewer is still counted");
    await sleep(100);
  }
});

// Milliseconds since the frame on the screen was made.
async function age(view) {
  const { number, now } = await view.page.evaluate(
    ([bits, stripe]) => {
      const video = document.querySelector("video");
      const canvas = document.createElement("canvas");
      canvas.width = bits * stripe;
      canvas.height = 10;
      const context = canvas.getContext("2d");
      context.drawImage(video, 0, 0, canvas.width, 10);
      const { data } = context.getImageData(0, 5, canvas.width, 1);
      let number = 0;
      for (let bit = 0; bit < bits; bit += 1) {
        if (data[(bit * stripe + stripe / 2) * 4] > 120) number += 2 ** bit;
      }
      return { number, now: Date.now() };
    },
    [BITS, STRIPE],
  );
  return now - (began + (number / RATE) * 1000);
}
