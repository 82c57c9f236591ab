//! `/api/v1/backup`, `/api/v1/restore`, `/api/v1/reset`: everything that was set, as a file and back; and forgetting it.

use super::{Asked, Done, accepted, apart};
use crate::backup::{Archive, BackupError};
use crate::limits::{MAX_ACCESS_BODY, MAX_BACKUP_BODY};
use crate::reset;
use crate::restore::{Content, RestoreError};
use crate::server::http::changing::read_json;
use crate::server::http::reply::{Refusal, Reply, json};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use serde::Deserialize;
use std::time::SystemTime;
use utoipa::ToSchema;

/// What a backup is sealed by.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct WantedBackup {
    /// At least eight characters.
    passphrase: String,
}

/// A backup, and what it was sealed by.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct SentBackup {
    passphrase: String,
    archive: Archive,
}

/// What to forget.
#[derive(Deserialize, ToSchema, PartialEq, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(in crate::server::http) enum Forgotten {
    /// Settings, passwords, sources.
    Settings,
    /// … and conversions and the index. Never the library.
    Everything,
}

/// What to forget.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct WantedReset {
    what: Forgotten,
}

/// Makes a backup: all that was set, sealed by a passphrase. POST, because it is made for whoever asks alone.
#[utoipa::path(post, path = "/api/v1/backup", operation_id = "makeBackup", tag = "managing",
    request_body = WantedBackup, responses((status = 200, body = Archive)))]
pub(in crate::server::http) async fn make(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"passphrase":"<at least 8 characters>"}"#;
    let wanted: WantedBackup = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    let (access, settings) = (asked.app.access.clone(), asked.app.settings.clone());
    let made = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let archive = apart(move || Content::of(&settings, &access).seal(&wanted.passphrase, made));
    let mut reply = json(&archive.await??);
    let name = HeaderValue::from_static("attachment; filename=\"wiidia-backup.json\"");
    reply.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(reply)
}

/// Puts a backup back, and starts anew with what was in it. The owner is whoever was it then.
#[utoipa::path(post, path = "/api/v1/restore", operation_id = "restoreBackup", tag = "managing",
    request_body = SentBackup, responses((status = 202, body = Done)))]
pub(in crate::server::http) async fn restore(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"passphrase":"…","archive":{…the file…}}"#;
    let wanted: SentBackup = read_json(&asked.head.headers, body, MAX_BACKUP_BODY, EXAMPLE).await?;
    let (access, settings) = (asked.app.access.clone(), asked.app.settings.clone());
    let restored = apart(move || {
        let content = Content::unseal(&wanted.archive, &wanted.passphrase)?;
        let data = settings.config().data;
        let refuse = |error: RestoreError| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
        content.put_back(&settings, &access, &data).map_err(refuse)?;
        Ok::<(), Refusal>(())
    });
    restored.await??;
    asked.app.restart.ask();
    Ok(accepted())
}

/// Forgets what was set, and starts anew. A box forgets `everything` itself, and starts anew as a whole.
#[utoipa::path(post, path = "/api/v1/reset", operation_id = "reset", tag = "managing",
    request_body = WantedReset, responses((status = 202, body = Done)))]
pub(in crate::server::http) async fn reset(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    let wanted: WantedReset =
        read_json(&asked.head.headers, body, MAX_ACCESS_BODY, r#"{"what":"settings"}"#).await?;
    if wanted.what == Forgotten::Everything && asked.app.appliance.is_here() {
        asked.app.appliance.forget().await?;
        return Ok(accepted());
    }
    let data = asked.app.settings.config().data;
    let flag = match wanted.what {
        Forgotten::Settings => reset::Reset::Settings,
        Forgotten::Everything => reset::Reset::Everything,
    };
    let written = apart(move || reset::ask(&data, flag)).await?;
    written.map_err(|error| {
        Refusal::new(
            StatusCode::INSUFFICIENT_STORAGE,
            format!("it can't be written down: {error}; try again"),
        )
    })?;
    asked.app.restart.ask();
    Ok(accepted())
}

impl From<BackupError> for Refusal {
    fn from(error: BackupError) -> Self {
        let status = match error {
            BackupError::TooShort(_) | BackupError::TooLong => StatusCode::BAD_REQUEST,
            BackupError::Shape | BackupError::Closed => StatusCode::UNPROCESSABLE_ENTITY,
            BackupError::Machine => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}
