// Pictures one by one, and as a slideshow when somebody starts one: never by itself.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  asProblem,
  type Entry,
  fetchAll,
  folderHash,
  goUp,
  lastName,
  leaveFullScreen,
  loadShow,
  Panel,
  type Problem,
  replaceWith,
  strings,
  TopBar,
  useScreenFocus,
  useTitle,
  Waiting,
} from "../shell.ts";
import { Show } from "./show.tsx";

// Of a folder with more, the others are in no slideshow.
const MOST = 5000;

/** The pictures of folder `path`, beginning with the file `at`. */
export function ShowScreen({ path, at }: { path: string; at: string }) {
  const [entries, setEntries] = useState<Entry[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [videos, setVideos] = useState(() => loadShow().videos);
  const begin = useRef(at);
  const name = path ? lastName(path) : strings.library;
  const shown = useMemo(() => entries?.filter(({ kind }) => kind === "picture" || (videos && kind === "video")), [entries, videos]);
  const phase = problem ? "failed" : !shown ? "loading" : shown.length ? "some" : "none";
  const root = useScreenFocus<HTMLElement>(phase + attempt);
  useTitle(name);

  useEffect(() => {
    let current = true;
    setProblem(null);
    fetchAll(path, "name", MOST).then(
      (found) => current && setEntries(found),
      (thrown: unknown) => current && setProblem(asProblem(thrown)),
    );
    return () => {
      current = false;
    };
  }, [path, attempt]);

  const top = <TopBar title={name} href={folderHash(path)} back={strings.toFolder} onLeave={leave} />;
  if (phase === "some" && shown) {
    return (
      <Show
        rootRef={root}
        path={path}
        entries={shown}
        first={begin.current}
        music={entries?.some(({ kind }) => kind === "audio") ?? false}
        title={name}
        onLeave={leave}
        onPlace={(file) => {
          begin.current = file;
          replaceWith({ view: "show", path, query: { at: file } });
        }}
        onVideos={setVideos}
      />
    );
  }
  return (
    <main class="player show" data-state={phase} ref={root}>
      {top}
      <div class="centre">
        {phase === "loading" && (
          <div role="status">
            <Waiting>{strings.loading}</Waiting>
          </div>
        )}
        {problem && (
          <Panel icon="warning" title={problem.title} detail={problem.detail} alert>
            <button type="button" class="primary" data-first onClick={() => setAttempt((n) => n + 1)}>
              {strings.tryAgain}
            </button>
            <a class="button" href={folderHash(path)}>
              {strings.toFolder}
            </a>
          </Panel>
        )}
        {phase === "none" && (
          <Panel icon="picture" title={strings.show.noPictures} detail={strings.show.noPicturesDetail}>
            <a class="button primary" href={folderHash(path)} data-first>
              {strings.toFolder}
            </a>
          </Panel>
        )}
      </div>
    </main>
  );
}

function leave(): void {
  leaveFullScreen();
  goUp();
}
