//! Pages: what they show themselves first, what they only link to last.
//!
//! 1. `<video>` and `<audio>`, each with the best of its sources,
//! 2. JSON-LD: `VideoObject` with a `contentUrl`,
//! 3. Open Graph and Twitter cards, unless they lead to a player instead of media,
//! 4. links to files with the names of media: listings of a web server,
//! 5. the page's feed.
//!
//! The first of these that the page has is what it has.

use super::sniff::is_media_name;
use super::title::tidy;
use super::{Link, Links, join, json_ld};
use crate::limits::MAX_JSON_LD;
use html5gum::emitters::default::DefaultEmitter;
use html5gum::{HtmlString, Spanned, StartTag, Token, Tokenizer};
use std::collections::BTreeMap;
use url::Url;

/// A page's title and what it leads to.
pub(super) fn read(url: &Url, text: &str) -> (Option<String>, Vec<Link>) {
    let mut page = Page::new(url.clone());
    let mut emitter = DefaultEmitter::<()>::default();
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(text, emitter).flatten() {
        match token {
            Token::StartTag(tag) => page.start(&tag),
            Token::EndTag(tag) => page.end(&tag.name),
            Token::String(text) => page.text(&text),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.end_of_player();
    page.finish()
}

/// What text is gathered for.
enum Gathering {
    Nothing,
    Title(String),
    JsonLd(String),
    /// The text of a link.
    Anchor(Url, String),
}

struct Page {
    base: Url,
    title: Option<String>,
    card_title: Option<String>,
    gathering: Gathering,
    /// Sources of the player that is open: address and type.
    player: Option<Vec<(Url, String)>>,
    players: Links,
    objects: Links,
    /// The last card's address, until its type is known.
    card: Option<Url>,
    cards: Links,
    anchors: Links,
    feeds: Links,
}

impl Page {
    fn new(base: Url) -> Self {
        Self {
            base,
            title: None,
            card_title: None,
            gathering: Gathering::Nothing,
            player: None,
            players: Links::default(),
            objects: Links::default(),
            card: None,
            cards: Links::default(),
            anchors: Links::default(),
            feeds: Links::default(),
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let value = |key: &str| attribute(&tag.attributes, key);
        let address = |key: &str| value(key).and_then(|text| join(&self.base, &text));
        match &tag.name[..] {
            b"base" => {
                if let Some(base) = address("href") {
                    self.base = base;
                }
            }
            b"title" if self.title.is_none() => self.gathering = Gathering::Title(String::new()),
            b"script"
                if value("type")
                    .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/ld+json")) =>
            {
                self.gathering = Gathering::JsonLd(String::new());
            }
            b"video" | b"audio" => {
                let own = address("src").map(|url| (url, String::new()));
                self.end_of_player();
                self.player = Some(own.into_iter().collect());
            }
            b"source" => {
                let (url, kind) = (address("src"), value("type").unwrap_or_default());
                if let (Some(player), Some(url)) = (&mut self.player, url)
                    && player.len() < MAX_SOURCES_OF_A_PLAYER
                {
                    player.push((url, kind));
                }
            }
            b"meta" => {
                let name =
                    value("property").or_else(|| value("name")).unwrap_or_default().to_ascii_lowercase();
                let content = value("content").unwrap_or_default();
                self.card(&name, &content);
            }
            b"a" => {
                if let Some(url) = address("href").filter(is_media_name) {
                    self.gathering = Gathering::Anchor(url, String::new());
                }
            }
            b"link" => {
                let kind = value("type").unwrap_or_default();
                if value("rel").is_some_and(|rel| rel.eq_ignore_ascii_case("alternate"))
                    && ["application/rss+xml", "application/atom+xml"].contains(&kind.trim())
                    && let Some(url) = address("href")
                {
                    let title = value("title").and_then(|title| tidy(&title));
                    self.feeds.add(Link { url, title, duration: None });
                }
            }
            _ => {}
        }
    }

    fn card(&mut self, name: &str, content: &str) {
        match name {
            "og:title" | "twitter:title" => {
                self.card_title = self.card_title.take().or_else(|| tidy(content))
            }
            "og:video"
            | "og:video:url"
            | "og:video:secure_url"
            | "og:audio"
            | "og:audio:url"
            | "og:audio:secure_url"
            | "twitter:player:stream" => {
                self.keep_card();
                self.card = join(&self.base, content);
            }
            "og:video:type" | "og:audio:type" | "twitter:player:stream:content_type" => {
                let leads_to_a_player =
                    ["text/html", "application/x-shockwave-flash"].contains(&content.trim());
                if leads_to_a_player {
                    // The same player has several names: with and without TLS.
                    self.card = None;
                    self.cards.0.clear();
                }
                self.keep_card();
            }
            _ => {}
        }
    }

    fn keep_card(&mut self) {
        if let Some(url) = self.card.take() {
            self.cards.add(Link { url, title: None, duration: None });
        }
    }

    fn text(&mut self, text: &[u8]) {
        let (gathered, most) = match &mut self.gathering {
            Gathering::Nothing => return,
            Gathering::Title(gathered) | Gathering::Anchor(_, gathered) => (gathered, MAX_TEXT),
            Gathering::JsonLd(gathered) => (gathered, MAX_JSON_LD),
        };
        if gathered.len() <= most {
            gathered.push_str(&String::from_utf8_lossy(text));
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"video" | b"audio" => self.end_of_player(),
            b"title" | b"script" | b"a" => match std::mem::replace(&mut self.gathering, Gathering::Nothing) {
                Gathering::Nothing => {}
                Gathering::Title(title) => self.title = tidy(&title),
                Gathering::JsonLd(script) => json_ld::read(&self.base, &script, &mut self.objects),
                Gathering::Anchor(url, title) => {
                    self.anchors.add(Link { url, title: tidy(&title), duration: None });
                }
            },
            _ => {}
        }
    }

    /// One player is one film, whichever of its sources is taken.
    fn end_of_player(&mut self) {
        let Some(sources) = self.player.take() else { return };
        let best = sources.into_iter().enumerate().min_by_key(|(at, (url, kind))| (rank(url, kind), *at));
        if let Some((_, (url, _))) = best {
            self.players.add(Link { url, title: None, duration: None });
        }
    }

    fn finish(mut self) -> (Option<String>, Vec<Link>) {
        self.keep_card();
        let title = self.card_title.or(self.title);
        let found = [self.players, self.objects, self.cards, self.anchors, self.feeds];
        let links =
            found.into_iter().map(|links| links.0).find(|links| !links.is_empty()).unwrap_or_default();
        let of_object = links.first().filter(|_| links.len() == 1).and_then(|link| link.title.clone());
        (title.or(of_object.filter(|_| !links.is_empty())), links)
    }
}

/// Letters of a title or a link that are gathered before they are tidied.
const MAX_TEXT: usize = 4 << 10;

/// Sources of one player; pages have a handful.
const MAX_SOURCES_OF_A_PLAYER: usize = 32;

/// What can be passed on as it is comes first.
fn rank(url: &Url, kind: &str) -> u8 {
    let kind = kind.to_ascii_lowercase();
    let ends = |end: &str| url.path().to_ascii_lowercase().ends_with(end);
    if kind.starts_with("video/mp4") || kind.starts_with("audio/mp4") || ends(".mp4") || ends(".m4a") {
        0
    } else if kind.contains("mpegurl") || ends(".m3u8") {
        1
    } else if kind.contains("dash+xml") || ends(".mpd") {
        // Not understood.
        3
    } else {
        2
    }
}

fn attribute(attributes: &BTreeMap<HtmlString, Spanned<HtmlString, ()>>, key: &str) -> Option<String> {
    attributes.get(key.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned())
}
