//! `GET /live/<key>.flv`: a live stream as endless FLV; `/api/v1/streams` and `/metrics`.

use super::body::Body;
use super::reply::{Refusal, Reply, json, reply};
use crate::flv::reader::file_header;
use crate::flv::{Tag, TagKind};
use crate::limits::{LIVE_START_TIMEOUT, WRITE_BATCH_BYTES};
use crate::server::App;
use crate::stream::{Batch, Figures, Streams, Subscription};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use hyper::StatusCode;
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::time::Instant;

pub(super) async fn flv(app: &App, key: &str) -> Result<Reply, Refusal> {
    let missing = |text| Refusal::new(StatusCode::NOT_FOUND, text);
    let stream = app.live_stream(key).await.map_err(missing)?;
    let mut subscription = stream.subscribe();
    let first = tokio::time::timeout(LIVE_START_TIMEOUT, first_batch(&mut subscription)).await;
    let Ok(Some(first)) = first else {
        let text = format!("\"{key}\" has no picture or sound yet; check the encoder, then try again");
        return Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, text));
    };
    let viewer = Viewer { subscription, pieces: VecDeque::new(), taken: Instant::now() };
    let viewer = viewer.beginning_with(first);
    let pieces = stream::try_unfold(viewer, async |mut viewer| {
        Ok::<_, io::Error>(viewer.next_piece().await.map(|piece| (piece, viewer)))
    });
    Ok(reply("video/x-flv", Body::pieces(pieces)))
}

async fn first_batch(subscription: &mut Subscription) -> Option<Batch> {
    loop {
        let batch = subscription.take(WRITE_BATCH_BYTES);
        if !batch.records.is_empty() {
            return Some(batch);
        }
        if subscription.edge().over {
            return None;
        }
        subscription.changed().await;
    }
}

struct Viewer {
    subscription: Subscription,
    /// What hyper takes next. Records' bytes are shared with all other viewers.
    pieces: VecDeque<Bytes>,
    /// When records were taken last.
    taken: Instant,
}

impl Viewer {
    fn beginning_with(mut self, batch: Batch) -> Self {
        let has = |kind| {
            let of_kind =
                |records: &[Arc<crate::stream::Record>]| records.iter().any(|r| r.tag().kind == kind);
            of_kind(&batch.preface) || of_kind(&batch.records)
        };
        let head = file_header(has(TagKind::Video), has(TagKind::Audio));
        self.pieces.push_back(Bytes::copy_from_slice(&head));
        self.queue(batch);
        self
    }

    fn queue(&mut self, batch: Batch) {
        let Some(first) = batch.records.first() else { return };
        let at = first.tag().timestamp;
        let mut preface = BytesMut::new();
        for record in &batch.preface {
            Tag { timestamp: at, ..record.tag().clone() }.encode_into(&mut preface);
        }
        if !preface.is_empty() {
            self.pieces.push_back(preface.freeze());
        }
        self.pieces.extend(batch.records.iter().map(|record| record.flv()));
    }

    async fn next_piece(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(piece);
            }
            if self.subscription.edge().over {
                return None;
            }
            if let Some(due) = self.subscription.next_writing(self.taken) {
                tokio::time::sleep_until(due.into()).await;
            }
            if !self.subscription.has_more() {
                self.subscription.changed().await;
            }
            self.taken = Instant::now();
            let batch = self.subscription.take(WRITE_BATCH_BYTES);
            self.queue(batch);
        }
    }
}

#[derive(Serialize)]
struct Live {
    streams: Vec<Figures>,
}

/// `GET /api/v1/streams`
pub(super) fn list(streams: &Streams) -> Reply {
    json(&Live { streams: streams.figures() })
}

/// `GET /metrics`, in Prometheus' text format.
pub(super) fn metrics(app: &App) -> Reply {
    let mut text = String::new();
    let figures = app.streams.figures();
    let mut metric = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Figures) -> u64| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "# HELP wiidia_{name} {help}\n# TYPE wiidia_{name} {kind}");
        for stream in &figures {
            let label = label(&stream.name);
            let _ = writeln!(text, "wiidia_{name}{{stream=\"{label}\"}} {}", value(stream));
        }
    };
    metric("stream_on_air", "gauge", "1 while somebody publishes", &|s| u64::from(s.on_air));
    metric("stream_viewers", "gauge", "viewers now", &|s| s.viewers as u64);
    metric("stream_received_bytes_total", "counter", "bytes of tags received", &|s| s.bytes_in);
    metric("stream_sent_bytes_total", "counter", "bytes of tags handed to viewers", &|s| s.bytes_out);
    metric("stream_lost_records_total", "counter", "frames that slow viewers lost", &|s| s.lost_records);
    metric("stream_mended_times_total", "counter", "jumps of the publisher's clock", &|s| s.mended_times);
    super::relays::metrics(&mut text, &app.relays);
    text.push_str(&app.sources.metrics());
    let uptime = app.started.elapsed().as_secs_f64();
    let _ = writeln!(
        text,
        "# HELP wiidia_uptime_seconds since the start\n# TYPE wiidia_uptime_seconds gauge\nwiidia_uptime_seconds {uptime:.1}"
    );
    reply("text/plain; version=0.0.4; charset=utf-8", Bytes::from(text))
}

/// A text as a label's value.
pub(super) fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
