//! `/api/v1/sources`: which live sources there are and how they are doing; adding, changing and removing them.

use super::changing::{check_origin, read_json};
use super::reply::{Refusal, Reply, json};
use crate::config::WrittenSource;
use crate::server::App;
use crate::source::{ChangeRefused, Figures, Sources};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use serde::Serialize;
use std::sync::Arc;

/// What a body looks like.
const EXAMPLE: &str =
    r#"{"name":"door","url":"rtsp://user:password@192.168.1.30/stream1","mode":"on_demand"}"#;

#[derive(Serialize)]
struct All {
    sources: Vec<Figures>,
}

/// `GET /api/v1/sources`
pub(super) fn list(sources: &Sources) -> Reply {
    json(&All { sources: sources.figures() })
}

/// `GET /api/v1/sources/<name>`
pub(super) fn one(sources: &Sources, name: &str) -> Result<Reply, Refusal> {
    let figures = sources.figures_of(name).ok_or_else(|| ChangeRefused::Unknown(name.to_owned()))?;
    Ok(json(&figures))
}

/// `POST /api/v1/sources`
pub(super) async fn add(app: &App, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
    check_origin(headers)?;
    let written: WrittenSource = read_json(headers, body, EXAMPLE).await?;
    let figures = change(app, move |sources| sources.add(&written)).await?;
    let mut reply = json(&figures);
    *reply.status_mut() = StatusCode::CREATED;
    Ok(reply)
}

/// `PUT /api/v1/sources/<name>`
pub(super) async fn put(
    app: &App,
    headers: &HeaderMap,
    name: String,
    body: Incoming,
) -> Result<Reply, Refusal> {
    check_origin(headers)?;
    let written: WrittenSource = read_json(headers, body, EXAMPLE).await?;
    let figures = change(app, move |sources| sources.change(&name, &written)).await?;
    Ok(json(&figures))
}

/// `DELETE /api/v1/sources/<name>`
pub(super) async fn remove(app: &App, headers: &HeaderMap, name: String) -> Result<Reply, Refusal> {
    check_origin(headers)?;
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
