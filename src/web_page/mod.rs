//! What an address of the web holds, from its first bytes: media, or what leads to media. Pure.
//!
//! ```text
//!  bytes, content type ─▶ read ─▶ Media                      a film, a song, a stream
//!                                 Hls                        a playlist of HTTP Live Streaming
//!                                 Links { title, links }     a page, a feed, a playlist: lead on
//!                                 Nothing
//! ```
//!
//! | module | reads |
//! |---|---|
//! | `sniff` | types and first bytes of media |
//! | `playlist` | M3U, PLS, HLS |
//! | `feed` | RSS and Atom, with their enclosures |
//! | `html` | `<video>`, Open Graph, JSON-LD, links to media files |
//! | `charset` | bytes to text |
//! | `title` | what people see |
//!
//! Everything that is read here comes from anywhere: it is cut to bounds of [`limits`](crate::limits), and addresses
//! that are not http or https are left out. Where an address leads is not asked here.

mod charset;
mod feed;
#[doc(hidden)]
pub mod fuzzing;
mod html;
mod json_ld;
mod playlist;
mod sniff;
mod title;

pub use playlist::rewrite_hls;
pub use sniff::is_media_name;

use crate::limits::{MAX_LINKS, MAX_WEB_ADDRESS};
use std::time::Duration;
use url::Url;

/// What an address holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Media.
    Media,
    /// A playlist of HTTP Live Streaming.
    Hls,
    /// What leads on, the best first.
    Links {
        /// What it is called.
        title: Option<String>,
        /// Where to; never empty.
        links: Vec<Link>,
    },
    /// Nothing that is known.
    Nothing {
        /// What it is called.
        title: Option<String>,
    },
}

/// Something that leads on to media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// An http or https address without a fragment.
    pub url: Url,
    /// What it is called.
    pub title: Option<String>,
    /// How long it is, if that is said.
    pub duration: Option<Duration>,
}

/// Reads what came from `url`: its `Content-Type`, and its bytes from the first one on.
///
/// ```
/// use wiidiaserver::web_page::{Content, read};
/// let url = "https://example.org/page".parse().unwrap();
/// let page = br#"<title>A film</title><video src="film.mp4"></video>"#;
/// let Content::Links { title, links } = read(&url, Some("text/html"), page) else { panic!() };
/// assert_eq!(title.as_deref(), Some("A film"));
/// assert_eq!(links[0].url.as_str(), "https://example.org/film.mp4");
/// ```
pub fn read(url: &Url, content_type: Option<&str>, bytes: &[u8]) -> Content {
    let kind = content_type.unwrap_or_default();
    if sniff::is_media(url, kind, bytes) {
        return Content::Media;
    }
    let text = charset::decode(kind, bytes);
    let (title, links) = if playlist::is_m3u(kind, &text) {
        if playlist::is_hls(&text) {
            return Content::Hls;
        }
        (None, playlist::m3u(url, &text))
    } else if playlist::is_pls(kind, &text) {
        (None, playlist::pls(url, &text))
    } else if feed::is_feed(&text) {
        feed::read(url, &text)
    } else {
        html::read(url, &text)
    };
    if links.is_empty() { Content::Nothing { title } } else { Content::Links { title, links } }
}

/// An address as it stands in a page, made whole; `None` when it is none that could be fetched.
fn join(base: &Url, text: &str) -> Option<Url> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_WEB_ADDRESS {
        return None;
    }
    let mut url = base.join(text).ok()?;
    url.set_fragment(None);
    (matches!(url.scheme(), "http" | "https") && url.as_str().len() <= MAX_WEB_ADDRESS).then_some(url)
}

/// Links as they are found, each address once.
#[derive(Debug, Default)]
struct Links(Vec<Link>);

