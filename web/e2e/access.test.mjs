// Every page in every state: a focused element, arrow keys that lead somewhere, targets of 44 px, no sideways scrolling, and nothing
// for axe to find; on the smallest telephone, a desk and a television, light and dark, English and German.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { getJson, start } from "./browser.mjs";

const SCREENS = { small: { width: 320, height: 640 }, desk: { width: 1280, height: 800 }, tv: { width: 1920, height: 1080 } };

let standIn;
before(async () => (standIn = await start({ standIn: true })));
after(() => standIn?.close());

// Address, and what is there once it is ready.
const PAGES = {
  library: ["#/browse/", "a.folder"],
  folder: ["#/browse/Holidays", "a.file"],
  "empty folder": ["#/browse/Home%20videos/Nothing%20in%20here", ".panel-steps"],
  "missing folder": ["#/browse/nowhere", "[role=alert]"],
  search: ["#/browse/Crowd?q=take%2012", "a.file"],
  "search without result": ["#/browse/Crowd?q=nothing%20like%20this", ".panel-steps"],
  live: ["#/live/", ".channel"],
  "live, nobody sends": ["#/watch/nobody", ".waiting"],
  "up next, empty": ["#/next/", ".panel-steps"],
  settings: ["#/look/", ".setting"],
  "set-up": ["#/setup/", "main a[href], main button, main input"],
  pictures: ["#/show/Holidays", ".slide"],
  "no pictures": ["#/show/Music", ".panel-steps"],
  player: ["#/play/A%20walk%20in%20the%20woods.mp4", "main[data-state=playing]"],
  "player, music": ["#/play/Music/Sunday%20morning.mp3", "main[data-state=playing]"],
  "player, broken": ["#/play/Odd%20ones/broken%20film.avi", "[role=alert]"],
};

for (const [screen, viewport] of Object.entries(SCREENS)) {
  const colorScheme = screen === "desk" ? "light" : "dark";
  const locale = screen === "small" ? "de-DE" : "en-GB";
  test(`every page is accessible on a ${screen} screen, ${colorScheme}, ${locale}`, async (t) => {
    const view = await standIn.open({ viewport, colorScheme, locale, expected: /404|422|501|Failed to load/ });
    for (const [name, [hash, ready]] of Object.entries(PAGES)) {
      await t.test(name, async () => {
        await view.page.goto("about:blank");
        await view.visit(hash);
        await view.page.locator(ready).first().waitFor();
        if (name.startsWith("player")) await view.page.keyboard.press("k");
        // What appears by and by is there.
        await view.page.waitForTimeout(250);
        assert.equal(await view.page.evaluate(() => document.documentElement.lang), locale.slice(0, 2));
        assert.notEqual(await view.focused(), null, "nothing has the focus");
        assert.deepEqual(await view.axe(), []);
        assert.deepEqual(await smallTargets(view), [], "targets under 44 px");
        const wide = await view.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `the page is ${wide} px too wide`);
        await view.shot(`access-${screen}-${name}`);
        // Arrow keys never lose the focus.
        for (const key of ["ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft"]) await view.page.keyboard.press(key);
        assert.notEqual(await view.focused(), null, "the arrow keys lost the focus");
      });
    }
    assert.deepEqual(view.complaints, []);
    await view.close();
  });
}

