//! `/api/v1/quarantine`: files that killed their converter again and again, and are left alone.

use super::reply::{Refusal, Reply, json, reply};
use crate::library::LibraryPath;
use crate::provider::{Case, Providers};
use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Files that are left alone because they kill their converter.
#[derive(Serialize, ToSchema)]
struct Quarantine {
    files: Vec<Quarantined>,
}

/// A file that is left alone.
#[derive(Serialize, ToSchema)]
struct Quarantined {
    path: String,
    reason: String,
    times: u32,
    /// Seconds since 1970.
    since: u64,
    until: u64,
}

impl From<Case> for Quarantined {
    fn from(case: Case) -> Self {
        let until = case.until();
        Self { path: case.path, reason: case.reason, times: case.times, since: case.since, until }
    }
}

/// Files that are left alone: all of them, whatever the path.
#[utoipa::path(get, path = "/api/v1/quarantine/{path}", operation_id = "getQuarantine", tag = "server",
    params(("path" = String, Path, description = "May be left out")),
    responses((status = 200, body = Quarantine)))]
pub(super) fn list(providers: &Providers) -> Reply {
    json(&Quarantine { files: providers.quarantined().into_iter().map(Quarantined::from).collect() })
}

/// Lets a file be tried again; all of them without a path.
#[utoipa::path(delete, path = "/api/v1/quarantine/{path}", operation_id = "releaseFromQuarantine", tag = "server",
    params(("path" = String, Path, description = "Of a file, or none")),
    responses((status = 204, description = "It is done")))]
pub(super) async fn release(providers: &Arc<Providers>, path: LibraryPath) -> Result<Reply, Refusal> {
    let (to_release, of) = (providers.clone(), Some(path.clone()).filter(|path| !path.is_top()));
    let released = tokio::task::spawn_blocking(move || to_release.release(of.as_ref())).await;
    let released =
        released.map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    if released == 0 && !path.is_top() {
        let detail = format!("\"{path}\" is not left alone; GET /api/v1/quarantine lists those that are");
        return Err(Refusal::new(StatusCode::NOT_FOUND, detail));
    }
    let mut done = reply("text/plain; charset=utf-8", Bytes::new());
    *done.status_mut() = StatusCode::NO_CONTENT;
    Ok(done)
}
