//! Listings: for the page, and as the 2007 player reads them.

use super::index;
use super::reply::{Refusal, Reply, json, reply};
use super::web;
use crate::library::{FileIdentity, Kind, LibraryPath, Listing};
use crate::provider::Providers;
use crate::server::App;
use crate::time::MediaTime;
use crate::web_address::WEB_FOLDER;
use bytes::Bytes;
use hyper::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Folder {
    path: String,
    entries: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    name: String,
    path: String,
    kind: Kind,
    size: Option<u64>,
    duration: Option<f64>,
    /// The codecs in words.
    video: Option<String>,
    audio: Option<String>,
    /// An address.
    poster: Option<String>,
}

/// `GET /api/v1/library/<path>`: what is known of the files by now. What is not is found out afterwards.
pub(super) async fn list(app: &App, path: LibraryPath) -> Result<Reply, Refusal> {
    if web::is_folder(&path) {
        let entries = web::listing(app).into_iter();
        let entries = entries.map(|(name, path)| Item::bare(name, &path, web::SHOWN_AS)).collect();
        return Ok(json(&Folder { path: path.percent_encoded(), entries }));
    }
    let listing = read(&app.providers, path).await?;
    let path_of = |entry: &crate::library::Entry| listing.path.join(&entry.os_name);
    let playable = listing.entries.iter().filter(|entry| entry.kind.is_playable());
    let files: Vec<(LibraryPath, FileIdentity)> =
        playable.filter_map(|entry| Some((path_of(entry), entry.identity?))).collect();
    let briefs = app.index.briefs(files.iter().map(|(path, file)| (path, *file)));
    let mut known = files.iter().zip(briefs);
    let item = |entry: &crate::library::Entry| {
        let path = path_of(entry).percent_encoded();
        let brief = entry.identity.filter(|_| entry.kind.is_playable()).and_then(|file| {
            let ((_, _), brief) = known.next()?;
            let growing = app.providers.growing().find(file.file());
            Some((growing.map(|reel| reel.playable(MediaTime::ZERO)), brief.unwrap_or_default()))
        });
        let (growing, brief) = brief.unwrap_or_default();
        let duration = growing.or(brief.duration_ms.map(MediaTime::from_millis));
        Item {
            name: entry.name.clone(),
            kind: entry.kind,
            size: entry.size,
            duration: duration.map(MediaTime::as_secs_f64),
            video: brief.video.map(|codec| codec.to_string()),
            audio: brief.audio.map(|codec| codec.to_string()),
            poster: brief.poster.map(|id| index::address("poster", &path, &id)),
            path,
        }
    };
    let mut entries: Vec<Item> = listing.entries.iter().map(item).collect();
    // What the owner named on the web is found beside the disk's folders.
    if listing.path.is_top() && !web::listing(app).is_empty() {
        let folder = listing.path.join(WEB_FOLDER.as_ref());
        entries.insert(0, Item::bare("Web".to_owned(), &folder, Kind::Folder));
    }
    Ok(json(&Folder { path: listing.path.percent_encoded(), entries }))
}

impl Item {
    /// Something of which no more is known.
    fn bare(name: String, path: &LibraryPath, kind: Kind) -> Self {
        let path = path.percent_encoded();
        Self { name, path, kind, size: None, duration: None, video: None, audio: None, poster: None }
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
    let (status, directory) = match read(providers, path).await {
        Ok(listing) => {
            let (folders, files): (Vec<_>, Vec<_>) =
                listing.entries.into_iter().partition(|e| e.kind == Kind::Folder);
            let names = |entries: Vec<crate::library::Entry>| {
                let mut names: Vec<String> = entries.into_iter().map(|e| e.name).collect();
                names.sort();
                names
            };
            (StatusCode::OK, Directory { aDir: names(folders), aFile: names(files) })
        }
        Err(refusal) => (refusal.status, Directory::default()),
    };
    let text = serde_json::to_string(&directory).unwrap_or_default();
    let body = format!("result={}", utf8_percent_encode(&text, NON_ALPHANUMERIC));
    let mut reply = reply("application/x-www-form-urlencoded", Bytes::from(body));
    *reply.status_mut() = status;
    reply
}

async fn read(providers: &Arc<Providers>, path: LibraryPath) -> Result<Listing, Refusal> {
    let library = providers.library().clone();
    // A disk that has to spin up must not hold up other connections.
    let listing = tokio::task::spawn_blocking(move || library.list(&path)).await;
    Ok(listing.map_err(|e| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))??)
}
