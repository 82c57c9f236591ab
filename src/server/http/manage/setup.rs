//! `/api/v1/setup`: what the page has to know before anybody has signed in; and starting anew.

use super::Asked;
use crate::access::Mode;
use crate::server::http::reply::{Reply, json};
use hyper::StatusCode;
use serde::Serialize;

/// `GET /api/v1/setup`
#[derive(Serialize)]
struct State {
    version: &'static str,
    /// Changes need the owner (`owner`), or everybody may do everything (`open`).
    mode: &'static str,
    /// Whether somebody has chosen the first password.
    claimed: bool,
    /// Whether the owner has been through the first visit, or has left it.
    greeted: bool,
    /// The language that the owner has chosen for the page; empty for the browser's.
    language: String,
}

pub(super) fn state(asked: &Asked<'_>) -> Reply {
    let (access, settings) = (&asked.app.access, &asked.app.settings);
    json(&State {
        version: env!("CARGO_PKG_VERSION"),
        mode: access.mode().name(),
        claimed: access.is_claimed() || access.mode() == Mode::Open,
        greeted: settings.value("general", "greeted").as_bool().unwrap_or_default(),
        language: settings.value("general", "language").as_str().unwrap_or_default().to_owned(),
    })
}

/// `POST /api/v1/restart`: 202. What waits for the next start holds then; viewers come back by themselves.
pub(super) fn restart(asked: &Asked<'_>) -> Reply {
    asked.app.restart.ask();
    let mut reply = json(&serde_json::json!({}));
    *reply.status_mut() = StatusCode::ACCEPTED;
    reply
}
