import { defineConfig, type Plugin } from "vite";

// Television browsers from before 2018 know no ES modules, so the bundle is one classic script.
// `defer` keeps the order that `type=module` would give.
function classicScript(): Plugin {
  return {
    name: "classic-script",
    enforce: "post",
    transformIndexHtml: (html) =>
      html.replace(/<script type="module" crossorigin/g, "<script defer").replace(/ crossorigin/g, ""),
  };
}

export default defineConfig({
  base: "/",
  plugins: [classicScript()],
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
    rolldownOptions: { output: { format: "iife" } },
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/fmp4", "/flv"].map((prefix) => [prefix, process.env["WIIDIA_URL"] ?? "http://127.0.0.1:8931"]),
    ),
  },
});
