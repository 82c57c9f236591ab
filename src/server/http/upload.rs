//! `/api/v1/upload` and `/api/v1/files`: files that come, and what is done with them.

use super::changing::read_json;
use super::download;
use super::library::{Item, blocking, describe};
use super::reply::{Refusal, Reply, json, set};
use crate::library::LibraryPath;
use crate::limits::{MAX_SOURCE_BODY, UPLOAD_PATIENCE, UPLOAD_QUEUE};
use crate::server::App;
use crate::upload::{Names, Outcome, Replace, Upload, UploadError, Uploads, Wanted};
use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap};
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc;
use utoipa::ToSchema;

/// What the address of an upload says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Asked {
    /// Bytes that have come before.
    pub(super) offset: u64,
    /// Bytes of the whole file; without it, those of this body.
    pub(super) size: Option<u64>,
    pub(super) replace: bool,
}

/// Why an address of an upload is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}={value} is no number of bytes; write for example {key}=1048576")]
pub(super) struct AskedError {
    key: &'static str,
    value: String,
}

impl Asked {
    pub(super) fn from_query(query: Option<&str>) -> Result<Self, AskedError> {
        let mut asked = Self::default();
        let number = |key: &'static str, value: &str| {
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let number = value.parse().ok().filter(|_| digits);
            number.ok_or_else(|| AskedError { key, value: value.chars().take(40).collect() })
        };
        for pair in query.unwrap_or_default().split('&') {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("offset", value) => asked.offset = number("offset", value)?,
                ("size", value) => asked.size = Some(number("size", value)?),
                ("replace", value) => asked.replace = !matches!(value, "0" | "false"),
                _ => {}
            }
        }
        Ok(asked)
    }
}

/// Where files may come to.
#[derive(Serialize, ToSchema)]
#[schema(as = Uploads)]
pub(super) struct Folders {
    /// Paths of folders; none when this server takes no files.
    folders: Vec<String>,
    /// Bytes of the largest file.
    largest: u64,
}

/// How much of a file has come.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadProgress)]
pub(super) struct Progress {
    path: String,
    /// Bytes.
    received: u64,
}

/// What is to be done with a file or folder: one of these.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[schema(as = FileChange)]
pub(super) enum Change {
    /// It gets this path, percent-encoded.
    MoveTo(String),
    /// A folder is made here.
    MakeFolder(bool),
}

/// What a body looks like.
const EXAMPLE: &str = r#"{"move_to":"films/another%20name.avi"} or {"make_folder":true}"#;

/// The folders that take files.
#[utoipa::path(get, path = "/api/v1/uploads", operation_id = "listUploadFolders", tag = "library",
    responses((status = 200, body = Folders)))]
pub(super) fn list(uploads: &Uploads) -> Reply {
    let folders = uploads.folders().iter().map(LibraryPath::percent_encoded).collect();
    json(&Folders { folders, largest: uploads.largest() })
}

/// How much of a file that broke off has come.
#[utoipa::path(get, path = "/api/v1/upload/{path}", operation_id = "getUpload", tag = "library",
    params(("path" = String, Path, min_length = 1, description = "Of the file: names percent-encoded, with slashes between them")),
    responses((status = 200, body = Progress)))]
pub(super) async fn received(app: &App, path: LibraryPath) -> Result<Reply, Refusal> {
    let (uploads, of) = (app.uploads.clone(), path.clone());
    let received = blocking(move || uploads.received(&of)).await?;
    Ok(json(&Progress { path: path.percent_encoded(), received }))
}

/// Takes a file, or goes on with one that broke off. It is in its place when all of it is on the disk. Nothing is replaced
/// unless `replace` or `If-Match` says so.
#[utoipa::path(put, path = "/api/v1/upload/{path}", operation_id = "upload", tag = "library",
    params(("path" = String, Path, min_length = 1, description = "Of the file: names percent-encoded, with slashes between them"),
        ("offset" = Option<u64>, Query, description = "Bytes that have come before: 0 begins anew"),
        ("size" = Option<u64>, Query, description = "Bytes of the whole file; without it, it ends with this body"),
        ("replace" = Option<bool>, Query, description = "A file of that name gives way")),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 201, body = Item, description = "It is there"), (status = 200, body = Item, description = "It took another one's place"),
        (status = 202, body = Progress, description = "The rest is still to come")))]
