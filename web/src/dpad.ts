// Keys of the whole page: arrows move the focus, Back leaves. A screen, or what is open in front of it, may take keys first.

import { type Direction, nextInDirection } from "./focus.ts";

const DIRECTIONS: Record<string, Direction | undefined> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};
// Old televisions give codes only.
const DIRECTION_CODES: Record<number, Direction | undefined> = { 37: "left", 38: "up", 39: "right", 40: "down" };

const BACK_KEYS = ["Backspace", "Escape", "GoBack", "BrowserBack"];
// Remote controls whose browsers give no `key`: LG webOS sends 461, Samsung Tizen 10009.
const BACK_CODES = [461, 10009];

const TARGETS = "a[href],button:not([disabled]),[role=slider],input:not([disabled]),select:not([disabled]),textarea:not([disabled])";
// Left and right belong to what is written or set there.
const TYPED = /^(text|search|url|email|password|tel|number|date|time|datetime-local|range)$/;

/** Takes a key before the page does; returns true if it was used. */
export type ScreenKeys = (event: KeyboardEvent) => boolean;

let takers: ScreenKeys[] = [];

/**
 * Lets `handler` take keys before the page, and before those who asked earlier; the result gives them back. Components ask in a
 * layout effect: whoever sees what is open must not be able to press a key that goes past it.
 */
export function takeKeys(handler: ScreenKeys): () => void {
  takers = takers.concat(handler);
  return () => {
    takers = takers.filter((taker) => taker !== handler);
  };
}

/** True for every key that means "back" on a keyboard or a remote control. */
export function isBackKey(event: KeyboardEvent): boolean {
  // In a field, Backspace takes a letter away.
  if (event.key === "Backspace" && isTyping(event.target)) return false;
  return BACK_KEYS.indexOf(event.key) >= 0 || BACK_CODES.indexOf(event.keyCode) >= 0;
}

/** True if keys belong to a field that one writes in. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    (target instanceof HTMLInputElement && TYPED.test(target.type) && target.type !== "range") ||
    target instanceof HTMLTextAreaElement
  );
}

/** Listens for the page's whole life. `back` returns false at the root, where the browser's own Back is right. */
export function listenForKeys(back: () => boolean): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const used =
      takers.some((_, i) => takers[takers.length - 1 - i]?.(event) === true) ||
      (isBackKey(event) ? back() : moves(event));
    if (used) event.preventDefault();
  });
}

/** Focuses what a screen wants focused first: `[data-first]`, else its first target within <main>, else its first target. */
export function focusFirst(screen: HTMLElement | null): void {
  if (!screen) return;
  const find = (selector: string): HTMLElement | undefined =>
    Array.from(screen.querySelectorAll<HTMLElement>(selector)).filter((target) => target.offsetWidth > 0)[0];
  const first = find("[data-first]") ?? find(TARGETS.replace(/(^|,)/g, "$1main ")) ?? find(TARGETS);
  if (first) focusOn(first);
}

function moves(event: KeyboardEvent): boolean {
  const direction = DIRECTIONS[event.key] ?? (event.key ? undefined : DIRECTION_CODES[event.keyCode]);
  if (direction === undefined) return false;
  const at = event.target;
  const sideways = direction === "left" || direction === "right";
  if (at instanceof HTMLTextAreaElement) return false;
  if (sideways && at instanceof HTMLInputElement && TYPED.test(at.type) && !atEdge(at, direction)) return false;
  if (sideways && at instanceof HTMLSelectElement) return false;
  return moveFocus(direction);
}

// Whether the caret has nowhere to go in its text, so that the key may leave the field. Fields without a caret keep the key.
function atEdge({ value, selectionStart }: HTMLInputElement, direction: Direction): boolean {
  if (value === "") return true;
  return selectionStart !== null && selectionStart === (direction === "right" ? value.length : 0);
}

function moveFocus(direction: Direction): boolean {
  // What is open in front keeps the focus to itself.
  const modals = document.querySelectorAll<HTMLElement>("[data-modal]");
  const root: HTMLElement = modals[modals.length - 1] ?? document.body;
  const here = document.activeElement;
  if (!(here instanceof HTMLElement) || here === document.body || !root.contains(here)) {
    focusFirst(root);
    return true;
  }
  const targets = Array.from(root.querySelectorAll<HTMLElement>(TARGETS)).filter(
    // Not rendered: no box to go to. Skipped: there for pointers, with another way for remote controls.
    (target) => target !== here && target.offsetWidth > 0 && !target.hasAttribute("data-skip"),
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
