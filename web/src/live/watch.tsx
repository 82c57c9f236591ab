// A live stream in the player.

import type { RefObject, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import {
  asProblem,
  type Failure,
  formatHash,
  Frame,
  goUp,
  leaveFullScreen,
  Panel,
  type Problem,
  Round,
  say,
  strings,
  TopBar,
  useFrame,
  useMediaSession,
  usePlayback,
  useScreenFocus,
  useTitle,
} from "../shell.ts";
import { setRecording, useChannels } from "./channels.ts";
import { type LiveEngine, startLiveEngine } from "./engine.ts";

// Less than this behind is "live" for everybody but the engine.
const NOTICEABLE = 4;

/** Plays live stream `name`. Must be remounted for another one. */
export function WatchScreen({ name }: { name: string }) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const [attempt, setAttempt] = useState(0);
  const root = useScreenFocus<HTMLElement>(String(failure !== null) + attempt);
  useTitle(name);
  const top = (
    <TopBar
      title={name}
      href={formatHash({ view: "live", path: "" })}
      back={strings.channels.toLive}
      onLeave={leave}
    />
  );
  if (!failure) return <LiveStage key={attempt} name={name} rootRef={root} top={top} onFailure={setFailure} />;
  return (
    <main class="player" data-state="failed" ref={root}>
      {top}
      <div class="centre">
        <Panel icon="warning" title={failure.title} detail={failure.detail} alert>
          <button
            type="button"
            class="primary"
            data-first
            onClick={() => {
              setFailure(null);
              setAttempt((n) => n + 1);
            }}
          >
            {strings.tryAgain}
          </button>
          <a class="button" href={formatHash({ view: "live", path: "" })}>
            {strings.channels.toLive}
          </a>
        </Panel>
      </div>
    </main>
  );
}

function leave(): void {
  leaveFullScreen();
  goUp();
}

function LiveStage(props: {
  name: string;
  rootRef: RefObject<HTMLElement | null>;
  top: VNode;
  onFailure: (failure: Failure) => void;
}) {
  const { name } = props;
  const video = useRef<HTMLVideoElement>(null);
  const engine = useRef<LiveEngine | null>(null);
  const frame = useFrame(video);
  const playback = usePlayback(video);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { channels, refresh } = useChannels();
  const words = strings.channels;
  const channel = channels?.list.filter((one) => one.name === name)[0];
  const behind = engine.current?.behind() ?? 0;

  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    const made = startLiveEngine(element, name, { waiting: setProblem, failed: props.onFailure });
    engine.current = made;
    frame.play();
    return () => made.destroy();
  }, []);

  const starving = playback.starved > 800 || problem !== null;
  const waiting = !starving ? "" : problem ? words.ended : words.connecting;
  const record = (): void => {
    const on = !channel?.recording;
    setRecording(name, on).then(
      () => {
        say(on ? words.started(name) : words.stopped(name));
        refresh();
      },
      (thrown: unknown) => say(asProblem(thrown).detail),
    );
  };
  const pause = (): void => video.current?.pause();
  useMediaSession(name, null, { play: () => engine.current?.toEdge(), pause }, 0, null);

  return (
    <Frame
      rootRef={props.rootRef}
      frame={frame}
      playback={playback}
      top={props.top}
      waiting={waiting}
      announced={waiting}
      open={false}
      onCommand={({ do: what }) => {
        if (what === "leave") leave();
        if (what === "next") engine.current?.toEdge();
      }}
      timeline={
        <div class="timeline timeline-live">
          <button type="button" class="live-edge" data-first onClick={() => engine.current?.toEdge()} title={words.goLive}>
            <span class={"dot" + (behind < NOTICEABLE && !playback.paused && !starving ? " dot-on" : "")} />
            {behind < NOTICEABLE || starving ? words.atEdge : words.behind(behind)}
          </button>
          {problem && (
            <p class="live-reason">
              {channel?.reason || problem.detail}
            </p>
          )}
          {channel && channel.viewers > 0 && <span class="live-viewers">{words.viewers(channel.viewers)}</span>}
        </div>
      }
      buttons={
        channel &&
        (channel.recording || channels?.mayRecord) && (
          <Round
            icon={channel.recording ? "stop" : "record"}
            class={channel.recording ? "round-recording" : ""}
            label={channel.recording ? words.stopRecord(name) : words.record(name)}
            onClick={record}
          />
        )
      }
    />
  );
}

