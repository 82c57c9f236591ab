//! `GET /download/<path>`: a file of the library as it is, in whole or in part.

use super::body::Body;
use super::conditional;
use super::handover::SocketBody;
use super::library::blocking;
use super::reply::{Refusal, Reply, reply, set};
use super::route::ByteRange;
use super::send_file::FileBody;
use crate::library::{FileIdentity, Kind, LibraryError, LibraryPath, OpenFile};
use crate::server::App;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::{Digest, Sha1};

/// Only what listings show: neither hidden files nor what is no media.
pub(super) async fn download(app: &App, path: LibraryPath, request: &HeaderMap) -> Result<Reply, Refusal> {
    let name = path.file_name();
    let is_hidden = path.names().iter().any(|name| name.as_encoded_bytes().starts_with(b"."));
    if is_hidden || Kind::of_file_name(&name).is_none() {
        // A folder says so itself.
        let library = app.providers.library().clone();
        let is_folder = !is_hidden && library.is_folder(&path);
        return Err(
            if is_folder { LibraryError::IsFolder(path) } else { LibraryError::NotFound(path) }.into()
        );
    }
    let library = app.providers.library().clone();
    let file = blocking(move || library.open(&path)).await?;
    let mut reply = send(file, &name, request)?;
    let disposition =
        format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&name, NON_ALPHANUMERIC));
    if reply.status().is_success() {
        set_text(&mut reply, header::CONTENT_DISPOSITION, disposition);
    }
    Ok(reply)
}

/// A file as it is, in whole or in part.
pub(super) fn send(file: OpenFile, name: &str, request: &HeaderMap) -> Result<Reply, Refusal> {
    let tag = tag(file.identity)?;
    let changed = http_date(file.identity);
    if conditional::has(request, &tag) {
        return Ok(conditional::not_modified(tag));
    }
    // A part of another version is of no use (RFC 9110 13.1.5).
    let is_same = request.get(header::IF_RANGE).is_none_or(|known| {
        *known == tag || changed.as_deref().is_some_and(|changed| known.as_bytes() == changed.as_bytes())
    });
    let asked = request.get(header::RANGE).filter(|_| is_same).and_then(|range| range.to_str().ok());
    let asked = asked.and_then(ByteRange::parse);
    let (status, range) = match asked.map(|asked| asked.within(file.len)) {
        None => (StatusCode::OK, 0..file.len),
        Some(Some(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(None) => {
            let mut reply = Response::new(Bytes::new().into());
            *reply.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set_text(&mut reply, header::CONTENT_RANGE, format!("bytes */{}", file.len));
            return Ok(reply);
        }
    };
    let content_range = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), file.len);
    let body = if range.is_empty() {
        Body::from(Bytes::new())
    } else {
        SocketBody::File(FileBody::of_file(file.file, range)).into()
    };
    let mut reply = reply(content_type(name), body);
    *reply.status_mut() = status;
    if status == StatusCode::PARTIAL_CONTENT {
        set_text(&mut reply, header::CONTENT_RANGE, content_range);
    }
    set(&mut reply, header::ACCEPT_RANGES, "bytes");
    set(&mut reply, header::CACHE_CONTROL, "private, no-cache");
    if let Some(changed) = changed {
        set_text(&mut reply, header::LAST_MODIFIED, changed);
    }
    reply.headers_mut().insert(header::ETAG, tag);
    Ok(reply)
}

/// A file that changes is another one.
pub(super) fn tag(file: FileIdentity) -> Result<HeaderValue, Refusal> {
    let version = format!("{}-{}-{}", file.file().inode(), file.len(), file.modified_ns());
    let tag = format!("\"{}\"", HEXLOWER.encode(&Sha1::digest(version)[..12]));
    HeaderValue::try_from(tag)
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// When it was changed, as HTTP writes times.
fn http_date(file: FileIdentity) -> Option<String> {
    let seconds = i64::try_from(file.modified_ns() / 1_000_000_000).ok()?;
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()
}

/// By extension: players go by it before they look inside.
pub(super) fn content_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    match extension.as_str() {
        "avi" | "divx" | "xvid" => "video/x-msvideo",
        "mkv" => "video/x-matroska",
        "mp4" | "m4v" => "video/mp4",
        "mov" | "qt" => "video/quicktime",
        "webm" => "video/webm",
        "flv" | "f4v" => "video/x-flv",
        "mpg" | "mpeg" | "mpe" | "m1v" | "m2v" | "vob" => "video/mpeg",
        "ts" | "m2ts" | "mts" => "video/mp2t",
        "ogv" | "ogm" => "video/ogg",
        "wmv" | "asf" => "video/x-ms-wmv",
        "3gp" => "video/3gpp",
        "mp3" => "audio/mpeg",
        "m4a" | "m4b" | "aac" => "audio/mp4",
        "ogg" | "oga" | "opus" | "spx" => "audio/ogg",
        "flac" => "audio/flac",
        "wav" => "audio/wav",
        "wma" => "audio/x-ms-wma",
        "jpg" | "jpeg" | "jpe" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        "heic" | "heif" => "image/heic",
        "avif" => "image/avif",
        _ => "application/octet-stream",
    }
}

fn set_text(reply: &mut Reply, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        reply.headers_mut().insert(name, value);
    }
}