test("language and colours are chosen, remembered, and need no new page", async () => {
  const view = await standIn.open({ colorScheme: "light" });
  await view.visit("#/look/");
  await view.page.getByRole("radio", { name: "Deutsch" }).click();
  await view.page.getByRole("heading", { name: "Einstellungen" }).waitFor();
  await view.page.getByRole("radio", { name: "Dunkel" }).click();
  const ground = () => view.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(await ground(), "rgb(14, 23, 32)");
  assert.deepEqual(await view.axe(), []);
  await view.page.reload();
  await view.page.getByRole("heading", { name: "Einstellungen" }).waitFor();
  assert.equal(await ground(), "rgb(14, 23, 32)");
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("the menu of a film opens by a held Enter, a right click and its button, and gives the focus back", async () => {
  const view = await standIn.open();
  await view.visit("#/browse/");
  const film = view.page.getByRole("link", { name: /A walk in the woods/ });
  await film.focus();
  await view.page.keyboard.down("Enter");
  const menu = view.page.getByRole("dialog", { name: "A walk in the woods.mp4" });
  await menu.waitFor();
  await view.page.keyboard.up("Enter");
  assert.equal(await view.focused(), "Play");
  assert.deepEqual(await view.axe(), []);
  await view.shot("menu-tv");
  await view.page.keyboard.press("Escape");
  await menu.waitFor({ state: "detached" });
  assert.match(await view.page.evaluate(() => document.activeElement.textContent), /A walk in the woods/);
  await film.click({ button: "right" });
  await menu.waitFor();
  await view.page.getByRole("button", { name: "Play last" }).click();
  await view.page.getByText("A walk in the woods.mp4 is up next").waitFor();
  await view.visit("#/next/");
  await view.page.getByRole("link", { name: /A walk in the woods/ }).waitFor();
  assert.deepEqual(await view.axe(), []);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("by keyboard alone: a film, ahead in it, the channels, the pictures, the settings", async () => {
  const view = await standIn.open({ expected: /404/ });
  const press = async (...keys) => {
    for (const key of keys) await view.page.keyboard.press(key);
  };
  // Goes towards `name` by arrow keys, as somebody would who sees where it is.
  const walk = async (name, key) => {
    for (let i = 0; i < 80; i += 1) {
      if (new RegExp(name).test((await view.focused()) ?? "")) return;
      await press(key);
    }
    assert.fail(`${key} does not lead to ${name}; the focus is on ${await view.focused()}`);
  };
  await view.visit();
  await view.page.waitForFunction(() => document.activeElement?.closest(".cell"));
  await walk("Odd ones", "ArrowRight").catch(() => walk("Odd ones", "ArrowDown"));
  await press("Enter");
  await view.page.getByRole("heading", { name: "Odd ones" }).waitFor();
  await view.page.waitForFunction(() => document.activeElement?.closest(".cell"));
  for (let row = 0; row < 5 && !/slow conversion/.test(await view.focused()); row += 1) {
    for (let i = 0; i < 8 && !/slow conversion/.test(await view.focused()); i += 1) await press("ArrowRight");
    if (/slow conversion/.test(await view.focused())) break;
    for (let i = 0; i < 8; i += 1) await press("ArrowLeft");
    await press("ArrowDown");
  }
  assert.match(await view.focused(), /slow conversion/);
  await press("Enter");
  await view.page.locator("main[data-state=playing]").waitFor({ timeout: 20_000 });
  assert.equal(await view.focused(), "Position");
  for (let i = 0; i < 3; i += 1) await press("ArrowRight");
  await view.page.getByText(/Getting there: about \d+ s/).first().waitFor();
  await view.page.locator("main[data-state=playing]").waitFor({ timeout: 40_000 });
  await press("Backspace");
  await view.page.getByRole("heading", { name: "Odd ones" }).waitFor();
  await press("Backspace");
  await view.page.getByRole("heading", { name: "Library" }).waitFor();
  await view.page.waitForFunction(() => document.activeElement?.closest(".cell"));
  await walk("Library|Live|Up next|Settings|Wiidia", "ArrowUp");
  await walk("Live", "ArrowRight");
  await press("Enter");
  await view.page.getByRole("heading", { name: "Live" }).waitFor();
  await view.page.waitForFunction(() => document.activeElement?.closest(".channel"));
  await walk("Library|Live|Up next|Settings|Wiidia", "ArrowUp");
  await walk("Settings", "ArrowRight");
  await press("Enter");
  await view.page.getByRole("heading", { name: "Settings" }).waitFor();
  await press("Escape");
  await view.page.getByRole("heading", { name: "Library" }).waitFor();
  // Who arrives anew begins at the film that was begun.
  await view.page.waitForFunction(() => document.activeElement?.closest(".go-on"));
  await view.page.locator(".grid .cell").first().waitFor();
  await press("ArrowDown");
  await walk("Holidays", "ArrowRight");
  await press("Enter");
  await view.page.getByRole("heading", { name: "Holidays" }).waitFor();
  await view.page.waitForFunction(() => document.activeElement?.closest(".cell"));
  await walk("Slideshow|Play all|Shuffle|Search|Name", "ArrowUp");
  await walk("Slideshow", "ArrowRight").catch(() => walk("Slideshow", "ArrowLeft"));
  await press("Enter");
  await view.page.locator(".slide").first().waitFor();
  await press("Enter");
  await view.page.locator("main[data-state=running]").waitFor();
  await press("Escape", "Escape");
  await view.page.getByRole("heading", { name: "Holidays" }).waitFor();
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("the real server's page has the policy, on every address of the page", { skip: !process.env.WIIDIA_URL }, async () => {
  const api = process.env.WIIDIA_URL.replace(/\/+$/, "");
  await getJson(`${api}/api/v1/library/`);
  const page = await fetch(`${api}/`);
  const policy = page.headers.get("content-security-policy");
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self'(;|$)/);
  assert.match(policy, /style-src 'self'(;|$)/);
  const html = await page.text();
  for (const [, address] of html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
    const asset = await fetch(api + address);
    assert.equal(asset.status, 200, address);
    assert.match(asset.headers.get("cache-control"), /immutable/);
    assert.equal(asset.headers.get("content-security-policy"), policy);
  }
});

function smallTargets(view) {
  return view.page.evaluate(() =>
    Array.from(document.querySelectorAll("a[href],button,input,[role=slider]"))
      .filter((target) => target.offsetWidth > 1 && Math.min(target.offsetWidth, target.offsetHeight) < 44)
      .map((target) => target.outerHTML.slice(0, 120)),
  );
}
