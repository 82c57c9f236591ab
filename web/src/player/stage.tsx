// A film in the player: joins the frame, the engine, the seek bar, what follows, and the waiting reports.

import type { RefObject, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Choice, fetchMedia, type Media, subtitlesAddress } from "../api.ts";
import { clock } from "../format.ts";
import { strings } from "../language/index.ts";
import { replaceWith } from "../navigate.ts";
import type { Queued } from "../queue-list.ts";
import { say } from "../toast.tsx";
import { Peek, useInfo } from "./bar-picture.tsx";
import { Choices } from "./choices.tsx";
import { type Engine, type Failure, startEngine } from "./engine.ts";
import { Frame, Round } from "./frame.tsx";
import { type PlayerCommand, SEEK_STEP } from "./keys.ts";
import { useMediaSession } from "./media-session.ts";
import type { Neighbours } from "./neighbours.ts";
import { usePlayback } from "./playback.ts";
import { autoplay, loadSpeed, saveChoice, saveSpeed, setAutoplay, speedBeside } from "./preferences.ts";
import { leave } from "./screen.tsx";
import { Slider } from "./slider.tsx";
import { UpNext } from "./up-next.tsx";
import { useFrame } from "./use-frame.ts";
import { useMark } from "./use-mark.ts";
import { useCalmText, useWaitReport } from "./wait.ts";

// A held arrow key adds up its steps; the seek itself is made once the key rests.
const SETTLE_MS = 300;
// Shorter waits than these need neither a sign nor a report.
const SHOW_WAIT_MS = 350;
const ASK_WAIT_MS = 600;
// How often a growing medium is asked how far it has got.
const PROGRESS_MS = 2_000;
// One picture of most films, in seconds.
const FRAME = 1 / 25;

