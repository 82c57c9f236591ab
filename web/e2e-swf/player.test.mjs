// The SWF page in Ruffle: folders, a film, a seek ahead of the conversion, pictures. Pressed where a Wii's pointer would
// press, and by the keys; what happened is read from the movie's traces, the requests that it made, and the pixels.
//
//   WIIDIA_URL   the server under test, with Ruffle in its www folder: scripts/fetch-ruffle

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { getJson, start } from "../e2e/browser.mjs";

const STAGE = { width: 800, height: 448 };
const ROWS = 6;
const TOP = 56;
const ROW = 54;
const LIMIT = 60_000;

let browser;
before(async () => {
  assert.ok(process.env.WIIDIA_URL, "these tests need a server: scripts/test swf");
  browser = await start();
});
after(() => browser?.close());

/** The page with the movie running, and what it has said. */
async function opened() {
  const { page, close } = await browser.open({ viewport: { width: 820, height: 470 } });
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  const requests = [];
  page.on("request", (request) => requests.push(decodeURIComponent(new URL(request.url()).pathname + new URL(request.url()).search)));
  // Drawn by the processor, and with the movie's traces in the console.
  await page.route("**/ruffle/config.js", (route) =>
    route.fulfill({
      contentType: "text/javascript",
      body: `window.RufflePlayer = { config: { autoplay: "on", unmuteOverlay: "hidden", splashScreen: false,
        letterbox: "off", preferredRenderer: "canvas", logLevel: "info" } };`,
    }),
  );
  await page.goto(browser.base + "/wiidiaplayer.html");
  // Waits for a line from that one on; gives its number, for much more may have been said before we look.
  const until = async (pattern, from = 0) => {
    const end = Date.now() + LIMIT;
    for (;;) {
      const at = said.findIndex((line, i) => i >= from && pattern.test(line));
      if (at >= 0) return at;
      assert.ok(Date.now() < end, `waited for ${pattern} in vain; the movie said:\n${said.slice(-30).join("\n")}`);
      await page.waitForTimeout(100);
    }
  };
  // A key, and what it did to the frame: keys that are pressed faster than a slow machine draws would go too far.
  const walk = async (key) => {
    const before = said.length;
    await page.keyboard.press(key);
    return said[await until(/focus \d+/, before)];
  };
  const box = async () => page.locator("ruffle-object, ruffle-embed, object").first().boundingBox();
  const press = async (x, y) => {
    const at = await box();
    await page.mouse.move(at.x + x, at.y + y);
    await page.waitForTimeout(200);
    await page.mouse.click(at.x + x, at.y + y);
  };
  // Colours of places of the stage.
  const colours = async (places) => {
    const at = await box();
    const shot = await page.screenshot({ clip: { x: at.x, y: at.y, ...STAGE } });
    return page.evaluate(
      async ([data, places]) => {
        const image = new Image();
        image.src = "data:image/png;base64," + data;
        await image.decode();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.width, image.height];
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return places.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data].slice(0, 3).join(","));
      },
      [shot.toString("base64"), places],
    );
  };
  return { page, said, requests, until, walk, press, colours, close };
}

/** Places of a net over part of the stage. */
function net(x, y, width, height) {
  const places = [];
  for (let row = 0; row < 12; row++) {
    for (let column = 0; column < 16; column++) {
      places.push([Math.round(x + ((column + 0.5) * width) / 16), Math.round(y + ((row + 0.5) * height) / 12)]);
    }
  }
  return places;
}

/** What is in a folder, in the order in which the movie shows it. */
async function listing(path) {
  const { entries } = await getJson(`${browser.api}/api/v1/library/${path}`);
  const names = (folders) =>
    entries.filter((entry) => (entry.kind === "folder") === folders).map((entry) => entry.name).sort();
  return [...names(true), ...names(false)];
}

/** Opens the row of this name, turning pages if need be. */
async function choose(movie, names, name) {
  let at = names.indexOf(name);
  assert.ok(at >= 0, `${name} is in ${names}`);
  while (at >= ROWS) {
    await movie.press(740, 420);
    await movie.page.waitForTimeout(400);
    at -= ROWS;
  }
  await movie.press(300, TOP + at * ROW + ROW / 2);
}

