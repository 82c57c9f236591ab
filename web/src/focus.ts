// Which target lies next in a direction: the whole of D-pad navigation, as geometry. Pure; dpad.ts asks the
// document for the boxes.

/** A target's edges in any one coordinate system, y downwards. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The four keys of a D-pad. */
export type Direction = "left" | "right" | "up" | "down";

// A target beside the way costs more than one further along it: down a list, the next row wins over a
// button that is closer but off to the side.
const SIDE_WEIGHT = 2.5;
// Among targets that all lie straight ahead, the better aligned one wins; never against a nearer one.
const ALIGN_WEIGHT = 0.05;

/**
 * The index of the target to move to from `from`, or -1 if there is none in that direction.
 *
 * Left and right stay within the row (the boxes must overlap vertically): leaving a full-width row sideways
 * for the page's header is never what was meant. Up and down may move sideways to reach something.
 */
export function nextInDirection(from: Box, others: readonly Box[], direction: Direction): number {
  const start = turn(from, direction);
  let best = -1;
  let bestCost = Infinity;
  others.forEach((other, index) => {
    const box = turn(other, direction);
    const forward = box.top - start.bottom;
    // Boxes may overlap a little (rings, rounding), but the middle must lie ahead.
    const slack = Math.min(box.bottom - box.top, start.bottom - start.top) / 2;
    if (middle(box) <= middle(start) || forward < -slack) return;
    const side = Math.max(0, box.left - start.right, start.left - box.right);
    if (side > 0 && (direction === "left" || direction === "right")) return;
    const misalign = Math.abs(box.left + box.right - start.left - start.right) / 2;
    const cost = Math.max(0, forward) + side * SIDE_WEIGHT + misalign * ALIGN_WEIGHT;
    if (cost < bestCost) {
      bestCost = cost;
      best = index;
    }
  });
  return best;
}

// Turns the plane so that every direction becomes "down".
function turn(box: Box, direction: Direction): Box {
  switch (direction) {
    case "down":
      return box;
    case "up":
      return { left: box.left, right: box.right, top: -box.bottom, bottom: -box.top };
    case "right":
      return { left: box.top, right: box.bottom, top: box.left, bottom: box.right };
    case "left":
      return { left: box.top, right: box.bottom, top: -box.right, bottom: -box.left };
  }
}

function middle(box: Box): number {
  return (box.top + box.bottom) / 2;
}
