// The first visit, on a server that nobody has claimed yet, with the keyboard alone; then the owner's pages.
//
// Runs against WIIDIA_URL with `[access] mode = "owner"` (scripts/test, step browser): each test goes on where the last one
// has left the server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, start } from "../browser.mjs";

const PASSWORD = "a password of tests";
let wiidia;
let storage;
before(async () => (wiidia = await start()));
after(() => wiidia?.close());

const open = (options = {}) => wiidia.open({ ...(storage && { storageState: storage }), ...options });
const heading = (view, text) => view.page.waitForFunction((text) => document.querySelector("h1")?.textContent === text, text);
const settled = (view) => view.page.waitForFunction(() => document.querySelector("main form, main .panel, main .ways-to-set"));

test("the first visitor is asked for a password, and may do nothing else before", async () => {
  const view = await open();
  await view.visit("#/setup/");
  await heading(view, "Welcome");
  assert.deepEqual(await view.axe(), []);
  await view.shot("setup welcome");
  const refused = await fetch(wiidia.api + "/api/v1/restart", { method: "POST" });
  assert.equal(refused.status, 403);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("what was typed stays when the password is too short, and the message has the focus", async () => {
  const view = await open({ viewport: PHONE, expected: /400/ });
  await view.visit("#/setup/");
  await heading(view, "Welcome");
  await view.page.keyboard.type("short");
  await view.page.keyboard.press("Tab");
  await view.page.keyboard.type("short");
  await view.page.keyboard.press("Enter");
  await view.page.getByRole("alert").waitFor();
  assert.match(await view.page.getByRole("alert").textContent(), /8/);
  assert.equal(await view.page.evaluate(() => document.activeElement?.getAttribute("role")), "alert");
  assert.equal(await view.page.locator("input").first().inputValue(), "short");
  assert.deepEqual(await view.axe(), []);
  await view.close();
});

test("the first visit goes from claim to a film by keyboard alone", async () => {
  // Files that do not play are tried on the way to one that does.
  const view = await open({ expected: /415|504/ });
  const { keyboard } = view.page;
  await view.visit("#/setup/");
  await heading(view, "Welcome");
  await keyboard.type(PASSWORD);
  await keyboard.press("Tab");
  await keyboard.type(PASSWORD);
  await keyboard.press("Enter");
  await heading(view, "What is it called?");
  await settled(view);
  await view.page.waitForSelector("#field-general-name");
  await view.page.evaluate(() => document.getElementById("field-general-name").focus());
  await keyboard.type("attic");
  await view.shot("setup name");
  assert.deepEqual(await view.axe(), []);
  await keyboard.press("Enter");
  await heading(view, "Where are your films?");
  await view.page.waitForSelector("#field-library-folders");
  assert.deepEqual(await view.axe(), []);
  await press(view, "Skip");
  await heading(view, "Does it play?");
  assert.deepEqual(await view.axe(), []);
  // A film that plays is looked for among broken ones, on a machine that may be busy.
  await view.page.waitForFunction(() => /^Play “/.test(document.activeElement?.textContent ?? ""), null, { timeout: 120_000 });
  await view.shot("setup test picture");
  await keyboard.press("Enter");
  await view.page.waitForFunction(() => location.hash.indexOf("#/play/") === 0);
  await view.page.waitForFunction(() => (document.querySelector("video")?.currentTime ?? 0) > 0.2, null, { timeout: 120_000 });
  storage = await view.page.context().storageState();
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a setting is changed and taken back, and every page of the owner's is accessible", async () => {
  const view = await open();
  await view.visit("#/setup/");
  await heading(view, "Set up");
  await view.page.waitForSelector(".verdict");
  assert.deepEqual(await view.axe(), []);
  await view.shot("setup overview");
  await view.visit("#/setup/playback");
  await view.page.waitForSelector("#field-playback-profile");
  await view.page.selectOption("#field-playback-profile", "small");
  await press(view, "Save");
  await view.page.getByRole("button", { name: "Undo" }).waitFor();
  assert.equal(await valueOf(view, "playback", "profile"), "small");
  await press(view, "Undo");
  await view.page.waitForFunction(() => document.querySelector("#field-playback-profile")?.value === "tv");
  assert.equal(await valueOf(view, "playback", "profile"), "tv");
  for (const page of ["general", "library", "storage", "sources", "live", "record", "cache", "users", "https", "wifi", "system", "backup", "health"]) {
    await view.visit("#/setup/" + page);
    await view.page.waitForFunction(() => document.querySelector("main .settings, main .hint"));
    await view.page.waitForTimeout(300);
    assert.deepEqual(await view.axe(), [], page);
    await view.shot("setup " + page);
  }
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("every page of the owner's fits a telephone, in German", async () => {
  const view = await open({ viewport: PHONE, locale: "de-DE" });
  for (const page of ["", "general", "storage", "sources", "users", "https", "wifi", "system", "backup", "health"]) {
    await view.visit("#/setup/" + page);
    await view.page.waitForFunction(() => document.querySelector("main .settings, main .hint, main .ways-to-set"));
    await view.page.waitForTimeout(300);
    const wide = await view.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${page || "overview"} is ${wide} px too wide`);
    assert.deepEqual(await view.axe(), [], page);
  }
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("an address is tried before it is kept, and says why there is no picture", async () => {
  const view = await open({ expected: /Failed to load resource|ERR_/ });
  await view.visit("#/setup/sources");
  await view.page.fill("#field-source-name", "garden");
  await view.page.fill("#field-source-url", "rtsp://127.0.0.1:1/stream");
  await press(view, "Try it");
  const row = view.page.locator("li", { hasText: "garden" });
  await row.locator(".wrong").waitFor({ timeout: 90_000 });
  await view.page.locator(".source video").waitFor();
  assert.deepEqual(await view.axe(), []);
  await view.shot("setup sources tried");
  await row.getByRole("button", { name: "Remove" }).click();
  await row.getByRole("button", { name: "Really? Press again." }).click();
  await row.waitFor({ state: "detached" });
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("two browsers that change the same setting lose nothing of each other's", async () => {
  const [one, other] = [await open(), await open({ expected: /412/ })];
  for (const view of [one, other]) {
    await view.visit("#/setup/playback");
    await view.page.waitForSelector("#field-playback-encodings");
  }
  await one.page.fill("#field-playback-encodings", "3");
  await press(one, "Save");
  await one.page.getByRole("button", { name: "Undo" }).waitFor();
  await other.page.fill("#field-playback-encodings", "4");
  await press(other, "Save");
  await other.page.getByRole("alert").waitFor();
  assert.equal(await other.page.inputValue("#field-playback-encodings"), "4");
  assert.match(await other.page.locator("#field-playback-encodings-hint").textContent(), /Now: 3/);
  await press(other, "Save");
  await other.page.getByRole("button", { name: "Undo" }).waitFor();
  assert.equal(await valueOf(other, "playback", "encodings"), 4);
  await one.close();
  await other.close();
});

test("whoever has not signed in is asked to, and gets in by the password", async () => {
  const view = await wiidia.open({ expected: /403/ });
  await view.visit("#/setup/users");
  await heading(view, "Sign in");
  assert.deepEqual(await view.axe(), []);
  await view.page.keyboard.type("not the password");
  await view.page.keyboard.press("Enter");
  await view.page.getByRole("alert").waitFor();
  await view.page.fill("#field-password", PASSWORD);
  await view.page.keyboard.press("Enter");
  await heading(view, "Passwords and devices");
  await view.close();
});

// Presses a button as a keyboard does: it has the focus, then Enter.
async function press(view, name) {
  await view.page.getByRole("button", { name, exact: true }).first().focus();
  await view.page.keyboard.press("Enter");
}

// What the server says of a setting, asked by the browser that has the session.
function valueOf(view, section, name) {
  return view.page.evaluate(
    ([section, name]) =>
      fetch("/api/v1/settings/" + section)
        .then((answer) => answer.json())
        .then((found) => found.fields.filter((field) => field.name === name)[0].value),
    [section, name],
  );
}
