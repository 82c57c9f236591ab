// Which key does what while a film plays. Pure, so that the table can be tested as a table.

/** What a key asks of the player. Seeking is in seconds, volume in shares of 1, speed and pictures in steps. */
export type PlayerCommand =
  | {
      do: "toggle" | "play" | "pause" | "full-screen" | "mute" | "next" | "previous" | "leave" | "subtitles" | "pip";
    }
  | { do: "seek" | "volume" | "speed" | "frame"; by: number };

/** The step of one arrow key or one press of a remote control, in seconds. */
export const SEEK_STEP = 10;

const VOLUME_STEP = 0.05;

// Letters are those of the large video sites; media keys are those of remote controls and headsets.
const KEYS: Record<string, PlayerCommand | undefined> = {
  " ": { do: "toggle" },
  k: { do: "toggle" },
  j: { do: "seek", by: -SEEK_STEP },
  l: { do: "seek", by: SEEK_STEP },
  f: { do: "full-screen" },
  m: { do: "mute" },
  c: { do: "subtitles" },
  i: { do: "pip" },
  n: { do: "next" },
  p: { do: "previous" },
  ",": { do: "frame", by: -1 },
  ".": { do: "frame", by: 1 },
  "<": { do: "speed", by: -1 },
  ">": { do: "speed", by: 1 },
  "+": { do: "volume", by: VOLUME_STEP },
  "-": { do: "volume", by: -VOLUME_STEP },
  MediaPlayPause: { do: "toggle" },
  MediaPlay: { do: "play" },
  MediaPause: { do: "pause" },
  MediaStop: { do: "leave" },
  MediaRewind: { do: "seek", by: -SEEK_STEP },
  MediaFastForward: { do: "seek", by: SEEK_STEP },
  MediaTrackNext: { do: "next" },
  MediaTrackPrevious: { do: "previous" },
};

// Tizen and webOS send these where `key` is empty or "Unidentified".
const CODES: Record<number, PlayerCommand | undefined> = {
  10252: { do: "toggle" },
  415: { do: "play" },
  19: { do: "pause" },
  413: { do: "leave" },
  412: { do: "seek", by: -SEEK_STEP },
  417: { do: "seek", by: SEEK_STEP },
};

/**
 * The command of a key. `focus` says where the focus is: buttons keep their space bar and Enter, arrows on a
 * target move the focus (or the slider), and only arrows from nowhere seek and change the volume.
 */
export function commandFor(
  key: string,
  code: number,
  focus: "button" | "seek-bar" | "slider" | "nowhere",
): PlayerCommand | undefined {
  if (key === " " && focus === "button") return undefined;
  if (key === "Enter" && (focus === "seek-bar" || focus === "nowhere")) return { do: "toggle" };
  if (focus === "nowhere") {
    if (key === "ArrowLeft") return { do: "seek", by: -SEEK_STEP };
    if (key === "ArrowRight") return { do: "seek", by: SEEK_STEP };
    if (key === "ArrowUp") return { do: "volume", by: VOLUME_STEP };
    if (key === "ArrowDown") return { do: "volume", by: -VOLUME_STEP };
  }
  return KEYS[key.length === 1 ? key.toLowerCase() : key] ?? CODES[code];
}
