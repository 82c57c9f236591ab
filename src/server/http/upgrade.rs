//! `Upgrade: websocket`: who gets one (RFC 6455 4.2).

use super::handover::SocketBody;
use super::reply::{Refusal, Reply};
use crate::websocket::{VERSION, accept};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};

/// A request for a WebSocket that will be granted.
#[derive(Debug)]
pub(super) struct Opening {
    accept: HeaderValue,
}

impl Opening {
    /// `None` when no WebSocket is asked for.
    pub(super) fn of(request: &Request<Incoming>) -> Result<Option<Self>, Refusal> {
        let headers = request.headers();
        let asked = request.method() == Method::GET
            && request.version() == Version::HTTP_11
            && has_word(headers, header::UPGRADE, "websocket")
            && has_word(headers, header::CONNECTION, "upgrade");
        if !asked {
            return Ok(None);
        }
        if text(headers, header::SEC_WEBSOCKET_VERSION) != VERSION {
            let detail = format!("Sec-WebSocket-Version must be {VERSION}; use a client of RFC 6455");
            return Err(Refusal::new(StatusCode::UPGRADE_REQUIRED, detail));
        }
        if !is_own_page(headers) {
            let detail = "pages of other hosts may not watch here; load the player from this host";
            return Err(Refusal::new(StatusCode::FORBIDDEN, detail));
        }
        let accept = accept(text(headers, header::SEC_WEBSOCKET_KEY))
            .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
        // Base64 is always a valid value.
        Ok(HeaderValue::try_from(accept).ok().map(|accept| Self { accept }))
    }

    /// 101; the socket is the body's.
    pub(super) fn accepted(self, body: SocketBody) -> Reply {
        let mut reply = Response::new(body.into());
        *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = reply.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        reply
    }
}

/// Browsers let any page open a WebSocket anywhere, and say which page it is. HTTP-FLV can be read by
/// pages of this host alone, because no answer permits more; WebSocket-FLV is held to the same. Programs
/// that are no browser send no `Origin`.
fn is_own_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or_default();
    let Some((_scheme, authority)) = origin.split_once("://") else { return false };
    let host = text(headers, header::HOST);
    !host.is_empty() && host_of(authority).eq_ignore_ascii_case(host_of(host))
}

/// Without the port: the page may come from another server on the same box.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
}

/// Whether a list of words has this one.
pub(super) fn has_word(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn pages_of_the_host_itself_may_watch_and_others_may_not() {
        for (origin, host, own) in [
            ("http://box", "box", true),
            ("http://box:8080", "box:8080", true),
            ("https://Box.lan", "box.lan:8080", true),
            ("http://[fe80::1]:80", "[fe80::1]:8080", true),
            ("http://[fe80::1]", "[fe80::1]", true),
            ("http://box.evil.example", "box", false),
            ("http://evil.example", "box:8080", false),
            ("null", "box", false),
            ("", "box", false),
            ("http://", "", false),
        ] {
            let headers = headers(&[(header::ORIGIN, origin), (header::HOST, host)]);
            assert_eq!(is_own_page(&headers), own, "{origin} on {host}");
        }
        assert!(is_own_page(&headers(&[(header::HOST, "box")])), "no browser");
    }

    #[test]
    fn words_are_found_in_lists() {
        let headers = headers(&[(header::CONNECTION, "keep-alive, Upgrade")]);
        assert!(has_word(&headers, header::CONNECTION, "upgrade"));
        assert!(!has_word(&headers, header::CONNECTION, "up"));
    }
}
