//! `/api/v1/recordings`: what is being recorded; starting and stopping it.
//!
//! Starting and stopping are the only addresses that change something. There is no password yet, so
//! everybody in the network may; but not the pages of other sites that somebody in the network looks
//! at: see [`check_origin`].

use super::reply::{Refusal, Reply, json};
use crate::limits::{MAX_API_BODY, MAX_STREAM_NAME, REQUEST_BODY_TIMEOUT};
use crate::recording::{By, Mode, RecordRefused, Recordings, Report};
use crate::server::App;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;

#[derive(Serialize)]
struct All {
    /// Where recordings are; null when nothing is recorded.
    folder: Option<String>,
    recordings: Vec<Report>,
}

/// What is wanted to be recorded.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    stream: String,
}

/// `GET /api/v1/recordings`
pub(super) fn list(recordings: &Recordings) -> Reply {
    let folder = recordings.folder().map(|folder| folder.percent_encoded());
    json(&All { folder, recordings: recordings.reports() })
}

/// `GET /api/v1/recordings/<key>`: the one at work, or the last one that ended.
pub(super) fn one(recordings: &Recordings, key: &str) -> Result<Reply, Refusal> {
    let report = recordings.reports().into_iter().find(|report| report.stream == key);
    report.map(|report| json(&report)).ok_or_else(|| nothing(key))
}

/// `POST /api/v1/recordings` with `{"stream":"<key>"}`
pub(super) async fn start(app: &App, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
    check_origin(headers)?;
    check_json(headers)?;
    let reading = tokio::time::timeout(REQUEST_BODY_TIMEOUT, read(body));
    let body =
        reading.await.unwrap_or_else(|_| Err(bad_request("the request's body did not come".to_owned())))?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|error| {
        bad_request(format!(
            "the body can't be read: {error}; send {{\"stream\":\"<name of a live stream>\"}}"
        ))
    })?;
    let stream = app.streams.find(&wanted.stream).filter(|stream| stream.is_on_air());
    let stream = stream.ok_or_else(|| {
        let name: String = wanted.stream.chars().take(MAX_STREAM_NAME).collect();
        let text = format!("nobody publishes \"{name}\"; start the encoder, or look at /api/v1/streams");
        Refusal::new(StatusCode::NOT_FOUND, text)
    })?;
    let recording = app.recordings.start(&stream, Mode::New, By::Api).map_err(|error| {
        let status = match error {
            RecordRefused::NotAllowed => StatusCode::FORBIDDEN,
            RecordRefused::NoThread(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Refusal::new(status, error.to_string())
    })?;
    let mut reply = json(&recording.report());
    *reply.status_mut() = StatusCode::CREATED;
    Ok(reply)
}

/// `DELETE /api/v1/recordings/<key>`
pub(super) fn stop(app: &App, headers: &HeaderMap, key: &str) -> Result<Reply, Refusal> {
    check_origin(headers)?;
    let recording = app.recordings.stop(key).ok_or_else(|| nothing(key))?;
    Ok(json(&recording.report()))
}

fn nothing(key: &str) -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        format!("\"{key}\" is not being recorded; look at /api/v1/recordings"),
    )
}

fn bad_request(text: String) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, text)
}

fn text(headers: &HeaderMap, name: impl hyper::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Refuses what a browser sends because of another site's page.
///
/// * `Origin`, which browsers put on every request that changes something, is this very server's.
/// * `Host` is an address, or a name of the home's network: a name of the internet that leads here is
///   another site's trick (DNS rebinding), by which its page would have the right origin.
fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let host = text(headers, header::HOST).unwrap_or_default();
    let refuse = |text: String| Err(Refusal::new(StatusCode::FORBIDDEN, text));
    if !is_of_the_home(host) {
        return refuse(format!(
            "this is not possible by the name \"{host}\"; call the server by its address or its name in the home's network"
        ));
    }
    if text(headers, HeaderName::from_static("sec-fetch-site"))
        .is_some_and(|site| site != "same-origin" && site != "none")
    {
        return refuse("another site's page may not do this".to_owned());
    }
    match headers.get(header::ORIGIN) {
        None => Ok(()),
        Some(origin) => match origin.to_str().ok().and_then(|origin| origin.split_once("://")) {
            Some((_, origin)) if origin.eq_ignore_ascii_case(host) => Ok(()),
            _ => refuse("another site's page may not do this".to_owned()),
        },
    }
}

/// An IP address, a name without dots, or one that only a home's network knows (RFC 6762, RFC 8375, and what
/// routers use).
fn is_of_the_home(host: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if address.parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let known = ["local", "lan", "home.arpa", "internal", "home", "fritz.box", "localhost"];
    let ends = |suffix: &str| name.strip_suffix(suffix).is_some_and(|front| front.ends_with('.'));
    !name.is_empty() && (!name.contains('.') || known.into_iter().any(ends))
}

/// A page of another site cannot send JSON without asking first, and we never say yes.
fn check_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let text = "the body's type has to be application/json; send the header Content-Type: application/json";
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
}

/// All of a small body.
async fn read(mut body: Incoming) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| bad_request(format!("the body did not arrive: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > MAX_API_BODY {
            let text = format!("the body is larger than {MAX_API_BODY} bytes; send only the stream's name");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_home_are_known_from_those_of_the_internet() {
        for (host, expected) in [
            ("192.168.1.20:8080", true),
            ("192.168.1.20", true),
            ("[fe80::1]:8080", true),
            ("[::1]", true),
            ("localhost:8080", true),
            ("box", true),
            ("box.local", true),
            ("Box.Fritz.Box:80", true),
            ("box.home.arpa.", true),
            ("evil.example:8080", false),
            ("notlocal.example", false),
            ("fritz.box.example", false),
            ("evillocal", true),
            ("1.2.3.4.example", false),
            ("", false),
            (":80", false),
        ] {
            assert_eq!(is_of_the_home(host), expected, "{host}");
        }
    }

    #[test]
    fn other_sites_are_refused() {
        for (headers, expected) in [
            (&[("host", "192.168.1.20:8080")][..], true),
            (&[("host", "192.168.1.20:8080"), ("origin", "http://192.168.1.20:8080")], true),
            (&[("host", "192.168.1.20:8080"), ("origin", "http://192.168.1.20")], false),
            (&[("host", "192.168.1.20:8080"), ("origin", "https://evil.example")], false),
            (&[("host", "evil.example"), ("origin", "http://evil.example")], false),
            (&[("host", "box"), ("origin", "null")], false),
            (&[("host", "box"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "box"), ("sec-fetch-site", "same-origin")], true),
            (&[], false),
        ] {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect();
            assert_eq!(check_origin(&map).is_ok(), expected, "{headers:?}");
        }
    }
}
