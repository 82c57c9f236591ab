//! `/api/v1/web/<address>`: what an address of the web means. And the folder of the web among the library's.

use super::reply::{Refusal, Reply, json};
use crate::library::{Kind, LibraryPath};
use crate::provider::{Web, WebError, is_stream};
use crate::server::App;
use crate::web_address::{WEB_FOLDER, WebAddress};
use crate::web_media::{Found, Play, component};
use crate::{source, source_url};
use hyper::StatusCode;
use serde::Serialize;
use std::os::unix::ffi::OsStrExt;
use utoipa::ToSchema;

/// What an address of the web means.
#[derive(Serialize, ToSchema)]
#[schema(as = WebAddress)]
pub(super) struct Description<'a> {
    /// Without user, password and query.
    address: String,
    /// For all addresses that take a path of the library.
    path: String,
    /// "film" or "stream".
    kind: &'static str,
    title: String,
    /// Who found it.
    by: &'a str,
    /// A stream's name: `rtmp://box/live/<name>`, `/live/<name>.flv`.
    live: Option<String>,
    /// What else there is, what is played first among them.
    entries: Vec<Entry>,
    /// What people ought to know where yt-dlp found it.
    notice: Option<&'static str>,
}

/// One of several.
#[derive(Serialize, ToSchema)]
#[schema(as = WebEntry)]
pub(super) struct Entry {
    title: String,
    path: String,
    address: String,
    duration: Option<f64>,
}

/// What an address of the web means: a film, or a stream.
#[utoipa::path(get, path = "/api/v1/web/{address}", operation_id = "getWebAddress", tag = "library",
    params(("address" = String, Path, description = "Percent-encoded, or in base64url; or the name of a source of the web")),
    responses((status = 200, body = Description)))]
pub(super) async fn describe(app: &App, path: &LibraryPath) -> Result<Reply, Refusal> {
    let (address, found) = find(app, path).await?;
    let live = match is_stream(&found) {
        true => Some(app.sources.of_viewer(&address).map_err(busy)?),
        false => None,
    };
    let entries = found.entries.iter().filter_map(|entry| {
        let address = WebAddress::new(entry.url.clone()).ok()?;
        Some(Entry {
            title: entry.title.clone().unwrap_or_else(|| address.name()),
            path: path_of(&address),
            address: address.to_string(),
            duration: entry.duration.map(|duration| duration.as_secs_f64()),
        })
    });
    Ok(json(&Description {
        address: address.to_string(),
        path: path.percent_encoded(),
        kind: if live.is_some() { "stream" } else { "film" },
        title: found.title.clone().unwrap_or_else(|| address.name()),
        by: found.by,
        live,
        entries: entries.collect(),
        notice: (found.by == "yt-dlp").then_some(component::NOTICE),
    }))
}

/// The live stream that a path means, when it is one of the web and there is no film there. Its source is made.
pub(super) async fn stream_of(app: &App, path: &LibraryPath) -> Result<Option<String>, Refusal> {
    if app.providers.web().and_then(|web| web.address(path)).is_none() {
        return Ok(None);
    }
    let (address, found) = find(app, path).await?;
    match is_stream(&found) {
        true => app.sources.of_viewer(&address).map(Some).map_err(busy),
        false => Ok(None),
    }
}

async fn find(app: &App, path: &LibraryPath) -> Result<(WebAddress, std::sync::Arc<Found>), Refusal> {
    let closed = || Refusal::from(WebError::Closed);
    let web: &Web = app.providers.web().ok_or_else(closed)?;
    let (address, _, found) = web.find(path).await.ok_or_else(closed)??;
    match &found.play {
        Some(Play::Film { .. } | Play::Stream { .. }) => Ok((address, found)),
        None => {
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "there is nothing to play at this address"))
        }
    }
}

fn busy(text: String) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text)
}

fn path_of(address: &WebAddress) -> String {
    LibraryPath::of_web(address).percent_encoded()
}

/// Whether a path is the web's folder itself.
pub(super) fn is_folder(path: &LibraryPath) -> bool {
    matches!(path.names(), [only] if only.as_bytes() == WEB_FOLDER.as_bytes())
}

/// The films, pages and radios that have names, as a folder of the library shows them: name and path.
pub(super) fn listing(app: &App) -> Vec<(String, LibraryPath)> {
    if app.providers.web().is_none() {
        return Vec::new();
    }
    let of_web = app.sources.figures().into_iter().filter(|source| {
        matches!(source.kind, source::Kind::Network(source_url::Kind::Http))
            && source.origin != source::Origin::Viewer
    });
    let path = |name: String| {
        let path = LibraryPath::from_bytes(format!("{WEB_FOLDER}/{name}").as_bytes()).ok()?;
        Some((name, path))
    };
    of_web.filter_map(|source| path(source.name)).collect()
}

/// What an entry of the web's folder is shown as: nobody has looked whether it has pictures.
pub(super) const SHOWN_AS: Kind = Kind::Video;
