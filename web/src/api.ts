// The server's HTTP API, version 1: calls; shapes come from its description (api-types.ts). All `path`s are percent-encoded by
// the server.

import type { Folder as Listing, Info, Kind, Media, Neighbours as Beside, Uploads } from "./api-types.ts";
import { strings } from "./language/index.ts";

export type {
  Bar,
  Entry,
  Folder as Listing,
  Info,
  Kind,
  LibraryEvent,
  Media,
  MediaEvent as WaitReport,
  Neighbours as Beside,
  Position,
  Track,
} from "./api-types.ts";

/** Which part of a folder is asked for. `order` is a key of the language's `sorts`; `q`: words that names must contain. */
export interface ListingPage {
  offset: number;
  limit: number;
  order?: string;
  q?: string;
  kind?: Kind;
}

/** What is asked for of a file: a profile's name; a track's number or language; for subtitles also "none". */
export interface Choice {
  profile?: string;
  audio?: string;
  subtitles?: string;
}

/** An answer that is not the one asked for, in words for the person at the screen. `status` 0: no answer. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(title + ": " + detail);
  }
}

/** Lists a page of a folder. */
export function fetchListing(path: string, page: ListingPage): Promise<Listing> {
  const { order = "name", q, kind } = page;
  // What is searched at the top is searched everywhere, and comes with the best first.
  const everywhere = !path && q !== undefined;
  const pairs = ["offset=" + page.offset, "limit=" + page.limit].concat(
    everywhere && order === "name" ? [] : orderPairs(order),
    q === undefined ? [] : "q=" + encodeURIComponent(q),
    kind === undefined ? [] : "kind=" + kind,
  );
  return getJson<Listing>((everywhere ? "/api/v1/search" : "/api/v1/library/" + path) + "?" + pairs.join("&"));
}

// "-date" as the server reads it.
function orderPairs(order: string): string[] {
  const key = "sort=" + order.replace("-", "");
  return order.charAt(0) === "-" ? [key, "order=desc"] : [key];
}

/** The files before and after `path`, of what plays if it plays. */
export function fetchNeighbours(path: string, order: string): Promise<Beside> {
  return getJson<Beside>("/api/v1/neighbours/" + path + "?" + orderPairs(order).join("&"));
}

let uploads: Promise<string[]> | undefined;

/** The folders that take files; none where the owner has named none. Asked once a visit. */
export function uploadFolders(): Promise<string[]> {
  uploads = uploads ?? getJson<Uploads>("/api/v1/uploads").then(({ folders }) => folders, () => []);
  return uploads;
}

/** The address of a file as it is. */
export function downloadAddress(path: string): string {
  return "/download/" + path;
}

/** What the index knows of a file; starts nothing. */
export function fetchInfo(path: string): Promise<Info> {
  return getJson<Info>("/api/v1/info/" + path);
}

/** The address of a picture that fits into so many pixels. */
export function pictureAddress(path: string, width: number, height: number): string {
  return "/picture/" + path + "?w=" + Math.round(width) + "&h=" + Math.round(height);
}

/** Describes a file, starting its conversion if it needs one. */
export function fetchMedia(path: string, choice: Choice): Promise<Media> {
  return getJson<Media>("/api/v1/media/" + path + query("?", choice));
}

/** The address of subtitles, with times of the film in the form that plays. */
export function subtitlesAddress(address: string, choice: Choice): string {
  return address + query(address.indexOf("?") < 0 ? "?" : "&", choice);
}

/** The address of a file's fragmented MP4 from the keyframe at or before `start` seconds. */
export function fmp4Address(path: string, choice: Choice, start: number): string {
  return "/fmp4/" + path + "?start=" + start.toFixed(3) + query("&", choice);
}

/** The address of a file as HLS, for browsers that play that by themselves. */
export function hlsAddress(path: string, choice: Choice): string {
  return "/hls/" + path + "/index.m3u8" + query("?", choice);
}

/** The address of a file as FLV, for players outside the browser. */
export function flvAddress(path: string): string {
  return "/flv/" + path;
}

/** The address of a file for RTMP players. The port is the protocol's own. */
export function rtmpAddress(path: string): string {
  return "rtmp://" + location.hostname + ":1935/vod/" + path;
}

/** The address of the events about `path` while a seek to `target` seconds waits. */
export function eventsAddress(path: string, choice: Choice, target: number): string {
  // The path is percent-encoded already; only what means something else in a query is left to encode.
  const inQuery = path.replace(/&/g, "%26").replace(/\+/g, "%2B");
  return "/api/v1/events?path=" + inQuery + "&target=" + target.toFixed(3) + query("&", choice);
}

// A choice as parameters, the first behind `first`.
function query(first: "?" | "&", choice: Choice): string {
  const { profile, audio, subtitles } = choice;
  const given = [profile && "profile=" + profile, audio && "audio=" + audio, subtitles && "subtitles=" + subtitles];
  const text = given.filter(Boolean).join("&");
  return text && first + text;
}

/** Turns a response that is not ok into a `Problem`, in the server's own words where it gave some. */
export function problemOf(response: Response): Promise<Problem> {
  const { status } = response;
  // Not JSON: a proxy's page perhaps. The status alone has to do.
  const body: Promise<{ title?: unknown; detail?: unknown } | null> = response.json().catch(() => null);
  return body.then(
    (said) =>
      new Problem(
        status,
        String(said?.title || strings.problem.title),
        sentence(String(said?.detail || strings.problem.status(status))),
      ),
  );
}

/** The `Problem` behind anything that was thrown. */
export function asProblem(thrown: unknown): Problem {
  return thrown instanceof Problem ? thrown : new Problem(0, strings.problem.offline, strings.problem.offlineDetail);
}

/** A JSON answer; rejects with a `Problem` for any answer that is not ok. */
export function getJson<T>(address: string, options?: RequestInit): Promise<T> {
  return fetch(address, options).then((response) =>
    response.ok
      ? (response.json() as Promise<T>)
      : problemOf(response).then((problem) => {
          throw problem;
        }),
  );
}

/** Changes something on the server: `method` is POST, PUT or DELETE, `body` becomes JSON. */
export function send<T>(method: string, address: string, body?: unknown): Promise<T> {
  const json = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return getJson<T>(address, { method, ...json });
}

// The server's errors are lower-case clauses without a full stop (they are also log lines).
function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : start + ".";
}
