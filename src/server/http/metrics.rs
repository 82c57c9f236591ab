//! `GET /api/v1/streams`, for people, and `GET /metrics`, for Prometheus: every figure here is explained in
//! docs/http-api.md.

use super::exposition::{Exposition, Kind};
use super::reply::{Reply, json, reply};
use crate::server::App;
use crate::server::process::ProcessFigures;
use crate::stream::{Figures, Streams};
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Instant;
use utoipa::ToSchema;

/// The live streams.
#[derive(Serialize, ToSchema)]
#[schema(as = Streams)]
pub(super) struct Live {
    streams: Vec<LiveStream>,
}

/// A live stream. Times are seconds.
#[derive(Serialize, ToSchema)]
#[schema(as = Stream)]
struct LiveStream {
    name: String,
    on_air: bool,
    /// Since its present publisher began; null while nobody publishes.
    on_air_for: Option<f64>,
    /// Since it was first published.
    uptime: f64,
    /// Those it has had.
    publishers: u64,
    viewers: usize,
    viewers_by_protocol: BTreeMap<&'static str, usize>,
    lag: Lag,
    bytes_in: u64,
    bytes_out: u64,
    lost_records: u64,
    lost_gops: u64,
    mended_times: u64,
}

/// How far viewers are behind the live edge, in seconds.
#[derive(Serialize, ToSchema)]
struct Lag {
    median: f64,
    most: f64,
}

impl From<Figures> for LiveStream {
    fn from(figures: Figures) -> Self {
        let lag = figures.lag;
        Self {
            name: figures.name,
            on_air: figures.on_air.is_some(),
            on_air_for: figures.on_air.map(|time| time.as_millis() as f64 / 1000.0),
            uptime: figures.uptime.as_millis() as f64 / 1000.0,
            publishers: figures.publishers,
            viewers: figures.viewers,
            viewers_by_protocol: figures.viewers_by_way.into_iter().collect(),
            lag: Lag { median: lag.median.as_secs_f64(), most: lag.most.as_secs_f64() },
            bytes_in: figures.bytes_in,
            bytes_out: figures.bytes_out,
            lost_records: figures.lost_records,
            lost_gops: figures.lost_gops,
            mended_times: figures.mended_times,
        }
    }
}

/// The live streams: on air, viewers, bytes, lag, what slow viewers lost.
#[utoipa::path(get, path = "/api/v1/streams", operation_id = "listStreams", tag = "live",
    responses((status = 200, body = Live)))]
pub(super) fn list(streams: &Streams) -> Reply {
    json(&Live { streams: streams.figures(Instant::now()).into_iter().map(LiveStream::from).collect() })
}

/// `GET /metrics`
pub(super) fn metrics(app: &App) -> Reply {
    let now = Instant::now();
    let mut text = Exposition::default();
    of_streams(&mut text, &app.streams.figures(now));
    super::relays::metrics(&mut text, &app.relays);
    super::sources::metrics(&mut text, &app.sources);
    super::index::metrics(&mut text, &app.index);
    super::seeks::metrics(&mut text, app.providers.seeks());
    of_connections(&mut text, app);
    let conversions = app.providers.conversions() as f64;
    text.single("wiidia_conversions", Kind::Gauge, "conversions that are running", conversions);
    let recorded = app.providers.viewers() as f64;
    text.single(
        "wiidia_recorded_viewers",
        Kind::Gauge,
        "viewers of the library's files, by any protocol",
        recorded,
    );
    let uptime = now.saturating_duration_since(app.started).as_secs_f64();
    text.single("wiidia_uptime_seconds", Kind::Gauge, "time since the server began", uptime);
    of_process(&mut text, &ProcessFigures::now());
    reply("text/plain; version=0.0.4; charset=utf-8", Bytes::from(text.into_text()))
}

