// Short notices of what has just happened. They take no focus, go by themselves, and are read out.

import { useEffect, useState } from "preact/hooks";

// Long enough to read from a sofa.
const SHOWN_MS = 4000;

let show: (text: string) => void = () => undefined;

/** Says `text` for a few seconds. */
export function say(text: string): void {
  show(text);
}

/** Where notices appear: once in the page. */
export function Toast() {
  const [text, setText] = useState("");
  useEffect(() => {
    let timer = 0;
    show = (said) => {
      clearTimeout(timer);
      setText(said);
      timer = window.setTimeout(() => setText(""), SHOWN_MS);
    };
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="toast" role="status">
      {text && <p>{text}</p>}
    </div>
  );
}