/** Plays `media`. `position` is kept up to date, and playing starts there. */
export function Stage(props: {
  rootRef: RefObject<HTMLElement | null>;
  media: Media;
  path: string;
  choice: Choice;
  /** The number of the subtitles of text that are shown at first; null for none. */
  subtitles: number | null;
  position: { current: number };
  neighbours: Neighbours;
  onChoose: (choice: Choice) => void;
  onFailure: (failure: Failure) => void;
  top: VNode;
}) {
  const { path, choice, neighbours, media } = props;
  const video = useRef<HTMLVideoElement>(null);
  const engine = useRef<Engine | null>(null);
  const frame = useFrame(video);
  const playback = usePlayback(video);
  const info = useInfo(path);
  const poster = info?.poster ?? null;
  const [progress, setProgress] = useState(media);
  const [heading, setHeading] = useState<number | null>(null);
  const settle = useRef(0);
  const [reconnecting, setReconnecting] = useState(false);
  const [choosing, setChoosing] = useState(false);
  const [text, setText] = useState(props.subtitles);
  const [speed, setSpeed] = useState(loadSpeed);
  const [follows, setFollows] = useState(autoplay);
  const [declined, setDeclined] = useState(false);
  const words = strings.player;

  const starving = playback.starved > SHOW_WAIT_MS;
  const report = useWaitReport(path, choice, playback.starved > ASK_WAIT_MS && !progress.complete ? playback.wants : null);
  const available = Math.max(progress.available, report ? report.available : 0);
  const duration = progress.duration ?? report?.duration ?? Math.max(available, playback.time);
  const time = Math.min(heading ?? playback.time, duration);
  const waiting = !starving
    ? ""
    : reconnecting
      ? words.reconnecting
      : report
        ? words.gettingThere(report.eta, report.available)
        : words.buffering;
  const announced = useCalmText(report || reconnecting ? waiting : "");
  const next = neighbours.next;
  const announcing = playback.ended && follows && next !== undefined && !declined;
  props.position.current = playback.time || props.position.current;
  useMark(path, media, playback, progress.duration, poster);

  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    const start = props.position.current;
    const made = startEngine(element, path, choice, media.mime, media.duration, start, {
      failed: props.onFailure,
      reconnecting: setReconnecting,
    });
    engine.current = made;
    // Refused where nobody has touched the page yet; then it takes a press of the large button.
    frame.play();
    if (start > 0) say(words.wentOn(start));
    return () => made.destroy();
  }, []);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.defaultPlaybackRate = speed;
    element.playbackRate = speed;
  }, [speed]);

  useEffect(() => {
    if (progress.complete) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) fetchMedia(path, choice).then(setProgress, () => undefined);
    }, PROGRESS_MS);
    return () => clearInterval(timer);
  }, [progress.complete]);

  useEffect(() => engine.current?.setDuration(progress.duration), [progress.duration]);
  useEffect(() => {
    if (report?.error) props.onFailure({ title: words.lost, detail: report.error, retry: true, elsewhere: false });
  }, [report?.error]);
  useEffect(() => () => clearTimeout(settle.current), []);
  useEffect(() => {
    if (!playback.ended) setDeclined(false);
  }, [playback.ended]);

  const seekTo = (target: number): void => {
    clearTimeout(settle.current);
    setHeading(null);
    if (video.current) video.current.currentTime = Math.min(Math.max(0, target), duration);
  };
  const step = (by: number): void => {
    const target = Math.min(Math.max(0, time + by), duration);
    frame.poke();
    setHeading(target);
    clearTimeout(settle.current);
    settle.current = window.setTimeout(() => seekTo(target), SETTLE_MS);
  };
  const changeSpeed = (wanted: number): void => {
    setSpeed(wanted);
    saveSpeed(wanted);
    say(words.speedNow(wanted));
  };
  const open = (file: Queued | undefined): void => {
    if (file) replaceWith({ view: "play", path: file.path });
  };
  // Subtitles of text come and go at once; for those made of pictures, and back from them, the film is opened anew.
  const tracks = media.contents.subtitles;
  const choose = (wanted: Choice): void => {
    saveChoice(wanted, media);
    const { subtitles } = wanted;
    if (subtitles === undefined) return props.onChoose(wanted);
    const at = subtitles === "none" ? null : Number(subtitles);
    if (media.form.subtitles !== null || (at !== null && !tracks[at]?.address)) return props.onChoose(wanted);
    setText(at);
    setChoosing(false);
  };
  const shownTrack = media.form.subtitles ?? text;
  const toggleSubtitles = (): void => {
    if (!media.video || tracks.length === 0) return;
    const on = shownTrack === null;
    say(on ? words.subtitlesOn : words.subtitlesOff);
    choose({ subtitles: on ? String(Math.max(0, tracks.map((track) => Boolean(track.address)).indexOf(true))) : "none" });
  };
  useEffect(() => {
    const shown = video.current?.textTracks[0];
    if (shown) shown.mode = "showing";
  }, [text]);

  const obey = (command: PlayerCommand): void => {
    switch (command.do) {
      case "seek":
        return step(command.by);
      case "frame":
        video.current?.pause();
        return seekTo(playback.time + command.by * FRAME);
      case "speed":
        return changeSpeed(speedBeside(speed, command.by));
      case "subtitles":
        return toggleSubtitles();
      case "next":
        return open(next);
      case "previous":
        return open(neighbours.previous);
      case "leave":
        leave();
    }
  };
  useMediaSession(
    media.name,
    poster,
    {
      play: frame.play,
      pause: () => video.current?.pause(),
      seek: step,
      seekTo,
      next: next && (() => open(next)),
      previous: neighbours.previous && (() => open(neighbours.previous)),
    },
    time,
    duration,
  );

  const playing = !starving && !playback.ended && !playback.paused;
  return (
    <Frame
      rootRef={props.rootRef}
      frame={frame}
      playback={playback}
      top={props.top}
      art={!media.video && <Art name={media.name} poster={poster} turning={playing} />}
      waiting={waiting}
      announced={announced}
      open={heading !== null || choosing || announcing}
      onCommand={obey}
      tracks={
        text !== null && (
          <track
            key={text}
            kind="subtitles"
            default
            src={subtitlesAddress(tracks[text]?.address ?? "", choice)}
            srclang={tracks[text]?.language ?? undefined}
            label={tracks[text]?.title ?? strings.choices.subtitles}
          />
        )
      }
      timeline={
        <div class="timeline">
          <span class="time">{clock(time)}</span>
          <Slider
            class="seek"
            label={words.seek}
            value={time}
            max={duration}
            step={SEEK_STEP}
            valueText={words.position(time, duration)}
            ranges={report ? report.ranges : progress.ranges}
            moving={heading !== null}
            peek={(at) => <Peek time={at} bar={info && info.bar} />}
            first
            onMove={setHeading}
            onSet={seekTo}
            onStep={step}
          />
          <span class="time time-whole">{clock(duration)}</span>
        </div>
      }
      previous={
        <Round
          icon="previous"
          label={words.previous(neighbours.previous)}
          disabled={!neighbours.previous}
          onClick={() => open(neighbours.previous)}
        />
      }
      next={<Round icon="next" label={words.next(next)} disabled={!next} onClick={() => open(next)} />}
      buttons={<Round icon="tune" label={strings.choices.title} expanded={choosing} onClick={() => setChoosing(!choosing)} />}
    >
      {choosing && (
        <Choices
          media={progress}
          speed={speed}
          autoplay={follows}
          subtitles={shownTrack}
          onChoose={choose}
          onSpeed={changeSpeed}
          onAutoplay={(on) => {
            setFollows(on);
            setAutoplay(on);
          }}
          onClose={() => setChoosing(false)}
        />
      )}
      {announcing && <UpNext name={next.name} onPlay={() => open(next)} onCancel={() => setDeclined(true)} />}
    </Frame>
  );
}

// What stands in for a picture while music plays: its cover, or a record; with the title under it.
function Art({ name, poster, turning }: { name: string; poster: string | null | undefined; turning: boolean }) {
  return (
    <div class="art">
      {poster ? <img class="cover" src={poster} alt="" /> : <div class={turning ? "record record-turning" : "record"} />}
      <p class="art-name" aria-hidden="true">
        {name}
      </p>
    </div>
  );
}
