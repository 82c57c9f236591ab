// Files whose names mean something elsewhere: in HTML, in addresses, to the direction of writing. Each is listed, opened, played, and
// found again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NAMES, NAMES_FOLDER } from "../dev/mock-server.mjs";
import { PHONE, start } from "./browser.mjs";

const FOLDER = ["Odd ones", NAMES_FOLDER].map(encodeURIComponent).join("/");

let wiidia;
before(async () => (wiidia = await start({ standIn: true })));
after(() => wiidia?.close());

test("files of any name are opened, named, and come back to", async () => {
  // So high that all of them are there.
  const view = await wiidia.open({ viewport: { width: 1280, height: 2400 } });
  await view.visit("#/browse/Odd%20ones");
  await view.page.locator("a.folder").click();
  const title = (name) => view.page.waitForFunction((name) => document.querySelector("h1")?.textContent === name, name);
  await title(NAMES_FOLDER);
  await view.page.locator("a.file").nth(NAMES.length - 1).waitFor();
  const listed = await view.page.evaluate(() => Array.from(document.querySelectorAll("a.file .name"), (name) => name.textContent));
  assert.deepEqual(listed.sort(), [...NAMES].sort());
  assert.deepEqual(await view.axe(), []);
  for (const name of NAMES) {
    const href = `#/play/${FOLDER}/${encodeURIComponent(name)}`;
    const find = (href) => Array.from(document.querySelectorAll("a.file")).find((link) => link.getAttribute("href") === href);
    await (await view.page.waitForFunction(find, href)).click();
    await view.page.waitForFunction(() => document.querySelector("video")?.currentTime > 0.1, null, { timeout: 25_000 });
    await title(name);
    await view.page.keyboard.press("Escape");
    await title(NAMES_FOLDER);
    await view.page.waitForFunction((href) => document.activeElement?.getAttribute("href") === href, href);
  }
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("their menus name them, and nothing is wider than a telephone", async () => {
  const view = await wiidia.open({ viewport: PHONE });
  await view.visit("#/browse/" + FOLDER);
  const dots = view.page.locator(".dots");
  await dots.first().waitFor();
  for (let i = 0; i < (await dots.count()); i += 1) {
    const name = await view.page.locator("a.file .name").nth(i).textContent();
    await dots.nth(i).click();
    const dialog = view.page.getByRole("dialog");
    assert.equal(await dialog.getAttribute("aria-label"), name);
    const wide = await view.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `the page is ${wide} px too wide with the menu of ${name}`);
    await view.page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  }
  await view.shot("names-phone");
  assert.deepEqual(view.complaints, []);
  await view.close();
});
