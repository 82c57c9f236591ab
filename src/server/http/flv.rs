//! `GET /flv/<path>`: a reel as progressive FLV.
//!
//! | the reel | the answer |
//! |---|---|
//! | complete | a file: its length, byte ranges, and the keyframes' real positions in `onMetaData` |
//! | growing | endless until it ends; the keyframe table has [virtual positions](crate::flv::VIRTUAL_POSITION_BASE) |
//! | asked from a time (`?start=`, or a virtual position) | from the keyframe at or before it; its length, when the reel is complete |

use super::body::Body;
use super::handover::SocketBody;
use super::reply::{Refusal, Reply, reply, set};
use super::route::ByteRange;
use super::send_file::{FileBody, Part};
use super::watch::{open_started, wait_for_point};
use crate::flv::VIRTUAL_POSITION_BASE;
use crate::flv::metadata::Metadata;
use crate::flv::reader::file_header;
use crate::library::LibraryPath;
use crate::limits::{FLV_INDEX_PATIENCE, MAX_METADATA_KEYFRAMES, VIRTUAL_KEYFRAME_STEP};
use crate::provider::{Providers, Wanted};
use crate::reel::{Codecs, Cursor, Phase, Piece, Reel, Seek, SeekPoint, Viewer, Whole};
use crate::time::MediaTime;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

const CONTENT_TYPE: &str = "video/x-flv";

pub(super) async fn flv(
    providers: &Arc<Providers>,
    path: &LibraryPath,
    wanted: &Wanted,
    start: Option<MediaTime>,
    range: Option<ByteRange>,
) -> Result<Reply, Refusal> {
    let named = named(providers, path).await;
    let (viewer, codecs) = open_started(providers, &named, wanted).await?;
    let reel = viewer.reel().clone();
    // An index that is nearly done makes a file of it.
    let mut progress = reel.subscribe();
    if reel.source_metadata().is_some() || reel.progress().phase != Phase::Growing {
        let indexed = progress.wait_for(|p| p.phase != Phase::Growing);
        drop(tokio::time::timeout(FLV_INDEX_PATIENCE, indexed).await);
    }
    match (start, range) {
        (_, Some(ByteRange::Virtual(time))) => Ok(from_time(viewer, Lead::MidFile, codecs, time)),
        (Some(time), _) if time > MediaTime::ZERO => Ok(from_time(viewer, Lead::FileHead, codecs, time)),
        _ => match whole_file(&reel, codecs) {
            Some(file) => Ok(file.serve(viewer, range)),
            None => Ok(growing(viewer, Lead::FileHead, codecs, MediaTime::ZERO)),
        },
    }
}

/// The file that an address of a playlist stands for.
async fn named(providers: &Arc<Providers>, path: &LibraryPath) -> LibraryPath {
    if !path.file_name().ends_with(".flv") {
        return path.clone();
    }
    let (library, asked) = (providers.library().clone(), path.clone());
    let found = tokio::task::spawn_blocking(move || library.behind_flv(&asked)).await;
    found.ok().flatten().unwrap_or_else(|| path.clone())
}

/// What precedes the first tag.
#[derive(Clone, Copy, PartialEq)]
enum Lead {
    /// The head of a file.
    FileHead,
    /// Nothing but sequence headers: the player takes this for the middle of the file it has.
    MidFile,
}

/// From the keyframe at or before `start` on.
fn from_time(viewer: Viewer, lead: Lead, codecs: Codecs, start: MediaTime) -> Reply {
    let reel = viewer.reel();
    let found = match reel.seek(start, Instant::now()) {
        Seek::Ready(point) => reel.whole().and_then(|whole| {
            let (_, at) = *whole.points.iter().find(|(time, _)| *time == point.time)?;
            Some((lead_in(reel, lead, codecs, point), cut_out(whole.pieces, at..u64::MAX)))
        }),
        Seek::Pending { .. } | Seek::Empty => None,
    };
    match found {
        Some((head, parts)) => {
            let parts = [Part::Bytes(head)].into_iter().chain(parts).collect();
            reply(CONTENT_TYPE, SocketBody::File(FileBody::new(viewer, parts)))
        }
        None => growing(viewer, lead, codecs, start),
    }
}

fn growing(viewer: Viewer, lead: Lead, codecs: Codecs, start: MediaTime) -> Reply {
    let first = async move {
        let point = wait_for_point(&viewer, start).await?;
        let head = lead_in(viewer.reel(), lead, codecs, point);
        let cursor = Cursor::new(viewer.reel().clone(), point);
        Ok::<_, io::Error>((head, tags_from(viewer, cursor)))
    };
    let pieces = stream::once(first).flat_map(|first| match first {
        Ok((head, tags)) => stream::once(async { Ok(head) }).chain(tags).left_stream(),
        Err(error) => stream::once(async { Err(error) }).right_stream(),
    });
    reply(CONTENT_TYPE, Body::pieces(pieces))
}

/// What precedes the tags from `point` on.
fn lead_in(reel: &Reel, lead: Lead, codecs: Codecs, point: SeekPoint) -> Bytes {
    let mut head = BytesMut::new();
    if lead == Lead::FileHead {
        head.put_slice(&file_header(codecs.video.is_some(), codecs.audio.is_some()));
        metadata(reel, codecs, virtual_keyframes(reel)).to_tag().encode_into(&mut head);
    }
    reel.headers_at(point).iter().for_each(|tag| tag.encode_into(&mut head));
    head.freeze()
}

