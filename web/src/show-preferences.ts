// How one likes slideshows, kept on this device.

import { recall, remember } from "./memory.ts";

/** The intervals there are, in seconds. */
export const INTERVALS = [3, 5, 10, 20, 60];
/** How one picture follows another. */
export const TRANSITIONS = ["fade", "slide", "none"] as const;

/** How a slideshow goes. */
export interface ShowPreferences {
  /** Seconds. */
  interval: number;
  shuffle: boolean;
  loop: boolean;
  transition: (typeof TRANSITIONS)[number];
  videos: boolean;
  /** A folder; null: silence. */
  music: string | null;
  clock: boolean;
}

const STORED = "slideshow";
const DEFAULTS: ShowPreferences = {
  interval: 5,
  shuffle: false,
  loop: true,
  transition: "fade",
  videos: false,
  music: null,
  clock: false,
};

/** The remembered ones. */
export function loadShow(): ShowPreferences {
  return saneShow(recall(STORED));
}

/** Remembers them. */
export function saveShow(show: ShowPreferences): void {
  remember(STORED, show);
}

/** Music for slideshows comes from `path` from now on. */
export function setMusicFolder(path: string): void {
  saveShow({ ...loadShow(), music: path });
}

/** What of `stored` can be used, and the defaults for the rest. Pure. */
export function saneShow(stored: unknown): ShowPreferences {
  const said = (typeof stored === "object" && stored !== null ? stored : {}) as Partial<ShowPreferences>;
  const is = (value: unknown, otherwise: boolean): boolean => (typeof value === "boolean" ? value : otherwise);
  return {
    interval: INTERVALS.filter((seconds) => seconds === said.interval)[0] ?? DEFAULTS.interval,
    shuffle: is(said.shuffle, DEFAULTS.shuffle),
    loop: is(said.loop, DEFAULTS.loop),
    transition: TRANSITIONS.filter((name) => name === said.transition)[0] ?? DEFAULTS.transition,
    videos: is(said.videos, DEFAULTS.videos),
    music: typeof said.music === "string" ? said.music : null,
    clock: is(said.clock, DEFAULTS.clock),
  };
}
