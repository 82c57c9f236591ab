//! Subtitles made of text: files of them beside films, and the one form that all of them are brought into. Pure.
//!
//! ```text
//!  film.de.srt ─ decode ─ subrip ─┐
//!  film.vtt    ─ decode ─ webvtt ─┼─▶ Cue { start, end, markup } ─┬─▶ WebVTT, for pages
//!  film.ass    ─ decode ─ ass    ─┤                               └─▶ the worker, which draws them
//!  a film's own text track ───────┘
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | `decode` | bytes of whatever encoding to text |
//! | `markup` | what is left of colours, fonts and positions: italic, bold, underlined |
//! | `clock` | times as these formats write them |
//! | `subrip`, `webvtt`, `ass` | the formats |
//! | `name` | what a file's name says of it |
//!
//! What does not belong here: files, and subtitles made of pictures.

mod ass;
mod clock;
mod decode;
mod markup;
mod name;
mod subrip;
mod webvtt;

pub use markup::Markup;
pub use name::{Named, named};
pub use webvtt::{HEAD, write_cue};

use crate::limits::MAX_CUES;

/// A text and when it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cue {
    /// Milliseconds from the beginning of the film.
    pub start_ms: u32,
    /// Milliseconds; later than `start_ms`.
    pub end_ms: u32,
    /// What is shown; not empty.
    pub text: Markup,
}

impl Cue {
    /// `None` when nothing of it would be seen.
    pub fn new(start_ms: u32, end_ms: u32, text: Markup) -> Option<Self> {
        (end_ms > start_ms && !text.is_empty()).then_some(Self { start_ms, end_ms, text })
    }
}

/// How a file of subtitles is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `.srt`
    SubRip,
    /// `.vtt`
    WebVtt,
    /// `.ass`, `.ssa`
    Ass,
}

impl Format {
    /// By a file name's extension, in any case.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "srt" => Some(Self::SubRip),
            "vtt" => Some(Self::WebVtt),
            "ass" | "ssa" => Some(Self::Ass),
            _ => None,
        }
    }

    /// The format in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SubRip => "SubRip",
            Self::WebVtt => "WebVTT",
            Self::Ass => "ASS",
        }
    }
}

/// The cues of a file, in order of their beginning. What is no cue is left out: half a file of subtitles is better than
/// none. Files are often called `.srt` and are something else, so what stands in them counts for more than `format`.
pub fn parse(bytes: &[u8], format: Format) -> Vec<Cue> {
    let text = decode::text(bytes);
    let mut cues = match sniffed(&text).unwrap_or(format) {
        Format::SubRip => subrip::parse(&text),
        Format::WebVtt => webvtt::parse(&text),
        Format::Ass => ass::parse(&text),
    };
    cues.truncate(MAX_CUES);
    cues.sort_by_key(|cue| cue.start_ms);
    cues
}

fn sniffed(text: &str) -> Option<Format> {
    let start = text.trim_start();
    if start.starts_with("WEBVTT") {
        return Some(Format::WebVtt);
    }
    start.get(..13).is_some_and(|head| head.eq_ignore_ascii_case("[Script Info]")).then_some(Format::Ass)
}

/// All of a track as WebVTT, each cue `shift_ms` later (or earlier).
pub fn to_webvtt<'a>(cues: impl IntoIterator<Item = &'a Cue>, shift_ms: i64) -> String {
    let mut out = HEAD.to_owned();
    cues.into_iter().for_each(|cue| write_cue(&mut out, cue, shift_ms));
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn cue(start_ms: u32, end_ms: u32, text: &str) -> Cue {
        Cue::new(start_ms, end_ms, Markup::of_html(text)).unwrap()
    }

    const SRT: &str = "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i> & you\r\nsecond line\r\n\r\n2\r\n00:01:00,000 --> 00:01:01,000\r\n{\\an8}Up <font color=\"#ff0000\">there</font>\r\n";
    const VTT: &str = "WEBVTT - a title\n\nSTYLE\n::cue { color: red }\n\nNOTE 00:00 --> nothing\n\nfirst\n00:01.000 --> 00:02.500 align:start\n<i>Hello</i> &amp; you\nsecond line\n\n00:01:00.000 --> 00:01:01.000\nUp <c.red>there</c>\n";
    const ASS: &str = "[Script Info]\nTitle: x\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\nComment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,no\nDialogue: 0,0:01:00.00,0:01:01.00,Default,,0,0,0,,{\\an8}Up {\\c&H0000FF&}there\nDialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\i1}Hello{\\i0} & you\\Nsecond line\n";

    #[test]
    fn the_same_film_is_the_same_in_every_format() {
        let expected = [cue(1000, 2500, "<i>Hello</i> & you\nsecond line"), cue(60_000, 61_000, "Up there")];
        for (text, format) in [(SRT, Format::SubRip), (VTT, Format::WebVtt), (ASS, Format::Ass)] {
            assert_eq!(parse(text.as_bytes(), format), expected, "{format:?}");
        }
        assert_eq!(parse(VTT.as_bytes(), Format::SubRip), expected, "whatever it is called");
        assert_eq!(parse(ASS.as_bytes(), Format::SubRip), expected);
    }

    #[test]
    fn files_cut_at_every_byte_have_the_cues_before_the_cut() {
        for (text, format) in [(SRT, Format::SubRip), (VTT, Format::WebVtt), (ASS, Format::Ass)] {
            let whole = parse(text.as_bytes(), format);
            for cut in 0..text.len() {
                let cues = parse(&text.as_bytes()[..cut], format);
                assert!(cues.len() <= whole.len(), "{format:?} cut at {cut}");
                for cue in &cues {
                    let known = whole.iter().any(|known| known.start_ms == cue.start_ms);
                    assert!(known, "{format:?} cut at {cut}: {cue:?}");
                }
            }
        }
    }

    #[test]
    fn cues_are_moved_to_the_time_of_what_is_sent() {
        let cues = [cue(1000, 2500, "a"), cue(3000, 4000, "b")];
        assert_eq!(
            to_webvtt(&cues, 80),
            "WEBVTT\n\n00:00:01.080 --> 00:00:02.580\na\n\n00:00:03.080 --> 00:00:04.080\nb\n\n"
        );
        assert_eq!(
            to_webvtt(&cues, -2000),
            "WEBVTT\n\n00:00:00.000 --> 00:00:00.500\na\n\n00:00:01.000 --> 00:00:02.000\nb\n\n"
        );
        assert_eq!(to_webvtt(&cues, -4000), "WEBVTT\n\n", "over before it begins");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(lines in "([0-9:,.>\\-<ib/&; {}\\\\Nn]|\\PC|\n){0,200}", which in 0..3) {
            let format = [Format::SubRip, Format::WebVtt, Format::Ass][which as usize];
            let text = format!("1\n00:00:01,000 --> 00:00:02,000\n{lines}\n");
            let cues = parse(text.as_bytes(), format);
            prop_assert_eq!(parse(to_webvtt(&cues, 0).as_bytes(), Format::WebVtt), cues);
        }
    }
}
