// What happens when things go wrong or slowly: the stand-in's misbehaving files, which no real library has.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, start } from "../e2e/browser.mjs";

let wiidia;
before(async () => (wiidia = await start({ standIn: true })));
after(() => wiidia?.close());

const odd = (name) => "#/play/Odd%20ones/" + encodeURIComponent(name);
const LONG = "#/play/Holiday%20film%2C%20the%20long%20cut.mp4";

test("a broken connection is taken up again where it broke", async () => {
  const view = await wiidia.open({ expected: /ERR_/ });
  await view.visit(odd("cut connection.mp4"));
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 8, null, { timeout: 20_000 });
  assert.equal(await view.page.getByRole("alert").count(), 0);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a server that never comes back ends in words, once the buffer is played out, and Retry goes on there", async () => {
  const view = await wiidia.open({ expected: /ERR_/ });
  await view.visit(odd("dead server.mp4"));
  const alert = view.page.getByRole("alert");
  await alert.waitFor({ timeout: 60_000 });
  assert.match(await alert.textContent(), /The connection broke off/);
  assert.equal(await view.focused(), "Try again");
  await view.page.route("**/fmp4/**", (route) => route.continue({ url: route.request().url().replace("Odd%20ones/dead%20server.mp4", "A%20walk%20in%20the%20woods.mp4") }));
  await view.page.keyboard.press("Enter");
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 3.5, null, { timeout: 5000 });
  await view.close();
});

test("bytes that are no film end in clear words and another way to watch", async () => {
  const view = await wiidia.open({ expected: /./ });
  await view.visit(odd("garbage.mp4"));
  const alert = view.page.getByRole("alert");
  await alert.waitFor({ timeout: 20_000 });
  assert.match(await alert.textContent(), /can’t be shown.*rtmp:/s);
  await view.close();
});

test("a format the browser does not know is named", async () => {
  const view = await wiidia.open({ viewport: PHONE });
  await view.visit(odd("new codec.mp4"));
  const alert = view.page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.textContent(), /hvc1/);
  assert.equal(await view.focused(), "Open in another player");
  assert.deepEqual(await view.axe(), []);
  await view.shot("odd-codec-phone");
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a refusal to stream is told in the server's words", async () => {
  const view = await wiidia.open({ expected: /500/ });
  await view.visit(odd("refused.mp4"));
  const alert = view.page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.textContent(), /Conversion failed.*The converter stopped/s);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a body that ends too early is asked for again", async () => {
  const view = await wiidia.open();
  await view.visit(odd("ends early.mp4"));
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 7, null, { timeout: 15_000 });
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a seek ahead of the conversion counts down, then plays", async () => {
  const view = await wiidia.open();
  let open = 0;
  view.page.on("request", (request) => (open += request.url().includes("/api/v1/events") ? 1 : 0));
  view.page.on("requestfailed", (request) => (open -= request.url().includes("/api/v1/events") ? 1 : 0));
  await view.visit(odd("slow conversion.avi"));
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.5, null, { timeout: 10_000 });
  const bar = await view.page.locator(".seek .track").boundingBox();
  await view.page.mouse.click(bar.x + bar.width * 0.3, bar.y + bar.height / 2);
  const waiting = view.page.locator(".waiting");
  await waiting.getByText(/Getting there: about \d+ s/).waitFor();
  await view.page.getByRole("status").getByText(/Getting there: about \d+ s/).waitFor();
  assert.equal(open, 1);
  await view.shot("odd-countdown-tv");
  const first = Number(/about (\d+)/.exec(await waiting.textContent())[1]);
  await view.page.waitForTimeout(2500);
  const second = Number(/about (\d+)/.exec(await waiting.textContent())[1]);
  assert.ok(second < first, `${first} s, then ${second} s`);
  await view.page.waitForFunction(() => document.querySelector("video").currentTime > 27.5, null, { timeout: 20_000 });
  await waiting.waitFor({ state: "detached" });
  assert.equal(open, 0, "the events are still open");
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("without an estimate the wait says how far it is", async () => {
  const view = await wiidia.open();
  await view.visit(odd("no estimate.avi"));
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.2, null, { timeout: 10_000 });
  await view.page.keyboard.press("End");
  await view.page.getByText(/Ready up to \d+:\d\d so far/).first().waitFor();
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("no more than half a minute is read ahead", async () => {
  const view = await wiidia.open();
  await view.visit(LONG);
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.3);
  await view.page.keyboard.press("k");
  await view.page.waitForTimeout(2500);
  const { time, end } = await buffered(view);
  assert.ok(end - time > 20 && end - time < 45, `${end - time} s ahead`);
  await view.close();
});

