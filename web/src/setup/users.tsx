// Passwords, viewers, tokens, who is signed in.

import type { MadeToken, PasswordChange, Session, Sessions, SessionState, Token, Tokens, WantedToken, WantedViewers } from "../api-types.ts";
import { getJson, say, send, useEffect, useState } from "../shell.ts";
import { Field, Form, Text } from "./form.tsx";
import { words } from "./words.ts";

/** All of it. */
export function Users() {
  const text = words().users;
  const [sessions, setSessions] = useState<Session[]>([]);
  const [tokens, setTokens] = useState<Token[]>([]);
  const [viewers, setViewers] = useState<{ locked: boolean; link: string | null }>({ locked: false, link: null });
  const [fields, setFields] = useState<Record<string, string>>({});
  const [made, setMade] = useState("");
  const field = (name: string): string => fields[name] ?? "";
  const type = (name: string) => (value: string): void => setFields({ ...fields, [name]: value });

  const load = (): void => {
    void getJson<Sessions>("/api/v1/sessions").then((all) => setSessions(all.sessions), () => undefined);
    void getJson<Tokens>("/api/v1/tokens").then((all) => setTokens(all.tokens), () => undefined);
    void getJson<SessionState>("/api/v1/session").then(
      (now) => setViewers({ locked: now.viewers_need_password, link: now.link_token }),
      () => undefined,
    );
  };
  useEffect(load, []);
  const remove = (address: string): void => void send("DELETE", address).then(load, (thrown: { detail: string }) => say(thrown.detail));

  return (
    <div class="settings">
      <Form
        title={text.viewers}
        detail={viewers.locked ? text.viewersLocked : text.viewersFree}
        action={text.setViewers}
        act={() => send("PUT", "/api/v1/viewers", { password: field("viewers") } satisfies WantedViewers).then(load)}
        more={
          viewers.locked && (
            <button type="button" class="tool" onClick={() => void send("PUT", "/api/v1/viewers", { password: null } satisfies WantedViewers).then(load)}>
              {text.freeViewers}
            </button>
          )
        }
      >
        <Text name="viewers" type="password" complete="new-password" label={text.viewersPassword} value={field("viewers")} onInput={type("viewers")} />
        {viewers.link && (
          <p class="hint">
            {text.link} <code>?token={viewers.link}</code>
          </p>
        )}
      </Form>
      <Form
        title={text.password}
        action={text.change}
        act={() =>
          send("PUT", "/api/v1/password", { present: field("present"), new: field("fresh") } satisfies PasswordChange).then(() => {
            setFields({});
            say(text.changed);
            load();
          })
        }
      >
        <Text name="present" type="password" complete="current-password" label={text.present} value={field("present")} onInput={type("present")} />
        <Text name="fresh" type="password" complete="new-password" label={text.fresh} hint={words().welcome.passwordHint} value={field("fresh")} onInput={type("fresh")} />
      </Form>
      <section class="setting">
        <h2>{text.sessions}</h2>
        <ul class="rows">
          {sessions.map((session) => (
            <li key={session.id}>
              <span>
                {text.roles[session.role]} · {session.agent.slice(0, 60) || "?"} · {session.address} · {session.this ? text.here : text.used(session.idle)}
              </span>
              {!session.this && (
                <button type="button" class="tool" onClick={() => remove("/api/v1/sessions/" + session.id)}>
                  {text.signOut}
                </button>
              )}
            </li>
          ))}
        </ul>
        {sessions.length > 1 && (
          <button type="button" class="tool" onClick={() => remove("/api/v1/sessions")}>
            {text.others}
          </button>
        )}
      </section>
      <Form
        title={text.tokens}
        action={text.makeToken}
        act={() =>
          send<MadeToken>("POST", "/api/v1/tokens", { name: field("token"), role: field("role") === "owner" ? "owner" : "viewer" } satisfies WantedToken).then((answer) => {
            setMade(answer.token);
            load();
          })
        }
      >
        <ul class="rows">
          {tokens.map((token) => (
            <li key={token.id}>
              <span>
                {token.name} · {text.roles[token.role]}
              </span>
              <button type="button" class="tool" onClick={() => remove("/api/v1/tokens/" + token.id)}>
                {text.revoke}
              </button>
            </li>
          ))}
        </ul>
        {!tokens.length && <p class="hint">{text.tokensNone}</p>}
        {made && (
          <p role="status">
            {text.tokenMade} <code>{made}</code>
          </p>
        )}
        <Text name="token" label={text.tokenName} value={field("token")} onInput={type("token")} />
        <Field name="role" label={text.tokenRole}>
          {(ids) => (
            <select {...ids} value={field("role") || "viewer"} onChange={(event) => type("role")(event.currentTarget.value)}>
              {["viewer", "owner"].map((role) => (
                <option key={role} value={role}>
                  {text.roles[role]}
                </option>
              ))}
            </select>
          )}
        </Field>
      </Form>
    </div>
  );
}
