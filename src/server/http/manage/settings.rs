//! `/api/v1/settings`: what the owner changes on the page.

use super::{Asked, apart};
use crate::limits::MAX_SETTINGS_BODY;
use crate::server::http::changing::read_json;
use crate::server::http::problem::problem;
use crate::server::http::reply::{Refusal, Reply, json, set};
use crate::settings::{ChangeRefused, Section};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use serde_json::{Map, Value};

/// `GET /api/v1/settings`
pub(super) fn all(asked: &Asked<'_>) -> Reply {
    let settings = &asked.app.settings;
    json(&serde_json::json!({
        "sections": settings.sections(),
        "notice": settings.notice(),
        "wants_restart": settings.wants_restart(),
    }))
}

/// `GET /api/v1/settings/<section>`
pub(super) fn one(asked: &Asked<'_>, name: &str) -> Result<Reply, Refusal> {
    match asked.app.settings.section(name) {
        Ok(section) => Ok(tagged(&section)),
        Err(error) => Err(Refusal::new(StatusCode::NOT_FOUND, error.to_string())),
    }
}

/// `PATCH /api/v1/settings/<section>` with some of its fields; `null` takes a choice back (RFC 7396). `If-Match` is the
/// section's tag as whoever changes it has seen it: 428 without, 412 when it is another by now.
pub(super) async fn change(asked: &Asked<'_>, name: String, body: Incoming) -> Result<Reply, Refusal> {
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
    let (status, extra) = match error {
        ChangeRefused::Unknown(_) => return Err(Refusal::new(StatusCode::NOT_FOUND, text)),
        ChangeRefused::NotKept(_) => return Err(Refusal::new(StatusCode::INSUFFICIENT_STORAGE, text)),
        ChangeRefused::Stale(present) => {
            (StatusCode::PRECONDITION_FAILED, ("present", serde_json::json!(present)))
        }
        ChangeRefused::Fields(problems) => (StatusCode::BAD_REQUEST, ("fields", serde_json::json!(problems))),
    };
    let mut problem = serde_json::json!(problem(status, text, instance));
    problem[extra.0] = extra.1;
    let mut reply = json(&problem);
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
