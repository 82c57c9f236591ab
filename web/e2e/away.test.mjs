// A server that goes and comes back, and one with a folder of twenty thousand files: a real one of the test's own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { link, mkdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PHONE, scrollThrough, start, TV } from "./browser.mjs";
import { freePort, makeFilm, ownServer } from "./own-server.mjs";

const COUNT = 20_000;
const SECONDS = 120;
// Whatever has to happen on a machine that has other work.
const PATIENCE = { timeout: 90_000 };

const options = { skip: !process.env.WIIDIA_URL };

let server, wiidia;
before(async () => {
  if (options.skip) return;
  // The background would look at twenty thousand films while the test scrolls.
  server = await ownServer(fill, "[index]\nbackground = false\n");
  process.env.WIIDIA_URL = server.url;
  wiidia = await start();
});
after(async () => {
  await wiidia?.close();
  await server?.close();
});

async function fill(library) {
  makeFilm(library + "/A long film.mp4", SECONDS);
  // Another name, so that nobody has begun it yet.
  await link(library + "/A long film.mp4", library + "/Another long film.mp4");
  makeFilm(library + "/clip.mp4", 1);
  const crowd = library + "/Crowd";
  await mkdir(crowd);
  for (let year = 1; year <= 40; year += 1) await mkdir(`${crowd}/Year ${year}`);
  for (let take = 1; take <= COUNT - 40; take += 1) await link(library + "/clip.mp4", `${crowd}/Take ${take}.mp4`);
}

// Failed requests are what these tests make.
const open = (more = {}) => wiidia.open({ expected: /Failed to load resource|ERR_|503/, ...more });

