// The player with every file the library has: each must play and seek, or say why not.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { getJson, PHONE, playableFiles, start, TV } from "./browser.mjs";

// Longest wait for a file's first moving picture: a conversion starts within it, even on a busy machine.
const FIRST_FRAME_MS = 25_000;
// Most files of a very large library to go through.
const MOST_FILES = 30;

let wiidia;
let files;
before(async () => {
  wiidia = await start();
  files = await playableFiles(wiidia.api);
});
after(() => wiidia?.close());

test("every file plays over its whole length, or says why not", async (t) => {
  assert.ok(files.length > 0, "the library has nothing to play");
  const chosen = process.env.WIIDIA_URL ? files : files.filter(wellBehaved);
  for (const file of chosen.slice(0, MOST_FILES)) {
    await t.test(file.path, (t) => (/^broken/i.test(file.name) ? saysWhyNot(file) : playsAndSeeks(file, t)));
  }
});

async function playsAndSeeks(file, t) {
  const view = await wiidia.open();
  await view.visit(folderHash(file));
  await view.page.locator(`a[href="#/play/${file.path}"]`).click();
  await view.page.locator("video").waitFor({ timeout: FIRST_FRAME_MS });
  await waitForTime(view, 0.5);
  const { duration } = await getJson(`${wiidia.api}/api/v1/media/${file.path}`);
  const state = await videoState(view);
  if (file.kind === "video") assert.ok(state.width > 0, "there is no picture");
  await view.page.mouse.move(300, 300);
  await view.shot(`play-${file.path.split("/").map(decodeURIComponent).join("-")}`);

  const seek = view.page.getByRole("slider", { name: "Position" });
  // A file may turn out to be cut short only when its conversion gets there.
  const shown = async () => Number(await seek.getAttribute("aria-valuemax"));
  for (let tries = 0; tries < 100 && Math.abs((await shown()) - duration) > 0.3; tries++) await view.page.waitForTimeout(100);
  assert.ok(Math.abs((await shown()) - duration) <= 0.3, `the seek bar is ${await shown()} s long, the file ${duration} s`);

  const target = duration * 0.7;
  const bar = await view.page.locator(".seek .track").boundingBox();
  await view.page.mouse.click(bar.x + bar.width * 0.7, bar.y + bar.height / 2);
  await view.page.waitForFunction((at) => Math.abs(document.querySelector("video")?.currentTime - at) < 1, target);
  await waitForTime(view, Math.min(target + 0.4, duration - 0.1));
  const after = await videoState(view);
  assert.ok(after.time > target && after.time < target + 3, `${after.time} s after a seek to ${target} s`);
  assert.equal(after.error, null);
  if (file.kind === "video") {
    const { dropped, total } = await view.page.evaluate(() => {
      const quality = document.querySelector("video").getVideoPlaybackQuality();
      return { dropped: quality.droppedVideoFrames, total: quality.totalVideoFrames };
    });
    // Said, not demanded: the machine that draws them may have other work.
    t.diagnostic(`${dropped} of ${total} frames dropped`);
    assert.ok(total > 0, "frames are drawn");
  }
  assert.equal(await view.page.getByRole("alert").count(), 0, "the player shows an error");
  assert.deepEqual(view.complaints, []);
  await view.close();
}

async function saysWhyNot(file) {
  // The browser logs the refusal, whichever request it meets.
  const view = await wiidia.open({ expected: /Failed to load resource/ });
  await view.visit(`#/play/${file.path}`);
  const alert = view.page.getByRole("alert");
  await alert.waitFor({ timeout: FIRST_FRAME_MS });
  assert.ok((await alert.locator("p").first().textContent()).length > 10, "the error says nothing");
  assert.equal(await view.focused(), "Try again");
  assert.deepEqual(await view.axe(), []);
  await view.shot("play-error");
  await view.page.keyboard.press("Escape");
  await view.page.locator(".page").waitFor();
  assert.deepEqual(view.complaints, []);
  await view.close();
}

