//! `GET /api/v1/relays`, and what `/metrics` says of relays.

use super::live::label;
use super::reply::{Reply, json};
use crate::relay::{Direction, Figures, Relays, State};
use serde::Serialize;
use std::fmt::Write;

#[derive(Serialize)]
struct List {
    relays: Vec<Figures>,
}

/// `GET /api/v1/relays`
pub(super) fn list(relays: &Relays) -> Reply {
    json(&List { relays: relays.figures() })
}

/// Relays have no name of their own: they are told apart by direction, rule and stream.
pub(super) fn metrics(text: &mut String, relays: &Relays) {
    let figures = relays.figures();
    let mut metric = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Figures) -> u64| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "# HELP wiidia_relay_{name} {help}\n# TYPE wiidia_relay_{name} {kind}");
        for relay in &figures {
            let direction = match relay.direction {
                Direction::Pull => "pull",
                Direction::Push => "push",
            };
            let (rule, stream, url) = (relay.rule, label(&relay.stream), label(&relay.url));
            let _ = writeln!(
                text,
                "wiidia_relay_{name}{{direction=\"{direction}\",rule=\"{rule}\",stream=\"{stream}\",url=\"{url}\"}} {}",
                value(relay)
            );
        }
    };
    metric("running", "gauge", "1 while media go through", &|r| u64::from(r.state == State::Running));
    metric("failures_total", "counter", "attempts and connections that failed", &|r| r.failures);
    metric("media_bytes_total", "counter", "bytes of tags that went through", &|r| r.bytes);
    metric("lost_records_total", "counter", "frames that a slow push lost", &|r| r.lost_records);
}
