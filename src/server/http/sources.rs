//! `/api/v1/sources`: which live sources there are and how they are doing; adding, changing and removing them. And
//! what `/metrics` says of them.

use super::changing::read_json;
use super::exposition::{Exposition, Kind};
use super::reply::{Refusal, Reply, json};
use crate::config::WrittenSource;
use crate::limits::MAX_SOURCE_BODY;
use crate::server::App;
use crate::source::{ChangeRefused, Figures, Sources, State};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What a body looks like.
const EXAMPLE: &str =
    r#"{"name":"door","url":"rtsp://user:password@192.168.1.30/stream1","mode":"on_demand"}"#;

/// The live sources.
#[derive(Serialize, ToSchema)]
#[schema(as = Sources)]
pub(super) struct All {
    sources: Vec<Figures>,
}

/// The live sources and how they are doing.
#[utoipa::path(get, path = "/api/v1/sources", operation_id = "listSources", tag = "live",
    responses((status = 200, body = All)))]
pub(super) fn list(sources: &Sources) -> Reply {
    json(&All { sources: sources.figures() })
}

pub(super) fn metrics(text: &mut Exposition, sources: &Sources) {
    let figures = sources.figures();
    let mut each = |name: &str, kind, help: &str, value: &dyn Fn(&Figures) -> u64| {
        let mut family = text.family(name, kind, help);
        for source in &figures {
            family.sample(&[("source", &source.name)], value(source) as f64);
        }
    };
    each("wiidia_source_on_air", Kind::Gauge, "1 while something comes from it", &|s| {
        u64::from(s.state == State::OnAir)
    });
    each("wiidia_source_waiting", Kind::Gauge, "1 while it has failed and is to be tried again", &|s| {
        u64::from(s.state == State::Waiting)
    });
    let help = "attempts that failed and runs that broke";
    each("wiidia_source_failures_total", Kind::Counter, help, &|s| s.failures);
    each("wiidia_source_restarts_total", Kind::Counter, "starts after the first one", &|s| s.restarts);
    let help = "bytes of media received";
    each("wiidia_source_received_bytes_total", Kind::Counter, help, &|s| s.bytes);
}

/// One live source.
#[utoipa::path(get, path = "/api/v1/sources/{name}", operation_id = "getSource", tag = "live",
    params(("name" = String, Path, description = "A slash in it may stay one")),
    responses((status = 200, body = Figures)))]
pub(super) fn one(sources: &Sources, name: &str) -> Result<Reply, Refusal> {
    let figures = sources.figures_of(name).ok_or_else(|| ChangeRefused::Unknown(name.to_owned()))?;
    Ok(json(&figures))
}

/// Adds a live source.
#[utoipa::path(post, path = "/api/v1/sources", operation_id = "addSource", tag = "live",
    request_body = WrittenSource, responses((status = 201, body = Figures)))]
pub(super) async fn add(app: &App, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
    let written: WrittenSource = read_json(headers, body, MAX_SOURCE_BODY, EXAMPLE).await?;
    let figures = change(app, move |sources| sources.add(&written)).await?;
    let mut reply = json(&figures);
    *reply.status_mut() = StatusCode::CREATED;
    Ok(reply)
}

/// Changes a live source.
#[utoipa::path(put, path = "/api/v1/sources/{name}", operation_id = "changeSource", tag = "live",
    params(("name" = String, Path, description = "A slash in it may stay one")),
    request_body = WrittenSource, responses((status = 200, body = Figures)))]
pub(super) async fn put(
    app: &App,
    headers: &HeaderMap,
    name: String,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let written: WrittenSource = read_json(headers, body, MAX_SOURCE_BODY, EXAMPLE).await?;
    let figures = change(app, move |sources| sources.change(&name, &written)).await?;
    Ok(json(&figures))
}

/// Removes a live source; answers with those that are left.
#[utoipa::path(delete, path = "/api/v1/sources/{name}", operation_id = "removeSource", tag = "live",
    params(("name" = String, Path, description = "A slash in it may stay one")),
    responses((status = 200, body = All)))]
pub(super) async fn remove(app: &App, name: String) -> Result<Reply, Refusal> {
    change(app, move |sources| sources.remove(&name)).await?;
    Ok(list(&app.sources))
}

/// Away from the connections' threads: a disk that has to spin up holds up whoever writes to it.
async fn change<T: Send + 'static>(
    app: &App,
    act: impl FnOnce(&Sources) -> Result<T, ChangeRefused> + Send + 'static,
) -> Result<T, Refusal> {
    let sources: Arc<Sources> = app.sources.clone();
    match tokio::task::spawn_blocking(move || act(&sources)).await {
        Ok(result) => result.map_err(Refusal::from),
        Err(_) => Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the change failed by a mistake of the server's; see its log",
        )),
    }
}
