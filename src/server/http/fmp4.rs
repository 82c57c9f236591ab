//! `GET /fmp4/<path>?start=<seconds>`: a reel as fragmented MP4, for Media Source Extensions.

use super::body::Body;
use super::reply::{Refusal, Reply, reply};
use super::watch::{open_started, wait_for_point};
use crate::fmp4::{Muxer, Options};
use crate::library::LibraryPath;
use crate::provider::{Providers, Wanted};
use crate::reel::{Codecs, Cursor, Viewer};
use crate::time::MediaTime;
use bytes::Bytes;
use futures_util::stream;
use std::io;
use std::sync::Arc;

pub(super) async fn fmp4(
    providers: &Arc<Providers>,
    path: &LibraryPath,
    wanted: &Wanted,
    start: MediaTime,
) -> Result<Reply, Refusal> {
    let (viewer, codecs) = open_started(providers, path, wanted).await?;
    Ok(fragments(viewer, codecs, start))
}

/// The film from the keyframe at or before `start` on, as it comes.
pub(super) fn fragments(viewer: Viewer, codecs: Codecs, start: MediaTime) -> Reply {
    let options = Options {
        duration: viewer.reel().duration(),
        video: codecs.video.is_some(),
        audio: codecs.audio.is_some(),
    };
    let content_type = if options.video { "video/mp4" } else { "audio/mp4" };
    let first = Remux::Waiting { viewer, start, muxer: Muxer::new(options) };
    let pieces = stream::try_unfold(first, Remux::next_piece);
    reply(content_type, Body::pieces(pieces))
}

/// A reel on its way through the muxer.
enum Remux {
    /// For the place to start.
    Waiting { viewer: Viewer, start: MediaTime, muxer: Muxer },
    /// Tag by tag.
    Running { viewer: Viewer, cursor: Cursor, muxer: Muxer },
    /// The last tag is in; the muxer may still have pieces.
    Ending { muxer: Muxer },
}

impl Remux {
    async fn next_piece(mut self) -> io::Result<Option<(Bytes, Self)>> {
        loop {
            let muxer = match &mut self {
                Self::Waiting { muxer, .. } | Self::Running { muxer, .. } | Self::Ending { muxer } => muxer,
            };
            if let Some(piece) = muxer.poll_output() {
                return Ok(Some((piece, self)));
            }
            self = match self {
                Self::Waiting { viewer, start, mut muxer } => {
                    let point = wait_for_point(&viewer, start).await?;
                    for header in viewer.reel().headers_at(point) {
                        muxer.push(&header).map_err(io::Error::other)?;
                    }
                    let cursor = Cursor::new(viewer.reel().clone(), point);
                    Self::Running { viewer, cursor, muxer }
                }
                Self::Running { viewer, mut cursor, mut muxer } => match cursor.wait_for_tag().await? {
                    Some(tag) => {
                        // One damaged tag costs itself, not the film.
                        if let Err(error) = muxer.push(&tag) {
                            tracing::debug!(%error, time = %tag.timestamp, "tag left out");
                        }
                        viewer.follows(&cursor);
                        Self::Running { viewer, cursor, muxer }
                    }
                    None => {
                        muxer.finish();
                        Self::Ending { muxer }
                    }
                },
                Self::Ending { .. } => return Ok(None),
            };
        }
    }
}
