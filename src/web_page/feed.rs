//! RSS and Atom: the media of their items.

use super::title::tidy;
use super::{Link, Links, join};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::time::Duration;
use url::Url;

/// Bytes in which the root element shows.
const ROOT_WITHIN: usize = 4 << 10;

pub(super) fn is_feed(text: &str) -> bool {
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= ROOT_WITHIN).unwrap_or(text.len());
    let mut reader = Reader::from_str(&text[..end]);
    loop {
        match reader.read_event() {
            Ok(Event::Start(root)) => {
                let name = root.local_name().into_inner().to_owned();
                return ["rss", "feed", "RDF"].contains(&name.as_str());
            }
            Ok(Event::Eof | Event::Empty(_)) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

/// Letters of one text that are gathered before it is tidied.
const MAX_TEXT: usize = 4 << 10;

#[derive(Default)]
struct Item {
    title: Option<String>,
    duration: Option<Duration>,
    media: Vec<Url>,
}

/// What the feed is called, and the media of its items in their order.
pub(super) fn read(base: &Url, text: &str) -> (Option<String>, Vec<Link>) {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_dangling_amp = true;
    let (mut feed_title, mut links) = (None, Links::default());
    let mut item: Option<Item> = None;
    // The element whose text is being gathered.
    let mut gathering: Option<(String, String)> = None;
    loop {
        let event = match reader.read_event() {
            Ok(Event::Eof) | Err(_) => break,
            Ok(event) => event,
        };
        match event {
            Event::Start(start) => {
                let name = start.local_name().into_inner().to_owned();
                match name.as_str() {
                    "item" | "entry" => item = Some(Item::default()),
                    "title" | "duration" => gathering = Some((name, String::new())),
                    _ => media_of(base, &start, &mut item),
                }
            }
            Event::Empty(start) => media_of(base, &start, &mut item),
            Event::Text(text) => gather(&mut gathering, &text.xml10_content()),
            Event::CData(text) => gather(&mut gathering, &text.xml10_content()),
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(letter)) => gather(&mut gathering, letter.encode_utf8(&mut [0; 4])),
                _ => {
                    gather(&mut gathering, quick_xml::escape::resolve_predefined_entity(&name).unwrap_or(" "))
                }
            },
            Event::End(end) => {
                let name = end.local_name().into_inner().to_owned();
                if let Some((_, text)) = gathering.take_if(|(known, _)| *known == name) {
                    match (name.as_str(), &mut item) {
                        ("title", Some(item)) => item.title = item.title.take().or_else(|| tidy(&text)),
                        ("title", None) => feed_title = feed_title.or_else(|| tidy(&text)),
                        (_, Some(item)) => item.duration = duration(text.trim()),
                        _ => {}
                    }
                }
                if matches!(name.as_str(), "item" | "entry") {
                    add(&mut links, item.take());
                }
            }
            _ => {}
        }
    }
    // A feed that was cut off in the middle of an item.
    add(&mut links, item.take());
    (feed_title, links.0)
}

fn add(links: &mut Links, item: Option<Item>) {
    let Some(Item { title, duration, media }) = item else { return };
    // Several of one item are the same in other forms: the first is the feed's own choice.
    if let Some(url) = media.into_iter().next() {
        links.add(Link { url, title, duration });
    }
}

fn gather(gathering: &mut Option<(String, String)>, text: &str) {
    if let Some((_, gathered)) = gathering
        && gathered.len() < MAX_TEXT
    {
        gathered.push_str(text);
    }
}

/// `<enclosure url type>`, `<media:content url medium type>`, `<link rel="enclosure" href type>`.
fn media_of(base: &Url, start: &BytesStart<'_>, item: &mut Option<Item>) {
    let Some(item) = item else { return };
    let value = |key: &str| {
        let attribute =
            start.attributes().flatten().find(|attribute| attribute.key.local_name().into_inner() == key)?;
        attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
    };
    let address = match start.local_name().into_inner() {
        "enclosure" | "content" => value("url"),
        "link" if value("rel").as_deref() == Some("enclosure") => value("href"),
        _ => return,
    };
    let kind = value("type").or_else(|| value("medium")).unwrap_or_default();
    let may_be =
        kind.is_empty() || ["audio", "video", "application"].iter().any(|class| kind.starts_with(class));
    if let Some(url) = address.filter(|_| may_be).and_then(|address| join(base, &address)) {
        item.media.push(url);
    }
}

/// `3723`, `62:03` or `1:02:03`.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0u64;
    for part in text.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.trim().split('.').next()?.parse().ok()?)?;
    }
    (seconds > 0).then(|| Duration::from_secs(seconds))
}
