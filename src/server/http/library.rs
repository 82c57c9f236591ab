//! Listings: for the page, and as the 2007 player reads them.

use super::index;
use super::reply::{Refusal, Reply, json, reply};
use super::web;
use crate::library::{Entry, FileIdentity, Kind, LibraryPath, Order, Outline, PageQuery, Sort};
use crate::provider::Providers;
use crate::server::App;
use crate::time::MediaTime;
use crate::web_address::WEB_FOLDER;
use bytes::Bytes;
use hyper::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A folder of the library, or a part of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Folder {
    /// Percent-encoded, as every `path` in this interface: append it to any address as it is.
    path: String,
    /// How many entries there are, of which this may be a part.
    total: usize,
    /// How many of them come before these.
    offset: usize,
    /// Folders first.
    entries: Vec<Item>,
}

/// A folder or file in a listing.
#[derive(Serialize, ToSchema)]
#[schema(as = Entry)]
pub(super) struct Item {
    /// For people.
    pub(super) name: String,
    pub(super) path: String,
    pub(super) kind: Kind,
    /// Bytes; null for folders.
    pub(super) size: Option<u64>,
    /// When it was changed, in seconds since 1970; null for folders.
    pub(super) modified: Option<i64>,
    /// Seconds; null until it was found out.
    pub(super) duration: Option<f64>,
    /// The codec of the picture in words; null until it was found out.
    pub(super) video: Option<String>,
    /// The same of the first sound.
    pub(super) audio: Option<String>,
    /// The address of a picture that stands for it; null while there is none.
    pub(super) poster: Option<String>,
}

/// Lists a folder, with what is known of its files by now. What is not is found out afterwards.
#[utoipa::path(get, path = "/api/v1/library/{path}", operation_id = "listFolder", tag = "library",
    params(("path" = String, Path, description = "Of a folder: names percent-encoded, with slashes between them"),
        ("offset" = Option<usize>, Query, description = "Entries that are skipped"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "At most so many; all without it"),
        ("sort" = Option<Sort>, Query, description = "Files are ordered by this; folders come first, by name"),
        ("order" = Option<Order>, Query),
        ("q" = Option<String>, Query, max_length = 255, description = "Words that names must have in them; neither case nor accents count"),
        ("kind" = Option<String>, Query, pattern = "^((folder|video|audio|picture)(,(folder|video|audio|picture)){0,3})?$",
            description = "Only entries of these kinds, with commas between them")),
    responses((status = 200, body = Folder)))]
pub(super) async fn list(app: &App, path: LibraryPath, query: PageQuery) -> Result<Reply, Refusal> {
    if web::is_folder(&path) {
        let entries = web::listing(app).into_iter();
        let entries: Vec<Item> = entries.map(|(name, path)| Item::bare(name, &path, web::SHOWN_AS)).collect();
        let total = entries.len();
        return Ok(json(&Folder { path: path.percent_encoded(), total, offset: 0, entries }));
    }
    let part = page(app, path, query).await?;
    let path = part.listing.path;
    let entries = part.listing.entries.into_iter().map(|entry| (path.join(&entry.os_name), entry)).collect();
    let mut entries = describe(app, entries);
    let mut total = part.total;
    // What the owner named on the web is found beside the disk's folders.
    if path.is_top() && part.offset == 0 && !web::listing(app).is_empty() {
        entries.insert(0, Item::bare("Web".to_owned(), &path.join(WEB_FOLDER.as_ref()), Kind::Folder));
        total += 1;
    }
    Ok(json(&Folder { path: path.percent_encoded(), total, offset: part.offset, entries }))
}

/// A part of a folder, read where a disk that has to spin up holds up no other connection.
pub(super) async fn page(
    app: &App,
    path: LibraryPath,
    query: PageQuery,
) -> Result<crate::library::Page, Refusal> {
    let (library, index) = (app.providers.library().clone(), app.index.clone());
    blocking(move || library.page(&path, &query, |files| index.durations(files))).await
}

/// What a file's folder has before and behind it.
#[derive(Serialize, ToSchema)]
#[schema(as = Neighbours)]
pub(super) struct Beside {
    previous: Option<Item>,
    next: Option<Item>,
    /// Its place among what is counted, from 0; null when it is not listed.
    place: Option<usize>,
    /// How many are counted: for what plays, what plays; for a picture, pictures.
    total: usize,
}

