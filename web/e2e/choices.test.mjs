// Sound, subtitles and quality, changed in mid-film: the film goes on where it was, in its other form.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { getJson, start } from "./browser.mjs";

// Longest wait for a picture of a conversion, on a busy machine.
const PICTURE_MS = 25_000;
const FILM = "Films/Two%20Languages.mkv";
// The stand-in's files have one sound; their qualities can be chosen.
const REAL = Boolean(process.env.WIIDIA_URL);
const FILE = REAL ? FILM : "A%20walk%20in%20the%20woods.mp4";

let wiidia;
before(async () => (wiidia = await start()));
after(() => wiidia?.close());

test("the quality changes in mid-film, at the same position, by a remote control's keys", async () => {
  const view = await wiidia.open();
  await playFrom(view, 6);
  const asked = requests(view);
  await openPanel(view);
  assert.deepEqual(await view.axe(), []);
  await view.shot("choices");
  const best = view.page.getByRole("radio", { name: /^Best/ });
  assert.equal(await best.getAttribute("aria-checked"), "true");
  await best.focus();
  await view.page.keyboard.press("ArrowDown");
  assert.match(await view.focused(), /^Smaller/);
  await view.page.keyboard.press("Enter");
  await goesOnAt(view, 6);
  assert.ok(asked.some((url) => /^\/fmp4\/.*profile=small/.test(url)), asked.join(" "));
  if (REAL) assert.equal(await view.page.evaluate(() => document.querySelector("video").videoHeight), 480);
  await openPanel(view);
  await view.page.getByRole("radio", { name: /^Smaller/, checked: true }).waitFor();
  await view.page.keyboard.press("Escape");
  assert.equal(await view.page.getByRole("dialog").count(), 0);
  assert.equal(await view.focused(), "Sound, subtitles, quality");
  // The next visit begins with it.
  await view.page.reload();
  await waitForTime(view, 0.3);
  assert.ok(asked.filter((url) => url.startsWith("/api/v1/media/")).at(-1).includes("profile=small"), asked.join(" "));
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("the sound changes in mid-film, and its language is remembered", { skip: !REAL }, async () => {
  const view = await wiidia.open();
  await playFrom(view, 12);
  assert.equal(await tone(view), 440);
  await openPanel(view);
  assert.equal(await view.focused(), "English");
  await view.page.getByRole("radio", { name: "German" }).first().click();
  await goesOnAt(view, 12);
  assert.equal(await tone(view), 880);
  const asked = requests(view);
  await view.page.reload();
  await waitForTime(view, 0.3);
  assert.ok(asked.some((url) => /^\/api\/v1\/media\/.*audio=de/.test(url)), asked.join(" "));
  assert.equal(await tone(view), 880);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("subtitles of text are laid over the picture, come and go at once, and their language is remembered", { skip: !REAL }, async (t) => {
  const { contents } = await getJson(`${wiidia.api}/api/v1/media/${FILE}`);
  if (!contents.subtitles[0].address) return t.skip("this server draws all subtitles into the picture");
  const view = await wiidia.open();
  await playFrom(view, 8);
  const asked = requests(view);
  await openPanel(view);
  const subtitles = view.page.getByRole("radiogroup", { name: "Subtitles" });
  assert.equal(await subtitles.getByRole("radio", { name: "None" }).getAttribute("aria-checked"), "true");
  await subtitles.getByRole("radio", { name: "German" }).click();
  const shown = () => document.querySelector("video")?.textTracks[0]?.activeCues?.[0]?.text === "zwei Sprachen";
  await view.page.waitForFunction(shown, null, { timeout: PICTURE_MS });
  assert.ok(!asked.some((url) => url.startsWith("/fmp4/")), "the film is not opened anew");
  await view.page.keyboard.press("k");
  await view.page.locator('main[data-state="paused"]').waitFor();
  await view.shot("subtitles");
  await view.page.reload();
  await view.page.waitForFunction(shown, null, { timeout: PICTURE_MS });
  await view.page.keyboard.press("c");
  await view.page.waitForFunction(() => document.querySelector("video")?.textTracks.length === 0);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("the seek bar shows all stretches that exist", { skip: !REAL }, async () => {
  const view = await wiidia.open();
  await view.page.route("**/api/v1/media/**", async (route) => {
    const answer = await getJson(wiidia.api + new URL(route.request().url()).pathname);
    await route.fulfill({ json: { ...answer, complete: false, ranges: [[0, 6], [15, 30]] } });
  });
  await view.visit(`#/play/${FILE}`);
  await waitForTime(view, 0.3);
  await view.page.waitForFunction(() => document.querySelectorAll(".seek .band-available").length === 2);
  const [rail, first, second] = await view.page.evaluate(() =>
    [".rail", ".band-available:nth-child(1)", ".band-available:nth-child(2)"].map((place) => {
      const { left, width } = document.querySelector(".seek " + place).getBoundingClientRect();
      return { left, width };
    }),
  );
  const share = (x) => Math.round(((x - rail.left) / rail.width) * 10) / 10;
  assert.deepEqual([share(first.left), share(first.left + first.width)], [0, 0.2]);
  assert.deepEqual([share(second.left), share(second.left + second.width)], [0.5, 1]);
  await view.close();
});

async function playFrom(view, seconds) {
  await view.visit(`#/play/${FILE}`);
  await waitForTime(view, 0.3);
  await view.page.evaluate((at) => (document.querySelector("video").currentTime = at), seconds);
  await waitForTime(view, seconds + 0.2);
}

async function openPanel(view) {
  await view.page.mouse.move(300, 300 + Math.random() * 50);
  const button = view.page.getByRole("button", { name: "Sound, subtitles, quality" });
  await button.focus();
  await view.page.keyboard.press("Enter");
  await view.page.getByRole("dialog").waitFor();
  assert.equal(await button.getAttribute("aria-expanded"), "true");
}

// The panel is gone, and a picture comes from about there.
async function goesOnAt(view, seconds) {
  await view.page.getByRole("dialog").waitFor({ state: "detached" });
  await waitForTime(view, seconds);
  await view.page.locator('main[data-state="playing"]').waitFor({ timeout: PICTURE_MS });
  const time = await view.page.evaluate(() => document.querySelector("video").currentTime);
  assert.ok(time < seconds + 6, `it goes on at ${time} s, ${seconds} s were left`);
}

// Addresses that the page asks for from now on.
function requests(view) {
  const asked = [];
  view.page.on("request", (request) => asked.push(new URL(request.url()).pathname + new URL(request.url()).search));
  return asked;
}

// The frequency of what is heard: 440 or 880, whichever is louder.
async function tone(view) {
  return view.page.evaluate(async () => {
    const video = document.querySelector("video");
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 16384;
    context.createMediaElementSource(video).connect(analyser);
    analyser.connect(context.destination);
    const heard = new Float32Array(analyser.frequencyBinCount);
    const at = (hertz) => heard[Math.round((hertz * analyser.fftSize) / context.sampleRate)];
    for (let tries = 0; tries < 100; tries++) {
      await new Promise((done) => setTimeout(done, 100));
      analyser.getFloatFrequencyData(heard);
      if (Math.max(at(440), at(880)) > -60) return at(440) > at(880) ? 440 : 880;
    }
    return 0;
  });
}

async function waitForTime(view, seconds) {
  await view.page.waitForFunction((at) => document.querySelector("video")?.currentTime > at, seconds, {
    timeout: PICTURE_MS,
  });
}
