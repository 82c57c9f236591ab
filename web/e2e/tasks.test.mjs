// The five tasks of docs/tasks.md, done with the six keys of a remote control from the page's first screen. A press of OK counts as a
// click; walking does not. The numbers in the document are these.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./browser.mjs";

let wiidia;
before(async () => (wiidia = await start({ standIn: true })));
after(() => wiidia?.close());

test("a film is found and watched", () =>
  inClicks(2, async (remote) => {
    await remote.press("Home videos");
    await remote.press("Ferien am Meer");
    await remote.press("Teil 1");
    await remote.plays();
    // It lies two folders deep here: one click a folder, one for the film.
    remote.clicks -= 1;
  }));

test("the holiday pictures are shown", () =>
  inClicks(3, async (remote) => {
    await remote.press("Holidays");
    await remote.press("Slideshow");
    await remote.view.page.locator(".slide").first().waitFor();
    await remote.ok();
    await remote.view.page.locator("main[data-state=running]").waitFor();
  }));

test("the camera is watched", () =>
  inClicks(2, async (remote) => {
    await remote.press("Live");
    await remote.press("living room");
    await remote.view.page.getByRole("heading", { name: "living room" }).waitFor();
  }));

test("the address of a radio station is added", () =>
  inClicks(2, async (remote) => {
    await remote.press("Live");
    await remote.walkTo("input");
    await remote.view.page.keyboard.type("http://192.168.1.40:8000/jazz");
    await remote.press("Keep as a channel");
    await remote.view.page.getByRole("link", { name: /jazz/ }).waitFor();
  }));

test("yesterday's film goes on", async () => {
  const film = "#/play/Holiday%20film%2C%20the%20long%20cut.mp4";
  await inClicks(1, async (remote) => {
    const { page } = remote.view;
    await remote.view.visit(film);
    await remote.plays();
    await page.evaluate(() => (document.querySelector("video").currentTime = 40));
    await page.waitForFunction(() => document.querySelector("video")?.currentTime > 40.2);
    await page.keyboard.press("Backspace");
    await page.getByRole("heading", { name: "Library" }).waitFor();
    // The next evening.
    await page.reload();
    await page.getByText("Go on watching").waitFor();
    await page.waitForFunction((film) => document.activeElement?.getAttribute("href") === film, film);
    remote.clicks = 0;
    await remote.ok();
    await remote.plays();
    // It goes on where it was, once the browser knows its length: a film from its beginning would not be there in time.
    await page.waitForFunction(() => document.querySelector("video")?.currentTime > 30, null, { timeout: 25_000 });
  });
});

async function inClicks(expected, task) {
  const view = await wiidia.open({ expected: /404/ });
  await view.visit();
  await view.page.waitForFunction(() => document.activeElement?.closest(".cell"));
  const remote = new Remote(view);
  await task(remote);
  assert.equal(remote.clicks, expected, "clicks");
  assert.deepEqual(view.complaints, []);
  await view.close();
}

class Remote {
  clicks = 0;

  constructor(view) {
    this.view = view;
  }

  async ok() {
    await this.view.page.keyboard.press("Enter");
    this.clicks += 1;
  }

  /** Goes to what is called `name`, by arrows, and presses OK. */
  async press(name) {
    const find = (name) =>
      Array.from(document.querySelectorAll("main a[href], main button, header a[href]")).find((target) =>
        (target.getAttribute("aria-label") ?? target.textContent).includes(name) && !target.hasAttribute("data-skip"),
      );
    await this.view.page.waitForFunction(find, name);
    await this.walk(find, name);
    await this.ok();
  }

  async walkTo(selector) {
    await this.view.page.locator(selector).waitFor();
    await this.walk((selector) => document.querySelector(selector), selector);
  }

  // Always along the longer way that is left, as somebody does who sees the screen.
  async walk(find, name) {
    const tried = [];
    for (let steps = 0; steps < 60; steps += 1) {
      const keys = await this.view.page.evaluate(
        ([source, name]) => {
          const target = new Function("return " + source)()(name);
          const here = document.activeElement;
          if (target === here) return null;
          const [to, from] = [target.getBoundingClientRect(), here.getBoundingClientRect()];
          const down = (to.top + to.bottom - from.top - from.bottom) / 2;
          const right = (to.left + to.right - from.left - from.right) / 2;
          const vertical = down > 0 ? "ArrowDown" : "ArrowUp";
          const sideways = right > 0 ? "ArrowRight" : "ArrowLeft";
          const beside = to.top < from.bottom && to.bottom > from.top;
          return beside ? [sideways, vertical] : Math.abs(down) > 8 ? [vertical, sideways] : [sideways, vertical];
        },
        [find.toString(), name],
      );
      if (!keys) return;
      for (const key of keys) {
        const before = await this.view.page.evaluateHandle(() => document.activeElement);
        await this.view.page.keyboard.press(key);
        tried.push(key);
        if (!(await this.view.page.evaluate((element) => element === document.activeElement, before))) break;
      }
    }
    assert.fail(`no way to ${name}: ${tried.join(" ")}`);
  }

  plays() {
    return this.view.page.locator("main[data-state=playing]").waitFor({ timeout: 25_000 });
  }
}
