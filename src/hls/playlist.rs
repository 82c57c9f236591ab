//! Playlists as text (RFC 8216, 4.3).

use super::window::Window;
use crate::limits::HLS_BLIND;
use std::fmt::Write;

/// `EXT-X-VERSION`: `EXT-X-MAP` for segments of media needs 6, 7 is what fragmented MP4 is usually sent as.
const VERSION: u32 = 7;
/// Parts need this one.
const LOW_LATENCY_VERSION: u32 = 9;

/// Whether more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// All segments are listed.
    Vod,
    /// More will be appended.
    Event,
}

/// A segment of a film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How long it lasts, in milliseconds.
    pub ms: u32,
    /// Its address.
    pub uri: String,
    /// The init segment that it needs, where that is another one than before.
    pub map: Option<String>,
}

/// The playlist of a film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Film {
    /// Whether more comes.
    pub kind: Kind,
    /// Every segment begins with a keyframe.
    pub independent: bool,
    /// The segments, in order.
    pub entries: Vec<Entry>,
}

impl Film {
    /// As text.
    pub fn render(&self) -> String {
        // Of a film that grows, the longest that may come counts as well (4.3.3.1: it must not change).
        let longest = self.entries.iter().map(|entry| entry.ms).max().unwrap_or(0);
        let expected = if self.kind == Kind::Event { HLS_BLIND.as_secs() as u32 } else { 1 };
        let mut out = head(VERSION, rounded(longest).max(expected), 0);
        out.push_str(match self.kind {
            Kind::Vod => "#EXT-X-PLAYLIST-TYPE:VOD\n",
            Kind::Event => "#EXT-X-PLAYLIST-TYPE:EVENT\n",
        });
        if self.independent {
            out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        for (n, Entry { ms, uri, map }) in self.entries.iter().enumerate() {
            if let Some(map) = map {
                if n > 0 {
                    out.push_str("#EXT-X-DISCONTINUITY\n");
                }
                let _ = writeln!(out, "#EXT-X-MAP:URI=\"{map}\"");
            }
            let _ = writeln!(out, "#EXTINF:{},\n{uri}", seconds(*ms));
        }
        if self.kind == Kind::Vod {
            out.push_str("#EXT-X-ENDLIST\n");
        }
        out
    }
}

impl Window {
    /// The playlist of a live stream. `carried` is appended to the query of its addresses.
    pub fn render(&self, carried: &str) -> String {
        let parts = self.parts_may_be_listed();
        let target = self.target_seconds();
        let mut out = head(if parts { LOW_LATENCY_VERSION } else { VERSION }, target, self.first_listed());
        if self.discontinuities() > 0 {
            let _ = writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuities());
        }
        if parts {
            let part = self.part_target_ms();
            let hold_back = seconds(3 * part);
            let _ = writeln!(
                out,
                "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={hold_back},HOLD-BACK={}\n\
                 #EXT-X-PART-INF:PART-TARGET={}",
                3 * target,
                seconds(part)
            );
        }
        let session = match self.session() {
            "" => String::new(),
            session => format!("?s={session}{carried}"),
        };
        let mut map = None;
        for segment in self.listed() {
            if segment.discontinuity {
                out.push_str("#EXT-X-DISCONTINUITY\n");
            }
            if map != Some(segment.init) && !segment.parts.is_empty() {
                map = Some(segment.init);
                let _ = writeln!(out, "#EXT-X-MAP:URI=\"init-{}.mp4{session}\"", segment.init);
            }
            let number = segment.number;
            if parts && self.lists_parts_of(number) {
                for (n, part) in segment.parts.iter().enumerate() {
                    let independent = if part.independent { ",INDEPENDENT=YES" } else { "" };
                    let length = seconds(part.ms);
                    let _ = writeln!(
                        out,
                        "#EXT-X-PART:DURATION={length},URI=\"part-{number}.{n}.m4s{session}\"{independent}"
                    );
                }
            }
            if segment.complete {
                let _ = writeln!(out, "#EXTINF:{},\nsegment-{number}.m4s{session}", seconds(segment.ms()));
            }
        }
        match self.is_over() {
            true => out.push_str("#EXT-X-ENDLIST\n"),
            false if parts => {
                let (number, part) = self.next_part();
                let _ =
                    writeln!(out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-{number}.{part}.m4s{session}\"");
            }
            false => {}
        }
        out
    }
}

fn head(version: u32, target: u32, first: u64) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    )
}

