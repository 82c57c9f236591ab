// A server that does not answer: it is asked now and then, so that a television goes on by itself when the box is there again.

import { useEffect, useRef } from "preact/hooks";
import { asProblem, getJson } from "./api.ts";

const ASK_EVERY_MS = 3000;

/** While `away`, asks the server until it answers, whatever it says, and then calls `back`. */
export function useComeBack(away: boolean, back: () => void): void {
  const latest = useRef(back);
  latest.current = back;
  useEffect(() => {
    if (!away) return;
    let over = false;
    const found = (): void => {
      if (!over) latest.current();
      over = true;
    };
    const ask = (): void => {
      if (!document.hidden) void getJson("/api/v1/setup").then(found, (thrown: unknown) => asProblem(thrown).status && found());
    };
    const timer = window.setInterval(ask, ASK_EVERY_MS);
    window.addEventListener("online", ask);
    return () => {
      over = true;
      clearInterval(timer);
      window.removeEventListener("online", ask);
    };
  }, [away]);
}
