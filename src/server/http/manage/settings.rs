//! `/api/v1/settings`: what the owner changes on the page.

use super::{Asked, apart};
use crate::limits::MAX_SETTINGS_BODY;
use crate::server::http::changing::read_json;
use crate::server::http::problem::{Problem, problem};
use crate::server::http::reply::{Refusal, Reply, json, set};
use crate::settings::{ChangeRefused, FieldProblem, Section};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// All that the owner can change.
#[derive(Serialize, ToSchema)]
#[schema(as = Settings)]
pub(in crate::server::http) struct All {
    sections: Vec<Section>,
    /// What is wrong with what was kept.
    notice: Option<String>,
    /// A change waits for the next start.
    wants_restart: bool,
}

/// Settings that were not changed, because somebody else was faster.
#[derive(Serialize, ToSchema)]
pub(in crate::server::http) struct StaleSettings {
    #[serde(flatten)]
    problem: Problem,
    /// As they are now.
    present: Section,
}

/// Settings that were not changed, because some of them do not fit.
#[derive(Serialize, ToSchema)]
pub(in crate::server::http) struct UnfitSettings {
    #[serde(flatten)]
    problem: Problem,
    /// Which, and why. Missing when the request itself can't be read.
    #[serde(default)]
    #[schema(required = false)]
    fields: Vec<FieldProblem>,
}

/// All settings.
#[utoipa::path(get, path = "/api/v1/settings", operation_id = "getSettings", tag = "managing",
    responses((status = 200, body = All)))]
pub(in crate::server::http) fn all(asked: &Asked<'_>) -> Reply {
    let settings = &asked.app.settings;
    json(&All {
        sections: settings.sections(),
        notice: settings.notice(),
        wants_restart: settings.wants_restart(),
    })
}

/// A section of the settings.
#[utoipa::path(get, path = "/api/v1/settings/{section}", operation_id = "getSettingsSection", tag = "managing",
    params(("section" = String, Path)), responses((status = 200, body = Section)))]
pub(in crate::server::http) fn one(asked: &Asked<'_>, name: &str) -> Result<Reply, Refusal> {
    match asked.app.settings.section(name) {
        Ok(section) => Ok(tagged(&section)),
        Err(error) => Err(Refusal::new(StatusCode::NOT_FOUND, error.to_string())),
    }
}

/// Changes some fields of a section; `null` takes a choice back (RFC 7396).
///
/// `If-Match` is the section's tag as whoever changes it has seen it: 428 without, 412 when it is another by now.
#[utoipa::path(patch, path = "/api/v1/settings/{section}", operation_id = "changeSettings", tag = "managing",
    params(("section" = String, Path), ("If-Match" = String, Header, description = "The section's tag")),
    request_body = BTreeMap<String, Value>, responses(
        (status = 200, body = Section),
        (status = 400, body = UnfitSettings, content_type = "application/problem+json"),
        (status = 412, body = StaleSettings, content_type = "application/problem+json")))]
pub(in crate::server::http) async fn change(
    asked: &Asked<'_>,
    name: String,
    body: Incoming,
) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"profile":"small"}"#;
    let headers = &asked.head.headers;
    let tag = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let Some(tag) = tag.map(|tag| tag.trim().trim_matches('"').to_owned()) else {
        let text = "the header If-Match is missing; send the section's tag, as GET /api/v1/settings has it";
        return Err(Refusal::new(StatusCode::PRECONDITION_REQUIRED, text));
    };
    let changes: Map<String, Value> = read_json(headers, body, MAX_SETTINGS_BODY, EXAMPLE).await?;
    let settings = asked.app.settings.clone();
    match apart(move || settings.change(&name, &tag, &changes)).await? {
        Ok((section, config)) => {
            asked.app.apply(&config);
            if section.name == "general" {
                asked.app.tell_system().await?;
            }
            Ok(tagged(&section))
        }
        Err(error) => refused(error, asked.head.uri.path()),
    }
}

/// A refusal says in the same form what the page needs to go on: the values as they are now, or which fields are wrong.
fn refused(error: ChangeRefused, instance: &str) -> Result<Reply, Refusal> {
    let text = error.to_string();
    let problem = |status| problem(status, text.clone(), instance);
    let (status, mut reply) = match error {
        ChangeRefused::Unknown(_) => return Err(Refusal::new(StatusCode::NOT_FOUND, text)),
        ChangeRefused::NotKept(_) => return Err(Refusal::new(StatusCode::INSUFFICIENT_STORAGE, text)),
        ChangeRefused::Stale(present) => {
            let status = StatusCode::PRECONDITION_FAILED;
            (status, json(&StaleSettings { problem: problem(status), present: *present }))
        }
        ChangeRefused::Fields(fields) => {
            let status = StatusCode::BAD_REQUEST;
            (status, json(&UnfitSettings { problem: problem(status), fields }))
        }
    };
    *reply.status_mut() = status;
    set(&mut reply, header::CONTENT_TYPE, "application/problem+json");
    Ok(reply)
}

fn tagged(section: &Section) -> Reply {
    let mut reply = json(section);
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", section.tag)) {
        reply.headers_mut().insert(header::ETAG, tag);
    }
    reply
}