impl Links {
    fn add(&mut self, link: Link) {
        if self.0.len() >= MAX_LINKS {
            return;
        }
        match self.0.iter_mut().find(|known| known.url == link.url) {
            Some(known) => {
                known.title = known.title.take().or(link.title);
                known.duration = known.duration.or(link.duration);
            }
            None => self.0.push(link),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    /// `title: address (seconds) …`, for short tables.
    fn shown(address: &str, kind: &str, text: &str) -> String {
        match read(&url(address), Some(kind), text.as_bytes()) {
            Content::Media => "media".into(),
            Content::Hls => "hls".into(),
            Content::Nothing { title } => format!("nothing: {}", title.unwrap_or_default()),
            Content::Links { title, links } => {
                let one = |link: &Link| {
                    let seconds = link.duration.map(|d| format!(" {}s", d.as_secs())).unwrap_or_default();
                    let title = link.title.as_ref().map(|title| format!(" ({title})")).unwrap_or_default();
                    format!("{}{title}{seconds}", link.url)
                };
                format!(
                    "{}: {}",
                    title.unwrap_or_default(),
                    links.iter().map(one).collect::<Vec<_>>().join(" ")
                )
            }
        }
    }

    const PAGE: &str = "https://e.org/dir/page";

    #[test]
    fn each_kind_of_page_leads_to_its_media() {
        for (kind, text, expected) in [
            ("text/html", "<video src=a.mp4>", ": https://e.org/dir/a.mp4"),
            (
                "text/html; charset=utf-8",
                "<html><head><base href='/x/'><title> The\n film &amp; I </title></head><video poster=p.jpg>\
                 <source src='a.webm' type=video/webm><source src=\"a.mp4?x=1&amp;y=2\" type='video/mp4'></video>",
                "The film & I: https://e.org/x/a.mp4?x=1&y=2",
            ),
            (
                "text/html",
                "<meta property='og:title' content='Grandma&#39;s birthday'><title>x</title>\
                 <video><source src=1.flv></video><video><source src=2.mp4></video>",
                "Grandma's birthday: https://e.org/dir/1.flv https://e.org/dir/2.mp4",
            ),
            (
                "text/html",
                "<meta property=og:video content=//cdn.e.org/v.mp4><meta property=og:video:type content=video/mp4>",
                ": https://cdn.e.org/v.mp4",
            ),
            (
                "text/html",
                "<title>t</title><meta property=og:video content=/embed/1><meta property=og:video:type content=text/html>",
                "nothing: t",
            ),
            (
                "text/html",
                r#"<script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":["VideoObject"],
                "name":"Film","duration":"PT1H2M3S","contentUrl":"https://e.org/a.m3u8"}]}</script>"#,
                "Film: https://e.org/a.m3u8 (Film) 3723s",
            ),
            ("text/html", "<script>if (a < b) document.write('<video src=x.mp4>')</script>", "nothing: "),
            ("text/html", "<!-- <video src=x.mp4> -->", "nothing: "),
            (
                "text/html",
                "<a href=a%20b.mkv>A film</a> <a href=other.html>x</a>",
                "A film: https://e.org/dir/a%20b.mkv (A film)",
            ),
            ("text/html", "<video src=a.mp4></video><a href=b.mkv>b</a>", ": https://e.org/dir/a.mp4"),
            (
                "text/html",
                "<title>Cast</title><link rel=alternate type=application/rss+xml href=/feed title=Feed>",
                "Cast: https://e.org/feed (Feed)",
            ),
            (
                "text/html",
                "<video src='javascript:x'></video><audio src='file:///etc/passwd'></audio>",
                "nothing: ",
            ),
            (
                "application/rss+xml",
                "<?xml version='1.0'?><rss xmlns:itunes='i'><channel><title>Podcast</title><item><title>One &amp; <![CDATA[<b>]]></title>\
                 <enclosure url='1.mp3?a&amp;b' type='audio/mpeg' length='3'/><itunes:duration>1:02:03</itunes:duration></item>\
                 <item><title>Two</title><enclosure url='p.jpg' type='image/jpeg'/></item></channel></rss>",
                "Podcast: https://e.org/dir/1.mp3?a&b (One & <b>) 3723s",
            ),
            (
                "application/atom+xml",
                "<feed xmlns='http://www.w3.org/2005/Atom'><title>F</title><entry><title>E</title>\
                 <link rel='alternate' href='page'/><link rel='enclosure' href='/v.mp4' type='video/mp4'/></entry></feed>",
                "F: https://e.org/v.mp4 (E)",
            ),
            (
                "audio/x-mpegurl",
                "#EXTM3U\r\n#EXTINF:125,Song\r\na.mp3\r\n\r\nhttp://o/b.mp3\r\n",
                ": https://e.org/dir/a.mp3 (Song) 125s http://o/b.mp3",
            ),
            ("application/vnd.apple.mpegurl", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n", "hls"),
            ("text/plain", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n", "hls"),
            (
                "audio/x-scpls",
                "[playlist]\nNumberOfEntries=2\nFile2=http://r/2\nFile1=http://r/1\nTitle1=Radio\nLength1=-1\n",
                ": http://r/1 (Radio) http://r/2",
            ),
            ("text/plain", "http://e.org/a.mp3", "nothing: "),
            ("video/mp4", "anything", "media"),
            ("application/octet-stream", "OggS\0", "media"),
            ("text/plain", "\x1aE\u{fffd}", "nothing: "),
            ("", "", "nothing: "),
        ] {
            assert_eq!(shown(PAGE, kind, text), expected, "{text}");
        }
    }

    #[test]
    fn media_are_known_by_their_first_bytes_whatever_the_server_says() {
        let page = url("https://e.org/x");
        let ts = [&[0x47][..], &[0; 187]].concat().repeat(4);
        for (bytes, expected) in [
            (&b"\0\0\0\x18ftypisom"[..], true),
            (b"\x1a\x45\xdf\xa3....", true),
            (b"FLV\x01\x05", true),
            (b"RIFF....AVI LIST", true),
            (b"RIFF....WAVEfmt ", true),
            (b"RIFF....WEBPVP8 ", false),
            (b"OggS\0\x02", true),
            (b"fLaC\0", true),
            (b"ID3\x03\0\0", true),
            (b"\0\0\x01\xba\x44", true),
            (b"\0\0\x01\xb3\x14", true),
            (&ts, true),
            (&ts[..400], false),
            (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", true),
            (b"\x89PNG\r\n", false),
            (b"<html>", false),
            (b"", false),
        ] {
            assert_eq!(read(&page, Some("text/plain"), bytes) == Content::Media, expected, "{bytes:?}");
        }
    }

    #[test]
    fn character_sets_are_found() {
        let page = url("https://e.org/x");
        for (kind, bytes, expected) in [
            ("text/html", "<title>Gr\u{fc}\u{df}e</title>".as_bytes().to_vec(), "Grüße"),
            ("text/html; charset=iso-8859-1", b"<title>Gr\xfc\xdfe</title>".to_vec(), "Grüße"),
            ("text/html", b"<meta charset=\"windows-1251\"><title>\xcf\xf0\xe8</title>".to_vec(), "При"),
            ("text/html", b"<meta charset=shift_jis><title>\x93\xfa\x96\x7b</title>".to_vec(), "日本"),
            ("text/html", b"<title>caf\xe9</title>".to_vec(), "café"),
            ("text/html; charset=nonsense", b"<title>a</title>".to_vec(), "a"),
            ("text/xml", b"<?xml version='1.0' encoding='ISO-8859-15'?><rss><channel><title>\xa4</title></channel></rss>".to_vec(), "€"),
        ] {
            match read(&page, Some(kind), &bytes) {
                Content::Nothing { title } => assert_eq!(title.as_deref(), Some(expected)),
                other => panic!("{other:?}"),
            }
        }
        let wide: Vec<u8> = "\u{feff}<title>ü</title>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&page, None, &wide), Content::Nothing { title: Some("ü".into()) });
    }

    #[test]
    fn what_is_cut_anywhere_yields_what_came_before_or_nothing() {
        let whole = "<title>t</title><video src=a.mp4></video><script type=application/ld+json>\
            {\"@type\":\"VideoObject\",\"contentUrl\":\"b.mp4\"}</script><a href=c.mkv>c</a>";
        let feed = "<rss><channel><title>P</title><item><title>1</title><enclosure url='1.mp3' type='audio/mpeg'/></item>\
            <item><enclosure url='2.mp3'/></item></channel></rss>";
        let list = "#EXTM3U\n#EXTINF:1,a\na.mp3\nb.mp3\n";
        for text in [whole, feed, list, "[playlist]\nFile1=http://r/1\nTitle1=x\n"] {
            let all = read(&url(PAGE), None, text.as_bytes());
            let Content::Links { links: all, .. } = all else { panic!("{all:?}") };
            for cut in 0..text.len() {
                if let Content::Links { links, .. } = read(&url(PAGE), None, &text.as_bytes()[..cut]) {
                    // Half an address may be one as well.
                    let known = |link: &Link| {
                        all.iter().any(|whole| whole.url.as_str().starts_with(link.url.as_str()))
                    };
                    let cut_off = links.last().cloned();
                    assert!(
                        links.iter().all(|link| known(link) || Some(link) == cut_off.as_ref()),
                        "{cut} {links:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_page_of_nothing_but_links_is_cut_to_what_people_can_look_through() {
        let page: String = (0..5000).map(|n| format!("<a href={n}.mp4>{n}</a>")).collect();
        let Content::Links { links, .. } = read(&url(PAGE), Some("text/html"), page.as_bytes()) else {
            panic!()
        };
        assert_eq!(links.len(), MAX_LINKS);
        let deep = format!(
            "<script type=application/ld+json>{}{}</script>",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(shown(PAGE, "text/html", &deep), "nothing: ");
        let long = format!("<title>{}</title>", "x ".repeat(100_000));
        let Content::Nothing { title } = read(&url(PAGE), None, long.as_bytes()) else { panic!() };
        assert_eq!(title.unwrap().chars().count(), crate::limits::MAX_TITLE);
    }

    proptest! {
        #[test]
        fn anything_is_read_without_a_panic_and_leads_to_addresses_of_the_web(bytes: Vec<u8>, kind in ".{0,20}") {
            if let Content::Links { links, .. } = read(&url(PAGE), Some(&kind), &bytes) {
                for link in links {
                    prop_assert!(link.url.host().is_some());
                }
            }
        }
    }
}
