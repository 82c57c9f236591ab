//! What the index knows: of a file, in pictures, and how far it is.

use super::exposition::{Exposition, Kind};
use super::reply::{Refusal, Reply, json, reply, set};
use crate::index::{Activity, Film, Index, Kept};
use crate::library::{FileIdentity, LibraryPath};
use crate::pipeline::{AudioTrack, Purpose, SubtitleTrack};
use crate::server::App;
use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use std::collections::BTreeMap;

/// The address of a picture: another one for another picture, so that it may be kept for ever.
pub(super) fn address(what: &str, path: &str, id: &str) -> String {
    format!("/api/v1/{what}/{path}?v={id}")
}

#[derive(Serialize)]
struct Info {
    path: String,
    name: String,
    size: u64,
    /// `known`, `waiting` or `failed`.
    state: &'static str,
    error: Option<String>,
    duration: Option<f64>,
    video: Option<Film>,
    audio: Vec<AudioTrack>,
    subtitles: Vec<InfoSubtitles>,
    chapters: Vec<InfoChapter>,
    tags: BTreeMap<String, String>,
    poster: Option<String>,
    bar: Option<InfoBar>,
}

#[derive(Serialize)]
struct InfoSubtitles {
    #[serde(flatten)]
    track: SubtitleTrack,
    /// Where those of text are as WebVTT.
    address: Option<String>,
}

#[derive(Serialize)]
struct InfoChapter {
    start: f64,
    title: String,
}

#[derive(Serialize)]
struct InfoBar {
    address: String,
    /// Pixels of one tile.
    width: u16,
    height: u16,
    columns: u16,
    /// What each tile shows, row by row.
    times: Vec<f64>,
}

/// `GET /api/v1/info/<path>`
pub(super) async fn info(app: &App, path: LibraryPath) -> Result<Reply, Refusal> {
    let file = identify(app, &path).await?;
    let known = app.index.knowledge(&path, file);
    let state = match &known {
        Some(known) if known.details.is_some() => "known",
        Some(known) if known.failure.is_some() => "failed",
        _ => "waiting",
    };
    let known = known.unwrap_or_default();
    let details = known.details.unwrap_or_default();
    let encoded = path.percent_encoded();
    let subtitles = details.subtitles.into_iter().chain(app.providers.beside(&path).await).enumerate();
    let subtitles = subtitles.map(|(index, track)| InfoSubtitles {
        address: track.text.then(|| super::subtitles::address(&path, index)),
        track,
    });
    let subtitles = subtitles.collect();
    let seconds = |ms: u32| f64::from(ms) / 1000.0;
    let chapter = |chapter: crate::pipeline::Chapter| InfoChapter {
        start: chapter.start_ms as f64 / 1000.0,
        title: chapter.title,
    };
    Ok(json(&Info {
        name: path.file_name(),
        size: file.len(),
        state,
        error: known.failure.map(|failure| failure.reason),
        duration: details.duration_ms.map(seconds),
        video: details.video,
        audio: details.audio,
        subtitles,
        chapters: details.chapters.into_iter().map(chapter).collect(),
        tags: details.tags.into_iter().map(|tag| (tag.name, tag.value)).collect(),
        poster: known.poster.map(|poster| address("poster", &encoded, &poster.id)),
        bar: known.bar.map(|bar| InfoBar {
            address: address("bar", &encoded, &bar.id),
            width: bar.width,
            height: bar.height,
            columns: bar.columns,
            times: bar.times_ms.into_iter().map(seconds).collect(),
        }),
        path: encoded,
    }))
}

