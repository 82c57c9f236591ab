// Where the page is: the hash of the address, and nothing else. Paths stay percent-encoded, exactly as the
// server gave them, so that a name with bytes that are not UTF-8 survives the round trip.
//
//   #/browse/<folder>?q=<words>&sort=<order>    the library
//   #/play/<file>?start=0                       the player; `start`: not where one left off
//   #/show/<folder>?at=<name>                   pictures one by one
//   #/live/                                     the channels
//   #/watch/<stream>                            a live stream, its name as one segment
//   #/next/  #/look/  #/setup/<rest>            what plays next, settings of this device, settings of the server

const VIEWS = ["browse", "play", "show", "live", "watch", "next", "look", "setup"] as const;

/** The screens there are. */
export type View = (typeof VIEWS)[number];

/** What an address may say beyond its path, decoded. */
export interface Query {
  q?: string;
  sort?: string;
  start?: string;
  at?: string;
}

/** A place in the page. `path` is percent-encoded, without slashes at its ends; "" is the library's root. */
export interface Route {
  view: View;
  path: string;
  query?: Query;
}

/** One step of the breadcrumbs: a name to show and the encoded path it leads to. */
export interface Crumb {
  name: string;
  path: string;
}

/** Reads a hash such as `#/play/films/a%20b.avi`; anything unknown is the library's root. */
export function parseHash(hash: string): Route {
  const match = /^#\/([a-z]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(hash);
  const view = VIEWS.filter((known) => match !== null && match[1] === known)[0];
  const path = match && view ? trimSlashes(match[2] ?? "") : "";
  if (!view || ((view === "play" || view === "watch") && !path)) return { view: "browse", path: "" };
  const query = parseQuery((match && match[3]) || "");
  return query ? { view, path, query } : { view, path };
}

/** The hash for a route; `parseHash` reads it back. */
export function formatHash(route: Route): string {
  const query = route.query ?? {};
  const pairs = (Object.keys(query) as (keyof Query)[])
    .filter((key) => query[key] !== undefined && query[key] !== "")
    .map((key) => key + "=" + encodeURIComponent(query[key] ?? ""));
  return "#/" + route.view + "/" + route.path + (pairs.length ? "?" + pairs.join("&") : "");
}

/** The hash of a folder, for links. */
export function folderHash(path: string): string {
  return formatHash({ view: "browse", path });
}

/** The place above another one; null at the library's root. */
export function above(route: Route): Route | null {
  const { view, path, query } = route;
  switch (view) {
    case "watch":
      return { view: "live", path: "" };
    case "show":
      return { view: "browse", path };
    case "play":
      return { view: "browse", path: parentPath(path) };
    case "browse":
      if (query && query.q) return { view, path };
      return path ? { view, path: parentPath(path) } : null;
    case "setup":
      return path ? { view, path: parentPath(path) } : { view: "look", path: "" };
    default:
      return { view: "browse", path: "" };
  }
}

/** The folder that holds `path`; the root's parent is the root. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** The readable name of the last segment of `path`. */
export function lastName(path: string): string {
  return decodeSegment(path.slice(path.lastIndexOf("/") + 1));
}

/** All folders from the first below the root down to `path` itself. */
export function crumbs(path: string): Crumb[] {
  if (!path) return [];
  const segments = path.split("/");
  return segments.map((segment, i) => ({ name: decodeSegment(segment), path: segments.slice(0, i + 1).join("/") }));
}

/** True if `path` is `folder` or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + "/");
}

function parseQuery(text: string): Query | undefined {
  const query: Query = {};
  let any = false;
  text.split("&").forEach((pair) => {
    const [key, value] = [pair.split("=")[0], pair.slice(pair.indexOf("=") + 1)];
    if (key === "q" || key === "sort" || key === "start" || key === "at") {
      query[key] = decodeSegment(value);
      any = true;
    }
  });
  return any ? query : undefined;
}

/** One segment of a path for the eye. Bytes that are not UTF-8 cannot be decoded; the encoded name is still better than none. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function trimSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, "");
}
