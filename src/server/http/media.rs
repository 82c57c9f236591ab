//! What the page needs to know of a file before and while it plays it.

use super::body::Body;
use super::contents::{Contents, Description, Fate, Form, ProfileEntry, profiles};
use super::reply::{Refusal, Reply, json, reply};
use super::watch::open_started;
#[allow(unused_imports)] // The description names it.
use crate::choice::Profile;
use crate::flv::aac::AacConfig;
use crate::flv::avc::AvcConfig;
use crate::flv::codec::{AAC_HEADER_LEN, AVC_HEADER_LEN};
use crate::flv::{Tag, TagKind};
use crate::fmp4::mime_type;
use crate::library::LibraryPath;
use crate::limits::{SSE_HEARTBEAT, SSE_INTERVAL};
use crate::provider::{Providers, Wanted};
use crate::reel::{Phase, Reel, Seek, Viewer};
use crate::time::MediaTime;
use bytes::Bytes;
use futures_util::{Stream, stream};
use hyper::StatusCode;
use serde::Serialize;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use utoipa::ToSchema;

/// A file that can be played, once its streams are known.
#[derive(Serialize, ToSchema)]
pub(super) struct Media {
    path: String,
    name: String,
    /// Seconds; null when nobody knows yet.
    duration: Option<f64>,
    /// Seconds that can be played by now, from the beginning.
    available: f64,
    /// All stretches that exist: start and end in seconds.
    ranges: Vec<(f64, f64)>,
    complete: bool,
    /// For Media Source Extensions.
    mime: String,
    video: Option<Video>,
    audio: Option<Audio>,
    form: Form,
    contents: Contents,
    profiles: Vec<ProfileEntry>,
}

/// The picture as it is sent.
#[derive(Serialize, ToSchema)]
struct Video {
    codec: String,
    width: u32,
    height: u32,
    #[serde(flatten)]
    fate: Fate,
}

/// The sound as it is sent.
#[derive(Serialize, ToSchema)]
struct Audio {
    codec: String,
    #[serde(flatten)]
    fate: Fate,
}

/// What is in a file and what is sent of it. Starts the conversion if one is needed.
#[utoipa::path(get, path = "/api/v1/media/{path}", operation_id = "getMedia", tag = "playing",
    params(("path" = String, Path, description = "Of a file: names percent-encoded, with slashes between them"),
        ("profile" = Option<Profile>, Query, description = "What it is made of; without it, what the owner has set"),
        ("audio" = Option<String>, Query, description = "A track's number from 0, or languages, the best first"),
        ("subtitles" = Option<String>, Query, description = "The same, or none")),
    responses((status = 200, body = Media)))]
pub(super) async fn media(
    providers: &Arc<Providers>,
    path: &LibraryPath,
    wanted: &Wanted,
) -> Result<Reply, Refusal> {
    let (viewer, codecs) = open_started(providers, path, wanted).await?;
    let reel = viewer.reel();
    let description = match providers.streams_now(reel, path).await {
        Some(streams) => Description::of(wanted, streams, path),
        None => Description::of_flv(wanted, codecs, providers.beside(path).await, path),
    };
    let headers = reel.first_point().map(|first| reel.headers_at(first)).unwrap_or_default();
    let config = |kind: TagKind, skip: usize| -> Option<Bytes> {
        let header: &Tag = headers.iter().find(|h| h.kind == kind)?;
        Some(header.body.slice(skip.min(header.body.len())..))
    };
    let unreadable = |error: String| {
        Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("\"{}\" can't be played here: {error}", path.file_name()),
        )
    };
    let avc = config(TagKind::Video, AVC_HEADER_LEN).map(|bytes| AvcConfig::parse(&bytes)).transpose();
    let avc = avc.map_err(|error| unreadable(error.to_string()))?;
    let aac = config(TagKind::Audio, AAC_HEADER_LEN).map(|bytes| AacConfig::parse(&bytes)).transpose();
    let aac = aac.map_err(|error| unreadable(error.to_string()))?;
    let progress = reel.progress();
    Ok(json(&Media {
        path: path.percent_encoded(),
        name: providers.title(path).await,
        duration: reel.duration().map(MediaTime::as_secs_f64),
        available: reel.playable(MediaTime::ZERO).as_secs_f64(),
        ranges: ranges(reel),
        complete: progress.phase == Phase::Complete,
        mime: mime_type(avc.as_ref(), aac.as_ref()),
        video: avc.map(|avc| Video {
            codec: avc.codec(),
            width: avc.width.into(),
            height: avc.height.into(),
            fate: description.video,
        }),
        audio: aac.map(|aac| Audio { codec: aac.codec(), fate: description.audio }),
        form: description.form,
        contents: description.contents,
        profiles: profiles(),
    }))
}

