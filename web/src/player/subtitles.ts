// Which subtitles are shown. Those of text are laid over the picture here; those made of pictures are drawn into the film by the
// server, which encodes it for them. Pure.

import type { Choice, Media, Track } from "../api.ts";

/** What is asked of the server: nothing of text, which would be drawn into the film. Numbers are of pictures alone, see `choose`. */
export function askedFor(choice: Choice): Choice {
  const number = choice.subtitles !== undefined && /^\d+$/.test(choice.subtitles);
  return number ? choice : { ...choice, subtitles: "none" };
}

/**
 * The subtitles that `wanted` (a language, "none", or what the house prefers without it) means among `tracks`: a number; null for
 * none.
 */
export function wantedTrack(tracks: readonly Track[], wanted: string | undefined): number | null {
  if (wanted === "none") return null;
  const find = (fits: (track: Track) => boolean): number | null => {
    const at = tracks.map(fits).indexOf(true);
    return at < 0 ? null : at;
  };
  if (wanted === undefined) return find((track) => track.default === true);
  const speaks = (track: Track): boolean => track.language !== null && track.language.slice(0, 2) === wanted.slice(0, 2);
  return find((track) => speaks(track) && !track.forced) ?? find(speaks);
}

/** What is shown over the picture of `media` when it opens: a number of a track of text, or null. */
export function textTrack(media: Media, wanted: string | undefined): number | null {
  if (media.form.subtitles !== null || !media.video) return null;
  const at = wantedTrack(media.contents.subtitles, wanted);
  return at !== null && media.contents.subtitles[at]?.address ? at : null;
}

/** The number of a track that has to be drawn into the film, if that is what is wanted and not done yet; else null. */
export function toBeDrawn(media: Media, wanted: string | undefined): number | null {
  if (media.form.subtitles !== null || !media.video) return null;
  const at = wantedTrack(media.contents.subtitles, wanted);
  return at !== null && !media.contents.subtitles[at]?.address ? at : null;
}
