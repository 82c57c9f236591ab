//! The bodies of requests that change something. Who may send them is the [`guard`](super::guard)'s to say.

use super::reply::Refusal;
use crate::limits::REQUEST_BODY_TIMEOUT;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;

/// The JSON in a request's body. A page of another site cannot send that type without asking first, and we never
/// say yes. `most` bytes are read; `expected` is an example for the refusal.
pub(super) async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Incoming,
    most: usize,
    expected: &str,
) -> Result<T, Refusal> {
    let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        let text =
            "the body's type has to be application/json; send the header Content-Type: application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let reading = tokio::time::timeout(REQUEST_BODY_TIMEOUT, read(body, most, expected));
    let body =
        reading.await.unwrap_or_else(|_| Err(bad_request("the request's body did not come".to_owned())))?;
    // serde's message may quote what was sent, which may be a password: the place is enough.
    serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        bad_request(format!(
            "the body can't be read at line {line}, column {column}; send for example {expected}"
        ))
    })
}

/// The fields of a form in a request's body, as browsers send them (`application/x-www-form-urlencoded`); of a name that is
/// there twice, the last.
pub(super) async fn read_form(
    headers: &HeaderMap,
    body: Incoming,
    most: usize,
) -> Result<BTreeMap<String, String>, Refusal> {
    const EXPECTED: &str = "name=value&name=value";
    let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let text = "the body has to be a form; send it from the page";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let reading = tokio::time::timeout(REQUEST_BODY_TIMEOUT, read(body, most, EXPECTED));
    let body =
        reading.await.unwrap_or_else(|_| Err(bad_request("the request's body did not come".to_owned())))?;
    let body = String::from_utf8_lossy(&body);
    let word = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    Ok(pairs.map(|(name, value)| (word(name), word(value))).collect())
}

/// All of a small body.
async fn read(mut body: Incoming, most: usize, expected: &str) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| bad_request(format!("the body did not arrive: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            let text = format!("the body is larger than {most} bytes; send for example {expected}");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn bad_request(text: String) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, text)
}

fn text(headers: &HeaderMap, name: impl hyper::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
