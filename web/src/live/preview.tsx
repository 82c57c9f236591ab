// A small picture of a live stream that is renewed while somebody can see it.

import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../shell.ts";
import { liveAddress } from "./engine.ts";

// Movement is seen, and the server makes a picture of its last keyframe, of which there is one every second or two.
const EVERY_MS = 2000;
// After a failure, there will hardly be one two seconds later.
const AFTER_FAILURE_MS = 15_000;

/** The picture of stream `name`; `active`: it is on air. */
export function Preview({ name, active }: { name: string; active: boolean }) {
  const root = useRef<HTMLSpanElement>(null);
  const [visible, setVisible] = useState(typeof IntersectionObserver === "undefined");
  const [turn, setTurn] = useState(0);
  const [good, setGood] = useState(false);
  const timer = useRef(0);

  useEffect(() => {
    const element = root.current;
    if (!element || typeof IntersectionObserver === "undefined") return undefined;
    const observer = new IntersectionObserver((entries) => setVisible(entries.some((entry) => entry.isIntersecting)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => () => clearTimeout(timer.current), []);

  // The next one is asked for when this one has come: a slow network never has two of them.
  const again = (delay: number): void => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => (document.hidden ? again(delay) : setTurn((n) => n + 1)), delay);
  };
  return (
    <span class="still still-live" ref={root}>
      <Icon name="live" />
      {active && visible && (
        <img
          class={good ? "" : "gone"}
          src={liveAddress(name, ".jpg") + "?" + turn}
          alt=""
          onLoad={() => {
            setGood(true);
            again(EVERY_MS);
          }}
          onError={() => {
            setGood(false);
            again(AFTER_FAILURE_MS);
          }}
        />
      )}
    </span>
  );
}
