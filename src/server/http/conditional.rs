//! Entity tags: answers that did not change are not sent again (RFC 9110 13).

use super::body::Body;
use super::reply::{Reply, set};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use sha1::{Digest, Sha1};

/// Whether the client has what this tag (with its quotes) stands for.
pub(super) fn has(request: &HeaderMap, tag: &HeaderValue) -> bool {
    listed(request, header::IF_NONE_MATCH, tag)
}

/// Whether a list of tags names this one, or any by `*`. Weak or strong makes no difference for what is compared with it
/// here (RFC 9110 13.1.2).
fn listed(request: &HeaderMap, name: header::HeaderName, tag: &HeaderValue) -> bool {
    let lists = request.get_all(name).into_iter().filter_map(|tags| tags.to_str().ok());
    lists.flat_map(|tags| tags.split(',')).any(|other| {
        let other = other.trim();
        other == "*" || other.trim_start_matches("W/").as_bytes() == tag.as_bytes()
    })
}

/// 304 with the tag.
pub(super) fn not_modified(tag: HeaderValue) -> Reply {
    let mut reply = Response::new(Bytes::new().into());
    *reply.status_mut() = StatusCode::NOT_MODIFIED;
    reply.headers_mut().insert(header::ETAG, tag);
    reply
}

/// Gives JSON that is there as a whole a tag made of its bytes; 304 to who has it.
pub(super) fn tagged(mut reply: Reply, request: &HeaderMap) -> Reply {
    let is_json = reply.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let Body::Whole(bytes) = reply.body() else { return reply };
    if reply.status() != StatusCode::OK || !is_json || reply.headers().contains_key(header::ETAG) {
        return reply;
    }
    let tag = format!("\"{}\"", HEXLOWER.encode(&Sha1::digest(bytes)[..12]));
    let Ok(tag) = HeaderValue::try_from(tag) else { return reply };
    if has(request, &tag) {
        reply = not_modified(tag);
    } else {
        reply.headers_mut().insert(header::ETAG, tag);
    }
    set(&mut reply, header::CACHE_CONTROL, "private, no-cache");
    reply
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_in_lists_however_they_are_written() {
        let tag = HeaderValue::from_static("\"a1\"");
        for (header, expected) in [
            ("\"a1\"", true),
            ("W/\"a1\"", true),
            ("\"b\", \"a1\"", true),
            ("*", true),
            ("\"a\"", false),
            ("a1", false),
            ("", false),
        ] {
            let headers: HeaderMap = [(header::IF_NONE_MATCH, header.parse().unwrap())].into_iter().collect();
            assert_eq!(has(&headers, &tag), expected, "{header}");
        }
        assert!(!has(&HeaderMap::new(), &tag));
    }
}
