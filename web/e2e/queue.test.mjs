// What is up next, put into another order: by keys alone, with a mouse, with a finger, and with the two buttons.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, start } from "./browser.mjs";

let wiidia;
before(async () => (wiidia = await start({ standIn: true })));
after(() => wiidia?.close());

const ITEMS = ["one", "two", "three", "four", "five"].map((name) => ({
  path: name + ".mp4",
  name: name + ".mp4",
  kind: "video",
  duration: 60,
}));

async function opened(options) {
  const view = await wiidia.open(options);
  await view.page.addInitScript((items) => {
    if (!sessionStorage.getItem("begun")) localStorage.setItem("wiidia.queue", JSON.stringify(items));
    sessionStorage.setItem("begun", "yes");
  }, ITEMS);
  await view.visit("#/next/");
  await view.page.locator(".queue li").nth(4).waitFor();
  return view;
}

const order = (view) => view.page.evaluate(() => Array.from(document.querySelectorAll(".queue .name"), (name) => name.textContent.replace(".mp4", "")));
const kept = (view) => view.page.evaluate(() => JSON.parse(localStorage.getItem("wiidia.queue")).map(({ name }) => name.replace(".mp4", "")));
const becomes = (view, names) =>
  view.page.waitForFunction((names) => Array.from(document.querySelectorAll(".queue .name"), (name) => name.textContent).join() === names, names.map((name) => name + ".mp4").join());

test("a row is carried by arrow keys, and stays where it is put down", async () => {
  const view = await opened();
  // From its link to the handle beside it.
  await view.page.waitForFunction(() => document.activeElement?.closest(".queue"));
  await view.page.keyboard.press("ArrowRight");
  assert.equal(await view.focused(), "Move one.mp4");
  await view.page.keyboard.press("Enter");
  assert.equal(await view.page.locator('.handle[aria-pressed="true"]').count(), 1);
  assert.deepEqual(await view.axe(), []);
  await view.page.keyboard.press("ArrowDown");
  await becomes(view, ["two", "one", "three", "four", "five"]);
  assert.equal(await view.focused(), "Move one.mp4", "the focus goes with it");
  for (let i = 0; i < 6; i += 1) await view.page.keyboard.press("ArrowDown");
  await becomes(view, ["two", "three", "four", "five", "one"]);
  assert.match(await view.page.locator(".queue + [role=status]").textContent(), /one\.mp4: 5 of 5/);
  await view.page.keyboard.press("ArrowUp");
  await view.page.keyboard.press("Backspace");
  await view.page.locator('.handle[aria-pressed="true"]').waitFor({ state: "detached" });
  assert.equal(new URL(view.page.url()).hash, "#/next/", "Back puts down and does not leave");
  await view.page.keyboard.press("ArrowUp");
  assert.equal(await view.focused(), "Move four.mp4", "arrows move the focus again");
  const wanted = ["two", "three", "four", "one", "five"];
  assert.deepEqual(await kept(view), wanted);
  await view.page.reload();
  await view.page.locator(".queue li").nth(4).waitFor();
  assert.deepEqual(await order(view), wanted);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a row is dragged with a mouse", async () => {
  const view = await opened();
  const handle = await view.page.locator(".handle").nth(3).boundingBox();
  const first = await view.page.locator(".queue li").first().boundingBox();
  await view.page.mouse.move(handle.x + handle.width / 2, handle.y + handle.height / 2);
  await view.page.mouse.down();
  await view.page.mouse.move(handle.x, handle.y - 60, { steps: 4 });
  await view.page.mouse.move(handle.x, first.y + first.height / 2, { steps: 6 });
  await view.shot("queue-dragged-tv");
  await view.page.mouse.up();
  await becomes(view, ["four", "one", "two", "three", "five"]);
  assert.deepEqual(await kept(view), ["four", "one", "two", "three", "five"]);
  assert.equal(await view.page.locator(".held").count(), 0);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a row is dragged with a finger, which does not scroll the page then", async () => {
  const view = await opened({ viewport: PHONE, hasTouch: true });
  const handle = await view.page.locator(".handle").first().boundingBox();
  const third = await view.page.locator(".queue li").nth(2).boundingBox();
  const touches = await view.page.context().newCDPSession(view.page);
  const x = handle.x + handle.width / 2;
  const touch = (type, y) => touches.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y }] });
  const from = handle.y + handle.height / 2;
  await touch("touchStart", from);
  for (let step = 1; step <= 8; step += 1) await touch("touchMove", from + ((third.y + third.height / 2 - from) * step) / 8);
  await touch("touchEnd");
  await becomes(view, ["two", "three", "one", "four", "five"]);
  assert.equal(await view.page.evaluate(() => scrollY), 0);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("who can only press moves a row by buttons", async () => {
  const view = await opened({ viewport: PHONE });
  await view.page.getByRole("button", { name: "Move two.mp4", exact: true }).click();
  await view.page.getByRole("button", { name: "Down", exact: true }).click();
  await becomes(view, ["one", "three", "two", "four", "five"]);
  assert.deepEqual(await view.axe(), []);
  const wide = await view.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} px too wide`);
  await view.page.getByRole("button", { name: "Move two.mp4", exact: true }).click();
  await view.page.getByRole("button", { name: "Down", exact: true }).waitFor({ state: "detached" });
  await view.shot("queue-phone");
  assert.deepEqual(view.complaints, []);
  await view.close();
});
