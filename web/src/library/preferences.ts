// How one likes folders sorted, on this device.

import { strings } from "../language/index.ts";
import { recall, remember } from "../memory.ts";

const STORED = "order";
const DEFAULT = "name";

/** The order chosen: a key of the language's `sorts`. */
export function loadOrder(): string {
  return saneOrder(recall(STORED));
}

/** Chooses an order. */
export function saveOrder(order: string): void {
  remember(STORED, order === DEFAULT ? undefined : order);
}

/** `wanted` if there is such an order. */
export function saneOrder(wanted: unknown): string {
  return typeof wanted === "string" && wanted in strings.folder.sorts ? wanted : DEFAULT;
}
