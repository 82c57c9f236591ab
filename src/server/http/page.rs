//! The page, embedded in the program.

use super::conditional;
use super::reply::{Refusal, Reply, reply, set};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use rust_embed::RustEmbed;

/// What the page's build made. Each text file has a compressed twin with `.gz` behind its name.
#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

const NOT_BUILT: &str = "<!doctype html><html lang=en><title>Wiidiaserver</title><h1>The page is missing</h1>\
    <p>This program was built without its page. Run <code>scripts/build-page</code>, then build it again.";

/// `GET /`
pub(super) fn page(request: &HeaderMap) -> Result<Reply, Refusal> {
    match file("index.html", request) {
        Some(mut reply) => {
            // The names of everything else change with their content, this one's does not.
            set(&mut reply, header::CACHE_CONTROL, "no-cache");
            Ok(reply)
        }
        None => Ok(reply("text/html; charset=utf-8", Bytes::from_static(NOT_BUILT.as_bytes()))),
    }
}

/// `GET /assets/<name>`
pub(super) fn asset(name: &str, request: &HeaderMap) -> Result<Reply, Refusal> {
    let mut reply = file(&format!("assets/{name}"), request).ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, format!("there is no page file \"{name}\"; load the page anew"))
    })?;
    set(&mut reply, header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    Ok(reply)
}

fn file(name: &str, request: &HeaderMap) -> Option<Reply> {
    let plain = Dist::get(name)?;
    let tag = plain.metadata.sha256_hash()[..12].iter().map(|b| format!("{b:02x}")).collect::<String>();
    let tag = HeaderValue::try_from(format!("\"{tag}\"")).ok()?;
    if conditional::has(request, &tag) {
        return Some(conditional::not_modified(tag));
    }
    let compressed = accepts_gzip(request).then(|| Dist::get(&format!("{name}.gz"))).flatten();
    let is_compressed = compressed.is_some();
    let data = match compressed.unwrap_or(plain).data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => bytes.into(),
    };
    let mut reply = reply(content_type(name), data);
    if is_compressed {
        set(&mut reply, header::CONTENT_ENCODING, "gzip");
    }
    set(&mut reply, header::VARY, "Accept-Encoding");
    reply.headers_mut().insert(header::ETAG, tag);
    Some(reply)
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|part| {
        let mut part = part.split(';');
        let named = part.next().is_some_and(|name| name.trim() == "gzip");
        // `gzip;q=0` means "anything but" (RFC 9110 12.4.2).
        named
            && part.filter_map(|p| p.trim().strip_prefix("q=")?.parse().ok()).all(|weight: f32| weight > 0.0)
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "webmanifest" => "application/json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
