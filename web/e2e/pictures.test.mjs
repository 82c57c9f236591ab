// Pictures one by one and as a slideshow, by keyboard alone. The stand-in has several.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, start } from "./browser.mjs";

let wiidia;
before(async () => (wiidia = await start({ standIn: true })));
after(() => wiidia?.close());

const shown = (view, name) => view.page.waitForFunction((name) => document.querySelector("h1")?.textContent === name && document.querySelector(`.slide[alt="${name}"]`)?.complete, name);

test("a picture opens and stays until somebody starts the slideshow", async () => {
  const view = await wiidia.open();
  await view.visit("#/browse/Holidays");
  const first = view.page.getByRole("link", { name: /Picture 2/ });
  await first.focus();
  await view.page.keyboard.press("Enter");
  await shown(view, "Picture 2.jpg");
  assert.equal(await view.page.evaluate(() => document.activeElement.getAttribute("aria-valuetext")), "2 of 5, Picture 2.jpg");
  assert.deepEqual(await view.axe(), []);
  await view.shot("picture-tv");
  await view.page.waitForTimeout(6000);
  await shown(view, "Picture 2.jpg");
  assert.equal(await view.page.locator(".player-bare").count(), 1, "the bars have gone");

  await view.page.keyboard.press("ArrowRight");
  await shown(view, "Picture 3.jpg");
  await view.page.keyboard.press("ArrowLeft");
  await view.page.keyboard.press("ArrowLeft");
  await shown(view, "Picture 1.jpg");
  await view.page.keyboard.press("ArrowLeft");
  await shown(view, "Picture 5.jpg");
  await view.page.keyboard.press("ArrowDown");
  assert.match(await view.focused(), /picture|slideshow|screen/i);
  await view.page.keyboard.press("ArrowUp");
  await view.page.keyboard.press("ArrowUp");
  await view.page.keyboard.press("Backspace");
  await view.page.getByRole("heading", { name: "Holidays" }).waitFor();
  assert.equal(await view.page.evaluate(() => history.length), 3, "each picture is not a step back");
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a slideshow goes on by itself, through all of it and round again, and Back ends it first", async () => {
  const view = await wiidia.open({ viewport: PHONE });
  await view.page.addInitScript(() => {
    localStorage.setItem("wiidia.slideshow", JSON.stringify({ interval: 3, transition: "none", clock: true }));
  });
  await view.visit("#/show/Holidays");
  await shown(view, "Picture 1.jpg");
  await view.page.keyboard.press("Enter");
  for (const number of [2, 3, 4, 5, 1]) await shown(view, `Picture ${number}.jpg`);
  await view.page.locator(".clock").waitFor();
  assert.deepEqual(await view.axe(), []);
  await view.page.keyboard.press("Escape");
  await view.page.locator('main[data-state="still"]').waitFor();
  await view.page.keyboard.press("Escape");
  await view.page.getByRole("heading", { name: "Holidays" }).waitFor();
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("shuffled, with music and films in between", async () => {
  const view = await wiidia.open();
  await view.page.addInitScript(() => {
    if (localStorage.getItem("wiidia.slideshow")) return;
    localStorage.setItem("wiidia.slideshow", JSON.stringify({ interval: 3, transition: "fade" }));
  });
  await view.visit("#/show/Holidays");
  await shown(view, "Picture 1.jpg");
  await view.page.getByRole("button", { name: "Slideshow", exact: true }).click();
  await view.page.getByRole("dialog", { name: "Slideshow" }).waitFor();
  assert.deepEqual(await view.axe(), []);
  await view.shot("slideshow-options-tv");
  for (const choice of ["Shuffled, none twice", "From this folder", "Play them"]) {
    await view.page.getByRole("radio", { name: choice }).click();
  }
  await view.page.getByRole("button", { name: "Close" }).click();
  await view.page.getByRole("button", { name: "Start the slideshow" }).click();
  const seen = new Set();
  const until = Date.now() + 60_000;
  while (seen.size < 6 && Date.now() < until) {
    seen.add(await view.page.locator("h1").textContent());
    // The film in between is cut short: its end is what counts.
    await view.page.evaluate(() => {
      const clip = document.querySelector("video.slide");
      if (clip && !clip.closest(".unseen") && clip.duration > 1 && clip.currentTime > 0.3) clip.currentTime = clip.duration - 0.1;
    });
    await view.page.waitForTimeout(200);
  }
  assert.equal(seen.size, 6, [...seen].join(", "));
  const music = await view.page.evaluate(() => document.querySelector(".unseen video")?.currentTime ?? 0);
  assert.ok(music > 0, "the music plays");
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a folder without pictures says so, with the focus on the way back", async () => {
  const view = await wiidia.open();
  await view.visit("#/show/Music");
  await view.page.getByText("No pictures here").waitFor();
  assert.equal(await view.focused(), "Back to the folder");
  assert.deepEqual(await view.axe(), []);
  await view.close();
});
