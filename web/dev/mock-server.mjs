// A stand-in for the server, for work on the page alone: an invented library, the API's answers, and files
// that misbehave on purpose. Needs ffmpeg, once, for its three samples.
//
//   node dev/mock-server.mjs [PORT]        serves dist/ with the real policy, so build first
//
// Names decide behaviour: see BEHAVIOUR. Start it from a test with `startMock()`.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const SAMPLES = join(tmpdir(), "wiidia-mock-samples");
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; " +
  "connect-src 'self'; worker-src 'self' blob:; font-src 'self'; manifest-src 'self'; form-action 'self'; " +
  "base-uri 'none'; frame-ancestors 'none'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };

// Names that mean something to HTML, to addresses, to the direction of writing, or to nobody.
export const NAMES_FOLDER = 'dir with "q" <b>#?%25 &amp; 😀 .';
export const NAMES = [
  "\"quoted\" & 'single'.mp4",
  "<script>alert(1)<／script>.mp4",
  "<img src=x onerror=alert(1)>.mp4",
  "100% #1 & more? yes.mp4",
  "%2e%2e%2f.mp4",
  "a+b=c&d;e.mp4",
  "back\\slash.mp4",
  " leading and trailing .mp4",
  "trailing dot..mp4",
  "new\nline and\ttab.mp4",
  "u\u0308 and ü.mp4",
  "\u202eevil gpj.mp4",
  "שלום עולם.mp4",
  "😀🎬 👨‍👩‍👧.mp4",
  "{{7*7}}${7*7}.mp4",
  "x".repeat(251) + ".mp4",
];

const LIBRARY = {
  "Home videos": {
    "Ferien am Meer – Österreich bis Rügen": {
      "Größe & Maß (Teil 1).mp4": "short",
      "Größe & Maß (Teil 2).mp4": "short",
      "Übermut am Strand #3 100%.mkv": "short",
    },
    "2007 – the first television": { "Wii in the living room.flv": "short" },
    "Nothing in here": {},
  },
  Music: { "Sunday morning.mp3": "audio", "A title that goes on and on until it needs a second line, live in Ål.flac": "audio" },
  Crowd: Object.fromEntries(
    Array.from({ length: 20_000 }, (_, i) => [i < 40 ? `Year ${i + 1}` : `Take ${i - 39}.mp4`, i < 40 ? {} : "short"]),
  ),
  Holidays: {
    ...Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`Picture ${i + 1}.jpg`, "picture"])),
    "Waves.mp4": "short",
    "Waves.mp3": "audio",
  },
  Lots: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`Episode ${i + 1}.mp4`, "short"])),
  "Only pictures": { "a.jpg": "picture" },
  "Odd ones": {
    [NAMES_FOLDER]: Object.fromEntries(NAMES.map((name) => [name, "short"])),
    "broken film.avi": "broken",
    "cut connection.mp4": "cut",
    "dead server.mp4": "dead",
    "garbage.mp4": "garbage",
    "new codec.mp4": "codec",
    "refused.mp4": "refused",
    "ends early.mp4": "early",
    "no estimate.avi": "slow-blind",
    "slow conversion.avi": "slow",
  },
  "A walk in the woods.mp4": "short",
  "Grandma’s birthday.avi": "short",
  "Holiday film, the long cut.mp4": "long",
  "Sunset.jpg": "picture",
};

// One sound, no subtitles; the qualities of the server.
const CHOICES = {
  form: { profile: "tv", audio: 0, subtitles: null },
  contents: { audio: [{ language: null, title: null, channels: 1 }], subtitles: [], chapters: [], tags: {}, warnings: [] },
  profiles: [
    { name: "tv", width: 1920, height: 1080, browser: true },
    { name: "small", width: 854, height: 480, browser: true },
    { name: "flash", width: 400, height: 224, browser: false },
    { name: "audio", width: null, height: null, browser: true },
  ],
};

