// Music under a slideshow: the sounds of a folder, mixed, none twice in a round.

import { useEffect, useState } from "preact/hooks";
import { type Entry, fetchAll, shuffled } from "../shell.ts";
import { Clip } from "./clip.tsx";

const MOST = 2000;

/** Plays the sounds of `folder`; `quiet` while a film has its own. */
export function Music({ folder, quiet }: { folder: string; quiet: boolean }) {
  const [songs, setSongs] = useState<Entry[]>([]);
  const [at, setAt] = useState(0);
  useEffect(() => {
    let current = true;
    fetchAll(folder, "name", MOST).then(
      (entries) => current && setSongs(shuffled(entries.filter(({ kind }) => kind === "audio"))),
      // Pictures without music are still pictures.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [folder]);
  const song = songs[at % Math.max(1, songs.length)];
  if (!song) return null;
  return (
    <div class="unseen" aria-hidden="true">
      <Clip key={at} entry={song} quiet={quiet} onEnd={() => setAt(at + 1)} />
    </div>
  );
}
