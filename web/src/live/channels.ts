// What is live, or could be: streams that somebody publishes, sources that the server fetches, and what is being recorded. Asked for
// every few seconds while somebody looks.

import { useEffect, useState } from "preact/hooks";
import type { Recordings, Sources, Streams, WebAddress } from "../api-types.ts";
import { asProblem, getJson, type Problem, send } from "../shell.ts";
import { type Channel, joined, type Recording } from "./joined.ts";

/** Everything that is live. */
export interface Channels {
  list: Channel[];
  /** Recordings may be started. */
  mayRecord: boolean;
  recordings: Recording[];
}

const EVERY_MS = 3000;

/** The state of everything live; `refresh` asks at once. */
export function useChannels(): { channels: Channels | null; problem: Problem | null; refresh: () => void } {
  const [channels, setChannels] = useState<Channels | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let current = true;
    const ask = (): void => {
      if (document.hidden) return;
      Promise.all([
        getJson<Streams>("/api/v1/streams"),
        getJson<Sources>("/api/v1/sources"),
        getJson<Recordings>("/api/v1/recordings"),
      ]).then(
        ([{ streams }, { sources }, { folder, recordings }]) => {
          if (!current) return;
          setProblem(null);
          setChannels({ list: joined(streams, sources, recordings), mayRecord: folder !== null, recordings });
        },
        (thrown: unknown) => current && setProblem(asProblem(thrown)),
      );
    };
    ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [turn]);
  return { channels, problem, refresh: () => setTurn((n) => n + 1) };
}

/** Starts or ends the recording of a stream. */
export function setRecording(name: string, on: boolean): Promise<unknown> {
  return on
    ? send("POST", "/api/v1/recordings", { stream: name })
    : send("DELETE", "/api/v1/recordings/" + encodeURIComponent(name));
}

/** Keeps an address as a channel. */
export function addSource(name: string, url: string): Promise<unknown> {
  return send("POST", "/api/v1/sources", { name, url });
}

/** Takes a channel away. */
export function removeSource(name: string): Promise<unknown> {
  return send("DELETE", "/api/v1/sources/" + encodeURIComponent(name));
}

/** Finds out what an address of the web means; a page may take its time. */
export function resolveAddress(address: string): Promise<WebAddress> {
  return getJson<WebAddress>("/api/v1/web/" + encodeURIComponent(address));
}
