// Streams that somebody publishes and sources that the server fetches, as one list of what can be watched. Pure.

import type * as Told from "../api-types.ts";

/** What is used of what the server tells of a stream. */
export type Stream = Pick<Told.Stream, "name" | "on_air" | "viewers">;

/** The same of a source. */
export type Source = Pick<
  Told.Source,
  "name" | "url" | "kind" | "origin" | "state" | "reason" | "next_try_seconds" | "viewers"
>;

/** The same of a recording. */
export type Recording = Pick<Told.Recording, "stream" | "state" | "path" | "name" | "duration" | "error">;

/** What a channel is doing; a key of the language's `channels.states`. */
export type ChannelState = Told.SourceState | "off";

/** One thing to watch. `source` is there if the server fetches it, `recording` while it is recorded. */
export interface Channel {
  name: string;
  state: ChannelState;
  reason: string | null;
  nextTry: number | null;
  viewers: number;
  source: Source | null;
  recording: boolean;
}

/** Joins what the server says into one list by name. Pure. */
export function joined(streams: readonly Stream[], sources: readonly Source[], recordings: readonly Recording[]): Channel[] {
  const isRecorded = (name: string): boolean =>
    recordings.some(({ stream, state }) => stream === name && (state === "recording" || state === "finishing"));
  const bySource = sources.map((source): Channel => {
    const stream = streams.filter(({ name }) => name === source.name)[0];
    return {
      name: source.name,
      state: stream?.on_air ? "on_air" : stateOf(source),
      reason: source.reason,
      nextTry: source.next_try_seconds,
      viewers: stream?.viewers ?? source.viewers,
      source,
      recording: isRecorded(source.name),
    };
  });
  const others = streams.filter(({ name }) => !sources.some((source) => source.name === name));
  const published = others.map(
    ({ name, on_air, viewers }): Channel => ({
      name,
      state: on_air ? "on_air" : "off",
      reason: null,
      nextTry: null,
      viewers,
      source: null,
      recording: isRecorded(name),
    }),
  );
  return published.concat(bySource).sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

function stateOf({ state }: Source): ChannelState {
  return state;
}