test("folders are listed, films play, and a seek goes ahead of the conversion", async () => {
  const movie = await opened();
  const top = await listing("");
  await movie.until(new RegExp(`folder : ${top.length} folders, 0 files`));
  await movie.page.waitForTimeout(500);
  // Rows with their text: letters are drawn, not boxes alone.
  const row = await movie.colours(net(10, TOP + 4, 200, ROW - 8));
  assert.ok(new Set(row).size > 2, `the first row has letters: ${[...new Set(row)]}`);

  await choose(movie, top, "Films");
  const films = await listing("Films");
  await movie.until(new RegExp(`folder Films: 0 folders, ${films.length} files`));
  await movie.page.waitForTimeout(300);
  const long = "A Long Way (90 seconds).avi";
  await choose(movie, films, long);
  // Ruffle knows no RTMP, and the movie does without.
  await movie.until(/no RTMP; films come by HTTP/);
  await movie.until(/duration (89|90)/);
  // Four fifths of the way are not converted yet, as early as this.
  const before = movie.said.length;
  await movie.press(20 + 760 * 0.8, 374);
  await movie.until(/seek 7[12]/, before);
  await movie.until(/note (Ready in|Being converted)/, before);
  await movie.until(/playing Films\/A Long Way/, before);
  assert.ok(
    movie.requests.some((path) => /^\/flv\/Films\/A Long Way .*start=7[12]/.test(path)),
    movie.requests.slice(-5).join("\n"),
  );
  assert.ok(movie.requests.some((path) => /^\/getinfo\/Films\/A Long Way .*target=7[12]/.test(path)));
  // It is drawn with one of the next frames.
  const picture = net(60, 60, 680, 240);
  let colours = 0;
  for (let tries = 0; tries < 50 && colours <= 8; tries++) {
    await movie.page.waitForTimeout(200);
    colours = new Set(await movie.colours(picture)).size;
  }
  assert.ok(colours > 8, "there is a picture");
  const first = await movie.colours(picture);
  await movie.page.waitForTimeout(1500);
  const second = await movie.colours(picture);
  const changed = first.filter((colour, at) => colour !== second[at]).length;
  assert.ok(changed > 3, `the picture moves: ${changed} places changed`);

  // A pause holds it.
  await movie.press(400, 421);
  await movie.until(/paused/);
  await movie.page.waitForTimeout(700);
  const held = await movie.colours(picture);
  await movie.page.waitForTimeout(1000);
  assert.deepEqual(await movie.colours(picture), held, "the picture stands still");
  await movie.press(400, 421);
  await movie.until(/goes on/);
  await movie.close();
});

test("a film that has ended is followed by the next one, by keys alone", async () => {
  const movie = await opened();
  await movie.until(/folder : /);
  await movie.press(400, 20); // The movie takes keys once it was pressed.
  // Down to the row; the movie says where the frame is.
  let focused = "";
  for (let tries = 0; tries < 20 && !focused.includes("Flash Era /"); tries++) focused = await movie.walk("ArrowDown");
  await movie.page.keyboard.press("Enter");
  await movie.until(/focus \d+/, await movie.until(/folder Flash Era: 0 folders, 2 files/));
  await movie.page.keyboard.press("Enter");
  await movie.until(/duration/, await movie.until(/status NetStream.Play.Start/));
  // Up to the bar, and along it.
  for (let tries = 0; tries < 10 && !focused.includes("focus 4 bar"); tries++) focused = await movie.walk("ArrowUp");
  let before = movie.said.length;
  await movie.page.keyboard.press("ArrowRight");
  await movie.until(/playing Flash Era/, await movie.until(/seek 1\d/, before));
  // The frame stays on it; Enter holds the film and lets it go.
  before = movie.said.length;
  await movie.page.keyboard.press("Enter");
  const paused = await movie.until(/paused/, before);
  await movie.page.keyboard.press("Enter");
  await movie.until(/goes on/, paused);
  // To the last second, once by pointer: a twentieth of the film would be too far.
  before = movie.said.length;
  await movie.press(20 + 760 * 0.97, 374);
  const ended = await movie.until(/ended Flash Era/, before);
  const next = await movie.until(/playing Flash Era/, ended);
  // The way back by key.
  await movie.page.keyboard.press("Backspace");
  await movie.until(/focus \d+/, next + 1);
  await movie.page.waitForTimeout(500);
  await movie.page.keyboard.press("Backspace");
  await movie.until(/folder : /, next);
  await movie.close();
});

test("pictures fit the stage, and a slideshow has buttons to hold it", async () => {
  const movie = await opened();
  const top = await listing("");
  await movie.until(/folder : /);
  await movie.page.waitForTimeout(300);
  await choose(movie, top, "Pictures");
  await movie.until(/folder Pictures: 0 folders, \d+ files/);
  await movie.page.waitForTimeout(300);
  await movie.press(300, TOP + ROW / 2);
  const said = movie.said[await movie.until(/picture Pictures\/.* \d+x\d+/)];
  const [, width, height] = /(\d+)x(\d+)/.exec(said).map(Number);
  assert.ok(width <= STAGE.width && height <= STAGE.height, said);
  assert.ok(movie.requests.some((path) => /^\/picture\/Pictures\/.*\?w=800&h=448$/.test(path)));
  await movie.page.waitForTimeout(500);
  const seen = await movie.colours(net(150, 40, 500, 300));
  assert.ok(new Set(seen).size > 8, "the picture is there");
  await movie.press(60, 421);
  await movie.page.waitForTimeout(500);
  await movie.close();
});
