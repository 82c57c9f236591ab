// The player's screen: opening a file, playing it, or saying why not.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Choice, fetchMedia, flvAddress, type Media, rtmpAddress } from "../api.ts";
import { Icon } from "../icons.tsx";
import { goUp } from "../navigate.ts";
import { folderHash, lastName, parentPath } from "../route.ts";
import { Panel, useScreenFocus } from "../screen.tsx";
import { strings } from "../strings.ts";
import { loadChoice, saveChoice } from "./choice.ts";
import { type Failure, unsupported } from "./engine.ts";
import { leaveFullScreen } from "./full-screen.ts";
import { Stage } from "./stage.tsx";

/** Plays the file at `path`. Must be remounted for another file. */
export function PlayerScreen({ path }: { path: string }) {
  const [media, setMedia] = useState<Media | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [choice, setChoice] = useState<Choice>(loadChoice);
  // Trying again goes on where it broke.
  const position = useRef(0);
  const phase = failure ? "failed" : media ? "playing" : "opening";
  const root = useScreenFocus<HTMLElement>(phase + attempt);
  const name = lastName(path);

  useEffect(() => {
    document.title = name + " – " + strings.appName;
  }, [name]);

  useEffect(() => {
    let current = true;
    setFailure(null);
    setMedia(null);
    fetchMedia(path, choice).then(
      (found) => {
        if (!current) return;
        const reason = unsupported(found.mime);
        if (reason) setFailure(reason);
        else setMedia(found);
      },
      (thrown: unknown) => {
        if (!current) return;
        const { title, detail } = asProblem(thrown);
        setFailure({ title, detail, retry: true, elsewhere: false });
      },
    );
    return () => {
      current = false;
    };
  }, [path, choice, attempt]);

  // The film is opened anew in its other form, and goes on where it was.
  const choose = (wanted: Choice): void => {
    if (media) saveChoice(wanted, media);
    setMedia(null);
    setChoice({ ...choice, ...wanted });
  };

  const top = <TopBar path={path} name={name} />;
  if (!failure && media) {
    return (
      <Stage
        rootRef={root}
        media={media}
        path={path}
        choice={choice}
        position={position}
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
          <FailurePanel failure={failure} path={path} name={name} onRetry={() => setAttempt((n) => n + 1)} />
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

/** Leaves the player for its folder. */
export function leave(): boolean {
  leaveFullScreen();
  return goUp();
}

/** The sign that something is being waited for, with words. */
export function Waiting({ children }: { children: ComponentChildren }) {
  return (
    <div class="waiting">
      <span class="spinner" />
      <p>{children}</p>
    </div>
  );
}

function TopBar({ path, name }: { path: string; name: string }) {
  return (
    <header class="over over-top">
      <a
        class="round"
        href={folderHash(parentPath(path))}
        aria-label={strings.toFolder}
        title={strings.toFolder}
        onClick={(event) => {
          event.preventDefault();
          leave();
        }}
      >
        <Icon name="back" />
      </a>
      <h1>{name}</h1>
    </header>
  );
}

function FailurePanel(props: { failure: Failure; path: string; name: string; onRetry: () => void }) {
  const { failure, path } = props;
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
