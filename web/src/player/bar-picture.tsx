// The small pictures of the seek bar: what the film shows at a place one points at.

import { useEffect, useState } from "preact/hooks";
import { fetchInfo, type Info } from "../api.ts";
import { clock } from "../format.ts";

/** What is known of `path`; null until the server said so. */
export function useInfo(path: string): Info | null {
  const [info, setInfo] = useState<Info | null>(null);
  useEffect(() => {
    let current = true;
    fetchInfo(path).then(
      (found) => current && setInfo(found),
      // Without pictures there is still the time.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [path]);
  return info;
}

// Of a picture, in units of the font's size.
const WIDTH = 11;

/** What is shown over the seek bar for a place: its time, and its picture where there is one. */
export function Peek({ time, bar }: { time: number; bar: Info["bar"] }) {
  if (!bar) return <span class="peek">{clock(time)}</span>;
  const tile = tileAt(bar.times, time);
  const height = (WIDTH * bar.height) / bar.width;
  const [column, row] = [tile % bar.columns, Math.floor(tile / bar.columns)];
  const style = {
    width: WIDTH + "rem",
    height: height + "rem",
    backgroundImage: 'url("' + bar.address + '")',
    backgroundSize: WIDTH * bar.columns + "rem auto",
    backgroundPosition: -column * WIDTH + "rem " + -row * height + "rem",
  };
  return (
    <span class="peek peek-picture">
      <span class="peek-tile" style={style} />
      {clock(time)}
    </span>
  );
}

/** The last of `times` at or before `time`. */
export function tileAt(times: readonly number[], time: number): number {
  let at = 0;
  times.forEach((start, i) => {
    if (start <= time) at = i;
  });
  return at;
}