pub(super) async fn take(
    app: &App,
    headers: &HeaderMap,
    path: LibraryPath,
    asked: Asked,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let length = body.size_hint().exact();
    let Some(size) = asked.size.or(length.and_then(|length| asked.offset.checked_add(length))) else {
        let detail =
            "nobody knows how long the file is; say size=<bytes> in the address, or send Content-Length";
        return Err(Refusal::new(StatusCode::LENGTH_REQUIRED, detail));
    };
    let replace = replace(app, headers, &path, asked).await?;
    let wanted = Wanted { offset: asked.offset, size: Some(size), replace, names: Names::Media };
    let (uploads, to) = (app.uploads.clone(), path.clone());
    let upload = blocking(move || uploads.begin(&to, wanted)).await?;
    let outcome = pour(upload, body).await?;
    let status = match outcome {
        Outcome::Created => StatusCode::CREATED,
        Outcome::Replaced => StatusCode::OK,
        Outcome::Unfinished(received) => {
            let mut reply = json(&Progress { path: path.percent_encoded(), received });
            *reply.status_mut() = StatusCode::ACCEPTED;
            return Ok(reply);
        }
    };
    tracing::info!(file = %path, size, "a file has come");
    let mut reply = file(app, path).await?;
    *reply.status_mut() = status;
    Ok(reply)
}

/// What becomes of a file that is there: `If-Match` names the version that gives way.
async fn replace(
    app: &App,
    headers: &HeaderMap,
    path: &LibraryPath,
    asked: Asked,
) -> Result<Replace, Refusal> {
    let Some(known) = headers.get(header::IF_MATCH) else {
        return Ok(if asked.replace { Replace::Yes } else { Replace::No });
    };
    if known == "*" {
        return Ok(Replace::Yes);
    }
    let version = super::library::identify(app, path).await.ok();
    match version.filter(|version| download::tag(*version).is_ok_and(|tag| tag == known)) {
        Some(version) => Ok(Replace::Only(version)),
        None => Err(UploadError::Changed(path.clone()).into()),
    }
}

/// From the socket to the disk, which may stand still for seconds: a thread writes, and the client waits when there is more
/// than a little on the way.
pub(super) async fn pour(upload: Upload, mut body: Incoming) -> Result<Outcome, Refusal> {
    let (pieces, waiting) = mpsc::channel(UPLOAD_QUEUE);
    let writing = tokio::task::spawn_blocking(move || write(upload, waiting));
    let broken = loop {
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        match tokio::time::timeout(UPLOAD_PATIENCE, frame).await {
            Err(_) => break Some(format!("nothing came for {} s", UPLOAD_PATIENCE.as_secs())),
            Ok(None) => {
                let _ = pieces.send(Piece::End).await;
                break None;
            }
            Ok(Some(Err(error))) => break Some(error.to_string()),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                // The thread has ended: it knows why.
                if pieces.send(Piece::Data(data)).await.is_err() {
                    break None;
                }
            }
        }
    };
    drop(pieces);
    let (outcome, received) = writing
        .await
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))??;
    match broken {
        // It is whole all the same.
        Some(_) if !matches!(outcome, Outcome::Unfinished(_)) => Ok(outcome),
        Some(reason) => {
            let detail = format!(
                "the file broke off: {reason}; {received} bytes have come, go on with offset={received}"
            );
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, detail))
        }
        None => Ok(outcome),
    }
}

/// What goes from the socket to the disk.
enum Piece {
    Data(Bytes),
    /// The client has said that this was all: a connection that breaks off says nothing.
    End,
}

