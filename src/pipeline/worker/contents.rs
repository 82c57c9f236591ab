//! What is in a file beside the lanes: the other tracks, chapters, tags.

use super::super::streams::{AudioTrack, Chapter, Contents, NamedTag, STATION, SubtitleTrack};
use super::decide;
use super::head::Head;
use crate::limits;
use gstreamer as gst;
use std::sync::Arc;

/// Tags worth telling people, as GStreamer names them.
const TAGS: [&str; 9] =
    ["title", "artist", "album", "album-artist", "genre", "datetime", "date", "comment", "track-number"];

pub(super) fn audio_track(head: &Head, default: bool, chosen: bool) -> AudioTrack {
    let caps = head.caps();
    let structure = caps.as_ref().and_then(|caps| caps.structure(0));
    let channels = structure.and_then(|caps| caps.get::<i32>("channels").ok()).unwrap_or(0);
    AudioTrack {
        codec: caps.as_deref().map(decide::codec_name).unwrap_or_default(),
        language: language(head),
        title: head.tag("title").map(cut),
        channels: channels.max(0).unsigned_abs(),
        default,
        chosen,
    }
}

pub(super) fn subtitle_track(head: &Head, chosen: bool) -> SubtitleTrack {
    let caps = head.caps();
    SubtitleTrack {
        codec: caps.as_deref().map(decide::codec_name).unwrap_or_default(),
        language: language(head),
        title: head.tag("title").map(cut),
        text: caps.as_deref().is_some_and(decide::is_text),
        default: head.is_default() == Some(true),
        chosen,
        external: false,
        forced: false,
    }
}

/// The language of a track, unless the file says that nobody determined it.
pub(super) fn language(head: &Head) -> Option<String> {
    head.tag("language-code").filter(|code| code != "und").map(cut)
}

/// What the file says of itself, from the tags of its streams.
pub(super) fn tags(heads: &[Arc<Head>]) -> Vec<NamedTag> {
    TAGS.iter()
        .filter_map(|&name| {
            let value = heads.iter().find_map(|head| head.global_tag(name))?;
            Some(NamedTag { name: name.to_owned(), value: cut(value) })
        })
        .collect()
}

/// What a radio says between its sound, of what is played and of itself, laid over what it said before.
pub(super) fn said_meanwhile(known: &mut Vec<NamedTag>, tags: &gst::TagListRef) {
    let title = tags.get::<gst::tags::Title>().map(|title| title.get().to_owned());
    let station = tags.get::<gst::tags::Organization>().map(|station| station.get().to_owned());
    for (name, value) in [("title", title), (STATION, station)] {
        let Some(value) = value.map(in_one_line) else { continue };
        match known.iter_mut().find(|known| known.name == name) {
            Some(known) => known.value = value,
            None => known.push(NamedTag { name: name.to_owned(), value }),
        }
    }
}

/// A station's bytes are anybody's: no line breaks, and nothing that moves a terminal's cursor.
fn in_one_line(text: String) -> String {
    let text = text.replace(|c: char| c.is_control(), " ");
    cut(text.trim().to_owned())
}

/// Chapters of a table of contents: those of its first edition.
pub(super) fn chapters(toc: &gst::TocRef) -> Vec<Chapter> {
    let mut found = Vec::new();
    for entry in toc.entries() {
        let below = entry.sub_entries();
        let chapters = if entry.entry_type() == gst::TocEntryType::Edition { below } else { vec![entry] };
        for chapter in chapters {
            let Some((start, _)) = chapter.start_stop_times() else { continue };
            let title = chapter.tags().and_then(|tags| {
                let title = tags.get::<gst::tags::Title>()?;
                Some(cut(title.get().to_owned()))
            });
            let start_ms = u64::try_from(start / 1_000_000).unwrap_or(0);
            found.push(Chapter { start_ms, title: title.unwrap_or_default() });
            if found.len() == limits::MAX_LISTED {
                return found;
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}

/// Keeps lists short enough for one message.
pub(super) fn bounded(mut contents: Contents) -> Contents {
    contents.audio_tracks.truncate(limits::MAX_LISTED);
    contents.subtitle_tracks.truncate(limits::MAX_LISTED);
    contents
}

/// What is longer than a name should be is cut, between characters.
fn cut(mut text: String) -> String {
    let mut end = text.len().min(limits::MAX_LISTED_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_radio_says_takes_the_place_of_what_it_said_before() {
        gst::init().unwrap();
        let mut known = Vec::new();
        let mut say = |station: Option<&str>, title: Option<&str>| {
            let mut tags = gst::TagList::new();
            let said = tags.make_mut();
            said.add::<gst::tags::Bitrate>(&128_000, gst::TagMergeMode::Append);
            if let Some(station) = station {
                said.add::<gst::tags::Organization>(&station, gst::TagMergeMode::Append);
            }
            if let Some(title) = title {
                said.add::<gst::tags::Title>(&title, gst::TagMergeMode::Append);
            }
            said_meanwhile(&mut known, &tags);
            known.iter().map(|tag| (tag.name.clone(), tag.value.clone())).collect::<Vec<_>>()
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(say(None, None), []);
        assert_eq!(say(Some("Radio X"), None), [pair(STATION, "Radio X")]);
        assert_eq!(say(None, None), [pair(STATION, "Radio X")]);
        assert_eq!(say(None, Some(" A\nB\u{1b} ")), [pair(STATION, "Radio X"), pair("title", "A B")]);
        assert_eq!(say(None, Some("C"))[1], pair("title", "C"));
        let long = "ü".repeat(limits::MAX_LISTED_TEXT);
        assert!(say(None, Some(&long))[1].1.len() <= limits::MAX_LISTED_TEXT);
    }
}
