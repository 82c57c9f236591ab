//! `GET /live/<key>.mp4`: a live stream as endless fragmented MP4, for Media Source Extensions.

use super::body::Body;
use super::reply::{Refusal, Reply, reply, set};
use crate::flv::TagKind;
use crate::fmp4::{MuxError, Muxer, Options};
use crate::limits::{LIVE_HEADERS_TOGETHER, LIVE_START_TIMEOUT, WRITE_BATCH_BYTES};
use crate::server::App;
use crate::stream::{Batch, Subscription, Via};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use hyper::header::HeaderValue;
use hyper::{StatusCode, header};
use std::io;
use std::time::Instant;

/// `GET /live/<key>.mp4`: begins with the last keyframe. The codecs are in `Content-Type`, as
/// `MediaSource.addSourceBuffer` takes them.
pub(super) async fn mp4(app: &App, key: &str) -> Result<Reply, Refusal> {
    let missing = |text| Refusal::new(StatusCode::NOT_FOUND, text);
    let stream = app.live_stream(key).await.map_err(missing)?;
    let mut remux = Remux::new(stream.subscribe(Via::HttpMp4));
    let mime = match tokio::time::timeout(LIVE_START_TIMEOUT, remux.begin()).await {
        Ok(Some(mime)) => mime,
        Ok(None) | Err(_) => return Err(remux.nothing_to_show(key)),
    };
    let mut reply = reply("video/mp4", Body::pieces(stream::try_unfold(remux, Remux::next_piece)));
    if let Ok(mime) = HeaderValue::try_from(mime) {
        reply.headers_mut().insert(header::CONTENT_TYPE, mime);
    }
    // There is no end after which the client could say anything.
    set(&mut reply, header::CONNECTION, "close");
    Ok(reply)
}

/// A live stream on its way through the muxer.
struct Remux {
    subscription: Subscription,
    /// `None` until the stream's headers say what it has.
    muxer: Option<Muxer>,
    /// Why a lane was left out, the picture before the sound.
    left_out: Option<MuxError>,
    over: bool,
}

impl Remux {
    fn new(subscription: Subscription) -> Self {
        Self { subscription, muxer: None, left_out: None, over: false }
    }

    /// Takes what there is until the init segment is made: its MIME type. `None` when the stream ends before, or
    /// when its picture cannot be had: a viewer is better told than given the sound alone.
    async fn begin(&mut self) -> Option<String> {
        loop {
            if self.over || self.left_out.as_ref().is_some_and(is_of_the_picture) {
                return None;
            }
            if let Some(mime) = self.muxer.as_ref().and_then(Muxer::mime) {
                return Some(mime);
            }
            self.take().await;
        }
    }

    fn nothing_to_show(&self, key: &str) -> Refusal {
        match &self.left_out {
            Some(error) => Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("browsers can't play \"{key}\": {error}; other players can, at /live/{key}.flv"),
            ),
            None => Refusal::new(
                StatusCode::GATEWAY_TIMEOUT,
                format!("\"{key}\" has no picture or sound yet; check the encoder, then try again"),
            ),
        }
    }

    /// The next fragment, in one piece: players take one at a time.
    async fn next_piece(mut self) -> io::Result<Option<(Bytes, Self)>> {
        loop {
            let mut piece = BytesMut::new();
            while let Some(part) = self.muxer.as_mut().and_then(Muxer::poll_output) {
                piece.extend_from_slice(&part);
            }
            if !piece.is_empty() {
                return Ok(Some((piece.freeze(), self)));
            }
            if self.over {
                return Ok(None);
            }
            self.take().await;
        }
    }

    /// Takes what has come, or waits for it.
    async fn take(&mut self) {
        let batch = self.subscription.take(WRITE_BATCH_BYTES);
        if batch.records.is_empty() {
            if self.subscription.edge().over {
                self.over = true;
                if let Some(muxer) = &mut self.muxer {
                    muxer.finish();
                }
            } else {
                self.subscription.changed().await;
            }
            return;
        }
        let options = self.muxer.is_none().then(|| self.lanes_of(&batch));
        let muxer = self.muxer.get_or_insert_with(|| Muxer::new(options.unwrap_or(EVERYTHING)));
        for record in batch.preface.iter().chain(&batch.records) {
            if let Err(error) = muxer.push(record.tag()) {
                tracing::debug!(%error, stream = self.subscription.stream().name(), "tag left out");
                if is_of_the_picture(&error) || (self.left_out.is_none() && is_of_the_sound(&error)) {
                    self.left_out = Some(error);
                }
            }
        }
    }

    /// The lanes to wait for: those with a header. In a publisher's first moments one may still be on its way.
    fn lanes_of(&self, batch: &Batch) -> Options {
        let on_air = self.subscription.stream().figures(Instant::now()).on_air;
        if on_air.is_none_or(|on_air| on_air < LIVE_HEADERS_TOGETHER) {
            return EVERYTHING;
        }
        let has = |kind| batch.preface.iter().chain(&batch.records).any(|record| record.tag().kind == kind);
        Options { duration: None, video: has(TagKind::Video), audio: has(TagKind::Audio) }
    }
}

const EVERYTHING: Options = Options { duration: None, video: true, audio: true };

/// The picture cannot be had at all, which is more than one damaged tag.
fn is_of_the_picture(error: &MuxError) -> bool {
    matches!(error, MuxError::VideoCodec(_) | MuxError::AvcConfig(_))
}

/// The same of the sound.
fn is_of_the_sound(error: &MuxError) -> bool {
    matches!(error, MuxError::AudioCodec(_) | MuxError::AacObjectType(_) | MuxError::AacConfig(_))
}
