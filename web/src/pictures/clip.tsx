// A film between two pictures, or music under them: a bare element that plays one file to its end.

import { useEffect, useRef } from "preact/hooks";
import { type Engine, type Entry, fetchMedia, loadChoice, loadVolume, startEngine, unsupported } from "../shell.ts";

/** Plays `entry`. `onEnd`: it is over, or cannot be played. */
export function Clip(props: { entry: Pick<Entry, "path">; quiet?: boolean; onEnd: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const { path } = props.entry;
  const end = useRef(props.onEnd);
  end.current = props.onEnd;

  useEffect(() => {
    const element = video.current;
    let engine: Engine | null = null;
    let over = false;
    const finish = (): void => {
      if (!over) end.current();
    };
    if (!element) return undefined;
    const volume = loadVolume();
    element.volume = volume.level;
    element.muted = volume.muted;
    const choice = loadChoice();
    fetchMedia(path, choice).then((media) => {
      if (over) return;
      if (unsupported(media.mime)) return finish();
      engine = startEngine(element, path, choice, media.mime, media.duration, 0, {
        failed: finish,
        reconnecting: () => undefined,
      });
      element.play().catch(finish);
    }, finish);
    element.addEventListener("ended", finish);
    return () => {
      over = true;
      element.removeEventListener("ended", finish);
      engine?.destroy();
    };
  }, [path]);

  useEffect(() => {
    const element = video.current;
    if (!element || !element.src) return;
    if (props.quiet) element.pause();
    else element.play().catch(() => undefined);
  }, [props.quiet]);

  return <video class="slide" ref={video} playsInline />;
}
