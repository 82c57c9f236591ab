//! M3U, PLS, and HLS, which is M3U with more tags.

use super::title::tidy;
use super::{Link, Links, join};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

fn is_kind(content_type: &str, names: &[&str]) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    names.iter().any(|name| kind.ends_with(name))
}

pub(super) fn is_m3u(content_type: &str, text: &str) -> bool {
    text.trim_start().starts_with("#EXTM3U") || is_kind(content_type, &["mpegurl"])
}

pub(super) fn is_hls(text: &str) -> bool {
    let tags = [
        "#EXT-X-TARGETDURATION",
        "#EXT-X-STREAM-INF",
        "#EXT-X-MEDIA-SEQUENCE",
        "#EXT-X-MEDIA:",
        "#EXT-X-VERSION",
    ];
    text.lines().any(|line| tags.iter().any(|tag| line.starts_with(tag)))
}

pub(super) fn is_pls(content_type: &str, text: &str) -> bool {
    is_kind(content_type, &["scpls"])
        || text.trim_start().get(..10).is_some_and(|head| head.eq_ignore_ascii_case("[playlist]"))
}

/// ```text
/// #EXTM3U
/// #EXTINF:125,Title
/// song.mp3
/// ```
pub(super) fn m3u(base: &Url, text: &str) -> Vec<Link> {
    let mut links = Links::default();
    let (mut title, mut duration) = (None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(about) = line.strip_prefix("#EXTINF:") {
            let (seconds, name) = about.split_once(',').unwrap_or((about, ""));
            // Attributes may stand behind the seconds: "-1 tvg-id=…".
            duration = seconds_of(seconds.split_whitespace().next().unwrap_or_default());
            title = tidy(name);
        } else if !line.starts_with('#') {
            if let Some(url) = join(base, line) {
                links.add(Link { url, title: title.take(), duration: duration.take() });
            }
            (title, duration) = (None, None);
        }
    }
    links.0
}

/// ```text
/// [playlist]
/// File1=http://radio.example/stream
/// Title1=Radio
/// Length1=-1
/// ```
pub(super) fn pls(base: &Url, text: &str) -> Vec<Link> {
    let mut found: BTreeMap<u32, Numbered> = BTreeMap::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim().to_ascii_lowercase();
        let digits = key.find(|c: char| c.is_ascii_digit()).unwrap_or(key.len());
        let Ok(number) = key[digits..].parse() else { continue };
        if found.len() > crate::limits::MAX_LINKS && !found.contains_key(&number) {
            continue;
        }
        let entry = found.entry(number).or_default();
        match &key[..digits] {
            "file" => entry.url = join(base, value),
            "title" => entry.title = tidy(value),
            "length" => entry.duration = seconds_of(value.trim()),
            _ => {}
        }
    }
    let mut links = Links::default();
    for Numbered { url, title, duration } in found.into_values() {
        if let Some(url) = url {
            links.add(Link { url, title, duration });
        }
    }
    links.0
}

/// What a PLS says under one number.
#[derive(Default)]
struct Numbered {
    url: Option<Url>,
    title: Option<String>,
    duration: Option<Duration>,
}

/// -1 stands for "nobody knows".
fn seconds_of(text: &str) -> Option<Duration> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| *seconds > 0.0)
        .and_then(|s| Duration::try_from_secs_f64(s).ok())
}

/// An HLS playlist whose addresses are replaced by what `replace` makes of them, made whole: lines that are none of
/// comments and tags, and the values of `URI="…"` in tags. What is no address of the web is left out.
///
/// ```
/// use wiidiaserver::web_page::rewrite_hls;
/// let base = "https://e.org/a/live.m3u8".parse().unwrap();
/// let list = "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:4,\n../b.ts\n";
/// let rewritten = rewrite_hls(&base, list, |url| format!("<{url}>"));
/// assert_eq!(
///     rewritten,
///     "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"<https://e.org/a/k>\"\n#EXTINF:4,\n<https://e.org/b.ts>\n"
/// );
/// ```
pub fn rewrite_hls(base: &Url, text: &str, replace: impl Fn(&Url) -> String) -> String {
    let mut rewritten = String::with_capacity(2 * text.len());
    for line in text.lines().map(str::trim_end) {
        if line.starts_with('#') {
            rewrite_tag(base, line, &replace, &mut rewritten);
        } else if !line.trim().is_empty() {
            // A segment that cannot be fetched is an address that leads nowhere: the player goes on.
            rewritten.push_str(&join(base, line).map(|url| replace(&url)).unwrap_or_default());
        }
        rewritten.push('\n');
    }
    rewritten
}

fn rewrite_tag(base: &Url, line: &str, replace: &impl Fn(&Url) -> String, rewritten: &mut String) {
    let mut rest = line;
    while let Some(at) = rest.find("URI=\"") {
        let (before, value) = rest.split_at(at + "URI=\"".len());
        rewritten.push_str(before);
        let Some(end) = value.find('"') else {
            // Not closed: nothing of it is passed on.
            return;
        };
        rewritten.push_str(&join(base, &value[..end]).map(|url| replace(&url)).unwrap_or_default());
        rest = &value[end..];
    }
    rewritten.push_str(rest);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_address_of_a_playlist_gets_past_the_rewriting() {
        let base: Url = "https://e.org/a/live.m3u8".parse().unwrap();
        let list = "#EXTM3U\r\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"http://10.0.0.1/a\",NAME=\"x\"\r\n\
            #EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"1@0\"\n#EXT-X-SESSION-DATA:URI=\"file:///etc/passwd\"\n\
            #EXT-X-I-FRAME-STREAM-INF:URI=\"open\n  http://10.0.0.2/b.ts\nfile:///etc/passwd\n";
        let rewritten = rewrite_hls(&base, list, |url| format!("/g/{}", url.as_str().len()));
        for secret in ["10.0.0", "file:", "init.mp4", "open"] {
            assert!(!rewritten.contains(secret), "{secret} in {rewritten}");
        }
        assert!(rewritten.contains("NAME=\"x\"") && rewritten.contains("BYTERANGE=\"1@0\""), "{rewritten}");
    }

    proptest! {
        #[test]
        fn every_line_stays_a_line_of_its_kind(text in "(#EXT-X-[A-Z]+:URI=\"[a-z:/.]{0,9}\"?|[a-z:/.]{0,9}|\\s|\n){0,12}") {
            let base: Url = "https://e.org/".parse().unwrap();
            let rewritten = rewrite_hls(&base, &text, |_| "/g/x".into());
            prop_assert_eq!(rewritten.lines().count(), text.lines().count());
            for line in rewritten.lines().filter(|line| !line.starts_with('#')) {
                prop_assert!(line.is_empty() || line == "/g/x", "{}", line);
            }
        }
    }
}
