//! `GET /live/<key>.flv`: a live stream as endless FLV; `/api/v1/streams` and `/metrics`.

use super::handover::SocketBody;
use super::live_viewer::LiveViewer;
use super::reply::{Refusal, Reply, json, reply, set};
use super::upgrade::Opening;
use crate::limits::{LIVE_START_TIMEOUT, WRITE_BATCH_BYTES};
use crate::stream::{Batch, Figures, Streams, Subscription};
use bytes::Bytes;
use hyper::{StatusCode, header};
use serde::Serialize;
use std::fmt::Write;
use std::time::Instant;

/// `GET /live/<key>.flv`
pub(super) async fn flv(streams: &Streams, key: &str) -> Result<Reply, Refusal> {
    let mut reply = reply("video/x-flv", SocketBody::Live(viewer(streams, key).await?));
    // There is no end after which the client could say anything.
    set(&mut reply, header::CONNECTION, "close");
    Ok(reply)
}

/// The same over WebSocket.
pub(super) async fn web_socket(streams: &Streams, key: &str, opening: Opening) -> Result<Reply, Refusal> {
    Ok(opening.accepted(SocketBody::Live(viewer(streams, key).await?)))
}

async fn viewer(streams: &Streams, key: &str) -> Result<Box<LiveViewer>, Refusal> {
    let stream = streams.find(key).ok_or_else(|| {
        let text = format!(
            "nobody publishes \"{key}\"; start the encoder, or look at /api/v1/streams for what is on air"
        );
        Refusal::new(StatusCode::NOT_FOUND, text)
    })?;
    let mut subscription = stream.subscribe();
    let first = tokio::time::timeout(LIVE_START_TIMEOUT, first_batch(&mut subscription)).await;
    let Ok(Some(first)) = first else {
        let text = format!("\"{key}\" has no picture or sound yet; check the encoder, then try again");
        return Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, text));
    };
    Ok(Box::new(LiveViewer::new(subscription, first)))
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

#[derive(Serialize)]
struct Live {
    streams: Vec<Figures>,
}

/// `GET /api/v1/streams`
pub(super) fn list(streams: &Streams) -> Reply {
    json(&Live { streams: streams.figures() })
}

/// `GET /metrics`, in Prometheus' text format.
pub(super) fn metrics(streams: &Streams, started: Instant) -> Reply {
    let mut text = String::new();
    let figures = streams.figures();
    let mut metric = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Figures) -> u64| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "# HELP wiidia_{name} {help}\n# TYPE wiidia_{name} {kind}");
        for stream in &figures {
            let label = stream.name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = writeln!(text, "wiidia_{name}{{stream=\"{label}\"}} {}", value(stream));
        }
    };
    metric("stream_on_air", "gauge", "1 while somebody publishes", &|s| u64::from(s.on_air));
    metric("stream_viewers", "gauge", "viewers now", &|s| s.viewers as u64);
    metric("stream_received_bytes_total", "counter", "bytes of tags received", &|s| s.bytes_in);
    metric("stream_sent_bytes_total", "counter", "bytes of tags handed to viewers", &|s| s.bytes_out);
    metric("stream_lost_records_total", "counter", "frames that slow viewers lost", &|s| s.lost_records);
    metric("stream_mended_times_total", "counter", "jumps of the publisher's clock", &|s| s.mended_times);
    let uptime = started.elapsed().as_secs_f64();
    let _ = writeln!(
        text,
        "# HELP wiidia_uptime_seconds since the start\n# TYPE wiidia_uptime_seconds gauge\nwiidia_uptime_seconds {uptime:.1}"
    );
    reply("text/plain; version=0.0.4; charset=utf-8", Bytes::from(text))
}
