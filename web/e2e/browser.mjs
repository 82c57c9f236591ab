// Chromium for the tests, reached as a television reaches the server: by plain http under a name that is not
// localhost, so that the page is no secure context and misses the APIs it will miss at home.
//
//   WIIDIA_URL   the server under test; without it, a stand-in is started from dev/mock-server.mjs
//   CHROMIUM     the browser to run; /usr/bin/chromium by default
//   SLOW         how many times slower the page's scripts run: 6 is a television. Tests must not depend on speed

import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const HOST = "wiidia.lan";
const SHOTS = fileURLToPath(new URL("./screenshots/", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const TV = { width: 1920, height: 1080 };
export const PHONE = { width: 390, height: 844 };

/**
 * Starts the browser: { base, api, open, close }. `base` is the address for pages, `api` the one for Node.
 * `standIn` never asks the real server; `autoplay: false` is a browser that wants a gesture first.
 */
export async function start({ standIn = false, autoplay = true } = {}) {
  await mkdir(SHOTS, { recursive: true });
  const real = standIn ? undefined : process.env.WIIDIA_URL;
  const mock = real ? null : await (await import("../dev/mock-server.mjs")).startMock();
  const api = (real ?? mock.url).replace(/\/+$/, "");
  // What earlier files' films left would stand on the library's first screen, and have the focus there.
  if (real) await forgetPositions(api);
  const server = new URL(api);
  const port = server.port || "80";
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--autoplay-policy=${autoplay ? "no-user-gesture-required" : "document-user-activation-required"}`,
      `--host-resolver-rules=MAP ${HOST} ${server.hostname}`,
    ],
  });
  const base = `http://${HOST}:${port}`;
  const open = (options) => openPage(browser, base, options);
  const close = async () => {
    await browser.close();
    await mock?.close();
  };
  return { base, api, open, close };
}

// A page that keeps a list of everything that must not happen: `complaints`. A test that provokes an error
// says so with `expected`, a pattern for the messages it allows.
async function openPage(browser, base, { viewport = TV, expected = null, ...options } = {}) {
  const context = await browser.newContext({ viewport, ...options });
  const page = await context.newPage();
  if (process.env.SLOW) {
    const devtools = await context.newCDPSession(page);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: Number(process.env.SLOW) });
  }
  const complaints = [];
  const complain = (text) => {
    if (!expected?.test(text)) complaints.push(text);
  };
  page.on("console", (message) => {
    if (message.type() === "error") complain("console: " + message.text());
  });
  page.on("pageerror", (error) => complain("exception: " + error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base + "/") && !/^(data|blob):/.test(url)) complain("request to another host: " + url);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const visit = (hash = "#/browse/") => page.goto(base + "/" + hash);
  const focused = () =>
    page.evaluate(() => {
      const active = document.activeElement;
      return active && active !== document.body ? active.getAttribute("aria-label") ?? active.textContent : null;
    });
  return { page, complaints, visit, focused, axe: () => axe(page), shot: (name) => shot(page, name), close: () => context.close() };
}

// axe's findings as lines; none for a page that is as accessible as a program can tell.
async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`));
}

async function shot(page, name) {
  const safe = name.replace(/[^\p{L}\p{N}.-]+/gu, "-").slice(0, 80);
  await page.screenshot({ path: join(SHOTS, safe + ".png") });
}

async function forgetPositions(api) {
  const { status } = await fetch(api + "/api/v1/positions/home", { method: "DELETE" });
  if (status !== 204) throw new Error(`positions were not forgotten: ${status}`);
}

/** Scrolls from top to bottom in 120 frames; how long they took, in milliseconds: `{ median, slowest }`. */
export async function scrollThrough(page) {
  const times = await page.evaluate(async () => {
    const times = [];
    let last = performance.now();
    const height = document.documentElement.scrollHeight - innerHeight;
    for (let i = 1; i <= 120; i += 1) {
      window.scrollTo(0, (height * i) / 120);
      await new Promise(requestAnimationFrame);
      times.push(performance.now() - last);
      last = performance.now();
    }
    return times.sort((a, b) => a - b);
  });
  return { median: times[60], slowest: times[119] };
}

/** All files of the library with their folders' paths, by the API. */
export async function playableFiles(api) {
  const found = [];
  const folders = [""];
  while (folders.length > 0) {
    const { entries } = await getJson(`${api}/api/v1/library/${folders.shift()}`);
    for (const entry of entries) {
      if (entry.kind === "folder") folders.push(entry.path);
      else if (entry.kind === "video" || entry.kind === "audio") found.push(entry);
    }
  }
  return found;
}

/** A JSON answer of the API; throws on any other status than 200. */
export async function getJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
