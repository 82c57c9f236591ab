// The first visit: a password, a name, where the films are, something that plays. Every step but the first can be skipped.

import type { Entry, FirstPassword, Folder } from "../api-types.ts";
import { formatHash, getJson, goTo, Page, Panel, send, useEffect, useState } from "../shell.ts";
import { Form, Text } from "./form.tsx";
import { change, fetchSettings, type SettingsSection, SectionForm } from "./settings.tsx";
import { words } from "./words.ts";

const STEPS = 4;

/** Chooses the first password. */
export function Claim({ asksCode, onDone }: { asksCode: boolean; onDone: () => void }) {
  const text = words().welcome;
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [code, setCode] = useState("");
  const [differ, setDiffer] = useState(false);
  const act = (): Promise<unknown> => {
    setDiffer(password !== again);
    return password === again ? send("POST", "/api/v1/claim", { password, ...(asksCode && { code }) } satisfies FirstPassword).then(onDone) : Promise.resolve();
  };
  return (
    <Page state="claim" title={text.title} summary={text.step(1, STEPS)}>
      <Form
        detail={text.intro}
        action={text.claim}
        act={act}
      >
        <Text name="password" type="password" complete="new-password" label={text.password} hint={text.passwordHint} value={password} onInput={setPassword} first />
        <Text name="again" type="password" complete="new-password" label={text.again} value={again} onInput={setAgain} message={differ ? text.differ : undefined} />
        {asksCode && <Text name="code" complete="one-time-code" label={text.code} hint={text.codeHint} value={code} onInput={setCode} />}
      </Form>
    </Page>
  );
}

/** The steps after it. */
export function Welcome({ onDone }: { onDone: () => void }) {
  const text = words().welcome;
  const [step, setStep] = useState(2);
  const [sections, setSections] = useState<SettingsSection[] | null>(null);
  const [entries, setEntries] = useState<Entry[]>([]);
  // undefined: it is still looked for.
  const [film, setFilm] = useState<Entry | null | undefined>(undefined);
  useEffect(() => {
    void fetchSettings().then((all) => setSections(all.sections));
    void getJson<Folder>("/api/v1/library/").then(({ entries: top }) => {
      setEntries(top);
      return findFilm(top).then((found) => setFilm(found ?? null));
    }, () => setFilm(null));
  }, []);
  const section = (name: string): SettingsSection | undefined => sections?.filter((one) => one.name === name)[0];
  const next = (): void => setStep(step + 1);
  const finish = (film?: Entry): void => {
    const end = (): void => {
      onDone();
      goTo(film ? { view: "play", path: film.path } : { view: "browse", path: "" });
    };
    void fetchSettings()
      .then((all) => {
        const general = all.sections.filter((one) => one.name === "general")[0];
        return general && change("general", general.tag, { greeted: true });
      })
      .then(end, end);
  };
  const skip = (
    <button type="button" class="tool" onClick={next}>
      {words().skip}
    </button>
  );
  const general = section("general");
  const library = section("library");
  const titles = ["", "", text.name, text.media, text.test];
  return (
    <Page state={"welcome" + step + (sections && (step < 4 || film !== undefined) ? "" : "…")} title={titles[step] ?? ""} summary={text.step(step, STEPS)}>
      {step === 2 && general && (
        <>
          <SectionForm
            section={general}
            title=""
            action={words().next}
            preset={{ time_zone: zone(), language: (navigator.language ?? "").slice(0, 2) === "de" ? "de" : "en" }}
            more={skip}
            onSaved={next}
          />
        </>
      )}
      {step === 3 && library && (
        <>
          <p class="hint">{entries.length ? text.mediaHave(entries.length) : text.mediaNone}</p>
          <SectionForm section={library} title="" action={words().next} more={skip} onSaved={next} />
        </>
      )}
      {step === 4 && (
        <Panel icon="live" title={film ? film.name : text.test} detail={film ? text.testDetail : film === undefined ? text.testLooking : text.testNone}>
          {film && (
            <button type="button" class="primary" data-first onClick={() => finish(film)}>
              {text.play(film.name)}
            </button>
          )}
          <button type="button" onClick={() => finish()}>
            {text.done}
          </button>
          <a class="button" href={formatHash({ view: "setup", path: "health" })} onClick={() => finish()}>
            {(words().pages["health"] ?? [""])[0]}
          </a>
        </Panel>
      )}
    </Page>
  );
}

const FOLDERS = 6;
const FILMS_EACH = 6;
const TRIED = 8;

// A film of the library or of its first folders that plays: those whose length is known first, and each is asked for, because
// a first impression must not be a broken file.
async function findFilm(top: Entry[]): Promise<Entry | undefined> {
  const folders = [top];
  for (const folder of top.filter(({ kind }) => kind === "folder").slice(0, FOLDERS)) {
    const inside = await getJson<Folder>("/api/v1/library/" + folder.path).catch(() => null);
    if (inside) folders.push(inside.entries);
  }
  // The first of each, then the second: one folder may be all broken.
  const films: Entry[] = [];
  for (let at = 0; at < FILMS_EACH; at += 1) {
    folders.forEach((entries) => films.push(...entries.filter(({ kind }) => kind === "video").slice(at, at + 1)));
  }
  const known = films.filter(({ duration }) => duration !== null);
  const tried = known.concat(films.filter(({ duration }) => duration === null)).slice(0, TRIED);
  for (const film of tried) {
    const plays = await getJson("/api/v1/media/" + film.path).then(
      () => true,
      () => false,
    );
    if (plays) return film;
  }
  return undefined;
}

function zone(): string {
  try {
    return Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  } catch {
    return "";
  }
}
