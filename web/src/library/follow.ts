// A folder that changes while it is looked at: files that come and go, lengths and pictures that are found out.

import type { LibraryEvent } from "../api.ts";

// Where the server has no place for another listener, it is asked now and then.
const ASK_EVERY_MS = 10_000;

/** Calls `changed` each time that folder `path` may have changed, until the result is called. */
export function followFolder(path: string, changed: () => void): () => void {
  let source: EventSource | null = null;
  let timer = 0;
  const close = (): void => {
    source?.close();
    source = null;
    clearInterval(timer);
  };
  const ask = (): void => {
    clearInterval(timer);
    timer = window.setInterval(changed, ASK_EVERY_MS);
  };
  const open = (): void => {
    close();
    // Browsers allow six connections to a server, and films in other windows need them: who does not look does not listen.
    if (document.hidden) return;
    if (!window.EventSource) return ask();
    const events = new EventSource("/api/v1/events");
    source = events;
    events.addEventListener("library", ({ data }: MessageEvent<string>) => {
      const { folders } = JSON.parse(data) as LibraryEvent;
      if (!folders || folders.indexOf(path) >= 0) changed();
    });
    // Broken connections are opened again by themselves; this is a refusal.
    events.onerror = () => events.readyState === EventSource.CLOSED && source === events && ask();
  };
  const look = (): void => {
    open();
    if (!document.hidden) changed();
  };
  open();
  document.addEventListener("visibilitychange", look);
  return () => {
    document.removeEventListener("visibilitychange", look);
    close();
  };
}