/// What comes before and after a file in its folder.
#[utoipa::path(get, path = "/api/v1/neighbours/{path}", operation_id = "getNeighbours", tag = "library",
    params(("path" = String, Path, description = "Of a file: names percent-encoded, with slashes between them"),
        ("sort" = Option<Sort>, Query, description = "As the folder is listed"),
        ("order" = Option<Order>, Query),
        ("kind" = Option<String>, Query, pattern = "^((folder|video|audio|picture)(,(folder|video|audio|picture)){0,3})?$",
            description = "Only these kinds; without it, what plays for what plays, and pictures for a picture")),
    responses((status = 200, body = Beside)))]
pub(super) async fn neighbours(app: &App, path: LibraryPath, query: PageQuery) -> Result<Reply, Refusal> {
    let (library, index, own) = (app.providers.library().clone(), app.index.clone(), path.clone());
    let found = blocking(move || library.neighbours(&path, &query, |files| index.durations(files))).await?;
    let describe = |entry: Option<Entry>| {
        let (folder, _) = own.split_last()?;
        entry.and_then(|entry| describe(app, vec![(folder.join(&entry.os_name), entry)]).pop())
    };
    let (previous, next) = (describe(found.previous), describe(found.next));
    Ok(json(&Beside { previous, next, place: found.place, total: found.total }))
}

/// Entries as they are sent. What is not known of them is looked at next, the first of them first.
pub(super) fn describe(app: &App, entries: Vec<(LibraryPath, Entry)>) -> Vec<Item> {
    let file_of = |entry: &Entry| entry.identity.filter(|_| entry.kind.is_playable());
    let files = entries.iter().filter_map(|(path, entry)| Some((path, file_of(entry)?)));
    let mut briefs = app.index.briefs(files).into_iter();
    let item = |(path, entry): (LibraryPath, Entry)| {
        let file = file_of(&entry);
        let brief = file.and_then(|_| briefs.next()).flatten().unwrap_or_default();
        let growing = file.and_then(|file| app.providers.growing().find(file.file()));
        let growing = growing.map(|reel| reel.playable(MediaTime::ZERO));
        let duration = growing.or(brief.duration_ms.map(MediaTime::from_millis));
        let path = path.percent_encoded();
        Item {
            name: entry.name,
            kind: entry.kind,
            size: entry.size,
            modified: entry.identity.and_then(|file| i64::try_from(file.modified_ns() / 1_000_000_000).ok()),
            duration: duration.map(MediaTime::as_secs_f64),
            video: brief.video.map(|codec| codec.to_string()),
            audio: brief.audio.map(|codec| codec.to_string()),
            poster: brief.poster.map(|id| index::address("poster", &path, &id)),
            path,
        }
    };
    entries.into_iter().map(item).collect()
}

impl Item {
    /// Something of which no more is known.
    fn bare(name: String, path: &LibraryPath, kind: Kind) -> Self {
        let path = path.percent_encoded();
        let (video, audio, poster) = (None, None, None);
        Self { name, path, kind, size: None, modified: None, duration: None, video, audio, poster }
    }
}

/// `GET /getdir/<path>`: `result=` and URL-encoded JSON, as ActionScript's `LoadVars` reads it. The
/// 2007 player knows no errors: where there is nothing it sees an empty folder, and we the status.
pub(super) async fn get_dir(providers: &Arc<Providers>, path: LibraryPath) -> Reply {
    #[derive(Serialize, Default)]
    #[allow(non_snake_case)] // The names on the wire.
    struct Directory {
        aDir: Vec<String>,
        aFile: Vec<String>,
    }
    let library = providers.library().clone();
    let (status, directory) = match blocking(move || library.outline(&path)).await {
        Ok(outline) => {
            let names = |outline: &Outline, folders: bool| {
                let wanted = outline.items.iter().filter(|item| (item.kind == Kind::Folder) == folders);
                let mut names: Vec<String> =
                    wanted.map(|item| item.os_name.to_string_lossy().into_owned()).collect();
                names.sort();
                names
            };
            (StatusCode::OK, Directory { aDir: names(&outline, true), aFile: names(&outline, false) })
        }
        Err(refusal) => (refusal.status, Directory::default()),
    };
    let text = serde_json::to_string(&directory).unwrap_or_default();
    let body = format!("result={}", utf8_percent_encode(&text, NON_ALPHANUMERIC));
    let mut reply = reply("application/x-www-form-urlencoded", Bytes::from(body));
    *reply.status_mut() = status;
    reply
}

/// Does what waits for a disk, away from the threads that serve.
pub(super) async fn blocking<T: Send + 'static, E: Into<Refusal> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(error) => Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

/// Which version of a file somebody has asked for, to be looked up in the index.
pub(super) async fn identify(app: &App, path: &LibraryPath) -> Result<FileIdentity, Refusal> {
    let (library, path) = (app.providers.library().clone(), path.clone());
    blocking(move || library.open(&path).map(|file| file.identity)).await
}
