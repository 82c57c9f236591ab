//! `/api/v1/https`: the certificate by which the server speaks HTTPS, if it does: uploaded, or signed by an authority of its own.

use super::{Asked, apart};
use crate::authority::AuthorityError;
use crate::document::Document;
use crate::limits::{MAX_CERTIFICATE_BODY, MAX_HOST_NAMES, MAX_PEM_FILE};
use crate::server::Certificates;
use crate::server::http::changing::read_json;
use crate::server::http::reply::{Refusal, Reply, json, reply};
use crate::server::own_certificate::{self, OwnCertificateError, ROOT, ROOT_KEY, files, folder, unix_time};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use serde::{Deserialize, Serialize};
use std::path::Path;
use utoipa::ToSchema;

/// Whose a certificate is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CertificateOrigin)]
pub(in crate::server::http) enum Origin {
    /// Signed by the server's own authority.
    Own,
    /// The owner's.
    Uploaded,
}

/// How the server speaks HTTPS.
#[derive(Serialize, ToSchema)]
#[schema(as = Https)]
pub(in crate::server::http) struct State {
    /// The configuration names the files, so nothing can be changed here.
    by_file: bool,
    /// Whose certificate there is.
    certificate: Option<Origin>,
    port: u16,
    /// By which one would call the server.
    names: Vec<String>,
}

/// Names that a certificate is to be good for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct WantedCertificate {
    names: Vec<String>,
}

/// A certificate of the owner's, as PEM.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct SentCertificate {
    /// With those that it was signed with.
    certificate: String,
    key: String,
}

/// Whether there is a certificate for HTTPS, and whose it is.
#[utoipa::path(get, path = "/api/v1/https", operation_id = "getHttps", tag = "managing",
    responses((status = 200, body = State)))]
pub(in crate::server::http) fn state(asked: &Asked<'_>) -> Reply {
    let config = asked.app.settings.config();
    let (certificate, _) = files(&config.data);
    let own = certificate.with_file_name(ROOT).exists();
    json(&State {
        by_file: config.https.certificate.is_some(),
        certificate: certificate.exists().then_some(if own { Origin::Own } else { Origin::Uploaded }),
        port: config.https.listen.port(),
        names: names(asked),
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

/// Makes a certificate, signed by the server's own authority.
///
/// The authority is made with the first. It holds at the next start.
#[utoipa::path(post, path = "/api/v1/https", operation_id = "makeCertificate", tag = "managing",
    request_body = WantedCertificate, responses((status = 200, body = State)))]
pub(in crate::server::http) async fn make(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"names":["box.local","192.168.1.20"]}"#;
    let wanted: WantedCertificate =
        read_json(&asked.head.headers, body, MAX_CERTIFICATE_BODY, EXAMPLE).await?;
    if wanted.names.len() > MAX_HOST_NAMES {
        let text = format!("{} names are too many, expected at most {MAX_HOST_NAMES}", wanted.names.len());
        return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
    }
    let data = asked.app.settings.config().data;
    apart(move || own_certificate::make(&data, wanted.names, unix_time())).await??;
    asked.app.settings.note_restart();
    Ok(state(asked))
}

/// Takes a certificate of the owner's. It holds at the next start.
#[utoipa::path(put, path = "/api/v1/https", operation_id = "uploadCertificate", tag = "managing",
    request_body = SentCertificate, responses((status = 200, body = State)))]
pub(in crate::server::http) async fn upload(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str =
        r#"{"certificate":"-----BEGIN CERTIFICATE-----…","key":"-----BEGIN PRIVATE KEY-----…"}"#;
    let wanted: SentCertificate = read_json(&asked.head.headers, body, MAX_CERTIFICATE_BODY, EXAMPLE).await?;
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
        let folder = folder(&data);
        for name in [ROOT, ROOT_KEY] {
            Document::new(&folder, name, MAX_PEM_FILE).remove().map_err(|error| not_kept(&error))?;
        }
        write(&folder, &files)
    })
    .await??;
    asked.app.settings.note_restart();
    Ok(state(asked))
}

/// No HTTPS from the next start on.
///
/// The authority stays, so that what devices have installed stays good.
#[utoipa::path(delete, path = "/api/v1/https", operation_id = "removeCertificate", tag = "managing",
    responses((status = 200, body = State)))]
pub(in crate::server::http) async fn remove(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let data = asked.app.settings.config().data;
    apart(move || {
        let folder = folder(&data);
        for name in ["certificate.pem", "key.pem"] {
            Document::new(&folder, name, MAX_PEM_FILE).remove().map_err(|error| not_kept(&error))?;
        }
        Ok::<(), Refusal>(())
    })
    .await??;
    asked.app.settings.note_restart();
    Ok(state(asked))
}

/// The root of the server's own authority, for devices to install. Everybody may have it.
#[utoipa::path(get, path = "/api/v1/https/root", operation_id = "getRootCertificate", tag = "managing",
    responses((status = 200, body = String, content_type = "application/x-x509-ca-cert")))]
pub(in crate::server::http) async fn root(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let path = folder(&asked.app.settings.config().data).join(ROOT);
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

impl From<OwnCertificateError> for Refusal {
    fn from(error: OwnCertificateError) -> Self {
        match error {
            OwnCertificateError::Authority(error) => error.into(),
            OwnCertificateError::NotKept(error) => not_kept(&error),
        }
    }
}
