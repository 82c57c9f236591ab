//! `/api/v1/backup`, `/api/v1/restore`, `/api/v1/reset`: everything that was set, as a file and back; and forgetting it.

use super::{Asked, apart};
use crate::backup::{Archive, BackupError};
use crate::limits::{MAX_ACCESS_BODY, MAX_BACKUP_BODY, MAX_SOURCES_FILE};
use crate::reset;
use crate::server::http::changing::read_json;
use crate::server::http::reply::{Refusal, Reply, json};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

/// What is in a backup, before it is sealed.
#[derive(Serialize, Deserialize)]
struct Content {
    settings: Value,
    access: Value,
    /// Live sources, as they are kept; null when there are none.
    #[serde(default)]
    sources: Value,
}

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
    let archive = apart(move || {
        let content = Content {
            settings: settings.document(),
            access: access.export(),
            sources: sources(&settings.config().data),
        };
        let content = serde_json::to_vec(&content).unwrap_or_default();
        Archive::seal(&content, &wanted.passphrase, env!("CARGO_PKG_VERSION"), made)
    });
    let mut reply = json(&archive.await??);
    let name = HeaderValue::from_static("attachment; filename=\"wiidia-backup.json\"");
    reply.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(reply)
}

fn sources(data: &Path) -> Value {
    let mut text = Vec::new();
    let read = std::fs::File::open(data.join("sources.json"))
        .and_then(|file| file.take(MAX_SOURCES_FILE).read_to_end(&mut text));
    read.ok().and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default()
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
        let content = wanted.archive.open(&wanted.passphrase)?;
        let content: Content = serde_json::from_slice(&content).map_err(|_| BackupError::Shape)?;
        let refuse = |error: String| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error);
        let data = settings.config().data;
        settings.restore(&content.settings).map_err(refuse)?;
        if content.sources.is_object() {
            let document = crate::document::Document::new(&data, "sources.json", MAX_SOURCES_FILE);
            let bytes = serde_json::to_vec_pretty(&content.sources).unwrap_or_default();
            document.write(&bytes).map_err(|error| refuse(error.to_string()))?;
        }
        access.import(&content.access).map_err(refuse)?;
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
