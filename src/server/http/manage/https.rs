//! `/api/v1/https`: the certificate by which the server speaks HTTPS, if it does: uploaded, or signed by an authority of its own.

use super::{Asked, apart};
use crate::authority::{self, AuthorityError, Made};
use crate::document::Document;
use crate::limits::{MAX_CERTIFICATE_BODY, MAX_HOST_NAMES, MAX_PEM_FILE};
use crate::server::Certificates;
use crate::server::http::changing::read_json;
use crate::server::http::reply::{Refusal, Reply, json, reply};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files in the folder `https` of the data folder.
pub fn files(data: &Path) -> (PathBuf, PathBuf) {
    let folder = data.join("https");
    (folder.join("certificate.pem"), folder.join("key.pem"))
}

const ROOT: &str = "root.pem";
const ROOT_KEY: &str = "root-key.pem";

/// `GET /api/v1/https`: whether there is a certificate, whose it is, and the port.
pub(super) fn state(asked: &Asked<'_>) -> Reply {
    json(&now(asked))
}

fn now(asked: &Asked<'_>) -> Value {
    let config = asked.app.settings.config();
    let (certificate, _) = files(&config.data);
    let own = certificate.with_file_name(ROOT).exists();
    value!({
        "by_file": config.https.certificate.is_some(),
        "certificate": if !certificate.exists() { Value::Null } else if own { "own".into() } else { "uploaded".into() },
        "port": config.https.listen.port(),
        "names": names(asked),
    })
}

/// By which somebody would call it: as this request does, and its own.
fn names(asked: &Asked<'_>) -> Vec<String> {
    let host = asked.head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let name = asked.app.settings.value("general", "name").as_str().unwrap_or_default().to_owned();
    let local = (!name.is_empty()).then(|| format!("{name}.local"));
    let mut names: Vec<String> = local.into_iter().chain([host]).filter(|name| !name.is_empty()).collect();
    names.dedup();
    names
}

/// `POST /api/v1/https` with `{"names"}`: makes a certificate for them, signed by the server's own authority, which is made with
/// the first. Holds at the next start.
pub(super) async fn make(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        names: Vec<String>,
    }
    const EXAMPLE: &str = r#"{"names":["box.local","192.168.1.20"]}"#;
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_CERTIFICATE_BODY, EXAMPLE).await?;
    if wanted.names.len() > MAX_HOST_NAMES {
        let text = format!("{} names are too many, expected at most {MAX_HOST_NAMES}", wanted.names.len());
        return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
    }
    let data = asked.app.settings.config().data;
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    apart(move || {
        let folder = data.join("https");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
        let (root, key) = (read(ROOT), read(ROOT_KEY));
        let kept = root.as_deref().zip(key.as_deref());
        let made = authority::make(&wanted.names, kept, time)?;
        let Made { root, root_key, certificate, key } = &made;
        // The root last: a certificate without it is no worse than an uploaded one.
        let files = [("key.pem", key), ("certificate.pem", certificate), (ROOT_KEY, root_key), (ROOT, root)];
        write(&folder, &files)
    })
    .await??;
    asked.app.settings.note_restart();
    Ok(state(asked))
}

/// `PUT /api/v1/https` with `{"certificate","key"}`, PEM: the owner's own. Holds at the next start.
pub(super) async fn upload(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        certificate: String,
        key: String,
    }
    const EXAMPLE: &str =
        r#"{"certificate":"-----BEGIN CERTIFICATE-----…","key":"-----BEGIN PRIVATE KEY-----…"}"#;
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_CERTIFICATE_BODY, EXAMPLE).await?;
    let data = asked.app.settings.config().data;
    apart(move || {
        // Looked at beside the present ones: what does not fit together replaces nothing.
        let trial = tempfile::tempdir_in(&data).map_err(|error| not_kept(&error))?;
        let files = [("certificate.pem", &wanted.certificate), ("key.pem", &wanted.key)];
        write(trial.path(), &files)?;
        let (certificate, key) = (trial.path().join("certificate.pem"), trial.path().join("key.pem"));
        Certificates::load(&certificate, &key).map_err(|error| {
            let text = error.to_string().replace(&format!("{}/", trial.path().display()), "");
            Refusal::new(StatusCode::BAD_REQUEST, text)
        })?;
        let folder = data.join("https");
        for name in [ROOT, ROOT_KEY] {
            Document::new(&folder, name, MAX_PEM_FILE).remove().map_err(|error| not_kept(&error))?;
        }
        write(&folder, &files)
    })
    .await??;
    asked.app.settings.note_restart();
    Ok(state(asked))
}

/// `DELETE /api/v1/https`: none, from the next start on. The authority stays, so that what devices have installed stays good.
pub(super) async fn remove(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let data = asked.app.settings.config().data;
    apart(move || {
        let folder = data.join("https");
        for name in ["certificate.pem", "key.pem"] {
            Document::new(&folder, name, MAX_PEM_FILE).remove().map_err(|error| not_kept(&error))?;
        }
        Ok::<(), Refusal>(())
    })
    .await??;
    asked.app.settings.note_restart();
    Ok(state(asked))
}

/// `GET /api/v1/https/root`: the authority's certificate, for devices to install. Everybody may have it.
pub(super) async fn root(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let path = asked.app.settings.config().data.join("https").join(ROOT);
    let Ok(pem) = tokio::fs::read(&path).await else {
        let text = "the server has no authority of its own; the owner can make one under Set up, HTTPS";
        return Err(Refusal::new(StatusCode::NOT_FOUND, text));
    };
    let mut answer = reply("application/x-x509-ca-cert", Bytes::from(pem));
    let name = HeaderValue::from_static("attachment; filename=\"wiidia-root.crt\"");
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(answer)
}

fn write(folder: &Path, files: &[(&str, &String)]) -> Result<(), Refusal> {
    for (name, content) in files {
        let document = Document::new(folder, name, MAX_PEM_FILE);
        document.write(content.as_bytes()).map_err(|error| not_kept(&error))?;
    }
    Ok(())
}

fn not_kept(error: &std::io::Error) -> Refusal {
    Refusal::new(
        StatusCode::INSUFFICIENT_STORAGE,
        format!("it can't be kept: {error}; make room on the disk"),
    )
}

impl From<AuthorityError> for Refusal {
    fn from(error: AuthorityError) -> Self {
        let status = match error {
            AuthorityError::Name(_) | AuthorityError::NoNames => StatusCode::BAD_REQUEST,
            AuthorityError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}
