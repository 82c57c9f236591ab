// How the slideshow goes: a panel over it.

import { INTERVALS, lastName, Modal, Options, type ShowPreferences, strings, TRANSITIONS } from "../shell.ts";

/** The panel. `here`: this folder, if it has music. */
export function ShowOptions(props: {
  likes: ShowPreferences;
  here: string | null;
  onChange: (changed: Partial<ShowPreferences>) => void;
  onClose: () => void;
}) {
  const { likes, here, onChange } = props;
  const words = strings.show;
  const either = (yes: string, no: string) => [
    { value: "yes", label: yes },
    { value: "", label: no },
  ];
  const music = [{ value: "", label: words.noMusic }];
  if (here !== null) music.push({ value: "=" + here, label: words.musicHere });
  if (likes.music !== null && likes.music !== here) {
    music.push({ value: "=" + likes.music, label: likes.music ? lastName(likes.music) : strings.library });
  }
  return (
    <Modal title={words.options} class="show-options" onClose={props.onClose}>
      <Options
        title={words.interval}
        value={String(likes.interval)}
        options={INTERVALS.map((seconds) => ({ value: String(seconds), label: words.seconds(seconds) }))}
        onChoose={(value) => onChange({ interval: Number(value) })}
      />
      <Options
        title={words.order}
        value={likes.shuffle ? "yes" : ""}
        options={either(words.shuffled, words.inOrder)}
        onChoose={(value) => onChange({ shuffle: value !== "" })}
      />
      <Options
        title={words.end}
        value={likes.loop ? "yes" : ""}
        options={either(words.loop, words.once)}
        onChoose={(value) => onChange({ loop: value !== "" })}
      />
      <Options
        title={words.transition}
        value={likes.transition}
        options={TRANSITIONS.map((name) => ({ value: name, label: words.transitions[name] ?? name }))}
        onChoose={(value) => onChange({ transition: value as ShowPreferences["transition"] })}
      />
      <Options
        title={words.videos}
        value={likes.videos ? "yes" : ""}
        options={either(words.withVideos, words.withoutVideos)}
        onChoose={(value) => onChange({ videos: value !== "" })}
      />
      <Options
        title={words.music}
        value={likes.music === null ? "" : "=" + likes.music}
        options={music}
        onChoose={(value) => onChange({ music: value ? value.slice(1) : null })}
      />
      <Options
        title={words.clock}
        value={likes.clock ? "yes" : ""}
        options={either(words.on, words.off)}
        onChoose={(value) => onChange({ clock: value !== "" })}
      />
    </Modal>
  );
}