test("the film plays to its end, and again", async () => {
  const file = firstOf("video");
  const { duration } = await getJson(`${wiidia.api}/api/v1/media/${file.path}`);
  const view = await wiidia.open();
  await play(view, file);
  await view.page.evaluate((at) => (document.querySelector("video").currentTime = at), duration - 1);
  await view.page.locator('main[data-state="ended"]').waitFor({ timeout: FIRST_FRAME_MS });
  await view.page.getByRole("button", { name: "Play again" }).click();
  await view.page.locator('main[data-state="playing"]').waitFor();
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime < 5);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a remote control's keys pause, seek, move between the buttons and leave", async () => {
  const file = firstOf("video");
  const view = await wiidia.open();
  await view.visit(folderHash(file));
  await view.page.locator(`a[href="#/play/${file.path}"]`).focus();
  await view.page.keyboard.press("Enter");
  await waitForTime(view, 0.5);
  assert.equal(await view.focused(), "Position");
  await view.page.keyboard.press("Enter");
  await view.page.locator('main[data-state="paused"]').waitFor();
  const before = (await videoState(view)).time;
  const { duration } = await getJson(`${wiidia.api}/api/v1/media/${file.path}`);
  await view.page.keyboard.press("ArrowRight");
  const target = Math.min(before + 10, duration);
  await view.page.waitForFunction((at) => Math.abs(document.querySelector("video")?.currentTime - at) < 1, target);
  await view.page.keyboard.press("j");
  await view.page.waitForFunction((at) => document.querySelector("video")?.currentTime < at, target - 1);
  await view.page.keyboard.press("ArrowDown");
  assert.match(await view.focused(), /Play|Pause|Previous|Next|Sound|Mute|Volume|Full screen/);
  await view.page.keyboard.press("ArrowUp");
  assert.equal(await view.focused(), "Position");
  await view.page.keyboard.press("ArrowUp");
  assert.equal(await view.focused(), "Back to the folder");
  await view.page.keyboard.press("m");
  await view.page.waitForFunction(() => document.querySelector("video")?.muted);
  await view.page.keyboard.press("Backspace");
  await view.page.locator(".page").waitFor();
  await view.page.waitForFunction((path) => document.activeElement?.getAttribute("href")?.endsWith(path), file.path);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("controls go away while a film plays and come back at a key", async () => {
  const view = await wiidia.open();
  await play(view, firstOf("video"));
  await view.page.locator(".player-bare").waitFor({ timeout: 8000 });
  await view.page.keyboard.press("ArrowUp");
  await view.page.locator(".player:not(.player-bare)").waitFor();
  assert.equal(await view.focused(), "Position", "the first key only shows the controls");
  await view.close();
});

for (const [screen, viewport] of Object.entries({ tv: TV, phone: PHONE })) {
  test(`the player is accessible on a ${screen}`, async () => {
    const view = await wiidia.open({ viewport, hasTouch: screen === "phone" });
    await play(view, firstOf("video"));
    await view.page.keyboard.press("k");
    await view.page.locator('main[data-state="paused"]').waitFor();
    await view.shot(`player-${screen}`);
    assert.deepEqual(await view.axe(), []);
    const small = await view.page.evaluate(() =>
      Array.from(document.querySelectorAll("a,button,[role=slider]"))
        .filter((target) => target.offsetWidth > 0 && Math.min(target.offsetWidth, target.offsetHeight) < 44)
        .map((target) => target.outerHTML.slice(0, 120)),
    );
    assert.deepEqual(small, [], "targets under 44 px");
    assert.deepEqual(view.complaints, []);
    await view.close();
  });
}

test("a browser without Media Source plays what it can by itself", async () => {
  const file = firstOf("video");
  // It tries HLS first, which a server may not have.
  const view = await wiidia.open({ viewport: PHONE, expected: /404|Failed to load resource/ });
  await view.page.addInitScript(() => delete window.MediaSource);
  await view.visit(`#/play/${file.path}`);
  await waitForTime(view, 0.5);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a browser that can play nothing names another player and the addresses for it", async () => {
  const file = firstOf("video");
  const view = await wiidia.open({ viewport: PHONE });
  await view.page.addInitScript(() => {
    delete window.MediaSource;
    HTMLMediaElement.prototype.canPlayType = () => "";
  });
  await view.visit(`#/play/${file.path}`);
  await view.page.getByRole("alert").waitFor({ timeout: FIRST_FRAME_MS });
  assert.equal(await view.focused(), "Open in another player");
  assert.equal(await view.page.locator("[data-first]").getAttribute("href"), `/flv/${file.path}`);
  assert.equal(await view.page.locator("code").textContent(), `rtmp://wiidia.lan:1935/vod/${file.path}`);
  assert.deepEqual(await view.axe(), []);
  await view.shot("player-unsupported-phone");
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("one goes on where one left off, or from the beginning", async () => {
  const file = firstOf("video");
  const view = await wiidia.open();
  await play(view, file);
  const { duration } = await getJson(`${wiidia.api}/api/v1/media/${file.path}`);
  const left = duration * 0.6;
  await view.page.evaluate((at) => (document.querySelector("video").currentTime = at), left);
  await waitForTime(view, left + 0.3);
  await view.page.keyboard.press("Escape");
  await view.page.locator(".page").waitFor();
  // Anew: who comes out of a folder is on that folder.
  await view.page.goto("about:blank");
  await view.visit();
  const begun = view.page.getByRole("region", { name: "Go on watching" }).getByRole("link");
  // Those of the tests before are there as well; what was left last comes first.
  await begun.first().waitFor();
  await view.page.waitForFunction((href) => document.activeElement?.getAttribute("href") === href, `#/play/${file.path}`);
  assert.deepEqual(await view.axe(), []);
  await view.page.keyboard.press("Enter");
  await waitForTime(view, left - 4);
  assert.ok((await videoState(view)).time < left + 4, "it goes on there");
  await view.visit(`#/play/${file.path}?start=0`);
  await view.page.waitForFunction(() => document.querySelector("video")?.currentTime < 4 && document.querySelector("video")?.readyState > 2);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("what another device left is gone on with, also when the server says so late", async () => {
  const file = firstOf("video");
  const view = await wiidia.open();
  await view.page.route("**/api/v1/positions/home", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const position = { path: file.path, name: file.name, position: 6, duration: 12, at: Math.floor(Date.now() / 1000) };
    await route.fulfill({ json: { positions: [position] } });
  });
  await view.visit();
  await view.page.waitForFunction(() => document.activeElement?.closest(".cell"));
  await view.page.waitForFunction((href) => document.activeElement?.getAttribute("href") === href, `#/play/${file.path}`);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("the next file follows after a countdown that can be stopped", async () => {
  const film = files.find(
    (entry, i) => entry.kind === "video" && wellBehaved(entry) && !/^Broken/.test(entry.path) && sameFolder(entry, files[i + 1]),
  );
  assert.ok(film, "the library has no two films side by side");
  const next = files[files.indexOf(film) + 1];
  const view = await wiidia.open();
  await play(view, film);
  const { duration } = await getJson(`${wiidia.api}/api/v1/media/${film.path}`);
  const toEnd = () => view.page.evaluate((at) => (document.querySelector("video").currentTime = at), duration - 0.6);
  await toEnd();
  await view.page.getByRole("region", { name: "Up next" }).waitFor({ timeout: FIRST_FRAME_MS });
  assert.equal(await view.focused(), "Play now");
  assert.deepEqual(await view.axe(), []);
  await view.shot("player-up-next");
  await view.page.keyboard.press("Backspace");
  await view.page.getByRole("region", { name: "Up next" }).waitFor({ state: "detached" });
  await view.page.getByRole("button", { name: "Play again" }).waitFor();
  await view.page.getByRole("button", { name: "Play again" }).click();
  await view.page.locator('main[data-state="playing"]').waitFor();
  await toEnd();
  await view.page.waitForFunction((path) => location.hash === "#/play/" + path, next.path, { timeout: FIRST_FRAME_MS });
  await view.close();
});

test("speed, single pictures and the seek bar's pictures", async () => {
  const file = firstOf("video");
  const view = await wiidia.open();
  await play(view, file);
  await view.page.keyboard.press(">");
  await view.page.waitForFunction(() => document.querySelector("video")?.playbackRate === 1.25);
  await view.page.keyboard.press("<");
  await view.page.waitForFunction(() => document.querySelector("video")?.playbackRate === 1);
  await view.page.keyboard.press(".");
  await view.page.locator('main[data-state="paused"]').waitFor();
  const before = (await videoState(view)).time;
  await view.page.keyboard.press(".");
  await view.page.waitForFunction((at) => {
    const step = document.querySelector("video").currentTime - at;
    return step > 0.02 && step < 0.1;
  }, before);
  const bar = await view.page.locator(".seek .track").boundingBox();
  await view.page.mouse.move(bar.x + bar.width / 2, bar.y + bar.height / 2);
  const peek = view.page.locator(".bubble .peek");
  await peek.waitFor();
  assert.match(await peek.textContent(), /^\d+:\d\d$/);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("what the server says about a file that cannot be streamed reaches the screen", async () => {
  const file = firstOf("video");
  const detail = "the converter stopped while reading this file; try another one";
  const view = await wiidia.open({ expected: /500/ });
  await view.page.route("**/fmp4/**", (route) =>
    route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify({ title: "Sorry", detail }) }),
  );
  await view.visit(`#/play/${file.path}`);
  await view.page.getByText("The converter stopped while reading this file; try another one.").waitFor();
  assert.equal(await view.focused(), "Try again");
  await view.page.unroute("**/fmp4/**");
  await view.page.keyboard.press("Enter");
  await waitForTime(view, 0.3);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

function firstOf(kind) {
  const file = files.find((entry) => entry.kind === kind && wellBehaved(entry) && !/^broken/i.test(entry.name));
  assert.ok(file, `the library has no ${kind}`);
  return file;
}

// The stand-in's odd files have tests of their own (dev/), and one of each kind is enough of it here.
function wellBehaved(file) {
  return process.env.WIIDIA_URL || /^broken/.test(file.name) || !/^(Lots|Odd)/.test(file.path);
}

function sameFolder(file, other) {
  const folder = ({ path }) => path.split("/").slice(0, -1).join("/");
  return other !== undefined && folder(file) === folder(other) && other.kind !== "folder" && !/^broken/i.test(other.name);
}

function folderHash(file) {
  return "#/browse/" + file.path.split("/").slice(0, -1).join("/");
}

async function play(view, file) {
  await view.visit(`#/play/${file.path}`);
  await waitForTime(view, 0.5);
}

async function waitForTime(view, seconds) {
  await view.page.waitForFunction((at) => document.querySelector("video")?.currentTime > at, seconds, {
    timeout: FIRST_FRAME_MS,
  });
}

function videoState(view) {
  return view.page.evaluate(() => {
    const video = document.querySelector("video");
    return { time: video.currentTime, width: video.videoWidth, error: video.error?.message ?? null };
  });
}