/// A variant of a film or stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variant {
    /// Where its playlist is.
    pub uri: String,
    /// Bits a second, at the most.
    pub bandwidth: u64,
    /// As RFC 6381 has it.
    pub codecs: String,
    /// Width and height of the picture.
    pub size: Option<(u16, u16)>,
    /// Subtitles that go with it.
    pub subtitles: Vec<Rendition>,
}

/// Subtitles as players list them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendition {
    /// What people choose it by. No two of one variant may have the same (RFC 8216, 4.3.4.1.1): those behind the
    /// first get a number.
    pub name: String,
    /// As RFC 5646 has it.
    pub language: Option<String>,
    /// Only what those who understand the film have to read.
    pub forced: bool,
    /// Where its playlist is.
    pub uri: String,
}

impl Rendition {
    /// All of a variant, each with a name of its own, as lines.
    fn render_all(renditions: &[Self], group: &str, out: &mut String) {
        let mut taken: Vec<String> = Vec::new();
        for Self { name, language, forced, uri } in renditions {
            let plain = name.replace(['"', '\r', '\n'], "'");
            let mut name = plain.clone();
            let mut number = 2;
            while taken.contains(&name) {
                name = format!("{plain} ({number})");
                number += 1;
            }
            let language = language.as_ref().map(|code| format!(",LANGUAGE=\"{code}\"")).unwrap_or_default();
            let forced = if *forced { ",FORCED=YES" } else { "" };
            let _ = writeln!(
                out,
                "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"{group}\",NAME=\"{name}\"{language},AUTOSELECT=YES,\
                 DEFAULT=NO{forced},URI=\"{uri}\""
            );
            taken.push(name);
        }
    }
}

/// A multivariant playlist, for players that want to know the codecs before they ask for media.
pub fn master(variants: &[Variant]) -> String {
    let mut out = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n");
    for (n, variant) in variants.iter().enumerate() {
        let Variant { uri, bandwidth, codecs, size, subtitles } = variant;
        let group = format!("subtitles-{n}");
        Rendition::render_all(subtitles, &group, &mut out);
        let size = size.map(|(width, height)| format!(",RESOLUTION={width}x{height}")).unwrap_or_default();
        let group = if subtitles.is_empty() { String::new() } else { format!(",SUBTITLES=\"{group}\"") };
        let _ =
            writeln!(out, "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS=\"{codecs}\"{size}{group}\n{uri}");
    }
    out
}

/// Seconds with three decimals.
fn seconds(ms: u32) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// To the nearest second: what `EXT-X-TARGETDURATION` is held against (4.3.3.1).
pub(super) fn rounded(ms: u32) -> u32 {
    ms / 1000 + u32::from(ms % 1000 >= 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_listed_with_its_end() {
        let entry = |ms, map: Option<&str>| Entry { ms, uri: format!("s{ms}"), map: map.map(str::to_owned) };
        let entries = vec![entry(4500, Some("a")), entry(4000, None), entry(1, Some("b"))];
        let film = Film { kind: Kind::Vod, independent: true, entries };
        assert_eq!(
            film.render(),
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"a\"\n\
             #EXTINF:4.500,\ns4500\n#EXTINF:4.000,\ns4000\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"b\"\n\
             #EXTINF:0.001,\ns1\n#EXT-X-ENDLIST\n"
        );
    }

    #[test]
    fn a_variant_names_its_codecs_and_a_track_cannot_break_out_of_its_quotes() {
        let german = |forced| Rendition {
            name: "Ger\"man\n#".to_owned(),
            language: Some("de".to_owned()),
            forced,
            uri: "subs.m3u8".to_owned(),
        };
        let subtitles = vec![german(false), german(true)];
        let variant = Variant {
            uri: "index.m3u8".into(),
            bandwidth: 9,
            codecs: "avc1.42e01e,mp4a.40.2".into(),
            size: Some((640, 360)),
            subtitles,
        };
        assert_eq!(
            master(&[variant]),
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subtitles-0\",NAME=\"Ger'man'#\",\
             LANGUAGE=\"de\",AUTOSELECT=YES,DEFAULT=NO,URI=\"subs.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subtitles-0\",NAME=\"Ger'man'# (2)\",\
             LANGUAGE=\"de\",AUTOSELECT=YES,DEFAULT=NO,FORCED=YES,URI=\"subs.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.42e01e,mp4a.40.2\",RESOLUTION=640x360,\
             SUBTITLES=\"subtitles-0\"\nindex.m3u8\n"
        );
    }
}
