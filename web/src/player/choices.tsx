// The panel over the picture in which one chooses sound, subtitles, quality, speed, and what follows.

import type { Choice, Media, Track } from "../api.ts";
import { languageName, strings } from "../language/index.ts";
import { Modal } from "../menu.tsx";
import { SPEEDS } from "./preferences.ts";

interface Option {
  value: string;
  label: string;
  on: boolean;
}

/** What the panel shows as chosen, and what it reports. A choice of the film opens it anew; the others hold at once. */
export interface ChoicesProps {
  media: Media;
  /** The number of the subtitles that are shown; null for none. */
  subtitles: number | null;
  speed: number;
  autoplay: boolean;
  onChoose: (choice: Choice) => void;
  onSpeed: (speed: number) => void;
  onAutoplay: (on: boolean) => void;
  onClose: () => void;
}

/** The panel. */
export function Choices(props: ChoicesProps) {
  const { media, onClose } = props;
  const words = strings.choices;
  const speeds = SPEEDS.map((rate) => ({
    value: String(rate),
    label: rate === 1 ? words.normal : rate + " ×",
    on: rate === props.speed,
  }));
  const after = [
    { value: "next", label: words.playNext, on: props.autoplay },
    { value: "", label: words.stop, on: !props.autoplay },
  ];
  return (
    <Modal title={words.title} class="choices" onClose={onClose}>
      <div class="choices-groups">
        {groups(media, props.subtitles).map(({ key, title, options }) => (
          <Group
            key={key}
            title={title}
            options={options}
            onPick={({ value, on }) => (on ? onClose() : props.onChoose({ [key]: value }))}
          />
        ))}
        <Group title={words.speed} options={speeds} onPick={({ value }) => props.onSpeed(Number(value))} />
        <Group title={words.after} options={after} onPick={({ value }) => props.onAutoplay(value === "next")} />
      </div>
    </Modal>
  );
}

function Group(props: { title: string; options: Option[]; onPick: (option: Option) => void }) {
  return (
    <div class="choice" role="radiogroup" aria-label={props.title}>
      <p aria-hidden="true">{props.title}</p>
      {props.options.map((option) => (
        <button
          type="button"
          role="radio"
          aria-checked={option.on}
          class="option"
          key={option.value}
          onClick={() => props.onPick(option)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}

function groups(media: Media, subtitles: number | null): { key: keyof Choice; title: string; options: Option[] }[] {
  const words = strings.choices;
  const { form, contents } = media;
  const found: { key: keyof Choice; title: string; options: Option[] }[] = [];
  if (contents.audio.length > 1) {
    const options = contents.audio.map((track, i) => ({ value: String(i), label: nameOf(track, i), on: form.audio === i }));
    found.push({ key: "audio", title: words.sound, options });
  }
  if (contents.subtitles.length > 0 && media.video) {
    const none: Option = { value: "none", label: words.none, on: subtitles === null };
    const options = contents.subtitles.map((track, i) => ({ value: String(i), label: nameOf(track, i), on: subtitles === i }));
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
  const language = track.language && languageName(track.language, strings.language);
  const parts = [language, track.title, strings.choices.channels(track.channels ?? 0)];
  return parts.filter(Boolean).join(", ") || strings.choices.track(index + 1);
}
