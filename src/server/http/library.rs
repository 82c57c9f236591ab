//! Listings: for the page, and as the 2007 player reads them.

use super::index;
use super::reply::{Refusal, Reply, json, reply};
use crate::library::{FileIdentity, Kind, LibraryPath, Listing};
use crate::provider::Providers;
use crate::server::App;
use crate::time::MediaTime;
use bytes::Bytes;
use hyper::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A folder of the library.
#[derive(Serialize, ToSchema)]
pub(super) struct Folder {
    /// Percent-encoded, as every `path` in this interface: append it to any address as it is.
    path: String,
    /// Folders first.
    entries: Vec<Item>,
}

/// A folder or file in a listing.
#[derive(Serialize, ToSchema)]
#[schema(as = Entry)]
struct Item {
    /// For people.
    name: String,
    path: String,
    kind: Kind,
    /// Bytes; null for folders.
    size: Option<u64>,
    /// Seconds; null until it was found out.
    duration: Option<f64>,
    /// The codec of the picture in words; null until it was found out.
    video: Option<String>,
    /// The same of the first sound.
    audio: Option<String>,
    /// The address of a picture that stands for it; null while there is none.
    poster: Option<String>,
}

/// Lists a folder, with what is known of its files by now. What is not is found out afterwards.
#[utoipa::path(get, path = "/api/v1/library/{path}", operation_id = "listFolder", tag = "library",
    params(("path" = String, Path, description = "Of a folder: names percent-encoded, with slashes between them")),
    responses((status = 200, body = Folder)))]
pub(super) async fn list(app: &App, path: LibraryPath) -> Result<Reply, Refusal> {
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
    Ok(json(&Folder {
        path: listing.path.percent_encoded(),
        entries: listing.entries.iter().map(item).collect(),
    }))
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
