// Which entries of a folder the page can play.

import type { Kind } from "../api.ts";

/** True if the page can play an entry of this kind. */
export function isPlayable({ kind }: { kind: Kind }): boolean {
  return kind === "video" || kind === "audio";
}