const STREAMS = [
  { name: "living room", on_air: true, viewers: 2 },
  { name: "studio/stage", on_air: false, viewers: 0 },
];
const SOURCES = [
  { name: "door", url: "rtsp://192.168.1.30/stream1", kind: "rtsp", origin: "api", state: "waiting", viewers: 0,
    reason: "there is no connection to it (connection refused)", next_try_seconds: 4.2 },
  { name: "radio", url: "http://192.168.1.40/radio", kind: "http", origin: "file", state: "idle", viewers: 0,
    reason: null, next_try_seconds: null },
];

// How slow files grow: seconds of media a second, after a delay.
const SLOW_RATE = 2;
const SLOW_DELAY = 1;
// A file's length is known this many milliseconds after the first listing.
const MEASURE_MS = 2000;

/** Serves on `port` (0: any) and resolves to { url, port, close }. */
export async function startMock(port = 0) {
  const samples = makeSamples();
  const state = { firstListing: 0, started: new Map(), cuts: new Map(), added: [] };
  const server = createServer((request, response) => {
    answer(request, response, samples, state).catch((error) => {
      console.error("mock:", error);
      response.destroy();
    });
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const used = server.address().port;
  const close = () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
  return { url: `http://127.0.0.1:${used}`, port: used, close };
}

async function answer(request, response, samples, state) {
  const url = new URL(request.url, "http://x");
  const [, first, ...rest] = url.pathname.split("/");
  if (first === "api" && rest[1] === "library") return listing(rest.slice(2), url.searchParams, response, samples, state);
  if (first === "api" && rest[1] === "info") return json(response, { poster: null, bar: null });
  if (first === "api" && rest[1] === "neighbours") return neighbours(rest.slice(2), response);
  if (first === "api" && rest[1] === "uploads") return json(response, { folders: ["Holidays"] });
  if (first === "api" && rest[1] === "upload") return upload(request, response);
  if (first === "api" && rest[1] === "search") return json(response, page({ entries: everything([], LIBRARY) }, url.searchParams));
  if (first === "api" && rest[1] === "positions") return json(response, { positions: [] });
  if (first === "api" && rest[1] === "streams") return json(response, { streams: STREAMS });
  if (first === "api" && rest[1] === "sources") return sources(request, response, state);
  if (first === "api" && rest[1] === "recordings") return json(response, { folder: "Recordings", recordings: [] });
  if (first === "picture") return picture(rest, response, samples);
  if (first === "live" && /\.jpg$/.test(url.pathname)) return picture(["Picture 1.jpg"], response, samples);
  if (first === "api" && rest[1] === "media") return media(rest.slice(2), url, response, samples, state);
  if (first === "api" && rest[1] === "events") return events(url, request, response, samples, state);
  if (first === "fmp4") return fmp4(rest, url, request, response, samples, state);
  if (first === "flv") return problem(response, 501, "the stand-in has no FLV; use the real server");
  return file(url.pathname, request, response);
}

function file(path, request, response) {
  const name = path === "/" ? "index.html" : normalize(decodeURIComponent(path)).replace(/^[/.]+/, "");
  const full = join(DIST, name);
  if (!existsSync(full)) return problem(response, 404, `there is no ${path}; run "npm run build" first`);
  const packed = (request.headers["accept-encoding"] ?? "").includes("gzip") && existsSync(full + ".gz");
  response.writeHead(200, {
    "content-type": TYPES[extname(name)] ?? "application/octet-stream",
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    ...(packed ? { "content-encoding": "gzip" } : {}),
  });
  response.end(readFileSync(packed ? full + ".gz" : full));
}

function picture(segments, response, { pictures }) {
  const number = Number(/(\d+)\.jpg$/.exec(decodeURIComponent(segments.at(-1)))?.[1] ?? 1);
  response.writeHead(200, { "content-type": "image/jpeg", "cache-control": "no-store" });
  response.end(pictures[number % pictures.length]);
}

// Pages of a folder, as the server gives them when asked for an offset.
function page(body, query) {
  const words = (query.get("q") ?? "").toLowerCase().split(" ").filter(Boolean);
  const kinds = query.get("kind")?.split(",");
  const found = body.entries.filter(
    ({ name, kind }) => words.every((word) => name.toLowerCase().includes(word)) && (!kinds || kinds.includes(kind)),
  );
  const key = { size: "size", duration: "duration" }[query.get("sort")];
  if (key) found.sort((a, b) => (b.kind === "folder") - (a.kind === "folder") || (a[key] ?? 0) - (b[key] ?? 0));
  if (query.get("order") === "desc") found.sort((a, b) => (b.kind === "folder") - (a.kind === "folder")).reverse();
  found.sort((a, b) => (b.kind === "folder") - (a.kind === "folder"));
  const [offset, limit] = [Number(query.get("offset")), Number(query.get("limit"))];
  return { ...body, total: found.length, offset, entries: found.slice(offset, offset + limit) };
}

function listing(segments, query, response, samples, state) {
  const folder = find(segments);
  if (!folder || typeof folder === "string") return problem(response, 404, "there is no such folder; go back and look again");
  state.firstListing ||= Date.now();
  const measured = Date.now() - state.firstListing > MEASURE_MS;
  const here = segments.filter(Boolean);
  const entries = Object.entries(folder).map(([name, content]) => {
    const kind = typeof content === "object" ? "folder" : content === "audio" || content === "picture" ? content : "video";
    const playable = kind === "video" || kind === "audio";
    const sample = samples[sampleOf(content)];
    return {
      name,
      path: [...here, encodeURIComponent(name)].join("/"),
      kind,
      size: kind === "folder" ? null : playable ? sample.bytes.length : 48213,
      duration: playable && measured && content !== "broken" ? sample.duration : null,
    };
  });
  const whole = { path: here.join("/"), entries };
  json(response, query.has("offset") ? page(whole, query) : whole);
}

// The channels; what is added stays until the stand-in ends.
async function sources(request, response, state) {
  if (request.method === "POST") {
    let body = "";
    for await (const chunk of request) body += chunk;
    const added = { kind: "http", origin: "api", state: "idle", reason: null, next_try_seconds: null, viewers: 0, ...JSON.parse(body) };
    state.added.push(added);
    return json(response, added, 201);
  }
  json(response, { sources: [...SOURCES, ...state.added] });
}

// Takes a file and keeps nothing of it.
async function upload(request, response) {
  for await (const chunk of request) void chunk;
  json(response, {}, 201);
}

// All files of the library but the crowd, with their paths.
function everything(folder, content) {
  return Object.entries(content).flatMap(([name, inside]) => {
    const path = [...folder, encodeURIComponent(name)];
    if (typeof inside === "object") return name === "Crowd" || name === "Lots" ? [] : everything(path, inside);
    return [{ name, path: path.join("/"), kind: inside === "picture" ? "picture" : "video", size: 48213, duration: 12 }];
  });
}

// The files that play beside one in its folder.
function neighbours(segments, response) {
  const folder = segments.slice(0, -1);
  const plays = (content) => typeof content === "string" && content !== "picture";
  const names = Object.entries(find(folder) ?? {}).filter(([, content]) => plays(content)).map(([name]) => name);
  const at = names.indexOf(decodeURIComponent(segments.at(-1) ?? ""));
  const entry = (name) => name && { name, path: [...folder, encodeURIComponent(name)].join("/"), kind: "video", size: null, duration: null };
  json(response, { previous: entry(names[at - 1]) ?? null, next: (at >= 0 && entry(names[at + 1])) || null, place: at, total: names.length });
}

function media(segments, url, response, samples, state) {
  const content = find(segments);
  if (typeof content !== "string") return problem(response, 404, "there is no such file; go back and look again");
  if (content === "broken") {
    return problem(response, 422, "the file holds no video or audio that can be read; it may be damaged or cut off");
  }
  const path = segments.join("/");
  const sample = samples[sampleOf(content)];
  const mime = content === "codec" ? 'video/mp4; codecs="hvc1.1.6.L93.B0,mp4a.40.2"' : sample.mime;
  const body = { path, name: decodeURIComponent(segments.at(-1)), ...progress(path, content, sample, state), mime };
  const video = sampleOf(content) === "audio" ? null : { codec: "h264", width: 640, height: 360 };
  // What is chosen is only said, not done.
  const form = { ...CHOICES.form, profile: url.searchParams.get("profile") ?? "tv" };
  setTimeout(() => json(response, { ...body, video, audio: { codec: "aac" }, ...CHOICES, form }), content.startsWith("slow") ? 400 : 0);
}

function events(url, request, response, samples, state) {
  // Without a path it tells of the library: here, once, that the lengths of films are known by now.
  if (!url.searchParams.has("path")) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.flushHeaders();
    const told = setTimeout(() => response.write('event: library\ndata: {"folders":null}\n\n'), MEASURE_MS + 100);
    return request.on("close", () => clearTimeout(told));
  }
  const path = url.searchParams.get("path").split("/").map(encodeURIComponent).join("/");
  const content = find(path.split("/"));
  if (typeof content !== "string") return problem(response, 404, "there is no such file");
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const target = url.searchParams.has("target") ? Number(url.searchParams.get("target")) : null;
  const say = () => {
    const now = progress(path, content, samples[sampleOf(content)], state);
    const eta = target === null || content === "slow-blind" ? null : Math.max(0, (target - now.available) / SLOW_RATE);
    response.write(`event: media\ndata: ${JSON.stringify({ ...now, target, eta, error: null })}\n\n`);
  };
  say();
  const timer = setInterval(say, 500);
  request.on("close", () => clearInterval(timer));
}

// Fragments from the one that holds `start`, each as soon as it "exists".
async function fmp4(segments, url, request, response, samples, state) {
  const content = find(segments);
  if (typeof content !== "string") return problem(response, 404, "there is no such file; go back and look again");
  if (content === "refused") return problem(response, 500, "the converter stopped while reading this file; try again, or try another file");
  const path = segments.join("/");
  const cuts = state.cuts.get(path) ?? 0;
  if (content === "dead" && cuts > 0) return request.socket.destroy();
  const sample = samples[sampleOf(content)];
  const start = Number(url.searchParams.get("start") ?? 0);
  let index = sample.fragments.findLastIndex((fragment) => fragment.time <= start + 0.001);
  response.writeHead(200, { "content-type": "video/mp4", "cache-control": "no-store" });
  response.flushHeaders();
  response.write(sample.init);
  let gone = false;
  request.on("close", () => (gone = true));
  for (index = Math.max(0, index); index < sample.fragments.length && !gone; index += 1) {
    const { bytes, time, end } = sample.fragments[index];
    while (!gone && progress(path, content, sample, state).available < end) await pause(50);
    if ((content === "cut" || content === "dead") && cuts < 2 && time - start >= 3) {
      state.cuts.set(path, cuts + 1);
      return request.socket.destroy();
    }
    if (content === "early" && cuts === 0 && time >= 4) {
      state.cuts.set(path, 1);
      return response.end();
    }
    if (content === "garbage" && time >= 2) {
      response.write(Buffer.alloc(5000, 0xa5));
      return response.end();
    }
    if (!response.write(bytes)) await drained(response);
  }
  response.end();
}

function progress(path, content, sample, state) {
  if (!content.startsWith("slow")) return upTo(sample.duration, sample.duration);
  if (!state.started.has(path)) state.started.set(path, Date.now());
  const age = (Date.now() - state.started.get(path)) / 1000;
  const available = Math.min(sample.duration, Math.max(0, age - SLOW_DELAY) * SLOW_RATE);
  return upTo(available, sample.duration);
}

function upTo(available, duration) {
  return { duration, available, ranges: available > 0 ? [[0, available]] : [], complete: available >= duration };
}

function sampleOf(content) {
  return content === "audio" ? "audio" : content === "long" || content.startsWith?.("slow") ? "long" : "short";
}

function find(segments) {
  return segments.filter(Boolean).reduce((at, segment) => {
    const name = decodeURIComponent(segment);
    return at && typeof at === "object" && Object.hasOwn(at, name) ? at[name] : undefined;
  }, LIBRARY);
}

function makeSamples() {
  mkdirSync(SAMPLES, { recursive: true });
  const picture = (seconds) => ["-f", "lavfi", "-i", `testsrc2=s=640x360:r=25:d=${seconds}`];
  const sound = (seconds) => ["-f", "lavfi", "-i", `sine=frequency=440:duration=${seconds}`];
  const h264 = ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-level", "3.1", "-g", "25", "-pix_fmt", "yuv420p"];
  const both = 'video/mp4; codecs="avc1.4d401f,mp4a.40.2"';
  return {
    short: sample("short", [...picture(12), ...sound(12), ...h264], both),
    long: sample("long", [...picture(90), ...sound(90), ...h264], both),
    audio: sample("audio", sound(15), 'audio/mp4; codecs="mp4a.40.2"'),
    pictures: [0, 1, 2, 3, 4, 5].map((number) => still(number)),
  };
}

function still(number) {
  const path = join(SAMPLES, `still-${number}.jpg`);
  const source = ["-f", "lavfi", "-i", `gradients=s=1280x720:n=4:seed=${number + 7}:d=1`];
  if (!existsSync(path)) execFileSync("ffmpeg", ["-v", "error", "-y", ...source, "-frames:v", "1", "-update", "1", path]);
  return readFileSync(path);
}

function sample(name, input, mime) {
  const path = join(SAMPLES, name + ".mp4");
  if (!existsSync(path)) {
    const shape = ["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000"];
    execFileSync("ffmpeg", ["-v", "error", "-y", ...input, ...shape, "-f", "mp4", path]);
  }
  const bytes = readFileSync(path);
  const boxes = topBoxes(bytes);
  const first = boxes.find((box) => box.type === "moof").start;
  const scales = timescales(bytes.subarray(0, first));
  const fragments = [];
  for (const [i, box] of boxes.entries()) {
    if (box.type !== "moof") continue;
    fragments.push({ bytes: bytes.subarray(box.start, boxes[i + 1].end), time: fragmentTime(bytes, box, scales) });
  }
  const probe = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path];
  const duration = Number(execFileSync("ffprobe", probe).toString());
  fragments.forEach((fragment, i) => (fragment.end = fragments[i + 1]?.time ?? duration));
  return { bytes, init: bytes.subarray(0, first), fragments, duration, mime };
}

