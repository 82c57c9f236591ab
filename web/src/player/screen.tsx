// The player's screen for files: opening one, playing it, or saying why not.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Choice, fetchMedia, flvAddress, type Media, rtmpAddress } from "../api.ts";
import { useComeBack } from "../come-back.ts";
import { takeKeys } from "../dpad.ts";
import { strings } from "../language/index.ts";
import { markOf, resumeAt } from "../library/resume.ts";
import { goUp } from "../navigate.ts";
import { folderHash, formatHash, lastName, parentPath } from "../route.ts";
import { Panel, useScreenFocus, useTitle } from "../screen.tsx";
import { type Failure, unsupported } from "./engine.ts";
import { TopBar, Waiting } from "./frame.tsx";
import { leaveFullScreen } from "./full-screen.ts";
import { type Neighbours, useNeighbours } from "./neighbours.ts";
import { loadChoice, nowPlays } from "./preferences.ts";
import { Stage } from "./stage.tsx";
import { askedFor, textTrack, toBeDrawn } from "./subtitles.ts";

// So often it is tried again by itself.
const RETRIES = 20;

/** Plays the file at `path`, from where one left off unless `fromStart`. Must be remounted for another file. */
export function PlayerScreen({ path, fromStart }: { path: string; fromStart: boolean }) {
  const [media, setMedia] = useState<Media | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [choice, setChoice] = useState<Choice>(loadChoice);
  const neighbours = useNeighbours(path);
  // Trying again goes on where it broke.
  const position = useRef(fromStart ? 0 : resumeAt(markOf(path)));
  const phase = failure ? "failed" : media ? "playing" : "opening";
  const root = useScreenFocus<HTMLElement>(phase + attempt);
  const name = lastName(path);
  useTitle(name);

  useEffect(() => {
    let current = true;
    setFailure(null);
    setMedia(null);
    nowPlays(path);
    fetchMedia(path, askedFor(choice)).then(
      (found) => {
        if (!current) return;
        const reason = unsupported(found.mime);
        const drawn = toBeDrawn(found, choice.subtitles);
        if (reason) setFailure(reason);
        // Subtitles made of pictures: opened anew, with them in it.
        else if (drawn !== null) setChoice({ ...choice, subtitles: String(drawn) });
        else setMedia(found);
      },
      (thrown: unknown) => {
        if (!current) return;
        const { title, detail, status } = asProblem(thrown);
        setFailure({ title, detail, retry: true, elsewhere: false, away: !status || status > 502 });
      },
    );
    return () => {
      current = false;
    };
  }, [path, choice, attempt]);

  useComeBack(failure !== null && !!failure.away && attempt < RETRIES, () => setAttempt(attempt + 1));

  // The film is opened anew in its other form, and goes on where it was.
  const choose = (wanted: Choice): void => {
    setMedia(null);
    setChoice({ ...choice, ...wanted });
  };

  const top = <TopBar title={name} href={folderHash(parentPath(path))} back={strings.toFolder} onLeave={leave} />;
  if (!failure && media) {
    return (
      <Stage
        rootRef={root}
        media={media}
        path={path}
        choice={askedFor(choice)}
        subtitles={textTrack(media, choice.subtitles)}
        position={position}
        neighbours={neighbours}
        onChoose={choose}
        onFailure={setFailure}
        top={top}
      />
    );
  }
  return (
    <main class="player" data-state={phase} ref={root}>
      {top}
      <div class="centre">
        {failure ? (
          <FailurePanel
            failure={failure}
            path={path}
            name={name}
            neighbours={neighbours}
            onRetry={() => setAttempt((n) => n + 1)}
          />
        ) : (
          <div role="status">
            <Waiting>
              {strings.player.opening}
              {/* Appears when it takes longer: a file that is ready opens in a blink. */}
              <small>{strings.player.openingLong}</small>
            </Waiting>
          </div>
        )}
      </div>
    </main>
  );
}

/** Leaves a player for where one came from. */
export function leave(): boolean {
  leaveFullScreen();
  return goUp();
}

function FailurePanel(props: {
  failure: Failure;
  path: string;
  name: string;
  neighbours: Neighbours;
  onRetry: () => void;
}) {
  const { failure, path } = props;
  const { next } = props.neighbours;
  // "Next" works on a remote control here as well.
  useLayoutEffect(
    () =>
      takeKeys((event) => {
        if (event.key !== "MediaTrackNext" || !next) return false;
        location.replace(formatHash({ view: "play", path: next.path }));
        return true;
      }),
    [next],
  );
  return (
    <Panel icon="warning" title={failure.title} detail={failure.detail} alert>
      {failure.retry && (
        <button type="button" class="primary" data-first onClick={props.onRetry}>
          {strings.tryAgain}
        </button>
      )}
      {failure.elsewhere && (
        <a class="button" href={flvAddress(path)} download={props.name + ".flv"} data-first={failure.retry ? undefined : ""}>
          {strings.player.openFlv}
        </a>
      )}
      {next && (
        <a class="button" href={formatHash({ view: "play", path: next.path })}>
          {strings.player.next(next)}
        </a>
      )}
      <a class="button" href={folderHash(parentPath(path))}>
        {strings.toFolder}
      </a>
      {failure.elsewhere && (
        <p class="address">
          {strings.player.rtmp}
          <code>{rtmpAddress(path)}</code>
        </p>
      )}
    </Panel>
  );
}
