//! Subtitles of text beside a film's picture: a playlist for each, and their words in segments of WebVTT
//! (RFC 8216, 3.5). They need no encoding, and a player turns them on and off by itself.
//!
//! Words are taken out of a film from its beginning; whoever asks for the middle waits until they are there, as for a
//! picture.

use super::super::contents::code;
use super::super::reply::{Refusal, Reply, reply};
use super::address::FilmAddress;
use super::film::Show;
use super::late::{late, soon};
use super::{playlist, set_text};
use crate::choice::TrackChoice;
use crate::hls::{Entry, Film, Kind, Rendition};
use crate::limits::{HLS_PLAYLIST_AGE, HLS_WORDS};
use crate::pipeline::SubtitleTrack;
use crate::provider::{Providers, Subtitles, SubtitlesError, TextSource, Wanted};
use crate::subtitles::{Cue, write_cue};
use bytes::Bytes;
use futures_util::stream;
use hyper::{StatusCode, header};
use std::sync::Arc;

/// How a segment begins: its times count from the film's beginning, as those of the pictures do (RFC 8216, 3.5).
const HEAD: &str = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n";
const WEBVTT: &str = "text/vtt; charset=utf-8";

impl Show {
    /// What the master playlist says of them. Nothing while one is drawn into the picture, which would be read twice,
    /// and of what is still growing, whose words are not written yet.
    pub(super) async fn renditions(
        &self,
        providers: &Arc<Providers>,
        address: &FilmAddress,
    ) -> Vec<Rendition> {
        let tracks = match providers.streams_now(self.reel(), address.path()).await {
            Some(streams) => streams.contents.subtitle_tracks,
            None => providers.beside(address.path()).await,
        };
        if self.whole_ms().is_none() || tracks.iter().any(|track| track.chosen) {
            return Vec::new();
        }
        let rendition = |(n, track): (usize, SubtitleTrack)| {
            let language = code(track.language);
            Rendition {
                name: track
                    .title
                    .or_else(|| language.clone())
                    .unwrap_or_else(|| format!("Subtitles {}", n + 1)),
                language,
                forced: track.forced,
                uri: format!("subtitles-{n}.m3u8{}", address.query()),
            }
        };
        tracks.into_iter().enumerate().filter(|(_, track)| track.text).map(rendition).collect()
    }

    /// `subtitles-<track>.m3u8`
    pub(super) fn words_listed(&self, address: &FilmAddress, track: u32) -> Result<Reply, Refusal> {
        let whole = self.whole_ms().ok_or_else(|| {
            let text = format!("how long \"{}\" is, is not known yet; ask again", address.path().file_name());
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text)
        })?;
        let entries = (0..count_of(whole)).map(|n| {
            let (start, end) = limits_of(n, whole);
            let uri = format!("subtitles-{track}.{n}.vtt{}", address.query());
            Entry { ms: end - start, uri, map: None }
        });
        let film = Film { kind: Kind::Vod, independent: false, entries: entries.collect() };
        Ok(playlist(film.render(), &HLS_PLAYLIST_AGE.as_secs().to_string()))
    }

    /// `subtitles-<track>.<n>.vtt`: all that is shown between two times, also what was there before.
    pub(super) async fn words(
        &self,
        providers: &Arc<Providers>,
        address: &FilmAddress,
        wanted: &Wanted,
        track: u32,
        n: u32,
    ) -> Result<Reply, Refusal> {
        let name = address.path().file_name();
        let whole = self.whole_ms().filter(|whole| n < count_of(*whole)).ok_or_else(|| {
            let text = format!("\"{name}\" has no subtitles {track} number {n}; load subtitles-{track}.m3u8");
            Refusal::new(StatusCode::NOT_FOUND, text)
        })?;
        let (start, end) = limits_of(n, whole);
        let choice = TrackChoice::Index(track);
        let found = providers.subtitles(address.path(), &choice, &wanted.form).await?;
        let mut reply = match soon(written(found, name, start, end)).await {
            Ok(text) => reply(WEBVTT, Bytes::from(text?)),
            Err(work) => late(WEBVTT, async { Ok(stream::iter([Ok(Bytes::from(work.await?))])) }),
        };
        set_text(
            &mut reply,
            header::CACHE_CONTROL,
            format!("public, max-age={}", HLS_PLAYLIST_AGE.as_secs()),
        );
        Ok(reply)
    }

    /// How long the film is, in milliseconds.
    fn whole_ms(&self) -> Option<u32> {
        self.reel().duration().map(|end| end.as_millis().max(1))
    }
}

/// All words that are shown between two times, in milliseconds, once they are taken out of the film `name`.
async fn written(found: Subtitles, name: String, start: u32, end: u32) -> Result<String, Refusal> {
    let shift = found.shift_ms;
    let shown = |cue: &Cue| {
        let at = |ms: u32| i64::from(ms) + shift;
        at(cue.start_ms) < i64::from(end) && at(cue.end_ms) > i64::from(start)
    };
    let mut out = HEAD.to_owned();
    let mut write = |cues: &[Cue]| {
        cues.iter().filter(|cue| shown(cue)).for_each(|cue| write_cue(&mut out, cue, shift));
    };
    match found.text {
        TextSource::File(cues) => write(&cues),
        TextSource::Film(mut reader) => loop {
            let cues = reader
                .next()
                .await
                .map_err(|reason| SubtitlesError::Unreadable { name: name.clone(), reason })?;
            write(&cues);
            // They come in the order in which they are shown.
            let beyond = |cue: &Cue| i64::from(cue.start_ms) + shift >= i64::from(end);
            if cues.last().is_none_or(beyond) {
                break;
            }
        },
    }
    Ok(out)
}

fn count_of(whole: u32) -> u32 {
    whole.div_ceil(segment_ms())
}

/// Where segment `n` of a film of `whole` milliseconds begins and ends.
fn limits_of(n: u32, whole: u32) -> (u32, u32) {
    let start = n.saturating_mul(segment_ms());
    (start, start.saturating_add(segment_ms()).min(whole))
}

fn segment_ms() -> u32 {
    HLS_WORDS.as_millis() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_tile_the_film() {
        for whole in [1, 59_999, 60_000, 60_001, 7_200_123] {
            let all: Vec<_> = (0..count_of(whole)).map(|n| limits_of(n, whole)).collect();
            assert_eq!(all.first().map(|first| first.0), Some(0), "{whole}");
            assert_eq!(all.last().map(|last| last.1), Some(whole));
            assert!(all.windows(2).all(|two| two[0].1 == two[1].0), "{whole}");
            assert!(all.iter().all(|(start, end)| start < end), "{whole}: none is empty");
        }
    }
}
