//! `/api/v1/components`: programs that are not part of this one; today yt-dlp.

use super::changing::read_json;
use super::reply::{Refusal, Reply, json};
use crate::limits::MAX_API_BODY;
use crate::server::App;
use crate::web_media::component::{Component, ComponentError, Status, YT_DLP};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Programs that are not part of this one.
#[derive(Serialize, ToSchema)]
#[schema(as = Components)]
pub(super) struct All {
    components: Vec<Status>,
}

/// What to install.
#[derive(Deserialize, ToSchema)]
#[schema(as = ComponentOrder)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Which; the newest when it is not said.
    #[serde(default)]
    version: Option<String>,
}

/// Programs that are not part of this one: yt-dlp.
#[utoipa::path(get, path = "/api/v1/components", operation_id = "listComponents", tag = "library",
    responses((status = 200, body = All)))]
pub(super) fn list(app: &App) -> Reply {
    json(&All { components: app.components.iter().map(|component| component.status()).collect() })
}

/// Installs or updates a component; answered when it has been tried.
#[utoipa::path(post, path = "/api/v1/components/{name}", operation_id = "installComponent", tag = "library",
    params(("name" = String, Path, description = "yt-dlp")),
    request_body = Order, responses((status = 200, body = Status)))]
pub(super) async fn install(
    app: &App,
    headers: &HeaderMap,
    name: &str,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let component = of_name(app, name)?;
    let order: Order = read_json(headers, body, MAX_API_BODY, r#"{"version":"2026.10.26"} or {}"#).await?;
    // Somebody who does not wait for the answer has asked for it all the same.
    let installing = tokio::spawn(async move {
        component.install(order.version.as_deref()).await?;
        Ok::<_, ComponentError>(component.status())
    });
    done(installing.await)
}

/// Goes back to the version before.
#[utoipa::path(post, path = "/api/v1/components/{name}/rollback", operation_id = "rollBackComponent", tag = "library",
    params(("name" = String, Path, description = "yt-dlp")),
    responses((status = 200, body = Status)))]
pub(super) async fn roll_back(app: &App, name: &str) -> Result<Reply, Refusal> {
    let component = of_name(app, name)?;
    component.roll_back().await?;
    Ok(json(&component.status()))
}

/// Removes a component.
#[utoipa::path(delete, path = "/api/v1/components/{name}", operation_id = "removeComponent", tag = "library",
    params(("name" = String, Path, description = "yt-dlp")),
    responses((status = 200, body = Status)))]
pub(super) async fn remove(app: &App, name: &str) -> Result<Reply, Refusal> {
    let component = of_name(app, name)?;
    component.remove().await?;
    Ok(json(&component.status()))
}

fn of_name(app: &App, name: &str) -> Result<Arc<Component>, Refusal> {
    let found = app.components.iter().find(|_| name == YT_DLP).cloned();
    found.ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no component \"{name}\"; look at /api/v1/components"),
        )
    })
}

fn done(result: Result<Result<Status, ComponentError>, tokio::task::JoinError>) -> Result<Reply, Refusal> {
    match result {
        Ok(status) => Ok(json(&status?)),
        Err(_) => Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the component was not installed by a mistake of the server's; see its log",
        )),
    }
}
