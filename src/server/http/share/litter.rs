//! What macOS puts beside every file, `._film.avi` and `.DS_Store`, and Windows `desktop.ini` and `Thumbs.db`: taken and thrown
//! away. The Finder gives up a copy when it may not write them.

use super::super::reply::{Refusal, Reply};
use super::{empty, multistatus, read_away, xml};
use crate::library::LibraryPath;
use crate::limits::SHARE_LOCK_SECONDS;
use hyper::StatusCode;
use hyper::body::Incoming;
use std::os::unix::ffi::OsStrExt;

/// Whether this is such.
pub(super) fn is(path: &LibraryPath) -> bool {
    let Some((_, name)) = path.split_last() else { return false };
    let name = name.as_bytes();
    name.starts_with(b"._")
        || [&b".DS_Store"[..], b"Thumbs.db", b"desktop.ini"].iter().any(|one| name.eq_ignore_ascii_case(one))
}

/// Answers as if it were kept; it never is there.
pub(super) async fn answer(method: &str, body: Incoming) -> Result<Reply, Refusal> {
    match method {
        "PUT" => {
            read_away(body).await?;
            Ok(empty(StatusCode::CREATED))
        }
        "LOCK" => {
            let xml = xml::lock_answer("/share/", "opaquelocktoken:litter", SHARE_LOCK_SECONDS);
            let mut answer = multistatus(xml);
            *answer.status_mut() = StatusCode::OK;
            answer
                .headers_mut()
                .insert("lock-token", hyper::header::HeaderValue::from_static("<opaquelocktoken:litter>"));
            Ok(answer)
        }
        "UNLOCK" | "DELETE" | "MOVE" | "COPY" | "PROPPATCH" => Ok(empty(StatusCode::NO_CONTENT)),
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "there is no such file; nothing of this name is kept")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn litter_is_known_by_its_name() {
        let path = |text: &str| LibraryPath::from_bytes(text.as_bytes()).unwrap();
        for (name, expected) in [
            ("films/._a.avi", true),
            (".DS_Store", true),
            ("films/THUMBS.DB", true),
            ("films/a.avi", false),
            (".hidden/a.avi", false),
            ("", false),
        ] {
            assert_eq!(is(&path(name)), expected, "{name}");
        }
    }
}
