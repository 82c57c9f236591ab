// The panel over the picture in which one chooses sound, subtitles and quality.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Choice, Media, Track } from "../api.ts";
import { strings } from "../strings.ts";

interface Option {
  value: string;
  label: string;
  on: boolean;
}

/** True if there is anything to choose in `media`. */
export function hasChoices(media: Media): boolean {
  return groups(media).length > 0;
}

/** The panel. `onChoose` gets the one thing that was chosen; `onClose` comes when nothing was. */
export function Choices(props: { media: Media; onChoose: (choice: Choice) => void; onClose: () => void }) {
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    root.current?.querySelector<HTMLElement>("[aria-checked=true]")?.focus({ preventScroll: true });
  }, []);
  return (
    <div class="choices" role="dialog" aria-label={strings.choices.title} ref={root}>
      {groups(props.media).map(({ key, title, options }) => (
        <div class="choice" role="radiogroup" aria-label={title} key={key}>
          <p aria-hidden="true">{title}</p>
          {options.map(({ value, label, on }) => (
            <button
              type="button"
              role="radio"
              aria-checked={on}
              class="option"
              key={value}
              onClick={() => (on ? props.onClose() : props.onChoose({ [key]: value }))}
            >
              {label}
            </button>
          ))}
        </div>
      ))}
    </div>
  );
}

function groups(media: Media): { key: keyof Choice; title: string; options: Option[] }[] {
  const words = strings.choices;
  const { form, contents } = media;
  const found: { key: keyof Choice; title: string; options: Option[] }[] = [];
  if (contents.audio.length > 1) {
    const options = contents.audio.map((track, i) => ({ value: String(i), label: nameOf(track, i), on: form.audio === i }));
    found.push({ key: "audio", title: words.sound, options });
  }
  if (contents.subtitles.length > 0 && media.video) {
    const none: Option = { value: "none", label: words.none, on: form.subtitles === null };
    const options = contents.subtitles.map((track, i) => ({ value: String(i), label: nameOf(track, i), on: form.subtitles === i }));
    found.push({ key: "subtitles", title: words.subtitles, options: [none].concat(options) });
  }
  // Music has but one quality.
  if (media.video || form.profile === "audio") {
    const profiles = media.profiles.filter((profile) => profile.browser);
    const options = profiles.map(({ name, height }) => ({
      value: name,
      label: words.quality(name, height),
      on: form.profile === name,
    }));
    found.push({ key: "profile", title: words.qualities, options });
  }
  return found;
}

// "German, Director's commentary, 5.1"
function nameOf(track: Track, index: number): string {
  const parts = [track.language && languageName(track.language), track.title, strings.choices.channels(track.channels ?? 0)];
  return parts.filter(Boolean).join(", ") || strings.choices.track(index + 1);
}

function languageName(code: string): string {
  try {
    return new Intl.DisplayNames([strings.language], { type: "language" }).of(code) ?? code;
  } catch {
    // Televisions from before 2021.
    return code.toUpperCase();
  }
}
