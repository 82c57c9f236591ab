//! `GET /api/v1/streams`, for people, and `GET /metrics`, for Prometheus.

use super::reply::{Reply, json, reply};
use crate::stream::{Figures, Streams};
use bytes::Bytes;
use serde::Serialize;
use std::fmt::Write;
use std::time::Instant;

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
