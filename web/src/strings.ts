// Every word the page shows. A second language is a second object of the same shape.

import { clock, roughWait } from "./format.ts";

type Named = { name: string } | undefined;

const en = {
  /** What the browser names languages in. */
  language: "en",
  appName: "Wiidia",
  library: "Library",
  breadcrumbs: "Where you are",
  loading: "Loading…",
  folders: "Folders",
  files: "Files",
  counts: (folders: number, files: number): string =>
    [count(folders, "folder", "folders"), count(files, "file", "files")].filter(Boolean).join(", "),
  kinds: { folder: "Folder", video: "Video", audio: "Audio", picture: "Picture", unknown: "File" },
  notPlayable: "can’t be played here",
  durationUnknown: "length not known yet",
  emptyTitle: "Nothing here yet",
  emptyRoot: "Copy films or music into the library’s folder, then look again.",
  emptyFolder: "This folder is empty.",
  lookAgain: "Look again",
  tryAgain: "Try again",
  toFolder: "Back to the folder",
  up: "Up one folder",

  problem: {
    title: "That did not work",
    status: (status: number): string => "The server answered " + status + ". Try again in a moment.",
    offline: "No answer from the server",
    offlineDetail: "Check that it is on and in the same network, then try again.",
  },

  choices: {
    title: "Sound, subtitles, quality",
    sound: "Sound",
    subtitles: "Subtitles",
    none: "None",
    track: (number: number): string => "Track " + number,
    channels: (count: number): string => (count > 5 ? "surround" : ""),
    qualities: "Quality",
    quality: (profile: string, height: number | null): string =>
      profile === "audio" ? "Sound only" : (profile === "tv" ? "Best" : "Smaller") + ", up to " + height + " lines",
  },

  player: {
    opening: "Opening…",
    openingLong: "It may have to be converted first",
    gettingThere: (eta: number | null, available: number): string => {
      if (eta === null) return "Getting there. Ready up to " + clock(available) + " so far";
      const wait = roughWait(eta);
      return "Getting there: about " + wait.value + " " + wait.unit;
    },
    buffering: "Loading…",
    reconnecting: "Connection lost. Trying again…",
    lost: "The connection broke off",
    lostDetail: "The server stopped sending. Check that it is on, then try again.",
    decode: "This file can’t be shown",
    decodeDetail: "The browser can’t decode it. Perhaps it is damaged; another player may have more luck.",
    unsupported: "This browser can’t play it",
    noMediaSource: "It has no Media Source Extensions. Open the file in a player such as VLC instead.",
    noCodec: (mime: string): string =>
      "It does not know the format " + mime + ". Open the file in a player such as VLC instead.",
    openFlv: "Open in another player",
    rtmp: "Address for VLC and other RTMP players",
    controls: "Controls",
    seek: "Position",
    position: (at: number, of: number): string => clock(at) + " of " + clock(of),
    play: "Play",
    pause: "Pause",
    replay: "Play again",
    previous: (file: Named): string => (file ? "Previous: " + file.name : "No previous file"),
    next: (file: Named): string => (file ? "Next: " + file.name : "No next file"),
    mute: "Mute",
    unmute: "Unmute",
    volume: "Volume",
    percent: (share: number): string => Math.round(share * 100) + " %",
    fullScreen: "Full screen",
    leaveFullScreen: "Leave full screen",
  },
};

/** The shape of a language. */
export type Strings = typeof en;

/** The words in use. */
export const strings: Strings = en;

function count(n: number, one: string, many: string): string {
  return n === 0 ? "" : n + " " + (n === 1 ? one : many);
}
