// Pictures of the page for docs/: every screen on a telephone, a desk and a television, as small PNG files.
//
//   WIIDIA_URL=http://127.0.0.1:8080 node scripts/screenshots.mjs [NAME…]      needs ffmpeg
//
// Without WIIDIA_URL the stand-in's invented library is shown. `NAME…`: only these screens.

import { execFileSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { start } from "../e2e/browser.mjs";

const OUT = fileURLToPath(new URL("../../docs/screens/", import.meta.url));

// `width`: of the picture that is kept.
const SIZES = {
  phone: { viewport: { width: 360, height: 740 }, colorScheme: "dark", locale: "en-GB", width: 360 },
  desk: { viewport: { width: 1280, height: 800 }, colorScheme: "light", locale: "de-DE", width: 960 },
  tv: { viewport: { width: 1920, height: 1080 }, colorScheme: "dark", locale: "en-GB", width: 960 },
};
const COLOURS = 96;
const QUEUE = ["A walk in the woods.mp4", "Grandma’s birthday.avi", "Holiday film, the long cut.mp4"];

// Address, and what is there once it is ready; then what to do.
const SCREENS = {
  library: ["#/browse/", "a.folder"],
  folder: ["#/browse/Home%20videos/Ferien%20am%20Meer%20%E2%80%93%20%C3%96sterreich%20bis%20R%C3%BCgen", "a.file"],
  music: ["#/browse/Music", "a.file"],
  live: ["#/live/", ".channel"],
  queue: ["#/next/", ".queue li"],
  player: ["#/play/Holiday%20film%2C%20the%20long%20cut.mp4", "main[data-state=playing]", (page) => page.keyboard.press("k")],
  pictures: ["#/show/Holidays", ".slide"],
  settings: ["#/look/", ".setting"],
  error: ["#/play/Odd%20ones/broken%20film.avi", "[role=alert]"],
};

const wanted = process.argv.slice(2);
await mkdir(OUT, { recursive: true });
const wiidia = await start({ standIn: !process.env.WIIDIA_URL });
for (const [size, { width, ...options }] of Object.entries(SIZES)) {
  const view = await wiidia.open({ ...options, expected: /./ });
  await view.page.addInitScript((names) => {
    const queued = names.map((name) => ({ name, path: encodeURIComponent(name), kind: "video", duration: 754 }));
    localStorage.setItem("wiidia.queue", JSON.stringify(queued));
  }, QUEUE);
  for (const [name, [hash, ready, act]] of Object.entries(SCREENS)) {
    if (wanted.length && !wanted.includes(name)) continue;
    await view.page.goto("about:blank");
    await view.visit(hash);
    await view.page.locator(ready).first().waitFor();
    await view.page.waitForTimeout(1200);
    await act?.(view.page);
    await view.page.waitForTimeout(300);
    const whole = `${OUT}whole.png`;
    await view.page.screenshot({ path: whole });
    // A few colours of its own for each picture: a third of the size, and nobody sees it.
    const colours = `scale=${width}:-1:flags=area,split[a][b];[a]palettegen=max_colors=${COLOURS}[p];[b][p]paletteuse=dither=none`;
    execFileSync("ffmpeg", ["-v", "error", "-y", "-i", whole, "-vf", colours, "-frames:v", "1", `${OUT}${name}-${size}.png`]);
    await rm(whole);
  }
  await view.close();
}
await wiidia.close();