test("twenty thousand files of the real server scroll, and one comes back to where one was", options, async (t) => {
  const view = await open({ viewport: TV });
  const since = Date.now();
  await view.visit("#/browse/Crowd");
  await view.page.getByText(`40 folders, ${COUNT - 40} files`).waitFor(PATIENCE);
  await view.page.locator("a.folder").first().waitFor();
  t.diagnostic(`first entries after ${Date.now() - since} ms`);
  const { median, slowest } = await scrollThrough(view.page);
  t.diagnostic(`frames while scrolling: median ${median.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms`);
  const last = view.page.getByRole("link", { name: `Take ${COUNT - 40}.mp4` });
  await last.waitFor(PATIENCE);
  assert.ok((await view.page.locator(".cell").count()) < 150, "only what is near the screen exists");
  assert.deepEqual(await view.axe(), []);
  await last.focus();
  await view.page.keyboard.press("Enter");
  await view.page.locator("video").waitFor(PATIENCE);
  await view.page.keyboard.press("Backspace");
  await view.page.waitForFunction((name) => document.activeElement?.textContent?.includes(name), `Take ${COUNT - 40}.mp4`, PATIENCE);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a film goes on where it was when the server is started anew", options, async (t) => {
  const view = await open();
  await view.visit("#/play/A%20long%20film.mp4");
  await moving(view, 1);
  await server.stop();
  // What is not in the browser yet.
  const target = await view.page.evaluate((seconds) => {
    const video = document.querySelector("video");
    const end = video.buffered.length ? video.buffered.end(video.buffered.length - 1) : 0;
    return (video.currentTime = Math.min(end + 20, seconds - 20));
  }, SECONDS);
  await sleep(3000);
  assert.ok((await view.page.evaluate(() => document.querySelector("video").readyState)) < 3, "there was no server, and it played");
  assert.notEqual(await view.focused(), null);
  const since = Date.now();
  await server.start();
  await moving(view, target + 1);
  t.diagnostic(`on again ${Date.now() - since} ms after the server was started`);
  const time = await view.page.evaluate(() => document.querySelector("video").currentTime);
  assert.ok(time < target + 60, `at ${time} s instead of ${target} s`);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a server that is away for long is said to be, and the film goes on by itself once it is back", options, async () => {
  const view = await open({ viewport: PHONE });
  await view.visit("#/play/Another%20long%20film.mp4");
  await moving(view, 1);
  await server.stop("SIGKILL");
  // Nothing is left to play, so that the page gives up after its attempts, which take half a minute.
  const target = await view.page.evaluate((seconds) => (document.querySelector("video").currentTime = seconds - 30), SECONDS);
  await view.page.getByRole("alert").waitFor(PATIENCE);
  assert.match((await view.focused()) ?? "", /again/i);
  assert.deepEqual(await view.axe(), []);
  await server.start();
  await moving(view, target + 1);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a telephone that was offline shows the folder by itself once it is online", options, async () => {
  const view = await open({ viewport: PHONE });
  await view.visit();
  await view.page.locator("a.folder").first().waitFor(PATIENCE);
  await view.page.context().setOffline(true);
  await view.page.locator("a.folder").first().click();
  await view.page.getByRole("alert").waitFor(PATIENCE);
  await view.page.waitForFunction(() => document.activeElement?.textContent?.includes("Try again"));
  assert.deepEqual(await view.axe(), []);
  await view.page.context().setOffline(false);
  await view.page.getByText(`40 folders, ${COUNT - 40} files`).waitFor(PATIENCE);
  assert.notEqual(await view.focused(), null);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a source that is off the air is a tile that says so, and what it opens as well", options, async () => {
  const made = await fetch(server.url + "/api/v1/sources", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "door", url: "rtsp://127.0.0.1:1/stream", mode: "always" }),
  });
  assert.equal(made.status, 201, await made.text());
  const view = await open();
  for (const colorScheme of ["light", "dark"]) {
    await view.page.emulateMedia({ colorScheme });
    await view.page.goto("about:blank");
    await view.visit("#/live/");
    await view.page.locator(".channel", { hasText: "door" }).waitFor(PATIENCE);
    await view.page.getByText(/tried again|Next attempt|refused|not reach/i).first().waitFor(PATIENCE);
    assert.deepEqual(await view.axe(), []);
    assert.notEqual(await view.focused(), null);
  }
  await view.shot("live-off-air");
  await view.visit("#/watch/door");
  await view.page.locator(".waiting, [role=alert]").first().waitFor(PATIENCE);
  assert.deepEqual(await view.axe(), []);
  assert.notEqual(await view.focused(), null);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("whoever watches a source goes on watching when its sender was away", options, async (t) => {
  const port = await freePort();
  const made = await fetch(server.url + "/api/v1/sources", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    // Without a slate: what moves is the sender's picture.
    body: JSON.stringify({ name: "yard", url: `udp://127.0.0.1:${port}`, slate: false }),
  });
  assert.equal(made.status, 201, await made.text());
  const send = () =>
    spawn(
      "ffmpeg",
      `-v error -re -f lavfi -i testsrc2=s=320x180:r=25 -f lavfi -i sine -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p
       -c:a aac -f mpegts udp://127.0.0.1:${port}?pkt_size=1316`.split(/\s+/),
      { stdio: ["ignore", "inherit", "inherit"] },
    );
  let sender = send();
  t.after(() => sender.kill("SIGKILL"));
  const view = await open();
  await view.visit("#/watch/yard");
  await moving(view, 3);
  for (let time = 1; time <= 2; time += 1) {
    const ended = once(sender, "exit");
    sender.kill("SIGKILL");
    await ended;
    // Until the page has played all that it had.
    const stands = await view.page.evaluate(async () => {
      const video = document.querySelector("video");
      for (let last = -1; last !== video.currentTime; await new Promise((later) => setTimeout(later, 2000))) last = video.currentTime;
      return video.currentTime;
    });
    assert.notEqual(await view.focused(), null);
    const since = Date.now();
    sender = send();
    await moving(view, stands + 0.5);
    t.diagnostic(`goes on ${Date.now() - since} ms after its sender was started`);
    await moving(view, stands + 4);
  }
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("Back closes what is open in front, and not the page behind it", options, async () => {
  const view = await open();
  await view.visit("#/browse/Crowd");
  await view.page.locator("a.folder").first().waitFor(PATIENCE);
  const sort = view.page.getByRole("button", { name: "Name", exact: true });
  const dialog = view.page.getByRole("dialog");
  // A keyboard's Back, and those of the remote controls of LG and Samsung, which give codes only.
  for (const code of [8, 27, 461, 10009]) {
    await sort.click();
    await dialog.waitFor();
    await view.page.evaluate((keyCode) => {
      const key = { 8: "Backspace", 27: "Escape" }[keyCode] ?? "Unidentified";
      const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
      Object.defineProperty(event, "keyCode", { value: keyCode });
      document.activeElement.dispatchEvent(event);
    }, code);
    await dialog.waitFor({ state: "detached" });
    assert.equal(new URL(view.page.url()).hash, "#/browse/Crowd", `after ${code}`);
    await view.page.waitForFunction(() => document.activeElement?.textContent?.includes("Name"));
  }
  // The browser's own Back, a telephone's gesture, closes as well; then it leaves the page, whatever was opened and closed there before.
  await view.visit("#/browse/Crowd/Year%201");
  await view.page.getByRole("heading", { name: "Year 1" }).waitFor();
  await view.visit("#/browse/Crowd");
  await sort.click();
  await dialog.waitFor();
  await view.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await sort.click();
  await dialog.waitFor();
  await view.page.goBack();
  await dialog.waitFor({ state: "detached" });
  assert.equal(new URL(view.page.url()).hash, "#/browse/Crowd");
  await view.page.waitForFunction(() => document.activeElement?.textContent?.includes("Name"));
  await view.page.goBack();
  await view.page.getByRole("heading", { name: "Year 1" }).waitFor();
  assert.notEqual(await view.focused(), null);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

const moving = (view, from) => view.page.waitForFunction((from) => document.querySelector("video")?.currentTime > from, from, PATIENCE);
