//! What `fuzz/` needs of this module's inside. No part of the program uses it.

use super::{Content, Link, read, rewrite_hls};
use crate::limits::{MAX_LINKS, MAX_TITLE, MAX_WEB_ADDRESS};

/// Reads a page, whose first line is its content type, and holds what is read to its bounds: addresses of the web only,
/// each once, not too many; titles of one line; nothing of an HLS playlist gets past its rewriting. How many links.
pub fn page(bytes: &[u8]) -> usize {
    // The address is ours: it parses.
    let Ok(base) = url::Url::parse("https://example.org/folder/page?x=1") else { return 0 };
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let kind = String::from_utf8_lossy(&bytes[..line]);
    let body = &bytes[(line + 1).min(bytes.len())..];
    let check_title = |title: &Option<String>| {
        let Some(title) = title else { return };
        assert!(!title.is_empty() && title.chars().count() <= MAX_TITLE && !title.contains(char::is_control));
    };
    let content = read(&base, Some(&kind), body);
    assert_eq!(content, read(&base, Some(&kind), body));
    match content {
        Content::Media => 0,
        Content::Nothing { title } => {
            check_title(&title);
            0
        }
        Content::Hls => {
            let text = String::from_utf8_lossy(body);
            let rewritten = rewrite_hls(&base, &text, |_| "<ours>".into());
            let ours = |line: &str| line.is_empty() || line == "<ours>" || line.starts_with('#');
            assert!(rewritten.lines().all(ours));
            for (at, _) in rewritten.match_indices("URI=\"") {
                let value = &rewritten[at + 5..];
                assert!(value.starts_with("<ours>\"") || value.starts_with(['"', '\n']));
            }
            0
        }
        Content::Links { title, links } => {
            check_title(&title);
            assert!((1..=MAX_LINKS).contains(&links.len()));
            for (at, Link { url, title, .. }) in links.iter().enumerate() {
                check_title(title);
                assert!(matches!(url.scheme(), "http" | "https") && url.as_str().len() <= MAX_WEB_ADDRESS);
                assert!(url.host_str().is_some_and(|host| !host.is_empty()) && url.fragment().is_none());
                assert!(links[..at].iter().all(|other| other.url != *url));
            }
            links.len()
        }
    }
}
