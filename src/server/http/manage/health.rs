//! `/api/v1/health`, `/api/v1/log`, `/api/v1/support`: how the server and its machine are, and what has happened.

use super::{Asked, apart};
use crate::health::{Figures, Finding, Grave, History};
use crate::limits::MAX_LOG_LINES;
use crate::server::http::reply::{Refusal, Reply, json};
use crate::server::http::route::parameter;
use crate::server::log;
use crate::settings::Section;
use crate::source::Figures as SourceFigures;
use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use std::time::Instant;
use utoipa::ToSchema;

/// How the server and its machine are.
#[derive(Serialize, ToSchema)]
pub(in crate::server::http) struct Health {
    /// Nothing is wrong, or will be soon.
    well: bool,
    /// What the owner should know, the gravest first.
    findings: Vec<Finding>,
    machine: Figures,
    history: History,
    version: &'static str,
    /// Since the server began, in seconds.
    uptime: f64,
    /// Films that are being converted.
    conversions: usize,
    /// … and how many may be at the same time.
    encodings: usize,
}

/// What has happened.
#[derive(Serialize, ToSchema)]
#[schema(as = Log)]
pub(in crate::server::http) struct Lines {
    /// The latest last.
    lines: Vec<log::Line>,
}

/// What somebody who helps has to know.
#[derive(Serialize, ToSchema)]
#[schema(as = Support)]
pub(in crate::server::http) struct Bundle {
    /// What this file is.
    what: &'static str,
    health: Health,
    kernel: String,
    settings: Vec<Section>,
    claimed: bool,
    sources: Vec<SourceFigures>,
    /// How many live streams there are.
    streams: usize,
    log: Vec<log::Line>,
}

/// How the machine is, and was within the hour.
#[utoipa::path(get, path = "/api/v1/health", operation_id = "getHealth", tag = "managing",
    responses((status = 200, body = Health)))]
pub(in crate::server::http) fn health(asked: &Asked<'_>) -> Reply {
    json(&state(asked))
}

fn state(asked: &Asked<'_>) -> Health {
    let app = asked.app;
    let (figures, history) = app.monitor.now();
    let findings = app.findings();
    Health {
        well: findings.iter().all(|finding| finding.grave == Grave::Note),
        findings,
        machine: figures,
        history,
        version: env!("CARGO_PKG_VERSION"),
        uptime: Instant::now().saturating_duration_since(app.started).as_secs_f64(),
        conversions: app.providers.conversions(),
        encodings: app.settings.config().playback.encodings,
    }
}

/// The latest lines of the log.
#[utoipa::path(get, path = "/api/v1/log", operation_id = "getLog", tag = "managing",
    params(
        ("level" = Option<String>, Query, description = "The least grave: error, warn, info, debug; trace is all of them"),
        ("words" = Option<String>, Query, description = "What has to be in them"),
        ("after" = Option<u64>, Query, description = "Only lines behind that number")),
    responses((status = 200, body = Lines)))]
pub(in crate::server::http) fn lines(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let query = asked.head.uri.query();
    let text = |key| {
        let text = parameter(query, key).unwrap_or_default().replace('+', "%20");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let number = |text: &str| {
        let number = text.parse().ok().filter(|number| *number <= i64::MAX as u64);
        number.ok_or_else(|| {
            let text = "after has to be the number of a line, such as 120; leave it out for all lines";
            Refusal::new(StatusCode::BAD_REQUEST, text)
        })
    };
    let after = parameter(query, "after").map(number).transpose()?;
    Ok(json(&Lines { lines: log::recent(after, &text("level"), &text("words"), MAX_LOG_LINES) }))
}

/// A file for somebody who helps. No secrets, and no names of the library's files but those in the log.
#[utoipa::path(get, path = "/api/v1/support", operation_id = "getSupport", tag = "managing",
    responses((status = 200, body = Bundle)))]
pub(in crate::server::http) async fn support(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let app = asked.app;
    let settings = app.settings.clone();
    let kernel = apart(|| std::fs::read_to_string("/proc/version").unwrap_or_default()).await?;
    let bundle = Bundle {
        what: "a support bundle of Wiidiaserver, made by its owner; there are no passwords in it",
        health: state(asked),
        kernel: kernel.trim().to_owned(),
        settings: settings.sections(),
        claimed: app.access.is_claimed(),
        sources: app.sources.figures(),
        streams: app.streams.figures(Instant::now()).len(),
        log: log::recent(None, "trace", "", usize::MAX),
    };
    let mut reply = json(&bundle);
    let name = HeaderValue::from_static("attachment; filename=\"wiidia-support.json\"");
    reply.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(reply)
}
