//! `/api/v1/health`, `/api/v1/log`, `/api/v1/support`: how the server and its machine are, and what has happened.

use super::{Asked, apart};
use crate::limits::MAX_LOG_LINES;
use crate::server::http::reply::{Refusal, Reply, json};
use crate::server::http::route::parameter;
use crate::server::log;
use hyper::header::{self, HeaderValue};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json as value};
use std::time::Instant;

/// `GET /api/v1/health`
pub(super) fn health(asked: &Asked<'_>) -> Reply {
    json(&state(asked))
}

fn state(asked: &Asked<'_>) -> Value {
    let app = asked.app;
    let (figures, history) = app.monitor.now();
    let findings = app.findings();
    value!({
        "well": findings.iter().all(|finding| finding.grave == crate::health::Grave::Note),
        "findings": findings,
        "machine": figures,
        "history": history,
        "version": env!("CARGO_PKG_VERSION"),
        "uptime": Instant::now().saturating_duration_since(app.started).as_secs_f64(),
        "conversions": app.providers.conversions(),
        "encodings": app.settings.config().playback.encodings,
    })
}

/// `GET /api/v1/log[?level=<level>][&words=<words>][&after=<number>]`: the latest lines that are at least that grave, have these
/// words in them, and come behind that number.
pub(super) fn lines(asked: &Asked<'_>) -> Reply {
    let query = asked.head.uri.query();
    let text = |key| {
        let text = parameter(query, key).unwrap_or_default().replace('+', "%20");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let after = parameter(query, "after").and_then(|number| number.parse().ok());
    json(&value!({ "lines": log::recent(after, &text("level"), &text("words"), MAX_LOG_LINES) }))
}

/// `GET /api/v1/support`: what somebody who helps has to know, as a file. No secrets, and no names of the library's files
/// but those in the log.
pub(super) async fn support(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let app = asked.app;
    let settings = app.settings.clone();
    let kernel = apart(|| std::fs::read_to_string("/proc/version").unwrap_or_default()).await?;
    let bundle = value!({
        "what": "a support bundle of Wiidiaserver, made by its owner; there are no passwords in it",
        "health": state(asked),
        "kernel": kernel.trim(),
        "settings": settings.sections(),
        "claimed": app.access.is_claimed(),
        "sources": app.sources.figures(),
        "streams": app.streams.figures(Instant::now()).len(),
        "log": log::recent(None, "trace", "", usize::MAX),
    });
    let mut reply = json(&bundle);
    let name = HeaderValue::from_static("attachment; filename=\"wiidia-support.json\"");
    reply.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(reply)
}
