// Which parts of a choice mean something in the next film: languages and quality do, numbers of tracks do not. Pure.

/** As in `Choice` of the API. */
export interface Wish {
  profile?: string;
  audio?: string;
  subtitles?: string;
}

/** Only what the server could mean something by: it refuses the rest. */
export function sane(stored: Record<string, unknown>): Wish {
  const wish: Wish = {};
  const { profile, audio, subtitles } = stored;
  if (profile === "tv" || profile === "small") wish.profile = profile;
  if (isLanguage(audio)) wish.audio = audio;
  if (subtitles === "none" || isLanguage(subtitles)) wish.subtitles = subtitles;
  return wish;
}

type Languages = { language: string | null }[];

/** What `before` becomes by a choice in a film of these tracks. */
export function remembered(before: Wish, choice: Wish, film: { audio: Languages; subtitles: Languages }): Wish {
  const { profile, audio, subtitles } = choice;
  // A film without its picture is for one evening.
  const kept = profile === "audio" ? before.profile : (profile ?? before.profile);
  return sane({
    profile: kept,
    audio: languageOf(audio, film.audio) ?? before.audio,
    subtitles: subtitles === "none" ? subtitles : (languageOf(subtitles, film.subtitles) ?? before.subtitles),
  });
}

function languageOf(chosen: string | undefined, tracks: Languages): string | null {
  return chosen === undefined ? null : (tracks[Number(chosen)]?.language ?? null);
}

function isLanguage(value: unknown): value is string {
  return typeof value === "string" && /^[a-z]{2,3}$/.test(value);
}
