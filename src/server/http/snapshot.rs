//! `GET /live/<key>.jpg`: a live stream's picture as it is now.

use super::reply::{Refusal, Reply, reply, set};
use crate::limits::SNAPSHOT_SIZE;
use crate::picture::Fit;
use crate::server::App;
use crate::snapshot::SnapshotError;
use crate::stream::Keyframe;
use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Never starts a source: a page of tiles would keep all cameras of a house running.
pub(super) async fn picture(
    app: &App,
    key: &str,
    fit: Option<Fit>,
    request: &HeaderMap,
) -> Result<Reply, Refusal> {
    let keyframe = keyframe(app, key)?;
    let most = fit.map_or(SNAPSHOT_SIZE, Fit::sides);
    let tag = tag(&keyframe, most);
    if request.get(header::IF_NONE_MATCH).is_some_and(|known| Some(known) == tag.as_ref()) {
        let mut reply = Response::new(Bytes::new().into());
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(with_tag(reply, tag));
    }
    let taken = app.snapshots.of(key, &keyframe, most).await;
    let taken = taken.map_err(|error| Refusal::from((key, error)))?;
    Ok(with_tag(reply("image/jpeg", taken.jpeg), tag))
}

/// The last one of the stream, or the one that a source showed before it went to rest.
fn keyframe(app: &App, key: &str) -> Result<Keyframe, Refusal> {
    let missing = |text: String| Err(Refusal::new(StatusCode::NOT_FOUND, text));
    let stream = app.streams.find(key);
    if let Some(keyframe) = stream.as_ref().and_then(|stream| stream.keyframe()) {
        return Ok(keyframe);
    }
    if let Some(keyframe) = app.sources.last_keyframe(key) {
        return Ok(keyframe);
    }
    match stream {
        Some(stream) if stream.is_on_air() && stream.has_any() && !stream.has_video() => {
            missing(format!("\"{key}\" has sound only, there is no picture of it"))
        }
        Some(stream) if stream.is_on_air() => Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("\"{key}\" has sent no whole picture yet; try again in a moment"),
        )),
        _ if app.sources.provides(key) || app.relays.provides(key) => Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "\"{key}\" rests, and there is no picture of it yet; there is one once somebody watches it"
            ),
        )),
        _ => missing(format!("nobody publishes \"{key}\"; start the encoder, then try again")),
    }
}

/// Another picture has another one, and so has another size.
fn tag(keyframe: &Keyframe, most: (u16, u16)) -> Option<HeaderValue> {
    let mut hasher = DefaultHasher::new();
    (&keyframe.frame.body, keyframe.header.as_ref().map(|header| &header.body), most).hash(&mut hasher);
    HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).ok()
}

fn with_tag(mut reply: Reply, tag: Option<HeaderValue>) -> Reply {
    set(&mut reply, header::CACHE_CONTROL, "private, no-cache");
    if let Some(tag) = tag {
        reply.headers_mut().insert(header::ETAG, tag);
    }
    reply
}

impl From<(&str, SnapshotError)> for Refusal {
    fn from((key, error): (&str, SnapshotError)) -> Self {
        let status = match error {
            SnapshotError::UnknownCodec => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            SnapshotError::NotShown(_) | SnapshotError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, format!("\"{key}\" {error}"))
    }
}