function topBoxes(bytes) {
  const boxes = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    boxes.push({ type: bytes.toString("latin1", at + 4, at + 8), start: at, end: at + size });
    at += size;
  }
  return boxes;
}

// The decode time of the fragment's first track in seconds (tfdt version 1: 64 bit).
function fragmentTime(bytes, box, scales) {
  const track = bytes.readUInt32BE(bytes.indexOf("tfhd", box.start, "latin1") + 8);
  const at = bytes.indexOf("tfdt", box.start, "latin1");
  const ticks = bytes[at + 4] === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : bytes.readUInt32BE(at + 8);
  return ticks / scales[track - 1];
}

// Ticks a second of each track; ffmpeg numbers tracks from 1 in order.
function timescales(init) {
  const found = [];
  for (let at = init.indexOf("mdhd", 0, "latin1"); at >= 0; at = init.indexOf("mdhd", at + 4, "latin1")) {
    found.push(init.readUInt32BE(at + 4 + (init[at + 4] === 1 ? 20 : 12)));
  }
  return found;
}

function json(response, body, status = 200, type = "application/json") {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

function problem(response, status, detail) {
  const titles = { 404: "Not found", 422: "This file can’t be played", 500: "Conversion failed" };
  json(response, { type: "about:blank", title: titles[status] ?? "Error", status, detail }, status, "application/problem+json");
}

// Resolves when the browser has taken what was written, or is gone.
function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock(Number(process.argv[2] ?? 8931));
  console.log(`mock: ${mock.url}`);
}
