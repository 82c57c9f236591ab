// The set-up page: a part of the page that is fetched when somebody goes there.

import "./setup.css";
import type { ComponentChildren } from "preact";
import type { PasswordEntry, SessionState, Setup as State } from "../api-types.ts";
import { asProblem, formatHash, getJson, goTo, Page, Panel, type Problem, register, send, useEffect, useState } from "../shell.ts";
import { Backup } from "./backup.tsx";
import { Form, Text } from "./form.tsx";
import { HealthPage, useHealth, Verdict } from "./health.tsx";
import { Https } from "./https.tsx";
import { fetchSettings, RemoveSecret, type SettingsSection, SectionForm } from "./settings.tsx";
import { SourcesPage } from "./sources.tsx";
import { Storage } from "./storage.tsx";
import { System } from "./system.tsx";
import { WifiPage } from "./wifi.tsx";
import { Users } from "./users.tsx";
import { Claim, Welcome } from "./welcome.tsx";
import { learnWords, words } from "./words.ts";

function Setup({ path }: { path: string }) {
  const text = words();
  const [state, setState] = useState<(Pick<State, "claimed" | "greeted" | "asks_code"> & Pick<SessionState, "role">) | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const load = (): void =>
    void Promise.all([
      getJson<State>("/api/v1/setup"),
      getJson<SessionState>("/api/v1/session"),
      learnWords(),
    ]).then(
      ([setup, session]) => {
        setProblem(null);
        setState({ ...setup, role: session.role });
      },
      (thrown: unknown) => setProblem(asProblem(thrown)),
    );
  useEffect(load, []);

  if (problem)
    return (
      <Page state="problem" title={text.title}>
        <Panel icon="warning" title={problem.title} detail={problem.detail} alert>
          <button type="button" class="primary" data-first onClick={load}>
            {text.back}
          </button>
        </Panel>
      </Page>
    );
  if (!state) return <Page state="loading" title={text.title} />;
  if (!state.claimed) return <Claim asksCode={state.asks_code} onDone={load} />;
  if (state.role !== "owner") return <SignIn onDone={load} />;
  if (!state.greeted && !path) return <Welcome onDone={load} />;
  if (!path) return <Overview onSignOut={load} />;
  const title = (text.pages[path] ?? [text.title])[0];
  return (
    <Page state={path} title={title} summary={(text.pages[path] ?? ["", ""])[1]}>
      <p>
        <a class="tool" href={formatHash({ view: "setup", path: "" })}>
          {text.back}
        </a>
      </p>
      {path === "users" ? (
        <Users />
      ) : path === "system" ? (
        <System />
      ) : path === "sources" ? (
        <SourcesPage />
      ) : path === "wifi" ? (
        <WifiPage />
      ) : path === "backup" ? (
        <Backup
          onForgotten={() => {
            goTo({ view: "setup", path: "" });
            load();
          }}
        />
      ) : path === "health" ? (
        <HealthPage />
      ) : path === "https" ? (
        <Waiting>{(wait) => <Https onChanged={wait} />}</Waiting>
      ) : path === "storage" ? (
        <Waiting>{(wait) => <Storage onChanged={wait} />}</Waiting>
      ) : (
        <Settings name={path} />
      )}
    </Page>
  );
}

function SignIn({ onDone }: { onDone: () => void }) {
  const text = words().signIn;
  const [password, setPassword] = useState("");
  return (
    <Page state="sign-in" title={text.title}>
      <Form detail={text.intro} action={text.go} act={() => send<SessionState>("POST", "/api/v1/session", { password } satisfies PasswordEntry).then(({ role }) => (role === "viewer" ? goTo({ view: "browse", path: "" }) : onDone()))}>
        <Text name="password" type="password" complete="current-password" label={text.password} value={password} onInput={setPassword} first />
      </Form>
    </Page>
  );
}

function Overview({ onSignOut }: { onSignOut: () => void }) {
  const text = words();
  const health = useHealth();
  return (
    <Page
      state="overview"
      title={text.title}
      beside={
        <button type="button" class="tool" onClick={() => void send("DELETE", "/api/v1/session").then(onSignOut)}>
          {text.signIn.out}
        </button>
      }
    >
      {health && <Verdict health={health} />}
      <ul class="ways-to-set">
        {Object.keys(text.pages).map((name) => (
          <li key={name}>
            <a href={formatHash({ view: "setup", path: name })}>
              <b>{(text.pages[name] ?? [""])[0]}</b>
              <span>{(text.pages[name] ?? ["", ""])[1]}</span>
            </a>
          </li>
        ))}
      </ul>
    </Page>
  );
}

function Settings({ name }: { name: string }) {
  const [section, setSection] = useState<SettingsSection | null>(null);
  const [waits, setWaits] = useState(false);
  const load = (): void =>
    void fetchSettings().then(
      (all) => {
        setSection(all.sections.filter((one) => one.name === name)[0] ?? null);
        setWaits(all.wants_restart);
      },
      () => undefined,
    );
  useEffect(load, [name]);
  // From one page to the next: not with the last one's fields.
  if (!section || section.name !== name) return null;
  return (
    <div class="settings">
      <SectionForm key={name} section={section} onSaved={load} />
      <RemoveSecret section={section} onSaved={load} />
      {waits && <Restart />}
    </div>
  );
}

// A page whose changes may wait for the next start, which it offers then.
function Waiting({ children }: { children: (wait: () => void) => ComponentChildren }) {
  const [waits, setWaits] = useState(false);
  return (
    <>
      {children(() => setWaits(true))}
      {waits && <Restart />}
    </>
  );
}

function Restart() {
  const text = words();
  const [busy, setBusy] = useState(false);
  const restart = (): void => {
    setBusy(true);
    // The server is away for a moment; the page comes back with it.
    const wait = (): void => void getJson("/api/v1/setup").then(() => location.reload(), () => setTimeout(wait, 1000));
    void send("POST", "/api/v1/restart").then(() => setTimeout(wait, 3000));
  };
  return (
    <p role="status" class="verdict">
      <span>{busy ? text.restarting : text.restartWaits}</span>
      {!busy && (
        <button type="button" class="tool primary" onClick={restart}>
          {text.restartNow}
        </button>
      )}
    </p>
  );
}

register("setup", Setup);
