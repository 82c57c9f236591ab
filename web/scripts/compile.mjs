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

// What the compiler puts in where a browser of 2016 lacks something, and what of src/lowered.ts takes its place: shorter, and
// in the page once for all its parts.
const LOWERED = { asyncToGenerator: "walk", objectSpread2: "spread", objectWithoutProperties: "without" };

/** Puts ours in; `from`: the file of src/ that has them for this script. */
export function lowered(from) {
  return {
    name: "lowered",
    transform(_, id) {
      const helper = /^\0?@oxc-project.*\/helpers\/(?:esm\/)?(\w+)\.js$/.exec(id)?.[1];
      const ours = helper && LOWERED[helper];
      return ours ? { code: `export { ${ours} as default } from ${JSON.stringify(ROOT + "src/" + from)};`, map: null } : null;
    },
  };
}

/** How everything is compiled, the parts as well. */
export const compile = {
  // The older way to compile JSX; it makes the smaller bundle.
  oxc: {
    // What is shorter then, and true of this page: no getters with effects, no document.all.
    assumptions: { noDocumentAll: true, pureGetters: true, setPublicClassFields: true },
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
    minify: "terser",
    terserOptions: { ecma: 2015, compress: { passes: 3, pure_getters: true } },
  },
};
