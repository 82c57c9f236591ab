// At a film's end: the next one follows after a few seconds, unless somebody says no.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { focusFirst, isBackKey, takeKeys } from "../dpad.ts";
import { strings } from "../language/index.ts";

// Enough to find the remote control.
const SECONDS = 8;

/** The announcement of `name`. `onCancel` is also what Back does. */
export function UpNext({ name, onPlay, onCancel }: { name: string; onPlay: () => void; onCancel: () => void }) {
  const root = useRef<HTMLDivElement>(null);
  const [left, setLeft] = useState(SECONDS);
  const cancel = useRef(onCancel);
  cancel.current = onCancel;

  useLayoutEffect(() => {
    focusFirst(root.current);
    return takeKeys((event) => {
      if (isBackKey(event)) cancel.current();
      return isBackKey(event);
    });
  }, []);
  useEffect(() => {
    if (left === 0) {
      onPlay();
      return undefined;
    }
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);

  return (
    <section class="up-next" data-modal aria-label={strings.upNext} ref={root}>
      <p class="up-next-count" role="timer">
        {strings.player.nextIn(left)}
      </p>
      <h2>{name}</h2>
      <div class="panel-steps">
        <button type="button" class="primary" data-first onClick={onPlay}>
          {strings.player.playNow}
        </button>
        <button type="button" onClick={onCancel}>
          {strings.cancel}
        </button>
      </div>
    </section>
  );
}
