//! `GET /api/v1/relays`, and what `/metrics` says of relays.

use super::exposition::{Exposition, Kind};
use super::reply::{Reply, json};
use crate::relay::{Direction, Figures, Relays, State};
use serde::Serialize;
use utoipa::ToSchema;

/// Streams from and to other servers.
#[derive(Serialize, ToSchema)]
#[schema(as = Relays)]
pub(super) struct List {
    relays: Vec<Figures>,
}

/// The relays: streams from and to other servers.
#[utoipa::path(get, path = "/api/v1/relays", operation_id = "listRelays", tag = "live",
    responses((status = 200, body = List)))]
pub(super) fn list(relays: &Relays) -> Reply {
    json(&List { relays: relays.figures() })
}

/// Relays have no name of their own: they are told apart by direction, rule and stream.
pub(super) fn metrics(text: &mut Exposition, relays: &Relays) {
    let figures = relays.figures();
    let mut each = |name: &str, kind, help: &str, value: &dyn Fn(&Figures) -> u64| {
        let mut family = text.family(name, kind, help);
        for relay in &figures {
            let direction = match relay.direction {
                Direction::Pull => "pull",
                Direction::Push => "push",
            };
            let rule = relay.rule.to_string();
            let labels =
                [("direction", direction), ("rule", &rule), ("stream", &relay.stream), ("url", &relay.url)];
            family.sample(&labels, value(relay) as f64);
        }
    };
    each("wiidia_relay_running", Kind::Gauge, "1 while media go through", &|r| {
        u64::from(r.state == State::Running)
    });
    each("wiidia_relay_failures_total", Kind::Counter, "attempts and connections that failed", &|r| {
        r.failures
    });
    each("wiidia_relay_media_bytes_total", Kind::Counter, "bytes of tags that went through", &|r| r.bytes);
    each("wiidia_relay_lost_records_total", Kind::Counter, "frames that a slow push lost", &|r| {
        r.lost_records
    });
}
