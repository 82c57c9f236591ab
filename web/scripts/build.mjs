// Builds the page: first its parts (src/parts.ts), each a script of its own, then the page, which is told where they are.

import { readdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { compile, partFiles, SHELL } from "./compile.mjs";

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
    plugins: [sharedWithThePage],
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
          assetFileNames: `assets/${name}-[hash][extname]`,
          globals: { preact: "wiidia", "preact/hooks": "wiidia", [SHELL]: "wiidia" },
        },
      },
    },
  });
  const made = (await readdir(root + "dist/assets")).find((asset) => asset.startsWith(name + "-") && asset.endsWith(".js"));
  parts[name] = "/assets/" + made;
}
process.env.WIIDIA_PARTS = JSON.stringify(parts);
await build({ root, logLevel: "warn" });