fn write(mut upload: Upload, mut waiting: mpsc::Receiver<Piece>) -> Result<(Outcome, u64), UploadError> {
    while let Some(piece) = waiting.blocking_recv() {
        match piece {
            Piece::Data(data) => upload.write(&data)?,
            Piece::End => upload.whole(),
        }
    }
    let received = upload.received();
    Ok((upload.finish()?, received))
}

/// Throws away what has come of a file that broke off.
#[utoipa::path(delete, path = "/api/v1/upload/{path}", operation_id = "abandonUpload", tag = "library",
    params(("path" = String, Path, min_length = 1, description = "Of the file: names percent-encoded, with slashes between them")),
    responses((status = 204)))]
pub(super) async fn abandon(app: &App, path: LibraryPath) -> Result<Reply, Refusal> {
    let uploads = app.uploads.clone();
    blocking(move || uploads.abandon(&path)).await?;
    Ok(done())
}

/// A file or folder by itself, as its folder lists it. Its `ETag` is that of its version.
#[utoipa::path(get, path = "/api/v1/files/{path}", operation_id = "getFile", tag = "library",
    params(("path" = String, Path, min_length = 1, description = "Of a file or folder: names percent-encoded, with slashes between them")),
    responses((status = 200, body = Item)))]
pub(super) async fn file(app: &App, path: LibraryPath) -> Result<Reply, Refusal> {
    let (library, of) = (app.providers.library().clone(), path.clone());
    let entry = blocking(move || library.entry_at(&of)).await?;
    let tag = entry.identity.map(download::tag).transpose()?;
    let Some(item) = describe(app, vec![(path.clone(), entry)]).pop() else {
        return Err(crate::library::LibraryError::NotFound(path).into());
    };
    let mut reply = json(&item);
    if let Some(tag) = tag {
        reply.headers_mut().insert(header::ETAG, tag);
        set(&mut reply, header::CACHE_CONTROL, "private, no-cache");
    }
    Ok(reply)
}

/// Gives a file or folder another path, or makes a folder, in the folders that take files.
#[utoipa::path(post, path = "/api/v1/files/{path}", operation_id = "changeFile", tag = "library",
    params(("path" = String, Path, min_length = 1, description = "Of a file or folder: names percent-encoded, with slashes between them")),
    request_body = Change, responses((status = 200, body = Item), (status = 201, body = Item)))]
pub(super) async fn change(
    app: &App,
    headers: &HeaderMap,
    path: LibraryPath,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let change: Change = read_json(headers, body, MAX_SOURCE_BODY, EXAMPLE).await?;
    let uploads: Arc<Uploads> = app.uploads.clone();
    match change {
        Change::MoveTo(to) => {
            let to = LibraryPath::from_percent_encoded(&to)
                .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
            let (from, new) = (path.clone(), to.clone());
            blocking(move || uploads.rename(&from, &new, Names::Media)).await?;
            tracing::info!(from = %path, %to, "renamed");
            file(app, to).await
        }
        Change::MakeFolder(true) => {
            let new = path.clone();
            blocking(move || uploads.make_folder(&new)).await?;
            let mut reply = file(app, path).await?;
            *reply.status_mut() = StatusCode::CREATED;
            Ok(reply)
        }
        Change::MakeFolder(false) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("nothing is to be done; send for example {EXAMPLE}"),
        )),
    }
}

/// Deletes a file, or an empty folder, in the folders that take files.
#[utoipa::path(delete, path = "/api/v1/files/{path}", operation_id = "deleteFile", tag = "library",
    params(("path" = String, Path, min_length = 1, description = "Of a file or folder: names percent-encoded, with slashes between them")),
    responses((status = 204)))]
pub(super) async fn remove(app: &App, path: LibraryPath) -> Result<Reply, Refusal> {
    let (uploads, gone) = (app.uploads.clone(), path.clone());
    blocking(move || uploads.remove(&gone, Names::Media)).await?;
    tracing::info!(%path, "deleted");
    Ok(done())
}

fn done() -> Reply {
    let mut reply = Response::new(Bytes::new().into());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}
