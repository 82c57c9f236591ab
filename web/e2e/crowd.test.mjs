// A folder of 20,000 entries: what is on the screen comes soon, scrolling stays smooth, arrow keys get to the end. The stand-in has it,
// as it takes the real server's index an hour to look at as many films.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { scrollThrough, start, TV } from "./browser.mjs";

const COUNT = 20_000;

let wiidia;
before(async () => (wiidia = await start({ standIn: true })));
after(() => wiidia?.close());

test("twenty thousand entries scroll like twenty", async (t) => {
  const view = await wiidia.open({ viewport: TV });
  await view.visit("#/browse/Crowd");
  await view.page.getByText("40 folders, 19960 files").waitFor();
  await view.page.locator("a.folder").first().waitFor();
  assert.ok((await view.page.locator(".cell").count()) < 150, "only what is near the screen exists");

  // Scrolled by a screen in each frame, through all of it; how long the slowest frame took.
  const { median, slowest } = await scrollThrough(view.page);
  t.diagnostic(`frames while scrolling: median ${median.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms`);
  // Chromium draws by software here, on a machine that may have other work.
  assert.ok(median < 100, `half of the frames took longer than ${median} ms`);
  await view.page.getByText(`Take ${COUNT - 40}.mp4`, { exact: true }).waitFor();
  assert.ok((await view.page.locator(".cell").count()) < 150);
  assert.deepEqual(await view.axe(), []);

  // From the last entry to a film and back: one finds oneself there again.
  const last = view.page.getByRole("link", { name: `Take ${COUNT - 40}.mp4` });
  await last.focus();
  await view.page.keyboard.press("ArrowUp");
  const name = await view.page.evaluate(() => document.activeElement.querySelector(".name").textContent);
  assert.match(name, /^Take 199\d\d\.mp4$/);
  await view.page.keyboard.press("Enter");
  await view.page.locator("video").waitFor();
  await view.page.keyboard.press("Backspace");
  await view.page.waitForFunction((name) => document.activeElement?.querySelector(".name")?.textContent === name, name);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a held arrow key goes down through thousands of entries without getting stuck", async () => {
  const view = await wiidia.open({ viewport: TV });
  await view.visit("#/browse/Crowd");
  await view.page.locator("a.folder").first().waitFor();
  const place = () => view.page.evaluate(() => Number(document.activeElement?.closest(".cell")?.getAttribute("aria-posinset") ?? 0));
  await view.page.waitForFunction(() => document.activeElement?.closest(".cell"));
  for (let i = 0; i < 150; i += 1) await view.page.keyboard.press("ArrowDown");
  assert.ok((await place()) > 500, `the focus is at ${await place()}`);
  for (let i = 0; i < 160; i += 1) await view.page.keyboard.press("ArrowUp");
  assert.ok((await place()) < 10, `the focus is at ${await place()}`);
  await view.close();
});

test("searching and sorting ask the server and show what it found", async () => {
  const view = await wiidia.open({ viewport: TV });
  await view.visit("#/browse/Crowd");
  await view.page.getByRole("button", { name: "Search" }).click();
  assert.equal(await view.focused(), "Search in Crowd");
  await view.page.keyboard.type("take 199");
  await view.page.keyboard.press("Enter");
  await view.page.getByText("found for “take 199”").waitFor();
  assert.equal(new URL(view.page.url()).hash, "#/browse/Crowd?q=take%20199");
  await view.page.getByRole("link", { name: "Take 199.mp4" }).waitFor();
  assert.deepEqual(await view.axe(), []);
  await view.page.getByRole("link", { name: "Show the whole folder" }).click();
  await view.page.getByText("40 folders").waitFor();
  await view.page.getByRole("button", { name: "Name" }).click();
  await view.page.getByRole("dialog", { name: "Sort" }).waitFor();
  assert.equal(await view.focused(), "Name");
  assert.deepEqual(await view.axe(), []);
  await view.page.keyboard.press("ArrowDown");
  await view.page.keyboard.press("Enter");
  await view.page.getByText("Year 40", { exact: true }).first().waitFor();
  assert.deepEqual(view.complaints, []);
  await view.close();
});
