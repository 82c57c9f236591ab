// What one likes to hear, read and see, kept across films and visits. Storage may be missing or refused; then it
// is forgotten.

import type { Choice, Media } from "../api.ts";
import { remembered, sane } from "./remember.ts";

const KEY = "wiidia.choice";

/** The remembered choice. */
export function loadChoice(): Choice {
  try {
    // Nothing stored yet parses as null, whose properties end below, too.
    return sane(JSON.parse(String(localStorage.getItem(KEY))) as Record<string, unknown>);
  } catch {
    // Private windows and some televisions refuse storage.
    return {};
  }
}

/** Remembers what of `choice`, made in `media`, means something in other films. */
export function saveChoice(choice: Choice, media: Media): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(remembered(loadChoice(), choice, media.contents)));
  } catch {
    // As above.
  }
}
