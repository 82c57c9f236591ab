//! `/plain/`: the library as pages of HTML that need no JavaScript: for the Wii's Opera, text browsers and curl.

pub(super) mod html;
mod words;

use super::library::{self, Item, describe};
use super::reply::{Refusal, Reply, reply, set};
use super::search;
use crate::library::{Kind, LibraryPath, Order, PageQuery, Sort};
use crate::limits::PLAIN_PAGE;
use crate::server::App;
use bytes::Bytes;
use html::Html;
use hyper::header::{self, HeaderMap};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Instant;
use words::Words;

const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// What such pages look like where something is to be seen.
const STYLE: &str = "\
body { max-width: 60em; margin: 0 auto; padding: 1em; font: 1.1em/1.5 sans-serif; color: #1c1c1c; background: #fbfaf7 }
a { color: #00499c; padding: 0.2em 0 }
h1 { font-size: 1.5em; overflow-wrap: anywhere }
h2 { font-size: 1.1em }
ul { list-style: none; padding: 0 }
li { padding: 0.5em 0; border-bottom: 1px solid #d8d4c8; overflow-wrap: anywhere }
img { max-width: 160px; height: auto; vertical-align: middle }
input { font-size: 1em; padding: 0.3em }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #16181c } a { color: #8cc1ff } li { border-color: #3a3d44 } }
";

/// `GET /plain.css`
pub(super) fn style() -> Reply {
    let mut reply = reply("text/css; charset=utf-8", Bytes::from_static(STYLE.as_bytes()));
    set(&mut reply, header::CACHE_CONTROL, "public, max-age=86400");
    reply
}

/// Programs that show text only, or whose JavaScript is of before 2015; they get this page at `/` as well.
pub(super) fn is_for(request: &HeaderMap) -> bool {
    let agent = request.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let known =
        ["Lynx/", "w3m/", "Links (", "ELinks", "Dillo/", "NetSurf/", "Nintendo Wii", "curl/", "Wget/"];
    known.into_iter().any(|name| agent.contains(name))
}

/// `GET /plain/<path>[?q=…][&offset=…]`
pub(super) async fn page(
    app: &App,
    path: LibraryPath,
    mut query: PageQuery,
    asked: Asked,
    request: &HeaderMap,
) -> Result<Reply, Refusal> {
    let words = Words::of(request);
    query.limit = Some(query.limit.unwrap_or(PLAIN_PAGE).min(PLAIN_PAGE));
    let (total, offset, entries) = if query.words.is_empty() {
        let part = library::page(app, path.clone(), query.clone()).await?;
        let at = |entry: crate::library::Entry| (path.join(&entry.os_name), entry);
        (part.total, part.offset, part.listing.entries.into_iter().map(at).collect())
    } else {
        search::find(app, query.clone()).await?
    };
    let live: Vec<String> = if path.is_top() && query.words.is_empty() && offset == 0 {
        let streams = app.streams.figures(Instant::now()).into_iter();
        streams.filter(|stream| stream.on_air.is_some()).map(|stream| stream.name).collect()
    } else {
        Vec::new()
    };
    let page =
        Page { path, query, text: asked.text, total, offset, items: describe(app, entries), live, words };
    let mut reply = reply(CONTENT_TYPE, Bytes::from(page.html()));
    set(&mut reply, header::VARY, "Accept-Language");
    Ok(reply)
}

/// What was typed into the search form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Asked {
    text: String,
}

impl Asked {
    /// From an address's query.
    pub(super) fn from_query(query: Option<&str>) -> Self {
        let pairs = query.unwrap_or_default().split('&');
        let text = pairs.filter_map(|pair| pair.strip_prefix("q=")).next_back().unwrap_or_default();
        let text = text.replace('+', " ");
        Self { text: percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned() }
    }
}

/// A problem, for who looks at these pages.
pub(super) fn problem(title: &str, detail: &str, request: &HeaderMap) -> Reply {
    let words = Words::of(request);
    let mut html = Html::default();
    begin(&mut html, title, words);
    html.raw("<main>\n<h1>").text(title).raw("</h1>\n<p>").text(detail).raw("</p>\n<p>");
    html.link("/plain/", words.back).raw("</p>\n</main>\n");
    end(&mut html, words);
    reply(CONTENT_TYPE, Bytes::from(html.into_string()))
}

struct Page {
    path: LibraryPath,
    query: PageQuery,
    text: String,
    total: usize,
    offset: usize,
    items: Vec<Item>,
    /// Names of streams.
    live: Vec<String>,
    words: &'static Words,
}

impl Page {
    fn is_search(&self) -> bool {
        !self.query.words.is_empty()
    }

    fn html(&self) -> String {
        let words = self.words;
        let title = match () {
            () if self.is_search() => format!("{}: {}", words.found, self.text),
            () if self.path.is_top() => words.library.to_owned(),
            () => self.path.file_name(),
        };
        let mut html = Html::default();
        begin(&mut html, &title, words);
        self.header(&mut html);
        html.raw("<main>\n<h1>").text(&title).raw("</h1>\n");
        self.summary(&mut html);
        let (folders, files): (Vec<&Item>, Vec<&Item>) =
            self.items.iter().partition(|item| item.kind == Kind::Folder);
        if !self.live.is_empty() {
            html.raw("<h2>").text(words.live).raw("</h2>\n<ul>\n");
            for name in &self.live {
                let address = format!("/live/{}.flv", utf8_percent_encode(name, NON_ALPHANUMERIC));
                html.raw("<li>").link(&address, name).raw("</li>\n");
            }
            html.raw("</ul>\n");
        }
        if !folders.is_empty() {
            html.raw("<h2>").text(words.folders).raw("</h2>\n<ul>\n");
            for folder in folders {
                html.raw("<li>").link(&format!("/plain/{}", folder.path), &folder.name).raw("</li>\n");
            }
            html.raw("</ul>\n");
        }
        if !files.is_empty() {
            html.raw("<h2>").text(words.files).raw("</h2>\n<ul>\n");
            files.iter().for_each(|file| self.file(&mut html, file));
            html.raw("</ul>\n");
        }
        self.turning(&mut html);
        html.raw("</main>\n");
        end(&mut html, words);
        html.into_string()
    }

    /// The way back up, and the search.
    fn header(&self, html: &mut Html) {
        let words = self.words;
        html.raw("<header>\n<p>").link("/plain/", words.library);
        let mut above = LibraryPath::default();
        for name in self.path.names() {
            above = above.join(name);
            html.raw(" / ").link(&format!("/plain/{}", above.percent_encoded()), &above.file_name());
        }
        html.raw("</p>\n<form action=\"/plain/\" method=\"get\">\n<p><label for=\"q\">");
        html.text(words.search).raw("</label> <input id=\"q\" name=\"q\" type=\"search\" value=\"");
        html.text(&self.text).raw("\"> <input type=\"submit\" value=\"").text(words.search);
        html.raw("\"></p>\n</form>\n</header>\n");
    }

    /// How much there is, and what can be done with all of it.
    fn summary(&self, html: &mut Html) {
        let words = self.words;
        if self.items.is_empty() && self.live.is_empty() {
            let text = if self.is_search() { words.nothing_found } else { words.nothing };
            html.raw("<p>").text(text).raw("</p>\n");
            return;
        }
        html.raw("<p>");
        if self.total > self.items.len() {
            html.show(self.offset + 1).raw("–").show(self.offset + self.items.len()).raw(" ");
            html.text(words.of).raw(" ").show(self.total).raw(" · ");
        }
        let q = utf8_percent_encode(&self.text, NON_ALPHANUMERIC);
        let list = format!(
            "/m3u/{}.m3u8{}",
            self.path.percent_encoded(),
            if self.is_search() { format!("?q={q}") } else { String::new() }
        );
        html.link(&list, words.play_all).raw(" · ").text(words.sorted).raw(" ");
        html.link(&self.address(0, Sort::Name), words.by_name).raw(", ");
        html.link(&self.address(0, Sort::Date), words.latest).raw("</p>\n");
    }

    fn file(&self, html: &mut Html, file: &Item) {
        let words = self.words;
        let path = &file.path;
        html.raw("<li>");
        let picture = match file.kind {
            Kind::Picture => Some(format!("/picture/{path}?w=160&h=120")),
            _ => file.poster.clone(),
        };
        if let Some(picture) = picture {
            html.raw("<img src=\"").text(&picture).raw("\" alt=\"\" loading=\"lazy\"> ");
        }
        html.raw("<strong>").text(&file.name).raw("</strong><br>\n");
        let kind = match file.kind {
            Kind::Folder => words.folders,
            Kind::Video => words.video,
            Kind::Audio => words.audio,
            Kind::Picture => words.picture,
        };
        html.text(kind);
        if let Some(seconds) = file.duration {
            html.raw(", ").text(&clock(seconds));
        }
        if let Some(size) = file.size {
            html.raw(", ").text(&bytes(size, words));
        }
        html.raw("<br>\n");
        if file.kind == Kind::Picture {
            named(html, &format!("/picture/{path}?w=1280&h=720"), words.look, &file.name);
        } else {
            named(html, &format!("/m3u/{path}.m3u8"), words.play, &file.name);
            html.raw(" · ");
            named(html, &format!("/flv/{path}"), words.stream, &file.name);
        }
        html.raw(" · ");
        named(html, &format!("/download/{path}"), words.download, &file.name);
        html.raw("</li>\n");
    }

    /// To the pages before and behind.
    fn turning(&self, html: &mut Html) {
        let behind = self.offset + self.items.len();
        if self.offset == 0 && behind >= self.total {
            return;
        }
        html.raw("<p>");
        if self.offset > 0 {
            let before = self.offset.saturating_sub(PLAIN_PAGE);
            html.link(&self.address(before, self.query.sort), self.words.previous).raw(" ");
        }
        if behind < self.total {
            html.link(&self.address(self.offset + PLAIN_PAGE, self.query.sort), self.words.next);
        }
        html.raw("</p>\n");
    }

    /// This page, from another place on or in another order.
    fn address(&self, offset: usize, sort: Sort) -> String {
        let mut address = format!("/plain/{}?offset={offset}", self.path.percent_encoded());
        if self.is_search() {
            address.push_str(&format!("&q={}", utf8_percent_encode(&self.text, NON_ALPHANUMERIC)));
        }
        let order = if sort == self.query.sort { self.query.order } else { Order::Asc };
        match sort {
            Sort::Date => address.push_str("&sort=date&order=desc"),
            Sort::Size => address.push_str("&sort=size"),
            Sort::Duration => address.push_str("&sort=duration"),
            Sort::Name => {}
        }
        if order == Order::Desc && sort != Sort::Date {
            address.push_str("&order=desc");
        }
        address
    }
}

/// A link whose text stands under every file: those who hear the page are told which one it is of.
fn named(html: &mut Html, address: &str, text: &str, name: &str) {
    html.raw("<a href=\"").text(address).raw("\" aria-label=\"").text(text).raw(": ").text(name);
    html.raw("\">").text(text).raw("</a>");
}

fn begin(html: &mut Html, title: &str, words: &Words) {
    html.raw("<!DOCTYPE html>\n<html lang=\"")
        .text(words.code)
        .raw("\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>").text(title);
    html.raw(" – Wiidiaserver</title>\n<link rel=\"stylesheet\" href=\"/plain.css\">\n</head>\n<body>\n");
}

fn end(html: &mut Html, words: &Words) {
    html.raw("<footer>\n<p>").link("/", words.app).raw(" · ").link("/wiidiaplayer.html", words.flash);
    html.raw(" · ").link("/licences", if words.code == "de" { "Lizenzen" } else { "Licences" });
    html.raw("</p>\n</footer>\n</body>\n</html>\n");
}

/// `1:02:03`, `2:03`
fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn bytes(size: u64, words: &Words) -> String {
    let (unit, value) = match size {
        0..1_000_000 => ("kB", size as f64 / 1e3),
        1_000_000..1_000_000_000 => ("MB", size as f64 / 1e6),
        _ => ("GB", size as f64 / 1e9),
    };
    let text = if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") };
    if words.code == "de" { text.replace('.', ",") } else { text }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::words::{ENGLISH, GERMAN};
    use super::*;

    #[test]
    fn lengths_and_sizes_are_written_as_people_write_them() {
        for (seconds, text) in [(0.0, "0:00"), (59.6, "1:00"), (3723.0, "1:02:03")] {
            assert_eq!(clock(seconds), text);
        }
        for (size, text) in
            [(0, "0,0 kB"), (9_900_000, "9,9 MB"), (734_003_200, "734 MB"), (4_700_000_000, "4,7 GB")]
        {
            assert_eq!(bytes(size, &GERMAN), text);
        }
        assert_eq!(bytes(1500, &ENGLISH), "1.5 kB");
    }

    #[test]
    fn programs_without_javascript_are_known_and_browsers_are_not_taken_for_them() {
        for (agent, expected) in [
            ("Lynx/2.9.0dev.12 libwww-FM/2.14", true),
            ("w3m/0.5.3+git20230121", true),
            ("Links (2.28; Linux x86_64; text)", true),
            ("Opera/9.30 (Nintendo Wii; U; ; 3642; en)", true),
            ("curl/7.88.1", true),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
                false,
            ),
            (
                "Mozilla/5.0 (Nintendo WiiU) AppleWebKit/536.30 (KHTML, like Gecko) NX/3.0.4.2.13 NintendoBrowser/4.3.2",
                true,
            ),
            ("", false),
        ] {
            let headers: HeaderMap = [(header::USER_AGENT, agent.parse().unwrap())].into_iter().collect();
            assert_eq!(is_for(&headers), expected, "{agent}");
        }
    }
}
