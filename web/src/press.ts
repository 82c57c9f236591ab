// Held presses: a right click, a finger that rests, or Enter held on a remote control asks for the menu of a thing; a short press
// opens it.

import type { TargetedKeyboardEvent, TargetedMouseEvent } from "preact";

// As long as the long presses of telephones.
const HELD_MS = 600;

/** Handlers for a link or button with a menu behind it. */
export interface Press<T extends HTMLElement> {
  onKeyDown: (event: TargetedKeyboardEvent<T>) => void;
  onKeyUp: (event: TargetedKeyboardEvent<T>) => void;
  onContextMenu: (event: TargetedMouseEvent<T>) => void;
}

let held: { on: EventTarget; timer: number } | null = null;

/** `onMenu` is called for a held press. Enter then opens the thing when it is let go, as it does anyway on televisions. */
export function pressFor<T extends HTMLElement>(onMenu: () => void): Press<T> {
  return {
    onKeyDown: (event) => {
      if (event.key === "ContextMenu") {
        event.preventDefault();
        onMenu();
      }
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      event.preventDefault();
      // Held since before this was in front: it means something that has gone.
      if (event.repeat || held?.on === event.currentTarget) return;
      letGo();
      const timer = window.setTimeout(() => {
        held = null;
        onMenu();
      }, HELD_MS);
      held = { on: event.currentTarget, timer };
    },
    onKeyUp: (event) => {
      if (event.key !== "Enter" || held?.on !== event.currentTarget) return;
      letGo();
      event.currentTarget.click();
    },
    onContextMenu: (event) => {
      event.preventDefault();
      letGo();
      onMenu();
    },
  };
}

function letGo(): void {
  clearTimeout(held?.timer);
  held = null;
}
