// While playing waits for the conversion: the server's reports on when it will get there.

import { useEffect, useRef, useState } from "preact/hooks";
import { type Choice, eventsAddress, type WaitReport } from "../api.ts";

// A screen reader that says every second of a countdown says nothing else any more.
const ANNOUNCE_EVERY_MS = 5000;

/**
 * The latest report on `path` reaching `target` seconds; null when nothing waits. The connection is open only
 * while `target` is a number: browsers allow six to a server, and the film needs one of them.
 */
export function useWaitReport(path: string, choice: Choice, target: number | null): WaitReport | null {
  const [report, setReport] = useState<WaitReport | null>(null);
  useEffect(() => {
    if (target === null || typeof EventSource === "undefined") return undefined;
    const source = new EventSource(eventsAddress(path, choice, target));
    source.addEventListener("media", (event: MessageEvent<string>) => {
      try {
        setReport(JSON.parse(event.data) as WaitReport);
      } catch {
        // Cut off or not meant for us; the next report comes in half a second.
      }
    });
    return () => {
      source.close();
      setReport(null);
    };
  }, [path, choice, target]);
  return report;
}

/** `text`, but changing at most every few seconds while it is not empty. */
export function useCalmText(text: string): string {
  const [said, setSaid] = useState("");
  const latest = useRef(text);
  latest.current = text;
  const silent = text === "";
  useEffect(() => {
    setSaid(latest.current);
    const timer = silent ? 0 : setInterval(() => setSaid(latest.current), ANNOUNCE_EVERY_MS);
    return () => clearInterval(timer);
  }, [silent]);
  return said;
}