/// `GET /api/v1/poster/<path>` and `/api/v1/bar/<path>`
pub(super) async fn picture(
    app: &App,
    path: LibraryPath,
    purpose: Purpose,
    version: Option<&str>,
    headers: &HeaderMap,
) -> Result<Reply, Refusal> {
    let file = identify(app, &path).await?;
    let known = app.index.knowledge(&path, file).unwrap_or_default();
    let kept = match purpose {
        Purpose::Poster => known.poster,
        Purpose::Bar => known.bar,
    };
    let none = || {
        let detail = format!("there is no such picture of \"{}\" by now; try again later", path.file_name());
        Refusal::new(StatusCode::NOT_FOUND, detail)
    };
    let kept = kept.ok_or_else(none)?;
    let tag = HeaderValue::try_from(format!("\"{}\"", kept.id)).map_err(|_| none())?;
    let is_same =
        headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).is_some_and(|tags| {
            // Weak or strong makes no difference here (RFC 9110 13.1.2).
            tags.split(',').any(|other| other.trim().trim_start_matches("W/").as_bytes() == tag.as_bytes())
        });
    let mut reply = if is_same {
        let mut reply = Response::new(Bytes::new().into());
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        reply
    } else {
        let bytes = read(app.index.clone(), path.clone(), file, kept.clone()).await.ok_or_else(none)?;
        reply("image/jpeg", bytes)
    };
    let keep =
        if version == Some(kept.id.as_str()) { "public, max-age=31536000, immutable" } else { "no-cache" };
    set(&mut reply, header::CACHE_CONTROL, keep);
    reply.headers_mut().insert(header::ETAG, tag);
    Ok(reply)
}

async fn read(index: Index, path: LibraryPath, file: FileIdentity, kept: Kept) -> Option<Bytes> {
    tokio::task::spawn_blocking(move || index.picture(&path, file, &kept)).await.ok().flatten()
}

async fn identify(app: &App, path: &LibraryPath) -> Result<FileIdentity, Refusal> {
    let (library, path) = (app.providers.library().clone(), path.clone());
    let opened = tokio::task::spawn_blocking(move || library.open(&path).map(|file| file.identity)).await;
    Ok(opened.map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))??)
}

fn name(activity: Activity) -> &'static str {
    match activity {
        Activity::Off => "off",
        Activity::Walking => "walking",
        Activity::Looking => "looking",
        Activity::Paused => "paused",
        Activity::Idle => "idle",
    }
}

#[derive(Serialize)]
struct Progress {
    state: &'static str,
    known: usize,
    waiting: usize,
    asked: usize,
    failed: usize,
    missing: usize,
    looked: u64,
    picture_bytes: u64,
    picture_limit: u64,
    failures: Vec<ProgressFailure>,
}

#[derive(Serialize)]
struct ProgressFailure {
    path: String,
    reason: String,
    attempts: u32,
    /// Seconds since 1970.
    next_try: u64,
}

/// `GET /api/v1/index`
pub(super) fn progress(index: &Index) -> Reply {
    let figures = index.figures();
    let failure = |(path, failure): (LibraryPath, crate::index::Failure)| ProgressFailure {
        path: path.percent_encoded(),
        attempts: failure.times,
        next_try: failure.again_at(),
        reason: failure.reason,
    };
    json(&Progress {
        state: name(figures.activity),
        known: figures.counts.known,
        waiting: figures.waiting,
        asked: figures.asked,
        failed: figures.counts.failed,
        missing: figures.counts.missing,
        looked: figures.looked,
        picture_bytes: figures.counts.picture_bytes,
        picture_limit: figures.limit,
        failures: index.failures().into_iter().map(failure).collect(),
    })
}

/// The same for Prometheus, without names of files.
pub(super) fn metrics(text: &mut Exposition, index: &Index) {
    let figures = index.figures();
    let counts = figures.counts;
    let mut files =
        text.family("wiidia_index_files", Kind::Gauge, "files of the library, by what is known of them");
    for (state, count) in [
        ("known", counts.known),
        ("failed", counts.failed),
        ("waiting", figures.waiting),
        ("missing", counts.missing),
    ] {
        files.sample(&[("state", state)], count as f64);
    }
    let bytes = counts.picture_bytes as f64;
    text.single("wiidia_index_picture_bytes", Kind::Gauge, "bytes of posters and seek bar pictures", bytes);
    let looked = figures.looked as f64;
    text.single("wiidia_index_looked_total", Kind::Counter, "files looked at", looked);
    let spent = figures.spent.as_secs_f64();
    text.single("wiidia_index_look_seconds_total", Kind::Counter, "time spent looking at them", spent);
}
