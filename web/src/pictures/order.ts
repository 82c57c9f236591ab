// In which order a slideshow goes through its things. Pure but for the dice.

import { shuffled } from "../shuffled.ts";

/** A round through `count` things: their numbers in order, and where in it one is. */
export interface Round {
  order: number[];
  at: number;
}

/** A round that begins with thing `first`. */
export function startRound(count: number, first: number, shuffle: boolean, random?: () => number): Round {
  const all = Array.from({ length: count }, (_, i) => i);
  if (!shuffle) return { order: all, at: Math.min(Math.max(0, first), Math.max(0, count - 1)) };
  const others = shuffled(
    all.filter((i) => i !== first),
    random,
  );
  return { order: first >= 0 && first < count ? [first].concat(others) : others, at: 0 };
}

/** One step on or back; null at the end when it does not loop. A new shuffled round never begins with what was shown last. */
export function stepped({ order, at }: Round, by: 1 | -1, loop: boolean, shuffle: boolean, random?: () => number): Round | null {
  const next = at + by;
  if (next >= 0 && next < order.length) return { order, at: next };
  if (!loop || order.length === 0) return null;
  if (!shuffle || by < 0) return { order, at: by > 0 ? 0 : order.length - 1 };
  const mixed = shuffled(order, random);
  const last = order[at];
  if (mixed[0] === last && mixed.length > 1) {
    mixed.push(mixed.shift() as number);
  }
  return { order: mixed, at: 0 };
}
