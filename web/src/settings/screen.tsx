// Settings of this device: language, colours, what follows a film; and the keys.

import { useState } from "preact/hooks";
import {
  autoplay,
  chooseLanguage,
  chosenLanguage,
  formatHash,
  languageName,
  languages,
  type Option,
  Options,
  Page,
  setAutoplay,
  setTheme,
  strings,
  theme,
  type Theme,
  setViewer,
  THEMES,
  viewer,
} from "../shell.ts";

/** The screen. */
export function LookScreen() {
  const words = strings.look;
  const [, setShown] = useState(0);
  const changed = (): void => setShown((n) => n + 1);
  const spoken = languages().map((code): Option => ({ value: code, label: languageName(code) }));
  return (
    <Page state="" title={words.title} summary={words.intro}>
      <div class="settings">
        <Options
          title={words.language}
          value={chosenLanguage() ?? ""}
          options={[{ value: "", label: words.asBrowser }].concat(spoken)}
          first
          onChoose={(code) => {
            chooseLanguage(code || undefined);
          }}
        />
        <Options
          title={words.theme}
          value={theme()}
          options={THEMES.map((name) => ({ value: name, label: words.themes[name] }))}
          onChoose={(name) => {
            setTheme(name as Theme);
            changed();
          }}
        />
        <Options
          title={words.autoplay}
          value={autoplay() ? "next" : ""}
          options={[
            { value: "next", label: strings.choices.playNext },
            { value: "", label: strings.choices.stop },
          ]}
          onChoose={(value) => {
            setAutoplay(value === "next");
            changed();
          }}
        />
        <section class="setting">
          <h2 id="viewer">{words.viewer}</h2>
          <input
            type="text"
            maxLength={30}
            autocomplete="off"
            aria-labelledby="viewer"
            aria-describedby="viewer-hint"
            defaultValue={viewer()}
            onChange={(event) => setViewer(event.currentTarget.value)}
          />
          <p id="viewer-hint">{words.viewerHint}</p>
        </section>
        <section class="setting">
          <h2>{words.server}</h2>
          <div class="options">
            <a class="option" href={formatHash({ view: "setup", path: "" })}>
              {words.setUp}
            </a>
            <a class="option" href="/plain/">
              {words.plain}
            </a>
            <a class="option" href="/licences">
              {words.licences}
            </a>
          </div>
        </section>
        <section class="setting">
          <h2>{words.keys}</h2>
          <dl class="keys">
            {words.keysDetail.map(([keys, meaning]) => (
              <div key={keys}>
                <dt>{keys}</dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Page>
  );
}