fn of_streams(text: &mut Exposition, streams: &[Figures]) {
    let on_air = streams.iter().filter(|stream| stream.on_air.is_some()).count();
    text.single(
        "wiidia_streams",
        Kind::Gauge,
        "live streams, those whose publisher is away for a moment among them",
        streams.len() as f64,
    );
    text.single("wiidia_publishers", Kind::Gauge, "publishers now", on_air as f64);
    let mut each = |name: &str, kind, help: &str, value: &dyn Fn(&Figures) -> Option<f64>| {
        let mut family = text.family(name, kind, help);
        for stream in streams {
            if let Some(value) = value(stream) {
                family.sample(&[("stream", &stream.name)], value);
            }
        }
    };
    each("wiidia_stream_on_air", Kind::Gauge, "1 while somebody publishes", &|s| {
        Some(if s.on_air.is_some() { 1.0 } else { 0.0 })
    });
    each("wiidia_stream_uptime_seconds", Kind::Gauge, "time since the stream was first published", &|s| {
        Some(s.uptime.as_secs_f64())
    });
    each(
        "wiidia_stream_publisher_uptime_seconds",
        Kind::Gauge,
        "time since its publisher began; absent without one",
        &|s| Some(s.on_air?.as_secs_f64()),
    );
    each("wiidia_stream_publishers_total", Kind::Counter, "publishers it has had", &|s| {
        Some(s.publishers as f64)
    });
    each("wiidia_stream_received_bytes_total", Kind::Counter, "bytes of tags received", &|s| {
        Some(s.bytes_in as f64)
    });
    each("wiidia_stream_sent_bytes_total", Kind::Counter, "bytes of tags handed to viewers", &|s| {
        Some(s.bytes_out as f64)
    });
    each("wiidia_stream_lost_records_total", Kind::Counter, "frames that slow viewers lost", &|s| {
        Some(s.lost_records as f64)
    });
    each(
        "wiidia_stream_lost_gops_total",
        Kind::Counter,
        "groups of pictures that slow viewers lost, in whole or in part",
        &|s| Some(s.lost_gops as f64),
    );
    each("wiidia_stream_mended_times_total", Kind::Counter, "jumps of the publisher's clock", &|s| {
        Some(s.mended_times as f64)
    });
    let mut viewers = text.family("wiidia_stream_viewers", Kind::Gauge, "viewers now");
    for stream in streams {
        for (protocol, count) in &stream.viewers_by_way {
            viewers.sample(&[("stream", &stream.name), ("protocol", protocol)], *count as f64);
        }
    }
    let help = "media time from the live edge back to what viewers were given: half of them less than this, all of them at most that";
    let mut lag = text.family("wiidia_stream_lag_seconds", Kind::Gauge, help);
    for stream in streams {
        for (of, value) in [("median", stream.lag.median), ("slowest", stream.lag.most)] {
            lag.sample(&[("stream", &stream.name), ("viewer", of)], value.as_secs_f64());
        }
    }
}

fn of_connections(text: &mut Exposition, app: &App) {
    let connections = app.connections.tallies().map(|tally| (tally.protocol, tally.figures()));
    let mut now = text.family("wiidia_connections", Kind::Gauge, "connections now");
    for (protocol, figures) in &connections {
        for (state, count) in [("handshaking", figures.handshaking), ("connected", figures.connected)] {
            now.sample(&[("protocol", protocol), ("state", state)], count as f64);
        }
    }
    let mut accepted =
        text.family("wiidia_connections_accepted_total", Kind::Counter, "connections accepted");
    for (protocol, figures) in &connections {
        accepted.sample(&[("protocol", protocol)], figures.accepted as f64);
    }
    let help = "connections closed at once because their address had too many";
    let mut refused = text.family("wiidia_connections_refused_total", Kind::Counter, help);
    for (protocol, figures) in &connections {
        refused.sample(&[("protocol", protocol)], figures.refused as f64);
    }
    let mut ended =
        text.family("wiidia_connections_ended_total", Kind::Counter, "connections that ended, by reason");
    for (protocol, figures) in &connections {
        for (how, count) in &figures.ended {
            ended.sample(&[("protocol", protocol), ("reason", how.name())], *count as f64);
        }
    }
    let help = "requests refused: HTTP by status, RTMP by what was refused";
    let mut refusals = text.family("wiidia_refusals_total", Kind::Counter, help);
    for ((protocol, reason), count) in app.connections.refusals() {
        refusals.sample(&[("protocol", protocol), ("reason", &reason)], count as f64);
    }
}

/// By the names that Prometheus' own libraries use, where they have one.
fn of_process(text: &mut Exposition, process: &ProcessFigures) {
    text.single(
        "wiidia_tasks",
        Kind::Gauge,
        "tasks of the runtime: about one a connection",
        process.tasks as f64,
    );
    text.single(
        "process_resident_memory_bytes",
        Kind::Gauge,
        "memory in use, conversions apart",
        process.resident_bytes as f64,
    );
    text.single("process_open_fds", Kind::Gauge, "open file descriptors", process.descriptors as f64);
    text.single(
        "process_max_fds",
        Kind::Gauge,
        "descriptors that may be open",
        process.most_descriptors as f64,
    );
    text.single("process_threads", Kind::Gauge, "threads", process.threads as f64);
    text.single(
        "process_cpu_seconds_total",
        Kind::Counter,
        "processor time used, conversions apart",
        process.cpu_seconds,
    );
}
