//! `GET /hls/…`: films and live streams as HTTP Live Streaming. What a playlist says is in [`hls`](crate::hls).
//!
//! Caches between the server and its viewers may keep segments for ever and playlists for a moment: that is how
//! many viewers outside the house are served.

mod address;
mod film;
mod late;
mod linger;
mod live;
mod origin;
mod rendition;
mod sample;
mod segment;

pub(super) use address::HlsRoute;
pub(super) use film::configs_of;
pub(super) use origin::permit;

use super::reply::{Refusal, Reply, reply, set};
use super::route::ByteRange;
use crate::server::App;
use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

/// What HLS keeps between requests.
#[derive(Default)]
pub(crate) struct Hls {
    linger: Arc<linger::Lingering>,
    channels: live::Channels,
    origins: Vec<String>,
}

impl Hls {
    /// Pages of these origins may read it, beside those of the home: `https://player.example`, or `*` for all.
    pub(crate) fn with_origins(self, origins: Vec<String>) -> Self {
        Self { origins, ..self }
    }

    pub(super) fn origins(&self) -> &[String] {
        &self.origins
    }
}

/// A playlist's type (RFC 8216, 4).
const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// `GET /hls/…`
pub(super) async fn hls(
    app: &App,
    route: HlsRoute,
    headers: &HeaderMap,
    peer: SocketAddr,
) -> Result<Reply, Refusal> {
    let answer = match route {
        HlsRoute::Film(address) => film::film(app, &address, headers, peer.ip()).await,
        HlsRoute::Live { address, film } => match live::live(app, &address, headers).await {
            Err(refusal) if refusal.status == StatusCode::NOT_FOUND => match film {
                Some(film) if app.providers.library().is_file(&film.path) => {
                    film::film(app, &film, headers, peer.ip()).await
                }
                _ => Err(refusal),
            },
            answer => answer,
        },
    };
    // What somebody sees who has signed in is not for a cache that others share.
    let signed_in = headers.contains_key(header::COOKIE) || headers.contains_key(header::AUTHORIZATION);
    let answer = answer.map(|mut reply| {
        let kept = reply.headers().get(header::CACHE_CONTROL).and_then(|kept| kept.to_str().ok());
        if let Some(kept) = kept.filter(|_| signed_in).map(|kept| kept.replace("public", "private")) {
            set_text(&mut reply, header::CACHE_CONTROL, kept);
        }
        reply
    });
    // What is only not possible now: players come back when they are told when.
    answer.map_err(|refusal| match refusal.status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT if refusal.retry_after.is_none() => {
            refusal.retry_after(crate::limits::HLS_RETRY)
        }
        _ => refusal,
    })
}

fn playlist(text: String, age: &str) -> Reply {
    let mut reply = reply(PLAYLIST, Bytes::from(text));
    set_text(&mut reply, header::CACHE_CONTROL, format!("public, max-age={age}"));
    reply
}

/// What never changes under its address.
fn immutable(reply: &mut Reply) {
    set(reply, header::CACHE_CONTROL, "public, max-age=31536000, immutable");
}

fn set_text(reply: &mut Reply, name: HeaderName, value: String) {
    // Digits and ASCII words of ours are always a valid value.
    if let Ok(value) = HeaderValue::try_from(value) {
        reply.headers_mut().insert(name, value);
    }
}

/// A body of this length, or the part of it that a `Range` asks for.
pub(super) fn ranged(
    headers: &HeaderMap,
    content_type: &'static str,
    len: u64,
    body: impl FnOnce(Range<u64>) -> super::body::Body,
) -> Reply {
    let asked = headers.get(header::RANGE).and_then(|value| ByteRange::parse(value.to_str().ok()?));
    let range = match asked.filter(|asked| !matches!(asked, ByteRange::Virtual(_))) {
        None => 0..len,
        Some(asked) => match asked.within(len) {
            Some(range) => range,
            None => {
                let mut reply = Response::new(Bytes::new().into());
                *reply.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                set_text(&mut reply, header::CONTENT_RANGE, format!("bytes */{len}"));
                return reply;
            }
        },
    };
    let mut reply = reply(content_type, body(range.clone()));
    set(&mut reply, header::ACCEPT_RANGES, "bytes");
    if asked.is_some() {
        *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
        set_text(
            &mut reply,
            header::CONTENT_RANGE,
            format!("bytes {}-{}/{len}", range.start, range.end.max(1) - 1),
        );
    }
    reply
}
