//! `/api/v1/setup`: what the page has to know before anybody has signed in; and starting anew.

use super::{Asked, Done, accepted};
use crate::access::{Mode, Role};
use crate::server::http::reply::{Reply, json};
use serde::Serialize;
use utoipa::ToSchema;

/// What the page has to know before anybody has signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = Setup)]
pub(in crate::server::http) struct State {
    version: &'static str,
    /// Changes need the owner (`owner`), or everybody may do everything (`open`).
    mode: &'static str,
    /// Whether somebody has chosen the first password.
    claimed: bool,
    /// The screen at the box shows a code, which claiming needs.
    asks_code: bool,
    /// Whether the owner has been through the first visit, or has left it.
    greeted: bool,
    /// The language that the owner has chosen for the page; empty for the browser's.
    language: String,
}

/// What the page has to know before anybody has signed in.
#[utoipa::path(get, path = "/api/v1/setup", operation_id = "getSetup", tag = "managing",
    responses((status = 200, body = State)))]
pub(in crate::server::http) fn state(asked: &Asked<'_>) -> Reply {
    let (access, settings) = (&asked.app.access, &asked.app.settings);
    json(&State {
        version: env!("CARGO_PKG_VERSION"),
        mode: access.mode().name(),
        claimed: access.is_claimed() || access.mode() == Mode::Open,
        asks_code: code_for(asked).is_some(),
        greeted: settings.value("general", "greeted").as_bool().unwrap_or_default(),
        language: settings.value("general", "language").as_str().unwrap_or_default().to_owned(),
    })
}

/// The code that whoever asks has to know for claiming; by the control socket nobody needs one.
pub(super) fn code_for(asked: &Asked<'_>) -> Option<String> {
    let claimed = asked.app.access.is_claimed() || asked.who.role == Some(Role::Owner);
    (!claimed).then(|| asked.app.appliance.claim_code()).flatten()
}

/// The server begins anew. What waits for the next start holds then; viewers come back by themselves.
#[utoipa::path(post, path = "/api/v1/restart", operation_id = "restart", tag = "managing",
    responses((status = 202, body = Done)))]
pub(in crate::server::http) fn restart(asked: &Asked<'_>) -> Reply {
    asked.app.restart.ask();
    accepted()
}
