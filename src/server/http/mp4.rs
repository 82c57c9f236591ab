//! `GET /mp4/<path>`: one MP4 file, for televisions and programs that know neither HLS nor a page's script.
//!
//! | the reel | the answer |
//! |---|---|
//! | complete | a finished file: its length, byte ranges, `moov` first, and the reel's data as `mdat` |
//! | growing, or with several configurations, or too long | fragments, as `/fmp4/` sends them |

use super::flv::cut_out;
use super::fmp4::fragments;
use super::handover::SocketBody;
use super::hls::{configs_of, ranged};
use super::reply::{Refusal, Reply};
use super::send_file::{FileBody, Part};
use super::watch::open_started;
use crate::flv::codec::{AudioHeader, Packet, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::fmp4::whole::Whole as Movie;
use crate::library::LibraryPath;
use crate::limits::{MP4_TABLES_BYTES, MP4_TABLES_KEPT, MP4_TABLES_PATIENCE};
use crate::provider::Wanted;
use crate::reel::{Cursor, Piece, Reel, Whole};
use crate::server::App;
use crate::time::MediaTime;
use bytes::Bytes;
use hyper::header::HeaderMap;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What goes before the data of the films that were played last.
#[derive(Default)]
pub(crate) struct Tables(Mutex<VecDeque<(Weak<Reel>, Bytes)>>);

impl Tables {
    fn find(&self, reel: &Arc<Reel>) -> Option<Bytes> {
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = tables.iter().find(|(of, _)| of.as_ptr() == Arc::as_ptr(reel));
        found.map(|(_, head)| head.clone())
    }

    fn keep(&self, reel: &Arc<Reel>, head: Bytes) {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Reels that are gone, and this one if somebody else was as quick.
        tables.retain(|(of, _)| of.strong_count() > 0 && of.as_ptr() != Arc::as_ptr(reel));
        tables.push_back((Arc::downgrade(reel), head));
        let bytes =
            |tables: &VecDeque<(Weak<Reel>, Bytes)>| tables.iter().map(|(_, head)| head.len()).sum::<usize>();
        while tables.len() > MP4_TABLES_KEPT || bytes(&tables) > MP4_TABLES_BYTES {
            tables.pop_front();
        }
    }
}

/// `GET /mp4/<path>`
pub(super) async fn mp4(
    app: &App,
    path: &LibraryPath,
    wanted: &Wanted,
    request: &HeaderMap,
) -> Result<Reply, Refusal> {
    let (viewer, codecs) = open_started(&app.providers, path, wanted).await?;
    let reel = viewer.reel().clone();
    let (Some(data), 1) = (reel.whole(), reel.configurations().len()) else {
        return Ok(fragments(viewer, codecs, MediaTime::ZERO));
    };
    // Another encoder's parameter sets in its middle need a sample entry of their own.
    if data.pieces.iter().any(|piece| matches!(piece, Piece::Headers(_))) {
        return Ok(fragments(viewer, codecs, MediaTime::ZERO));
    }
    let head = match app.mp4_tables.find(&reel) {
        Some(head) => head,
        None => match tokio::time::timeout(MP4_TABLES_PATIENCE, head(&reel, &data)).await {
            Ok(Ok(head)) => {
                app.mp4_tables.keep(&reel, head.clone());
                head
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, file = path.file_name(), "no tables for it; it is sent in fragments");
                return Ok(fragments(viewer, codecs, MediaTime::ZERO));
            }
            Err(_) => return Ok(fragments(viewer, codecs, MediaTime::ZERO)),
        },
    };
    let content_type = if codecs.video.is_some() { "video/mp4" } else { "audio/mp4" };
    let head_len = head.len() as u64;
    Ok(ranged(request, content_type, head_len + data.len(), |range| {
        let cut = |at: u64| at.min(head_len) as usize;
        let front = Part::Bytes(head.slice(cut(range.start)..cut(range.end)));
        let in_data = range.start.saturating_sub(head_len)..range.end.saturating_sub(head_len);
        let parts = [front].into_iter().chain(cut_out(data.pieces, in_data)).collect();
        SocketBody::File(FileBody::new(viewer, parts)).into()
    }))
}

/// Looks at every frame, and makes the tables.
async fn head(reel: &Arc<Reel>, data: &Whole) -> io::Result<Bytes> {
    let first = reel.first_point().ok_or_else(|| io::Error::other("there is nothing in it"))?;
    let configs = configs_of(&reel.headers_at(first)).map_err(io::Error::other)?;
    let mut movie = Movie::new(configs);
    let mut cursor = Cursor::new(reel.clone(), first);
    while let Some(tag) = cursor.wait_for_tag().await? {
        let place = cursor.place_of(&tag);
        // Its place in the run of all pieces.
        let mut before = 0;
        let found = place.and_then(|(file, at)| {
            data.pieces.iter().find_map(|piece| {
                let begin = before;
                before += piece.len();
                match piece {
                    Piece::File { data, range } if Arc::ptr_eq(data, &file) && range.contains(&at) => {
                        Some(begin + at - range.start)
                    }
                    _ => None,
                }
            })
        });
        if let Some(at) = found {
            frame(&mut movie, &tag, at).map_err(io::Error::other)?;
        }
    }
    Ok(movie.head(data.len()))
}

/// A tag whose body is at `at`.
fn frame(movie: &mut Movie, tag: &Tag, at: u64) -> Result<(), crate::fmp4::whole::TooLong> {
    let place = |skip: usize| Some((at + skip as u64, (tag.body.len().checked_sub(skip)?) as u32));
    match tag.kind {
        TagKind::Video => {
            let header = VideoHeader::parse(&tag.body).filter(|header| header.packet == Packet::Frame);
            let Some((header, place)) = header.and_then(|header| Some((header, place(header.data_offset)?)))
            else {
                return Ok(());
            };
            if place.1 == 0 {
                return Ok(());
            }
            movie.picture(tag.timestamp, header.composition_ms, header.keyframe, place)
        }
        TagKind::Audio => {
            let header = AudioHeader::parse(&tag.body).filter(|header| header.packet == Packet::Frame);
            match header.and_then(|header| place(header.data_offset)) {
                Some(place) if place.1 > 0 => movie.sound(tag.timestamp, place),
                _ => Ok(()),
            }
        }
        TagKind::Script => Ok(()),
    }
}
