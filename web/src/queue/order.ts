// Moving one thing within a list. Pure.

/** `items` with the one at `from` at place `to`; places beyond the ends are the ends. */
export function moved<T>(items: readonly T[], from: number, to: number): T[] {
  const others = items.filter((_, i) => i !== from);
  const item = items[from];
  if (item === undefined) return others;
  const place = Math.min(Math.max(0, to), others.length);
  return others.slice(0, place).concat(item, others.slice(place));
}

/** How many rows the one at `i` gives way by while that at `from` is held over place `to`: 0, 1 down, or -1 up. */
export function givesWay(i: number, from: number, to: number): -1 | 0 | 1 {
  if (i > from && i <= to) return -1;
  return i < from && i >= to ? 1 : 0;
}
