// Keys of the whole page: arrows move the focus, Back leaves. A screen may take keys first (the player does).

import { type Direction, nextInDirection } from "./focus.ts";

const DIRECTIONS: Record<string, Direction | undefined> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

const BACK_KEYS = ["Backspace", "Escape", "GoBack", "BrowserBack"];
// Remote controls whose browsers give no `key`: LG webOS sends 461, Samsung Tizen 10009.
const BACK_CODES = [461, 10009];

const TARGETS = "a[href],button:not([disabled]),[role=slider]";

/** Takes a key before the page does; returns true if it was used. */
export type ScreenKeys = (event: KeyboardEvent) => boolean;

let screenKeys: ScreenKeys | null = null;

/** Lets the current screen take keys first; null gives them back to the page. */
export function setScreenKeys(handler: ScreenKeys | null): void {
  screenKeys = handler;
}

/** True for every key that means "back" on a keyboard or a remote control. */
export function isBackKey(event: KeyboardEvent): boolean {
  return BACK_KEYS.indexOf(event.key) >= 0 || BACK_CODES.indexOf(event.keyCode) >= 0;
}

/** Listens for the page's whole life. `back` returns false at the root, where the browser's own Back is right. */
export function listenForKeys(back: () => boolean): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = DIRECTIONS[event.key];
    const used =
      (screenKeys !== null && screenKeys(event)) ||
      (isBackKey(event) ? back() : direction !== undefined && moveFocus(direction));
    if (used) event.preventDefault();
  });
}

/** Focuses what a screen wants focused first: `[data-first]`, else its first target. */
export function focusFirst(screen: HTMLElement | null): void {
  if (!screen) return;
  const first = screen.querySelector<HTMLElement>("[data-first]") ?? screen.querySelector<HTMLElement>(TARGETS);
  if (first) focusOn(first);
}

function moveFocus(direction: Direction): boolean {
  const here = document.activeElement;
  if (!(here instanceof HTMLElement) || here === document.body) {
    focusFirst(document.body);
    return true;
  }
  const targets = Array.from(document.querySelectorAll<HTMLElement>(TARGETS)).filter(
    // Not rendered: no box to go to.
    (target) => target !== here && target.offsetWidth > 0,
  );
  const boxes = targets.map((target) => target.getBoundingClientRect());
  const target = targets[nextInDirection(here.getBoundingClientRect(), boxes, direction)];
  if (!target) return false;
  focusOn(target);
  return true;
}

// Scrolls at once, not smoothly: a held key on a slow television must not lag behind its own animation.
function focusOn(target: HTMLElement): void {
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "nearest" });
}
