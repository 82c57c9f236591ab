// Moving between places so that the browser's own Back stays useful: going back to a place one came from
// steps back in history instead of piling up entries.

import { above, formatHash, parseHash, type Route } from "./route.ts";

// The page's own entries of the session history, newest last. Bounded: only the last two are ever compared.
const TRAIL_LENGTH = 50;

let trail = [here()];
let replacing = false;

// What is open in front of the screen, newest last. Each has put an entry of its own into the history, the same place once more, so
// that Back has something to leave. Such an entry stays behind when its owner is closed otherwise, and is skipped.
let inFront: (() => void)[] = [];
let entry = spare(history.state);

/** The current route. */
export function currentRoute(): Route {
  return parseHash(location.hash);
}

/** Calls `changed` with the new route and the one before it. */
export function onRouteChange(changed: (route: Route, from: Route) => void): void {
  let last = currentRoute();
  window.addEventListener("hashchange", () => {
    const now = here();
    if (now === trail[trail.length - 2]) trail.pop();
    else if (replacing) trail[trail.length - 1] = now;
    else trail = trail.concat(now).slice(-TRAIL_LENGTH);
    replacing = false;
    const from = last;
    last = currentRoute();
    changed(last, from);
  });
}

/** From now on the browser's own Back calls `close` and stays here; the result ends that. */
export function openInFront(close: () => void): () => void {
  entry += 1;
  history.pushState({ spare: entry }, "");
  inFront = inFront.concat(close);
  return () => {
    inFront = inFront.filter((other) => other !== close);
  };
}

window.addEventListener("popstate", ({ state }) => {
  const before = entry;
  entry = spare(state);
  // Another place: its `hashchange` follows.
  if (here() !== trail[trail.length - 1] || entry >= before) return;
  const close = inFront[inFront.length - 1];
  if (close) close();
  else history.back();
});

function spare(state: { spare?: number } | null): number {
  return state?.spare ?? 0;
}

/** Goes to `route`. */
export function goTo(route: Route): void {
  location.hash = formatHash(route);
}

/** Goes to `route` in place of the current one (next file of a folder: Back still leads to the folder). */
export function replaceWith(route: Route): void {
  const hash = formatHash(route);
  if (hash === here()) return;
  replacing = true;
  location.replace(hash);
}

/** Leaves for the place above; false at the root, where there is none. What plays goes back to wherever it was started from. */
export function goUp(): boolean {
  const route = currentRoute();
  const up = above(route);
  if (!up) return false;
  const before = trail[trail.length - 2];
  const anywhere = route.view === "play" || route.view === "watch" || route.view === "show";
  if (before !== undefined && (before === formatHash(up) || anywhere)) history.back();
  else replaceWith(up);
  return true;
}

function here(): string {
  return formatHash(currentRoute());
}
