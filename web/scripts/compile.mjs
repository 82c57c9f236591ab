// What vite.config.ts and build.mjs share: how everything is compiled, and which parts there are.

import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** By this name parts import what the page shares with them. */
export const SHELL = "wiidia-shell";

/** The parts of the page that are fetched when they are wanted (src/parts.ts): name and file. */
export function partFiles() {
  const files = {};
  for (const file of readdirSync(ROOT + "src/language").sort()) {
    const code = /^([a-z]{2})\.ts$/.exec(file)?.[1];
    if (code && code !== "en") files["language-" + code] = "src/language/" + file;
  }
  for (const name of readdirSync(ROOT + "src").sort()) {
    if (existsSync(`${ROOT}src/${name}/main.tsx`)) files[name] = `src/${name}/main.tsx`;
  }
  return files;
}

/** How everything is compiled, the parts as well. */
export const compile = {
  // The older way to compile JSX; it makes the smaller bundle.
  oxc: {
    jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" },
    jsxInject: 'import { Fragment, h } from "preact";',
  },
  build: {
    target: "es2015",
    cssTarget: ["chrome61", "safari13"],
    outDir: "dist",
    assetsDir: "assets",
    // Nothing may become a data: or blob: script; the page's policy forbids it.
    assetsInlineLimit: 0,
    modulePreload: false,
    // Otherwise a classic script would carry the CSS and insert it as <style>, which the policy forbids too.
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
};
