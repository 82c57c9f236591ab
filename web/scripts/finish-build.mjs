// After the build: holds the bundle to its promises, then puts a .gz beside every text file, so that the
// server never compresses at run time.
//
// 1. JS and CSS stay within the budgets, gzipped file by file, as they are sent: what a browser loads to browse and to
//    play; all of the player, that is everything but the owner's pages (set-up) and languages beyond English; all there is; and
//    each part that is fetched when it is wanted.
// 2. No file names another host: the page must work in a home without internet.
// 3. No inline script or style is left in the page: the server's policy forbids them.

import { readFile, readdir, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import zopfli from "@gfx/zopfli";

const BUDGET_BYTES = 36_500;
const PLAYER_BYTES = 51_500;
const ALL_BYTES = 78_000;
const PART_BYTES = 16_500;
const TEXT = new Set([".html", ".js", ".css", ".svg", ".json"]);
// XML namespaces look like addresses and are none; nor are examples that people read (RFC 2606).
const NO_HOST = /https?:\/\/(www\.w3\.org\/|[a-z.]*example\.(com|org|net))/g;

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const problems = [];
let spent = 0;
let player = 0;
let all = 0;

for (const file of (await readdir(dist, { recursive: true })).sort()) {
  if (!TEXT.has(extname(file))) continue;
  const bytes = await readFile(join(dist, file));
  const packed = await zopfli.gzipAsync(bytes, { numiterations: 15 }); // gzip as any other, and 3 to 4 % smaller
  await writeFile(join(dist, file + ".gz"), packed);
  console.log(`${file}  ${bytes.length} B, ${packed.length} B gzipped`);
  if (/\.(js|css)$/.test(file)) {
    all += packed.length;
    if (!/^(setup|language)/.test(basename(file))) player += packed.length;
    if (/^(index|style)-/.test(basename(file))) spent += packed.length;
    else if (packed.length > PART_BYTES) problems.push(`${file} is ${packed.length - PART_BYTES} B over a part's ${PART_BYTES} B`);
  }

  const text = bytes.toString().replace(NO_HOST, "");
  const host = /https?:\/\/[^\s"'`,]{4,60}/.exec(text);
  if (host && extname(file) !== ".html") problems.push(`${file} names another host: ${host[0]}`);
  if (extname(file) === ".html" && /<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=/.test(text)) {
    problems.push(`${file} has inline script or style, which the content security policy forbids`);
  }
}

console.log(
  `js + css, gzipped: ${spent} B of ${BUDGET_BYTES} B to browse and play; ${player} B of ${PLAYER_BYTES} B for all of the player ` +
    `in English; ${all} B of ${ALL_BYTES} B with set-up and all languages`,
);
if (all > ALL_BYTES) problems.push(`all parts together are ${all - ALL_BYTES} B over their budget of ${ALL_BYTES} B`);
if (player > PLAYER_BYTES) problems.push(`the player is ${player - PLAYER_BYTES} B over its budget of ${PLAYER_BYTES} B`);
if (spent > BUDGET_BYTES) problems.push(`the bundle is ${spent - BUDGET_BYTES} B over its budget of ${BUDGET_BYTES} B`);
for (const problem of problems) console.error("build: " + problem);
process.exitCode = problems.length ? 1 : 0;
