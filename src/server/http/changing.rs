//! Requests that change something: who may send them, and their bodies.
//!
//! There is no password yet, so everybody in the network may; but not the pages of other sites that somebody in the
//! network looks at: see [`check_origin`].

use super::reply::Refusal;
use crate::limits::REQUEST_BODY_TIMEOUT;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap, HeaderName};
use serde::de::DeserializeOwned;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;

/// Refuses what a browser sends because of another site's page.
///
/// * `Origin`, which browsers put on every request that changes something, is this very server's.
/// * `Host` is an address, or a name of the home's network: a name of the internet that leads here is
///   another site's trick (DNS rebinding), by which its page would have the right origin.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
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
pub(super) fn is_of_the_home(host: &str) -> bool {
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
