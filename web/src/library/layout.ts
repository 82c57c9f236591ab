// Where the entries of a folder lie: a grid of folders above a grid, or a list, of files. All rows of a part are equally high, so
// that a place follows from a number, and only what is near the screen has to exist. Pure; lengths in pixels.

/** The parts of a folder, one above the other. */
export interface Part {
  /** Numbers of its entries: from, up to but without `end`. */
  from: number;
  end: number;
  columns: number;
  top: number;
  width: number;
  /** Of a row, the gap below it included. */
  row: number;
  height: number;
}

/** A folder laid out. */
export interface Layout {
  parts: Part[];
  height: number;
  gap: number;
}

/** How files are shown: as pictures with names below, or as rows. */
export type Look = "grid" | "list";

// In units of the font's size.
const GAP = 1;
const FOLDER_WIDTH = 15;
const FOLDER_HEIGHT = 4.5;
const TILE_WIDTH = 13.5;
// Two lines of a name and one of facts.
const TILE_WORDS = 5.25;
const ROW_HEIGHT = 4.75;
const ROW_GAP = 0.5;
const BETWEEN = 0.75;

/** Lays out `folders` folders and `total - folders` files in a width; `rem` is the font's size. */
export function layOut(width: number, rem: number, total: number, folders: number, look: Look): Layout {
  const gap = GAP * rem;
  const columnsOf = (least: number): number => Math.max(1, Math.floor((width + gap) / (least * rem + gap)));
  const parts: Part[] = [];
  let top = 0;
  const add = (from: number, end: number, columns: number, height: number, space: number): void => {
    if (end <= from) return;
    const rows = Math.ceil((end - from) / columns);
    const wide = (width - gap * (columns - 1)) / columns;
    parts.push({ from, end, columns, top, width: wide, row: height + space, height });
    top += rows * (height + space) + BETWEEN * rem;
  };
  add(0, folders, columnsOf(FOLDER_WIDTH), FOLDER_HEIGHT * rem, gap);
  if (look === "list") {
    add(folders, total, 1, ROW_HEIGHT * rem, ROW_GAP * rem);
  } else {
    const columns = Math.max(2, columnsOf(TILE_WIDTH));
    const wide = (width - gap * (columns - 1)) / columns;
    add(folders, total, columns, (wide * 9) / 16 + TILE_WORDS * rem, gap);
  }
  return { parts, height: top, gap };
}

/** The box of entry `index`. */
export function boxOf({ parts, gap }: Layout, index: number): { left: number; top: number; width: number; height: number } {
  const part = parts.filter(({ from, end }) => index >= from && index < end)[0];
  if (!part) return { left: 0, top: 0, width: 0, height: 0 };
  const place = index - part.from;
  return {
    left: (place % part.columns) * (part.width + gap),
    top: part.top + Math.floor(place / part.columns) * part.row,
    width: part.width,
    height: part.height,
  };
}

/** The entries between two heights, as `[from, to]`, both of them included, whole rows; an empty range is `[0, -1]`. */
export function between({ parts }: Layout, top: number, bottom: number): [from: number, to: number] {
  let from = -1;
  let to = -1;
  parts.forEach((part) => {
    const rows = Math.ceil((part.end - part.from) / part.columns);
    const first = Math.max(0, Math.floor((top - part.top) / part.row));
    const last = Math.min(rows - 1, Math.floor((bottom - part.top) / part.row));
    if (first > last) return;
    if (from < 0) from = part.from + first * part.columns;
    to = Math.min(part.end, part.from + (last + 1) * part.columns) - 1;
  });
  return from < 0 ? [0, -1] : [from, to];
}
