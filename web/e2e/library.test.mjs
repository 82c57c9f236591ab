// The library's screen: keyboard only, focus in every state, accessibility, and how it looks.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { getJson, PHONE, start, TV } from "./browser.mjs";

let wiidia;
before(async () => (wiidia = await start()));
after(() => wiidia?.close());

test("the page is no secure context here, as at home", async () => {
  const view = await wiidia.open();
  await view.visit();
  assert.equal(await view.page.evaluate(() => window.isSecureContext), false);
  await view.close();
});

test("a folder with spaces and umlauts is reached and left by keyboard alone", async () => {
  const way = await wayTo((name) => / /.test(name) && /[^ -~]/.test(name));
  assert.ok(way, "the library has no folder whose name has a space and a letter beyond ASCII");
  const view = await wiidia.open();
  await view.visit();
  for (const entry of way) {
    await walkTo(view, entry);
    await view.page.keyboard.press("Enter");
    await view.page.waitForFunction((name) => document.querySelector("h1")?.textContent === name, entry.name);
    await settled(view);
    assert.notEqual(await view.focused(), null, `nothing has the focus in ${entry.name}`);
  }
  for (const entry of [...way].reverse()) {
    await view.page.keyboard.press("Backspace");
    await settled(view);
    // One finds oneself on the folder one came out of.
    await view.page.waitForFunction((name) => document.activeElement?.textContent?.includes(name), entry.name);
  }
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("going back by the browser's own button needs as many steps as going in", async () => {
  const way = await wayTo(() => true);
  assert.ok(way, "the library has no folder");
  const view = await wiidia.open();
  await view.visit();
  await settled(view);
  await walkTo(view, way[0]);
  await view.page.keyboard.press("Enter");
  await view.page.waitForFunction((name) => document.querySelector("h1")?.textContent === name, way[0].name);
  await settled(view);
  await view.page.keyboard.press("Escape");
  await view.page.waitForFunction(() => location.hash.replace("#/browse/", "") === "");
  assert.equal(await view.page.evaluate(() => history.length), 3, "Escape must not pile up history");
  await view.close();
});

test("a folder that does not exist says so, with the focus on the next step", async () => {
  const view = await wiidia.open({ expected: /404/ });
  await view.visit("#/browse/there%20is%20no%20such%20folder");
  await view.page.getByRole("alert").waitFor();
  assert.equal(await view.focused(), "Try again");
  assert.deepEqual(await view.axe(), []);
  await view.shot("library-error-tv");
  await view.page.keyboard.press("Backspace");
  await settled(view);
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a server that does not answer is told apart, and trying again works, also where films were begun", async () => {
  // The film that was begun is on no server: it has no picture either.
  const view = await wiidia.open({ expected: /ERR_FAILED|404/ });
  await view.page.addInitScript(() => {
    const mark = { path: "a.mp4", name: "a.mp4", kind: "video", at: 300, duration: 600, when: Date.now() };
    localStorage.setItem("wiidia.positions", JSON.stringify([mark]));
  });
  await view.page.route("**/api/v1/library/**", (route) => route.abort());
  await view.visit();
  await view.page.getByText("No answer from the server").waitFor();
  await view.page.waitForFunction(() => document.activeElement?.textContent?.includes("Try again"));
  await view.page.unroute("**/api/v1/library/**");
  await view.page.keyboard.press("Enter");
  await view.page.locator(".grid .cell").first().waitFor();
  await settled(view);
  await view.page.getByRole("heading", { name: "Go on" }).waitFor();
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("an empty folder has a focused next step", async () => {
  const view = await wiidia.open({ viewport: PHONE });
  await view.page.route("**/api/v1/library/**", (route) => route.fulfill({ json: { path: "", entries: [], total: 0, offset: 0 } }));
  await view.visit();
  await view.page.getByText("Nothing here yet").waitFor();
  assert.equal(await view.focused(), "Look again");
  assert.deepEqual(await view.axe(), []);
  await view.shot("library-empty-phone");
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a folder that changes shows what is in it now, and the focus stays where it is", async () => {
  const view = await wiidia.open();
  const entry = (name) => ({ name, path: name, kind: "video", size: 1, duration: 60, modified: 0, poster: null, video: null, audio: null });
  let names = ["b.mp4", "c.mp4"];
  let asked = 0;
  await view.page.route("**/api/v1/library/?**", (route) => {
    asked += 1;
    const kind = new URL(route.request().url()).searchParams.get("kind");
    const entries = kind === "folder" ? [] : names.map(entry);
    return route.fulfill({ json: { path: "", offset: 0, total: entries.length, entries } });
  });
  let say;
  const said = new Promise((resolve) => (say = resolve));
  let told = 0;
  await view.page.route("**/api/v1/events", async (route) => {
    told += 1;
    if (told === 1) await said;
    // Of another folder at first, then of this one; the browser asks again when the answer is over.
    const folders = told === 1 ? ["elsewhere"] : [""];
    await route.fulfill({ contentType: "text/event-stream", body: `retry: 300\nevent: library\ndata: ${JSON.stringify({ folders })}\n\n` });
  });
  await view.visit();
  await view.page.getByRole("link", { name: /c\.mp4/ }).focus();
  const before = asked;
  names = ["a.mp4", "b.mp4", "c.mp4"];
  say();
  await view.page.getByRole("link", { name: /a\.mp4/ }).waitFor();
  assert.ok(asked > before);
  assert.equal(await view.page.locator(".panel-quiet").count(), 0, "it is not loaded anew");
  await view.page.waitForFunction(() => document.activeElement?.getAttribute("href") === "#/play/c.mp4");
  names = ["a.mp4"];
  await view.page.waitForFunction(() => document.activeElement?.getAttribute("href") === "#/play/a.mp4");
  names = [];
  await view.page.getByText("Nothing here yet").waitFor();
  assert.equal(await view.focused(), "Look again");
  assert.deepEqual(view.complaints, []);
  await view.close();
});

test("a slow listing shows that it is loading, with a focused element", async () => {
  const view = await wiidia.open();
  await view.page.route("**/api/v1/library/**", () => undefined);
  await view.visit();
  await view.page.getByText("Loading…").waitFor();
  assert.equal(await view.focused(), "Try again");
  await view.page.waitForTimeout(600);
  assert.deepEqual(await view.axe(), []);
  await view.close();
});

for (const colorScheme of ["dark", "light"]) {
  for (const [screen, viewport] of Object.entries({ tv: TV, phone: PHONE })) {
    test(`the library is accessible on a ${screen} in ${colorScheme} colours`, async () => {
      const view = await wiidia.open({ viewport, colorScheme });
      await view.visit();
      await settled(view);
      await view.shot(`library-${screen}-${colorScheme}`);
      assert.deepEqual(await view.axe(), []);
      const small = await view.page.evaluate(() =>
        Array.from(document.querySelectorAll("a,button"))
          .filter((target) => target.offsetWidth > 0 && Math.min(target.offsetWidth, target.offsetHeight) < 44)
          .map((target) => target.outerHTML.slice(0, 120)),
      );
      assert.deepEqual(small, [], "targets under 44 px");
      const wide = await view.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `the page is ${wide} px too wide`);
      assert.deepEqual(view.complaints, []);
      await view.close();
    });
  }
}

async function settled(view) {
  await view.page.locator(".panel-quiet").waitFor({ state: "detached" });
}

// The entries to open, in order, to get to the first folder whose name `fits`; the nearest one wins.
async function wayTo(fits) {
  const ways = [[]];
  while (ways.length > 0) {
    const way = ways.shift();
    const { entries } = await getJson(`${wiidia.api}/api/v1/library/${way.at(-1)?.path ?? ""}`);
    for (const entry of entries.filter(({ kind }) => kind === "folder")) {
      const longer = [...way, entry];
      if (fits(entry.name)) return longer;
      ways.push(longer);
    }
  }
  return null;
}

// Moves the focus to an entry with arrow keys: along the row, then down, as one does with a remote control.
async function walkTo(view, entry) {
  await settled(view);
  const there = () => view.page.evaluate((path) => document.activeElement?.getAttribute("href")?.endsWith("/" + path), entry.path);
  for (let row = 0; row < 200; row += 1) {
    for (let column = 0; column < 12; column += 1) {
      if (await there()) return;
      const before = await view.page.evaluateHandle(() => document.activeElement);
      await view.page.keyboard.press("ArrowRight");
      if (await view.page.evaluate((element) => element === document.activeElement, before)) break;
    }
    for (let column = 0; column < 12; column += 1) await view.page.keyboard.press("ArrowLeft");
    if (await there()) return;
    await view.page.keyboard.press("ArrowDown");
  }
  assert.fail(`the arrow keys do not reach ${entry.name}`);
}
