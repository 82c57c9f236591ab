// HTTPS, for whoever wants it: a certificate of one's own, or one that the server signs itself.

import type { Https as State, SentCertificate, WantedCertificate } from "../api-types.ts";
import { getJson, say, send, useEffect, useState } from "../shell.ts";
import { Field, Form, Text } from "./form.tsx";
import { words } from "./words.ts";

const ADDRESS = "/api/v1/https";

/** The page. `onChanged`: a change waits for the next start. */
export function Https({ onChanged }: { onChanged: () => void }) {
  const text = words().https;
  const [state, setState] = useState<State | null>(null);
  const [names, setNames] = useState("");
  const [pem, setPem] = useState<SentCertificate>({ certificate: "", key: "" });
  const show = (now: State): void => {
    setState(now);
    setNames(now.names.join(", "));
  };
  useEffect(() => void getJson<State>(ADDRESS).then(show, () => undefined), []);
  if (!state) return null;
  const ask = (method: string, body?: unknown): Promise<void> =>
    send<State>(method, ADDRESS, body).then((now) => {
      show(now);
      say(words().saved);
      onChanged();
    });
  return (
    <div class="settings">
      <p>{state.by_file ? text.byFile : text.states[state.certificate ?? "none"]}</p>
      {state.certificate && (
        <p>
          <a href={"https://" + location.hostname + ":" + state.port + "/"}>{"https://" + location.hostname + ":" + state.port + "/"}</a>
        </p>
      )}
      <Form title={text.own} detail={text.ownDetail} action={text.make} act={() => ask("POST", { names: names.split(/[\s,]+/).filter(Boolean) } satisfies WantedCertificate)}>
        <Text name="names" label={text.names} hint={text.namesHint} value={names} onInput={setNames} />
        {state.certificate === "own" && (
          <p>
            <a class="tool" href="/api/v1/https/root" download="wiidia-root.crt">
              {text.root}
            </a>
          </p>
        )}
      </Form>
      <Form title={text.upload} action={text.take} act={() => ask("PUT", pem)}>
        <Field name="certificate" label={text.certificate} hint="-----BEGIN CERTIFICATE-----">
          {(ids) => <textarea {...ids} rows={4} value={pem.certificate} onInput={(event) => setPem({ ...pem, certificate: event.currentTarget.value })} />}
        </Field>
        <Field name="key" label={text.key} hint="-----BEGIN PRIVATE KEY-----">
          {(ids) => <textarea {...ids} rows={4} value={pem.key} onInput={(event) => setPem({ ...pem, key: event.currentTarget.value })} />}
        </Field>
      </Form>
      {state.certificate && (
        <button type="button" class="tool" onClick={() => void ask("DELETE").catch((thrown: { detail: string }) => say(thrown.detail))}>
          {text.off}
        </button>
      )}
    </div>
  );
}