/// The tags from a cursor on, as the bytes they are on disk.
fn tags_from(viewer: Viewer, cursor: Cursor) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((viewer, cursor), async |(viewer, mut cursor)| {
        let block = cursor.next_block().await?;
        viewer.follows(&cursor);
        Ok(block.map(|block| (block, (viewer, cursor))))
    })
}

fn metadata(reel: &Reel, codecs: Codecs, keyframes: Vec<(MediaTime, u64)>) -> Metadata {
    Metadata {
        duration: reel.duration(),
        picture_size: reel.picture_size(),
        video: codecs.video,
        audio: codecs.audio,
        keyframes,
        ..Metadata::default()
    }
}

/// A table that leads anywhere in the media, converted or not.
fn virtual_keyframes(reel: &Reel) -> Vec<(MediaTime, u64)> {
    let Some(duration) = reel.duration() else { return Vec::new() };
    let step = VIRTUAL_KEYFRAME_STEP.as_millis() as usize;
    (0..duration.as_millis())
        .step_by(step.max(duration.as_millis() as usize / MAX_METADATA_KEYFRAMES))
        .map(|ms| (MediaTime::from_millis(ms), VIRTUAL_POSITION_BASE + u64::from(ms)))
        .collect()
}

/// A complete reel seen as a file: a head of ours, then its data from the first frame on.
struct WholeFile {
    head: Bytes,
    data: Whole,
}

fn whole_file(reel: &Reel, codecs: Codecs) -> Option<WholeFile> {
    let first = reel.first_point()?;
    let data = reel.whole()?;
    let step = data.points.len().div_ceil(MAX_METADATA_KEYFRAMES).max(1);
    let table = |head_len: u64| -> Vec<(MediaTime, u64)> {
        data.points.iter().step_by(step).map(|(time, at)| (*time, head_len + at)).collect()
    };
    // The head's length does not depend on the numbers in it, so the first try measures it.
    let measured = head(reel, codecs, table(0), 0, first).len() as u64;
    let head = head(reel, codecs, table(measured), measured + data.len(), first);
    Some(WholeFile { head, data })
}

fn head(reel: &Reel, codecs: Codecs, keyframes: Vec<(MediaTime, u64)>, len: u64, first: SeekPoint) -> Bytes {
    let mut head = BytesMut::new();
    head.put_slice(&file_header(codecs.video.is_some(), codecs.audio.is_some()));
    let metadata = Metadata { file_size: Some(len), ..metadata(reel, codecs, keyframes) };
    metadata.to_tag().encode_into(&mut head);
    reel.headers_at(first).iter().for_each(|tag| tag.encode_into(&mut head));
    head.freeze()
}

impl WholeFile {
    fn serve(self, viewer: Viewer, range: Option<ByteRange>) -> Reply {
        let len = self.head.len() as u64 + self.data.len();
        let Some(asked) = range else {
            let mut reply = reply(CONTENT_TYPE, self.bytes(viewer, 0..len));
            set(&mut reply, header::ACCEPT_RANGES, "bytes");
            return reply;
        };
        let Some(range) = asked.within(len) else {
            let mut reply = Response::new(Bytes::new().into());
            *reply.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set_text(&mut reply, header::CONTENT_RANGE, format!("bytes */{len}"));
            return reply;
        };
        let content_range = format!("bytes {}-{}/{len}", range.start, range.end - 1);
        let mut reply = reply(CONTENT_TYPE, self.bytes(viewer, range));
        *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
        set(&mut reply, header::ACCEPT_RANGES, "bytes");
        set_text(&mut reply, header::CONTENT_RANGE, content_range);
        reply
    }

    /// The bytes in `range` of head and data together.
    fn bytes(self, viewer: Viewer, range: Range<u64>) -> SocketBody {
        let head_len = self.head.len() as u64;
        let cut = |at: u64| at.min(head_len) as usize;
        let head = self.head.slice(cut(range.start)..cut(range.end));
        let data_at = |at: u64| at.saturating_sub(head_len);
        let parts = cut_out(self.data.pieces, data_at(range.start)..data_at(range.end));
        SocketBody::File(FileBody::new(viewer, [Part::Bytes(head)].into_iter().chain(parts).collect()))
    }
}

/// What of these pieces lies in `wanted`, counted from the first one's start.
pub(super) fn cut_out(pieces: Vec<Piece>, wanted: Range<u64>) -> Vec<Part> {
    let mut at = 0;
    let mut found = Vec::new();
    for piece in pieces {
        let len = piece.len();
        let (skip, end) = (wanted.start.saturating_sub(at).min(len), wanted.end.saturating_sub(at).min(len));
        at += len;
        if skip < end {
            found.push(match piece {
                Piece::File { data, range } => {
                    Part::File { data, range: range.start + skip..range.start + end }
                }
                Piece::Headers(bytes) => Part::Bytes(bytes.slice(skip as usize..end as usize)),
            });
        }
    }
    found
}

fn set_text(reply: &mut Reply, name: header::HeaderName, value: String) {
    // Digits and ASCII words of ours are always a valid value.
    if let Ok(value) = HeaderValue::try_from(value) {
        reply.headers_mut().insert(name, value);
    }
}
