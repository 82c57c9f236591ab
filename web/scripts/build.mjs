// Builds the page: first its parts (src/parts.ts), each a script of its own, then the page, which is told where they are.

import { readdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { compile, lowered, partFiles, SHELL } from "./compile.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));

// A part imports what is the page's from shell.ts alone. Anything else it names is its own, and is built into it.
const sharedWithThePage = {
  name: "shared-with-the-page",
  enforce: "pre",
  resolveId: (id) => (/(^|\/)shell(\.ts)?$/.test(id) ? { id: SHELL, external: true } : null),
};

await rm(root + "dist", { recursive: true, force: true });
const parts = {};
for (const [name, file] of Object.entries(partFiles())) {
  await build({
    ...compile,
    root,
    configFile: false,
    logLevel: "warn",
    plugins: [lowered("shell.ts"), sharedWithThePage],
    build: {
      ...compile.build,
      emptyOutDir: false,
      rolldownOptions: {
        input: root + file,
        external: ["preact", "preact/hooks", SHELL],
        output: {
          format: "iife",
          name: "wiidiaPart",
          entryFileNames: `assets/${name}-[hash].js`,
          assetFileNames: `assets/${name}-[hash][extname]`, // its style sheet
          globals: { preact: "wiidia", "preact/hooks": "wiidia", [SHELL]: "wiidia" },
        },
      },
    },
  });
  const made = (await readdir(root + "dist/assets")).filter((asset) => asset.startsWith(name + "-"));
  const [script, style] = [".js", ".css"].map((end) => made.find((asset) => asset.endsWith(end)));
  parts[name] = (style ? [script, style] : [script]).map((asset) => "/assets/" + asset);
}
process.env.WIIDIA_PARTS = JSON.stringify(parts);
await build({ root, logLevel: "warn" });