/// How far a conversion is: the data of an event `media`.
#[derive(Serialize, PartialEq, ToSchema)]
pub(super) struct MediaEvent {
    /// As in `Media`, like the next three.
    duration: Option<f64>,
    available: f64,
    ranges: Vec<(f64, f64)>,
    complete: bool,
    /// Seconds; null when it can be played.
    target: Option<f64>,
    /// Seconds until the target can be played; null when nobody knows.
    eta: Option<f64>,
    /// Why the conversion failed.
    error: Option<String>,
}

/// What exists, in seconds.
fn ranges(reel: &Reel) -> Vec<(f64, f64)> {
    reel.extents().into_iter().map(|(start, end)| (start.as_secs_f64(), end.as_secs_f64())).collect()
}

impl MediaEvent {
    fn of(reel: &Reel, target: Option<MediaTime>, now: Instant) -> Self {
        let progress = reel.progress();
        let pending = target.and_then(|target| match reel.seek(target, now) {
            Seek::Pending { eta, .. } => Some((target, eta)),
            Seek::Ready(_) | Seek::Empty => None,
        });
        Self {
            duration: reel.duration().map(MediaTime::as_secs_f64),
            available: reel.playable(target.unwrap_or_default()).as_secs_f64(),
            ranges: ranges(reel),
            complete: progress.phase == Phase::Complete,
            target: pending.map(|(target, _)| target.as_secs_f64()),
            eta: pending.and_then(|(_, eta)| eta).map(|eta| (eta.as_secs_f64() * 10.0).round() / 10.0),
            error: reel.failure(),
        }
    }

    /// Nothing more will change.
    fn is_last(&self) -> bool {
        self.complete || self.error.is_some()
    }

    fn encode(&self) -> Bytes {
        let data = serde_json::to_string(self).unwrap_or_default();
        Bytes::from(format!("event: media\ndata: {data}\n\n"))
    }
}

/// Events, as they happen. With a path: `media`, the progress of that file's conversion, and how long a target has to be
/// waited for, with a `MediaEvent` as data. Without: `library`, folders that have changed, with a `LibraryEvent`.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "followEvents", tag = "playing",
    params(("path" = Option<String>, Query, description = "Of a file"),
        ("target" = Option<f64>, Query, minimum = 0, description = "Seconds that somebody wants to see"),
        ("profile" = Option<Profile>, Query, description = "What it is made of; without it, what the owner has set"),
        ("audio" = Option<String>, Query, description = "A track's number from 0, or languages, the best first"),
        ("subtitles" = Option<String>, Query, description = "The same, or none")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(super) async fn events(
    providers: &Arc<Providers>,
    path: &LibraryPath,
    wanted: &Wanted,
    target: Option<MediaTime>,
) -> Result<Reply, Refusal> {
    let (viewer, _) = open_started(providers, path, wanted).await?;
    let target = target.map(|target| viewer.reel().duration().map_or(target, |end| target.min(end)));
    match target {
        Some(target) => viewer.wants(target),
        None => viewer.looks_on(),
    }
    Ok(reply("text/event-stream", Body::pieces(changes(viewer, target))))
}

fn changes(viewer: Viewer, target: Option<MediaTime>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold((viewer, None::<MediaEvent>), move |(viewer, last)| async move {
        if last.as_ref().is_some_and(MediaEvent::is_last) {
            return None;
        }
        let quiet_since = Instant::now();
        loop {
            let event = MediaEvent::of(viewer.reel(), target, Instant::now());
            if event.target.is_none() {
                // Whoever plays says so itself.
                viewer.looks_on();
            }
            if last.as_ref() != Some(&event) {
                if last.is_some() {
                    tokio::time::sleep(SSE_INTERVAL).await;
                }
                let event = MediaEvent::of(viewer.reel(), target, Instant::now());
                return Some((Ok(event.encode()), (viewer, Some(event))));
            }
            if quiet_since.elapsed() >= SSE_HEARTBEAT {
                return Some((Ok(Bytes::from_static(b": still here\n\n")), (viewer, last)));
            }
            tokio::time::sleep(SSE_INTERVAL).await;
        }
    })
}
