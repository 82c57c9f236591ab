// Icons as inline SVG, drawn for this page on a 24 x 24 grid. Decoration only: the words beside them name things.

import type { Kind } from "./api.ts";

type Sign =
  | "chevron"
  | "back"
  | "play"
  | "pause"
  | "replay"
  | "previous"
  | "next"
  | "loud"
  | "muted"
  | "grow"
  | "shrink"
  | "tune"
  | "warning"
  | "library"
  | "live"
  | "queue"
  | "settings"
  | "search"
  | "sort"
  | "shuffle"
  | "playlist"
  | "upload"
  | "more"
  | "close"
  | "move"
  | "up"
  | "down"
  | "record"
  | "stop"
  | "pip";

// Outlines, drawn with a round pen two units wide (see .icon in base.css); a second path is filled.
const SHAPES: Record<Kind | Sign, [outline: string, filled?: string]> = {
  folder: ["M3 18V6q0-1 1-1h5l2 3h9q1 0 1 1v9q0 1-1 1H4q-1 0-1-1z"],
  video: ["M3 6q0-1 1-1h16q1 0 1 1v12q0 1-1 1H4q-1 0-1-1z", "M10 8.5v7l5.5-3.5z"],
  audio: ["M9 18V6l11-2v12", "M9 18a3 3 0 1 1-6 0 3 3 0 1 1 6 0M20 16a3 3 0 1 1-6 0 3 3 0 1 1 6 0"],
  picture: ["M3 6q0-1 1-1h16q1 0 1 1v12q0 1-1 1H4q-1 0-1-1zM4 17l5-5 4 4 2-2 5 4", "M14 9h3v2h-3z"],
  chevron: ["M10 7l5 5-5 5"],
  back: ["M20 12H5M11 6l-6 6 6 6"],
  play: ["M8 5v14l11-7z", "M8 5v14l11-7z"],
  pause: ["M8 5v14M16 5v14"],
  replay: ["M5 12a7 7 0 1 0 3-5.7L5 9M5 4v5h5"],
  previous: ["M6 5v14M19 6v12l-9-6z", "M19 6v12l-9-6z"],
  next: ["M18 5v14M5 6v12l9-6z", "M5 6v12l9-6z"],
  loud: ["M3 9.5v5h4l5 4v-13l-5 4zM16 9a4 4 0 0 1 0 6M18.5 6a8 8 0 0 1 0 12"],
  muted: ["M3 9.5v5h4l5 4v-13l-5 4zM16 9.5l5 5M21 9.5l-5 5"],
  grow: ["M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"],
  shrink: ["M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5"],
  tune: ["M4 7h9M19 7h1M4 17h1M11 17h9M16 4.5v5M8 14.5v5"],
  warning: ["M12 4l9 16H3zM12 10v4.5M12 17.2v.1"],
  library: ["M4 5v15M9 5v15M13.5 5.5l5 14"],
  live: ["M8.5 8.5a5 5 0 0 0 0 7M15.5 8.5a5 5 0 0 1 0 7M5.5 5.5a9.2 9.2 0 0 0 0 13M18.5 5.5a9.2 9.2 0 0 1 0 13", "M12 10.5a1.5 1.5 0 1 0 .1 0z"],
  queue: ["M4 6h16M4 12h9M4 18h9", "M17 12v7l5-3.5z"],
  settings: ["M12 9a3 3 0 1 0 .1 0zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M5.6 18.4l2.2-2.2M16.2 7.8l2.2-2.2"],
  search: ["M10.5 4a6.5 6.5 0 1 0 .1 0zM15.5 15.5L20 20"],
  sort: ["M7 4v16M3.5 16.5L7 20l3.5-3.5M14 6h7M14 12h5M14 18h3"],
  shuffle: ["M3 7h4l9 10h5M3 17h4l3-3.4M13 10.4L16 7h5M18.5 4L21 7l-2.5 3M18.5 14l2.5 3-2.5 3"],
  playlist: ["M4 6h12M4 11h12M4 16h6M17 11v8M17 19a2 2 0 1 1-4 0 2 2 0 1 1 4 0"],
  upload: ["M12 16V4M7 9l5-5 5 5M4 16v4h16v-4"],
  more: ["M5 12h.1M12 12h.1M19 12h.1"],
  close: ["M6 6l12 12M18 6L6 18"],
  up: ["M12 20V5M6 11l6-6 6 6"],
  down: ["M12 4v15M6 13l6 6 6-6"],
  move: ["M7 9l5-5 5 5M7 15l5 5 5-5"],
  record: ["M12 4a8 8 0 1 0 .1 0z", "M12 8.5a3.5 3.5 0 1 0 .1 0z"],
  stop: ["M6.5 6.5h11v11h-11z", "M6.5 6.5h11v11h-11z"],
  pip: ["M3 6q0-1 1-1h16q1 0 1 1v12q0 1-1 1H4q-1 0-1-1z", "M12 12h7v5h-7z"],
};

/** The icons there are: one for each kind of entry, and the signs on buttons and panels. */
export type IconName = Kind | Sign;

/** A drawing as large as its font. */
export function Icon({ name }: { name: IconName }) {
  const [outline, filled] = SHAPES[name];
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={outline} />
      {filled && <path class="filled" d={filled} />}
    </svg>
  );
}

/** The tile that stands for a kind of entry. */
export function KindTile({ kind }: { kind: Kind }) {
  return (
    <span class={"tile tile-" + kind}>
      <Icon name={kind} />
    </span>
  );
}

/** The mark: the double i of the name, whose bars are a pause sign, and a play sign. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <g class="mark-bars">
        <circle cx="4.5" cy="4" r="2" />
        <circle cx="10.5" cy="4" r="2" />
        <rect x="3" y="8" width="3" height="13" rx="1.5" />
        <rect x="9" y="8" width="3" height="13" rx="1.5" />
      </g>
      <path class="mark-play" d="M15 9.7v9.6c0 1 1.1 1.5 1.9.9l5.2-4.7c.6-.5.6-1.4 0-1.9l-5.2-4.8c-.8-.6-1.9-.1-1.9.9z" />
    </svg>
  );
}
