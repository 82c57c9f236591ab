// How a live picture stays near the present: what to do, given how far behind it is. Pure; live/engine.ts does it.

/** Seconds behind the newest frame that a viewer is kept at: the server's fragments are up to half a second long. */
export const TARGET = 0.9;
// From here on it is brought back, up to here it is let be: two lines, so that it does not swing around one.
const CATCH_UP_FROM = 1.5;
// Faster by so much at most. Voices keep their pitch, and 15 % is hardly noticed.
const MOST_RATE = 1.15;
const GENTLE_RATE = 1.06;
const HURRY_FROM = 3;
/** Further behind, running faster would take more than half a minute: one jump is the lesser evil. */
export const JUMP_FROM = 8;
// A buffer that runs dry stops the picture: below this it goes a little slower.
const SLOW_BELOW = 0.25;
const SLOW_RATE = 0.97;

/** Speed to play at, or a place to jump to. */
export type Correction = { rate: number } | { jump: number };

/**
 * What to do at `time` when the newest frame is at `edge`, running at `rate` now. `steady`: this browser stutters when its speed
 * changes (Safari), so it only jumps, and sooner.
 */
export function correction(time: number, edge: number, rate: number, steady: boolean): Correction {
  const behind = edge - time;
  if (behind > (steady ? JUMP_FROM / 2 : JUMP_FROM)) return { jump: edge - TARGET };
  if (steady) return { rate: 1 };
  if (behind < SLOW_BELOW) return { rate: SLOW_RATE };
  if (rate > 1 ? behind > TARGET : behind > CATCH_UP_FROM) {
    return { rate: behind > HURRY_FROM ? MOST_RATE : GENTLE_RATE + (MOST_RATE - GENTLE_RATE) * Math.max(0, (behind - TARGET) / (HURRY_FROM - TARGET)) };
  }
  // A little slow until there is some room again.
  if (rate < 1 && behind < TARGET / 2) return { rate: SLOW_RATE };
  return { rate: 1 };
}
