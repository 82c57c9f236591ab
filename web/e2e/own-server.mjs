// A server of the test's own, with a library of its own, which it may end and start again: what scripts/run starts. Only where the
// real server is tested (WIIDIA_URL).
//
//   WIIDIA_PROGRAM   another program than scripts/run

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PROGRAM = process.env.WIIDIA_PROGRAM || fileURLToPath(new URL("../../scripts/run", import.meta.url));
const NOBODY = 65534;
// Where a user without rights finds it, even when root runs this.
const PARENT = "/var/tmp";
// scripts/run looks whether it has to build anything first.
const START_MS = 120_000;

/** `fill(folder)` makes the library. Result: { url, library, start, stop, close }; it runs. */
export async function ownServer(fill, configuration = "") {
  const house = await mkdtemp(PARENT + "/wiidia-e2e-");
  const library = house + "/library";
  const state = house + "/state";
  for (const folder of [library, state]) await mkdir(folder);
  await chmod(house, 0o755);
  await fill(library);
  const root = process.getuid() === 0;
  if (root) await chown(state, NOBODY, NOBODY);
  await writeFile(house + "/config.toml", `[access]\nmode = "open"\n${configuration}`);
  const [http, rtmp] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${http}`;
  let server = null;
  let said = "";

  const answers = () => fetch(url + "/api/v1/setup").then(({ ok }) => ok, () => false);
  const start = async () => {
    const given = ["--config", house + "/config.toml", "--library", library, "--data", state, "--http", "127.0.0.1:" + http, "--rtmp", "127.0.0.1:" + rtmp];
    const rights = root && process.env.WIIDIA_PROGRAM ? { uid: NOBODY, gid: NOBODY } : {};
    server = spawn(PROGRAM, given, { stdio: ["ignore", "pipe", "pipe"], ...rights });
    for (const stream of [server.stdout, server.stderr]) stream.on("data", (text) => (said = (said + text).slice(-4000)));
    const since = Date.now();
    while (!(await answers())) {
      assert.equal(server.exitCode, null, "the server has ended; it said:\n" + said);
      assert.ok(Date.now() - since < START_MS, "the server did not come up; it said:\n" + said);
      await sleep(100);
    }
  };
  const stop = async (signal = "SIGTERM") => {
    const ended = once(server, "exit");
    server.kill(signal);
    await ended;
  };
  const close = async () => {
    if (server && server.exitCode === null && server.signalCode === null) await stop("SIGKILL");
    await rm(house, { recursive: true, force: true });
  };
  await start();
  return { url, library, start, stop, close };
}

/** A film with a moving picture and sound, so many seconds long. */
export function makeFilm(file, seconds) {
  const made = `-v error -y -f lavfi -i testsrc2=s=480x270:r=25:d=${seconds} -f lavfi -i sine=d=${seconds} -c:v libx264 -preset ultrafast
    -g 50 -pix_fmt yuv420p -c:a aac -shortest`;
  execFileSync("ffmpeg", [...made.split(/\s+/), file], { stdio: ["ignore", "inherit", "inherit"] });
}

/** A TCP port that nobody listens on now. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
