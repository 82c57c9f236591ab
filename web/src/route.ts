// Where the page is: the hash of the address, and nothing else. Paths stay percent-encoded, exactly as the
// server gave them, so that a name with bytes that are not UTF-8 survives the round trip.

/** A place in the page. `path` is percent-encoded, without slashes at its ends; "" is the library's root. */
export interface Route {
  view: "browse" | "play";
  path: string;
}

/** One step of the breadcrumbs: a name to show and the encoded path it leads to. */
export interface Crumb {
  name: string;
  path: string;
}

/** Reads a hash such as `#/play/films/a%20b.avi`; anything unknown is the library's root. */
export function parseHash(hash: string): Route {
  const match = /^#\/(browse|play)\/(.*)$/.exec(hash);
  const path = match ? trimSlashes(match[2] ?? "") : "";
  return match && match[1] === "play" && path ? { view: "play", path } : { view: "browse", path };
}

/** The hash for a route; `parseHash` reads it back. */
export function formatHash(route: Route): string {
  return "#/" + route.view + "/" + route.path;
}

/** The hash of a folder, for links. */
export function folderHash(path: string): string {
  return formatHash({ view: "browse", path });
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

// Bytes that are not UTF-8 cannot be decoded; the encoded name is still better than none.
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function trimSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, "");
}
