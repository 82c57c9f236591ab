//! `/api/v1/backup`, `/api/v1/restore`, `/api/v1/reset`: everything that was set, as a file and back; and forgetting it.

use super::{Asked, apart};
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
use serde_json::json as value;
use std::time::SystemTime;

/// `POST /api/v1/backup` with `{"passphrase"}`: the file. POST, because it is made for whoever asks alone.
pub(super) async fn make(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        passphrase: String,
    }
    const EXAMPLE: &str = r#"{"passphrase":"<at least 8 characters>"}"#;
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    let (access, settings) = (asked.app.access.clone(), asked.app.settings.clone());
    let made = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let archive = apart(move || Content::of(&settings, &access).seal(&wanted.passphrase, made));
    let mut reply = json(&archive.await??);
    let name = HeaderValue::from_static("attachment; filename=\"wiidia-backup.json\"");
    reply.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(reply)
}

/// `POST /api/v1/restore` with `{"passphrase","archive"}`: 202, and the server starts anew with what was in it. The owner is
/// whoever was it then.
pub(super) async fn restore(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        passphrase: String,
        archive: Archive,
    }
    const EXAMPLE: &str = r#"{"passphrase":"…","archive":{…the file…}}"#;
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_BACKUP_BODY, EXAMPLE).await?;
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

/// `POST /api/v1/reset` with `{"what"}`: `settings` forgets settings, passwords, sources; `everything` also conversions and the
/// index. Never the library. 202, and the server starts anew; a box does `everything` itself, and starts anew as a whole.
pub(super) async fn reset(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(Deserialize, PartialEq, Clone, Copy)]
    #[serde(rename_all = "snake_case")]
    enum What {
        Settings,
        Everything,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        what: What,
    }
    let wanted: Wanted =
        read_json(&asked.head.headers, body, MAX_ACCESS_BODY, r#"{"what":"settings"}"#).await?;
    if wanted.what == What::Everything && asked.app.appliance.is_here() {
        asked.app.appliance.forget().await?;
        return Ok(accepted());
    }
    let data = asked.app.settings.config().data;
    let flag = match wanted.what {
        What::Settings => reset::Reset::Settings,
        What::Everything => reset::Reset::Everything,
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

fn accepted() -> Reply {
    let mut reply = json(&value!({}));
    *reply.status_mut() = StatusCode::ACCEPTED;
    reply
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
