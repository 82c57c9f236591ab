//! What the index knows: of a file, in pictures, and how far it is.

use super::conditional;
use super::exposition::{Exposition, Kind};
use super::library::identify;
use super::reply::{Refusal, Reply, json, reply, set};
use crate::index::{Activity, Film, Index, Kept};
use crate::library::{FileIdentity, LibraryPath};
use crate::pipeline::{AudioTrack, Purpose, SubtitleTrack};
use crate::server::App;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The address of a picture: another one for another picture, so that it may be kept for ever.
pub(super) fn address(what: &str, path: &str, id: &str) -> String {
    format!("/api/v1/{what}/{path}?v={id}")
}

/// How much is known of a file.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
#[schema(as = InfoState)]
enum State {
    /// All that it says.
    Known,
    /// Nothing yet: it is looked at next.
    Waiting,
    /// Nothing, and `error` says why.
    Failed,
}

/// What is known of a file.
#[derive(Serialize, ToSchema)]
pub(super) struct Info {
    path: String,
    name: String,
    /// Bytes.
    size: u64,
    state: State,
    /// Why nothing is known, or why there are no pictures.
    error: Option<String>,
    /// Seconds.
    duration: Option<f64>,
    video: Option<Film>,
    audio: Vec<AudioTrack>,
    subtitles: Vec<SubtitleTrack>,
    chapters: Vec<InfoChapter>,
    /// What the file says of itself: `title`, `artist`, `date`.
    tags: BTreeMap<String, String>,
    /// The address of the picture that stands for it.
    poster: Option<String>,
    bar: Option<InfoBar>,
}

/// A named place in a film.
#[derive(Serialize, ToSchema)]
#[schema(as = Chapter)]
struct InfoChapter {
    /// Seconds.
    start: f64,
    title: String,
}

/// Small pictures for the seek bar, all in one JPEG.
#[derive(Serialize, ToSchema)]
#[schema(as = Bar)]
struct InfoBar {
    address: String,
    /// Pixels of one tile.
    width: u16,
    height: u16,
    /// Tiles in a row.
    columns: u16,
    /// What each tile shows, in seconds, row by row.
    times: Vec<f64>,
}

/// What is known of a file by now; what is not is found out next. Starts no conversion.
#[utoipa::path(get, path = "/api/v1/info/{path}", operation_id = "getInfo", tag = "library",
    params(("path" = String, Path, description = "Of a file: names percent-encoded, with slashes between them")),
    responses((status = 200, body = Info)))]
pub(super) async fn info(app: &App, path: LibraryPath) -> Result<Reply, Refusal> {
    let file = identify(app, &path).await?;
    let known = app.index.knowledge(&path, file);
    let state = match &known {
        Some(known) if known.details.is_some() => State::Known,
        Some(known) if known.failure.is_some() => State::Failed,
        _ => State::Waiting,
    };
    let known = known.unwrap_or_default();
    let details = known.details.unwrap_or_default();
    let encoded = path.percent_encoded();
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
        subtitles: details.subtitles,
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

/// The picture that stands for a file.
#[utoipa::path(get, path = "/api/v1/poster/{path}", operation_id = "getPoster", tag = "library",
    params(("path" = String, Path, description = "Of a file: names percent-encoded, with slashes between them"), ("v" = Option<String>, Query, description = "Which version of it: as a listing says")),
    responses((status = 200, content_type = "image/jpeg", body = [u8])))]
pub(super) async fn poster(
    app: &App,
    path: LibraryPath,
    version: Option<&str>,
    headers: &HeaderMap,
) -> Result<Reply, Refusal> {
    picture(app, path, Purpose::Poster, version, headers).await
}

/// Small pictures of a film for the seek bar, in one.
#[utoipa::path(get, path = "/api/v1/bar/{path}", operation_id = "getBar", tag = "library",
    params(("path" = String, Path, description = "Of a file: names percent-encoded, with slashes between them"), ("v" = Option<String>, Query, description = "Which version of it: as its info says")),
    responses((status = 200, content_type = "image/jpeg", body = [u8])))]
pub(super) async fn bar(
    app: &App,
    path: LibraryPath,
    version: Option<&str>,
    headers: &HeaderMap,
) -> Result<Reply, Refusal> {
    picture(app, path, Purpose::Bar, version, headers).await
}

async fn picture(
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
    let mut reply = if conditional::has(headers, &tag) {
        conditional::not_modified(tag.clone())
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

/// How far the background is that finds out what is in files.
#[derive(Serialize, ToSchema)]
#[schema(as = IndexProgress)]
pub(super) struct Progress {
    state: Activity,
    /// Files whose content is known.
    known: usize,
    /// Files that the background is still to look at.
    waiting: usize,
    /// Files that somebody waits for.
    asked: usize,
    failed: usize,
    /// Files that are known and not there now.
    missing: usize,
    /// Files looked at since the start.
    looked: u64,
    picture_bytes: u64,
    picture_limit: u64,
    /// The first of those that failed.
    failures: Vec<ProgressFailure>,
}

/// A file that could not be looked at.
#[derive(Serialize, ToSchema)]
#[schema(as = IndexFailure)]
struct ProgressFailure {
    path: String,
    reason: String,
    attempts: u32,
    /// Seconds since 1970.
    next_try: u64,
}

/// How far the index of the library is.
#[utoipa::path(get, path = "/api/v1/index", operation_id = "getIndex", tag = "library",
    responses((status = 200, body = Progress)))]
pub(super) fn progress(index: &Index) -> Reply {
    let figures = index.figures();
    let failure = |(path, failure): (LibraryPath, crate::index::Failure)| ProgressFailure {
        path: path.percent_encoded(),
        attempts: failure.times,
        next_try: failure.again_at(),
        reason: failure.reason,
    };
    json(&Progress {
        state: figures.activity,
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
