// The channels: everything that is live, or could be, as tiles with moving pictures.

import { asProblem, clock, formatHash, Icon, Page, Panel, say, strings } from "../shell.ts";
import { AddressBox } from "./address-box.tsx";
import { type Channels, removeSource, setRecording, useChannels } from "./channels.ts";
import type { Channel } from "./joined.ts";
import { Preview } from "./preview.tsx";

// Recordings that ended lately and are shown; the others are in their folder.
const MOST_RECORDINGS = 6;

/** The screen. `from`: the path one comes from, whose tile gets the focus. */
export function LiveScreen({ from }: { from: string }) {
  const { channels, problem, refresh } = useChannels();
  const words = strings.channels;
  const state = channels ? (channels.list.length ? "some" : "none") : problem ? "failed" : "loading";
  return (
    <Page state={state} title={words.title} summary={channels ? stateLine(channels) : " "}>
      {state === "loading" && (
        <Panel icon="replay" title={strings.loading} quiet>
          <button type="button" data-first onClick={refresh}>
            {strings.tryAgain}
          </button>
        </Panel>
      )}
      {state === "failed" && problem && (
        <Panel icon="warning" title={problem.title} detail={problem.detail} signIn={problem.status === 401} alert>
          <button type="button" class="primary" data-first onClick={refresh}>
            {strings.tryAgain}
          </button>
        </Panel>
      )}
      {state === "none" && (
        <Panel icon="live" title={words.none} detail={words.noneDetail}>
          <p class="address">
            {words.streamTo}
            <code>{"rtmp://" + location.hostname + "/live/…"}</code>
          </p>
        </Panel>
      )}
      {channels && channels.list.length > 0 && (
        <ul class="channels" aria-label={words.title}>
          {channels.list.map((channel, i) => (
            <li key={channel.name}>
              <Tile channel={channel} mayRecord={channels.mayRecord} first={isFirst(channels, from, i)} onChanged={refresh} />
            </li>
          ))}
        </ul>
      )}
      {channels && <AddressBox onChanged={refresh} />}
      {channels && <Recordings channels={channels} />}
    </Page>
  );
}

function stateLine({ list }: Channels): string {
  const live = list.filter(({ state }) => state === "on_air").length;
  return live ? strings.channels.states["on_air"] + ": " + live : " ";
}

function isFirst({ list }: Channels, from: string, index: number): boolean {
  const left = list.map(({ name }) => encodeURIComponent(name)).indexOf(from);
  return index === Math.max(0, left);
}

function Tile(props: { channel: Channel; mayRecord: boolean; first: boolean; onChanged: () => void }) {
  const { channel } = props;
  const { name, state } = channel;
  const words = strings.channels;
  const facts = [
    channel.viewers > 0 ? words.viewers(channel.viewers) : "",
    state === "waiting" && channel.nextTry !== null ? words.again(channel.nextTry) : "",
  ];
  const act = (doing: Promise<unknown>, done: string): void => {
    doing.then(
      () => {
        say(done);
        props.onChanged();
      },
      (thrown: unknown) => say(asProblem(thrown).detail),
    );
  };
  return (
    <div class="channel">
      <a
        class="file file-grid"
        href={formatHash({ view: "watch", path: encodeURIComponent(name) })}
        data-first={props.first ? "" : undefined}
      >
        <Preview name={name} active={state === "on_air"} />
        <span class={"sign sign-" + state}>{words.states[state]}</span>
        {channel.recording && <span class="sign sign-recording">{words.recording}</span>}
        <span class="about">
          <span class="name">{name}</span>
          <span class="facts">{facts.filter(Boolean).join(" · ")}</span>
          {channel.reason && state !== "on_air" && <span class="facts reason">{channel.reason}</span>}
        </span>
      </a>
      <div class="channel-buttons">
        {(channel.recording || (props.mayRecord && state === "on_air")) && (
          <button
            type="button"
            class="round"
            aria-label={channel.recording ? words.stopRecord(name) : words.record(name)}
            title={channel.recording ? words.stopRecord(name) : words.record(name)}
            onClick={() =>
              act(setRecording(name, !channel.recording), channel.recording ? words.stopped(name) : words.started(name))
            }
          >
            <Icon name={channel.recording ? "stop" : "record"} />
          </button>
        )}
        {channel.source?.origin === "api" && (
          <button
            type="button"
            class="round"
            aria-label={words.removeSource(name)}
            title={words.removeSource(name)}
            onClick={() => act(removeSource(name), words.removed(name))}
          >
            <Icon name="close" />
          </button>
        )}
      </div>
    </div>
  );
}

function Recordings({ channels }: { channels: Channels }) {
  const shown = channels.recordings.filter(({ path }) => path !== null).slice(0, MOST_RECORDINGS);
  if (!shown.length) return null;
  return (
    <section class="recordings" aria-label={strings.channels.recordings}>
      <h2>{strings.channels.recordings}</h2>
      <ul>
        {shown.map((recording) => (
          <li key={recording.path}>
            <a class="file file-list" href={formatHash({ view: "play", path: recording.path ?? "" })}>
              <span class="still still-video">
                <Icon name={recording.state === "recording" ? "record" : "video"} />
              </span>
              <span class="about">
                <span class="name">{recording.name}</span>
                <span class="facts">
                  {[recording.state === "recording" ? strings.channels.recording : "", clock(recording.duration), recording.error ?? ""]
                    .filter(Boolean)
                    .join(" · ")}
                </span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
