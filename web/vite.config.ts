import { defineConfig, type Plugin } from "vite";
import { compile, lowered, partFiles } from "./scripts/compile.mjs";

// Television browsers from before 2018 know no ES modules, so the bundle is one classic script.
// `defer` keeps the order that `type=module` would give.
function classicScript(): Plugin {
  return {
    name: "classic-script",
    enforce: "post",
    // Vite's own server hands out modules.
    apply: "build",
    transformIndexHtml: (html) =>
      html.replace(/<script type="module" crossorigin/g, "<script defer").replace(/ crossorigin/g, ""),
  };
}

// What a developer's server passes on to the real one.
const SERVED = ["/api", "/fmp4", "/flv", "/live", "/picture", "/hls", "/subtitles", "/plain"];

export default defineConfig(({ command }) => {
  // While developing, the parts' own sources are the parts.
  const sources = Object.fromEntries(Object.entries(partFiles()).map(([name, file]) => [name, ["/" + file]]));
  const parts = command === "serve" ? JSON.stringify(sources) : (process.env["WIIDIA_PARTS"] ?? "{}");
  return {
    ...compile,
    base: "/",
    plugins: [lowered("lowered.ts"), classicScript()],
    define: { __PARTS__: parts },
    build: { ...compile.build, emptyOutDir: false, rolldownOptions: { output: { format: "iife" } } },
    server: {
      proxy: Object.fromEntries(SERVED.map((prefix) => [prefix, process.env["WIIDIA_URL"] ?? "http://127.0.0.1:8931"])),
    },
  };
});
