//! The owner's own pages and files: a folder that is served at addresses that are nobody else's.
//!
//! An original `wiidiaplayer.swf` of 2007 goes there, or a Ruffle. Nothing leads out of the folder, as nothing leads
//! out of the library; the kernel sees to that in both.

use super::handover::SocketBody;
use super::reply::{Refusal, Reply, reply, set};
use super::route::ByteRange;
use super::send_file::FileBody;
use crate::library::{FileIdentity, Library, LibraryError, LibraryPath, OpenFile};
use crate::server::App;
use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use std::ffi::OsString;
use std::sync::Arc;

/// Pages of other makes have scripts and styles in them, and players made of WebAssembly; all of them from here.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline' \
    'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; \
    connect-src 'self'; worker-src 'self' blob:; object-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// The file of this address; `None` when there is none, or no folder.
pub(super) async fn file(app: &App, address: &str, request: &HeaderMap) -> Option<Result<Reply, Refusal>> {
    let www = app.www.clone()?;
    let path = LibraryPath::from_percent_encoded(address).ok()?;
    let opened = open(www.clone(), path.clone()).await;
    let (path, opened) = match opened {
        Err(LibraryError::IsFolder(_)) => {
            let index = path.join(&OsString::from("index.html"));
            let opened = open(www.clone(), index.clone()).await;
            (index, opened)
        }
        opened => (path, opened),
    };
    match opened {
        Ok(plain) => {
            let squeezed = path.split_last().filter(|_| accepts_gzip(request));
            let squeezed = squeezed.map(|(folder, name)| {
                let mut name = name.to_owned();
                name.push(".gz");
                folder.join(&name)
            });
            let squeezed = match squeezed {
                Some(path) => open(www, path).await.ok(),
                None => None,
            };
            Some(Ok(answer(&path.file_name(), plain, squeezed, request)))
        }
        Err(LibraryError::NotFound(_) | LibraryError::IsFolder(_) | LibraryError::NotFolder(_)) => None,
        Err(error) => Some(Err(error.into())),
    }
}

/// Whether a file of this name is in the folder.
pub(super) async fn has(app: &App, path: &str) -> bool {
    let (Some(www), Ok(path)) = (app.www.clone(), LibraryPath::from_percent_encoded(path)) else {
        return false;
    };
    tokio::task::spawn_blocking(move || www.is_file(&path)).await.unwrap_or(false)
}

async fn open(www: Arc<Library>, path: LibraryPath) -> Result<OpenFile, LibraryError> {
    let error = path.clone();
    let opened = tokio::task::spawn_blocking(move || www.open(&path)).await;
    opened
        .unwrap_or_else(|failed| Err(LibraryError::Io { path: error, error: std::io::Error::other(failed) }))
}

/// A file, or how much of it is asked for. `squeezed` is the same, made small by gzip.
fn answer(name: &str, plain: OpenFile, squeezed: Option<OpenFile>, request: &HeaderMap) -> Reply {
    let tag = tag(&plain.identity);
    if request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        let mut reply = Response::new(Bytes::new().into());
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        return tagged(reply, &tag);
    }
    let asked = request.get(header::RANGE).and_then(|value| ByteRange::parse(value.to_str().ok()?));
    let squeezed = squeezed.filter(|_| asked.is_none());
    let is_squeezed = squeezed.is_some();
    let file = squeezed.unwrap_or(plain);
    let len = file.len;
    let range = match asked.map(|asked| asked.within(len)) {
        None => 0..len,
        Some(Some(range)) => range,
        Some(None) => {
            let mut reply = Response::new(Bytes::new().into());
            *reply.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set_text(&mut reply, header::CONTENT_RANGE, format!("bytes */{len}"));
            return reply;
        }
    };
    let body = FileBody::of_file(file.file, range.clone());
    let mut reply = reply(content_type(name), SocketBody::File(body));
    if asked.is_some() {
        *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
        set_text(&mut reply, header::CONTENT_RANGE, format!("bytes {}-{}/{len}", range.start, range.end - 1));
    }
    if is_squeezed {
        set(&mut reply, header::CONTENT_ENCODING, "gzip");
    }
    set(&mut reply, header::ACCEPT_RANGES, "bytes");
    set(&mut reply, header::VARY, "Accept-Encoding");
    // What the owner changes is seen at once.
    set(&mut reply, header::CACHE_CONTROL, "no-cache");
    set(&mut reply, header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    tagged(reply, &tag)
}

fn tag(identity: &FileIdentity) -> String {
    format!("\"{:x}-{:x}\"", identity.len(), identity.modified_ns())
}

fn tagged(mut reply: Reply, tag: &str) -> Reply {
    set_text(&mut reply, header::ETAG, tag.to_owned());
    reply
}

fn set_text(reply: &mut Reply, name: header::HeaderName, value: String) {
    // Digits and ASCII words of ours are always a valid value.
    if let Ok(value) = HeaderValue::try_from(value) {
        reply.headers_mut().insert(name, value);
    }
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    super::page::accepts_gzip(request)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase().as_str() {
        "htm" | "html" => "text/html; charset=utf-8",
        "swf" => "application/x-shockwave-flash",
        "wasm" => "application/wasm",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "xml" => "text/xml",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
