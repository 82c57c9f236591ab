//! `GET /picture/<path>`: a picture of the library in the size of a screen.

use super::conditional;
use super::reply::{Refusal, Reply, reply, set};
use crate::library::{FileIdentity, LibraryPath, OpenFile};
use crate::picture::Fit;
use crate::server::App;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use std::hash::{DefaultHasher, Hash, Hasher};

pub(super) async fn picture(
    app: &App,
    path: &LibraryPath,
    fit: Fit,
    request: &HeaderMap,
) -> Result<Reply, Refusal> {
    let file = open(app, path).await?;
    let tag = tag(file.identity, fit);
    if let Some(tag) = tag.clone().filter(|tag| conditional::has(request, tag)) {
        return Ok(with_tag(conditional::not_modified(tag), None));
    }
    let jpeg = app.pictures.fit(file, fit).await.map_err(|error| Refusal::from((path, error)))?;
    Ok(with_tag(reply("image/jpeg", jpeg), tag))
}

/// Disks may sleep: not on a thread that serves.
async fn open(app: &App, path: &LibraryPath) -> Result<OpenFile, Refusal> {
    let (library, path) = (app.providers.library().clone(), path.clone());
    let opened = tokio::task::spawn_blocking(move || library.open(&path)).await;
    let gone =
        |_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the disk does not answer; try again in a moment");
    Ok(opened.map_err(gone)??)
}

/// A file that changes is another one, and so is another size.
fn tag(file: FileIdentity, fit: Fit) -> Option<HeaderValue> {
    let mut hasher = DefaultHasher::new();
    (file, fit).hash(&mut hasher);
    HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).ok()
}

fn with_tag(mut reply: Reply, tag: Option<HeaderValue>) -> Reply {
    // Asked for again when shown again: a file may change, and saying that it has not costs nothing.
    set(&mut reply, header::CACHE_CONTROL, "private, no-cache");
    if let Some(tag) = tag {
        reply.headers_mut().insert(header::ETAG, tag);
    }
    reply
}
