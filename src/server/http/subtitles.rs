//! `GET /subtitles/<path>?track=…`: subtitles as WebVTT, which pages show over the film.

use super::body::Body;
use super::reply::{Refusal, Reply, reply};
use crate::choice::TrackChoice;
use crate::library::LibraryPath;
use crate::limits::FIRST_CUE_PATIENCE;
use crate::provider::{Providers, Subtitles, SubtitlesError, TextReader, TextSource, Wanted};
use crate::subtitles::{Cue, HEAD, to_webvtt, write_cue};
use bytes::Bytes;
use futures_util::stream;
use hyper::StatusCode;
use std::io;
use std::sync::Arc;

/// The address of a track of text.
pub(super) fn address(path: &LibraryPath, track: usize) -> String {
    format!("/subtitles/{}?track={track}", path.percent_encoded())
}

const WEBVTT: &str = "text/vtt; charset=utf-8";

/// Those of a film that is read for them come while it is read.
pub(super) async fn subtitles(
    providers: &Arc<Providers>,
    path: &LibraryPath,
    track: &TrackChoice,
    wanted: &Wanted,
) -> Result<Reply, Refusal> {
    let Subtitles { shift_ms, text } = providers.subtitles(path, track, &wanted.form).await?;
    let mut reader = match text {
        TextSource::File(cues) => return Ok(reply(WEBVTT, Bytes::from(to_webvtt(&cues, shift_ms)))),
        TextSource::Film(reader) => reader,
    };
    let first = match tokio::time::timeout(FIRST_CUE_PATIENCE, reader.next()).await {
        Ok(Ok(cues)) => Some(cues),
        Ok(Err(reason)) => return Err(SubtitlesError::Unreadable { name: path.file_name(), reason }.into()),
        // The first word may be said late in a film.
        Err(_) => None,
    };
    let begin = Some((reader, HEAD.to_owned(), first));
    Ok(reply(WEBVTT, Body::pieces(stream::unfold(begin, move |next| piece(next, shift_ms)))))
}

type Next = (TextReader, String, Option<Vec<Cue>>);

/// What has come so far, behind `out`; then the rest. A film that cannot be read to its end breaks off.
async fn piece(next: Option<Next>, shift_ms: i64) -> Option<(io::Result<Bytes>, Option<Next>)> {
    let (mut reader, mut out, cues) = next?;
    let cues = match cues {
        None if !out.is_empty() => return Some((Ok(out.into()), Some((reader, String::new(), None)))),
        Some(cues) => cues,
        None => match reader.next().await {
            Ok(cues) => cues,
            Err(reason) => return Some((Err(io::Error::other(reason)), None)),
        },
    };
    let is_end = cues.is_empty();
    cues.iter().for_each(|cue| write_cue(&mut out, cue, shift_ms));
    if is_end && out.is_empty() {
        return None;
    }
    Some((Ok(out.into()), (!is_end).then(|| (reader, String::new(), None))))
}

impl From<SubtitlesError> for Refusal {
    fn from(error: SubtitlesError) -> Self {
        let status = match error {
            SubtitlesError::Library(error) => return error.into(),
            SubtitlesError::NoTrack(_) => StatusCode::NOT_FOUND,
            SubtitlesError::Pictures { .. } | SubtitlesError::Unreadable { .. } => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            SubtitlesError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}