test("jumping about joins what was loaded and always plays on", async () => {
  const view = await wiidia.open();
  await view.visit(LONG);
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.3);
  for (const at of [60, 10, 45, 5, 80, 33, 62]) {
    await view.page.evaluate((time) => (document.querySelector("video").currentTime = time), at);
    await view.page.waitForFunction((time) => document.querySelector("video").currentTime > time + 0.4, at, { timeout: 8000 });
  }
  // Over the joint between two islands.
  await view.page.evaluate(() => (document.querySelector("video").currentTime = 57));
  await view.page.waitForFunction(() => document.querySelector("video").currentTime > 64, null, { timeout: 15_000 });
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a full buffer makes room and loses nothing", async () => {
  const view = await wiidia.open();
  await view.page.addInitScript(() => {
    const append = SourceBuffer.prototype.appendBuffer;
    window.refusals = 0;
    SourceBuffer.prototype.appendBuffer = function (chunk) {
      const { buffered } = this;
      let total = 0;
      for (let i = 0; i < buffered.length; i += 1) total += buffered.end(i) - buffered.start(i);
      if (total > 14) {
        window.refusals += 1;
        throw new DOMException("full", "QuotaExceededError");
      }
      append.call(this, chunk);
    };
  });
  await view.visit(LONG);
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.3);
  await view.page.evaluate(() => (document.querySelector("video").playbackRate = 4));
  await view.page.waitForFunction(() => document.querySelector("video").currentTime > 30, null, { timeout: 20_000 });
  assert.ok((await view.page.evaluate(() => window.refusals)) > 0);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a television browser of 2018 is enough", async () => {
  const view = await wiidia.open();
  await view.page.addInitScript(() => {
    for (const name of ["queueMicrotask", "AbortController", "ResizeObserver", "structuredClone"]) delete window[name];
    delete Element.prototype.requestFullscreen;
  });
  await view.visit("#/browse/");
  await view.page.getByText("the long cut").click();
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.3);
  await view.page.evaluate(() => (document.querySelector("video").currentTime = 70));
  await view.page.waitForFunction(() => document.querySelector("video").currentTime > 70.3);
  await view.page.keyboard.press("f");
  await view.page.keyboard.press("Escape");
  await view.page.locator(".page").waitFor();
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("next and previous stay within the folder and leave one way back", async () => {
  const view = await wiidia.open();
  await view.visit("#/browse/");
  await view.page.getByText("A walk in the woods").click();
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.2);
  await view.page.keyboard.press("n");
  await view.page.waitForFunction(() => document.querySelector("h1").textContent.includes("birthday"));
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.2);
  await view.page.goBack();
  await view.page.locator(".page").waitFor();
  await view.page.waitForFunction(() => document.activeElement.textContent.includes("birthday"));
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("the volume is remembered", async () => {
  const view = await wiidia.open();
  await view.visit(LONG);
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.2);
  for (let i = 0; i < 4; i += 1) await view.page.keyboard.press("-");
  await view.page.reload();
  await view.page.waitForFunction(() => Math.abs((document.querySelector("video")?.volume ?? 0) - 0.8) < 0.001);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("lengths that are not known yet arrive later", async () => {
  const fresh = await start({ standIn: true });
  const view = await fresh.open();
  await view.visit("#/browse/");
  await view.page.locator(".length-unknown").first().waitFor();
  await view.page.locator(".length").getByText("1:30").waitFor({ timeout: 6000 });
  assert.deepEqual(view.complaints, []);
  await view.close();
  await fresh.close();
});

test("hundreds of files scroll along with the focus", async () => {
  const view = await wiidia.open();
  await view.visit("#/browse/Lots");
  await view.page.locator(".file").first().waitFor();
  for (let i = 0; i < 40; i += 1) await view.page.keyboard.press("ArrowDown");
  assert.match(await view.focused(), /^Episode 41\.mp4/);
  const seen = await view.page.evaluate(() => {
    const box = document.activeElement.getBoundingClientRect();
    return box.top >= 0 && box.bottom <= innerHeight;
  });
  assert.ok(seen, "the focus left the screen");
  await view.close();
});

test("where a gesture is wanted first, a large button asks for it", async () => {
  const shy = await start({ standIn: true, autoplay: false });
  const view = await shy.open({ viewport: PHONE });
  await view.visit("#/play/Grandma%E2%80%99s%20birthday.avi");
  const button = view.page.locator(".round-huge");
  await button.waitFor();
  await view.shot("odd-autoplay-refused-phone");
  assert.deepEqual(await view.axe(), []);
  await button.click();
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.2);
  await button.waitFor({ state: "detached" });
  assert.deepEqual(view.complaints, []);
  await view.close();
  await shy.close();
});

function buffered(view) {
  return view.page.evaluate(() => {
    const video = document.querySelector("video");
    return { time: video.currentTime, end: video.buffered.end(video.buffered.length - 1) };
  });
}
