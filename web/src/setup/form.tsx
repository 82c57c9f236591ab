// Forms: fields with labels, hints and messages that belong to them; what went wrong on top, focused; nothing that was typed is lost.

import type { ComponentChildren } from "preact";
import { asProblem, type Problem, useEffect, useRef, useState } from "../shell.ts";
import { words } from "./words.ts";

/** A field's message, keyed by its name. */
export type Messages = Record<string, string>;

/** A refusal with what the server said of single fields, and what is there now. */
export interface Refused {
  problem: Problem;
  fields: Messages;
}

/** A labelled field. `message`: what is wrong with it. */
export function Field(props: {
  name: string;
  label: string;
  hint?: string | undefined;
  message?: string | undefined;
  children: (ids: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean | undefined; name: string }) => ComponentChildren;
}) {
  const id = "field-" + props.name.replace(/\W/g, "-");
  const hint = props.hint ? id + "-hint" : "";
  const message = props.message ? id + "-message" : "";
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {hint && (
        <p class="hint" id={hint}>
          {props.hint}
        </p>
      )}
      {props.children({
        id,
        name: props.name,
        "aria-describedby": [hint, message].filter(Boolean).join(" ") || undefined,
        "aria-invalid": props.message ? true : undefined,
      })}
      {message && (
        <p class="wrong" id={message}>
          {props.message}
        </p>
      )}
    </div>
  );
}

/** A line of text, as a field. */
export function Text(props: {
  name: string;
  label: string;
  hint?: string | undefined;
  message?: string | undefined;
  type?: "text" | "password" | "url";
  value: string;
  complete?: string;
  first?: boolean;
  onInput: (value: string) => void;
}) {
  return (
    <Field {...props}>
      {(ids) => (
        <input
          {...(Object.assign({ type: props.type ?? "text" }, ids) as object)}
          value={props.value}
          autocomplete={props.complete ?? "off"}
          data-first={props.first ? "" : undefined}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** A form with a title. `act` does what it is for; what it throws is shown on top, and the focus goes there. */
export function Form(props: {
  title?: string;
  detail?: string | undefined;
  action: string;
  act: () => Promise<unknown>;
  wrong?: Messages;
  children?: ComponentChildren;
  more?: ComponentChildren;
}) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const summary = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (problem) summary.current?.focus();
  }, [problem]);
  const wrong = Object.keys(props.wrong ?? {});
  return (
    <form
      class="setting form"
      onSubmit={(event) => {
        event.preventDefault();
        if (busy) return;
        setBusy(true);
        setProblem(null);
        props.act().then(
          () => setBusy(false),
          (thrown: unknown) => {
            setBusy(false);
            setProblem(asProblem(thrown));
          },
        );
      }}
    >
      <fieldset>
        {props.title && <legend>{props.title}</legend>}
        {props.detail && <p class="hint">{props.detail}</p>}
        {problem && (
          <div class="wrong summary-of-errors" role="alert" tabIndex={-1} ref={summary}>
            <p>{wrong.length ? words().wrongFields(wrong.length) : problem.detail}</p>
            {wrong.length > 0 && (
              <ul>
                {wrong.map((name) => (
                  <li key={name}>
                    <button type="button" onClick={() => document.getElementById("field-" + name.replace(/\W/g, "-"))?.focus()}>
                      {(words().fields[name] ?? [name])[0]}: {props.wrong?.[name]}
                    </button>
                  </li>
                ))}
              </ul>
            )}
          </div>
        )}
        {props.children}
        <div class="steps">
          <button type="submit" class="tool primary" aria-disabled={busy}>
            {props.action}
          </button>
          {props.more}
        </div>
      </fieldset>
    </form>
  );
}

/** A button for what cannot be taken back: it has to be pressed twice. */
export function Sure(props: { label: string; sure: string; act: () => void }) {
  const [asked, setAsked] = useState(false);
  return (
    <button
      type="button"
      class="tool"
      onBlur={() => setAsked(false)}
      onClick={() => {
        if (asked) props.act();
        setAsked(!asked);
      }}
    >
      {asked ? props.sure : props.label}
    </button>
  );
}
