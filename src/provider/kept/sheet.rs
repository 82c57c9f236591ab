//! The sheet of a kept conversion: a file that says what was converted, what came of it, and how to notice that it is
//! not that any more. Pure.
//!
//! ```text
//!  "wiidia reel 1" SP  crc32 of what follows, hex(8) LF
//!  JSON
//! ```

use crate::flv::codec::{AudioCodec, VideoCodec};
use crate::flv::{Tag, TagKind};
use crate::pipeline::{Form, MediaStreams};
use crate::reel::{Archive, Codecs, Part};
use crate::time::MediaTime;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

const HEAD: &[u8] = b"wiidia reel 1 ";

/// Digits of the sum, and the line's end.
const SUM_LEN: usize = 9;

/// A version of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Version {
    /// Bytes.
    pub(super) len: u64,
    /// Nanoseconds since 1970.
    pub(super) modified_ns: i64,
}

/// What was made of what.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Origin {
    /// The file's path in the library, percent-encoded.
    pub(super) path: String,
    pub(super) version: Version,
    /// Files of subtitles that may have been drawn.
    pub(super) beside: Vec<Version>,
    pub(super) form: Form,
}

/// All that is known of a kept conversion.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Sheet {
    pub(super) origin: Origin,
    pub(super) streams: MediaStreams,
    video: Option<Codec>,
    audio: Option<Codec>,
    duration_ms: Option<u32>,
    picture_size: Option<(u32, u32)>,
    pub(super) parts: Vec<PartSheet>,
}

/// One of its files.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct PartSheet {
    pub(super) len: u64,
    /// CRC-32 of each [`KEPT_BLOCK`](crate::limits::KEPT_BLOCK) of it.
    pub(super) sums: Vec<u32>,
    available_ms: u32,
    grid: bool,
    points: Vec<(u32, u64)>,
    headers: Vec<Header>,
    next: Option<u64>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Header {
    offset: u64,
    picture: bool,
    time_ms: u32,
    /// Base64.
    body: String,
}

/// A codec by its number in FLV, or by its FourCC.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
enum Codec {
    Number(u8),
    FourCc([u8; 4]),
}

impl Sheet {
    /// Of a complete reel; `sums` are those of its parts.
    pub(super) fn new<D>(
        origin: Origin,
        streams: MediaStreams,
        archive: &Archive<D>,
        sums: Vec<Vec<u32>>,
    ) -> Option<Self> {
        let part = |(part, sums): (&Part<D>, Vec<u32>)| PartSheet {
            len: part.len,
            sums,
            available_ms: part.available.as_millis(),
            grid: part.grid,
            points: part.points.iter().map(|(time, offset)| (time.as_millis(), *offset)).collect(),
            headers: part.headers.iter().map(|(offset, tag)| Header::new(*offset, tag)).collect(),
            next: part.next,
        };
        let (video, audio) = (archive.codecs.video.map(of_video), archive.codecs.audio.map(of_audio));
        // What has no number of its own cannot be read back.
        let lost = [video, audio].contains(&Some(None));
        (!lost).then(|| Self {
            origin,
            streams,
            video: video.flatten(),
            audio: audio.flatten(),
            duration_ms: archive.duration.map(MediaTime::as_millis),
            picture_size: archive.picture_size,
            parts: archive.parts.iter().zip(sums).map(part).collect(),
        })
    }

    /// The reel's parts, with their data. `None` when it says what cannot be.
    pub(super) fn archive<D>(&self, data: Vec<D>) -> Option<Archive<D>> {
        let part = |(part, data): (&PartSheet, D)| {
            let header = |header: &Header| {
                let kind = if header.picture { TagKind::Video } else { TagKind::Audio };
                let body = BASE64.decode(header.body.as_bytes()).ok()?.into();
                let timestamp = MediaTime::from_millis(header.time_ms);
                Some((header.offset, Tag { kind, timestamp, body }))
            };
            let in_order = part.points.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 < pair[1].1);
            let inside = part.points.iter().all(|(_, offset)| *offset < part.len);
            (in_order && inside).then_some(())?;
            Some(Part {
                data,
                len: part.len,
                available: MediaTime::from_millis(part.available_ms),
                grid: part.grid,
                points: part
                    .points
                    .iter()
                    .map(|(ms, offset)| (MediaTime::from_millis(*ms), *offset))
                    .collect(),
                headers: part.headers.iter().map(header).collect::<Option<_>>()?,
                next: part.next,
            })
        };
        (data.len() == self.parts.len()).then_some(())?;
        Some(Archive {
            codecs: Codecs { video: self.video.map(to_video), audio: self.audio.map(to_audio) },
            duration: self.duration_ms.map(MediaTime::from_millis),
            picture_size: self.picture_size,
            parts: self.parts.iter().zip(data).map(part).collect::<Option<_>>()?,
        })
    }

    /// Bytes of all its parts.
    pub(super) fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.len).fold(0, u64::saturating_add)
    }

    /// As it stands in a file.
    pub(super) fn encode(&self) -> Vec<u8> {
        // Plain structs: cannot fail.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut out = HEAD.to_vec();
        out.extend(format!("{:08x}\n", crc32fast::hash(&json)).as_bytes());
        out.extend(json);
        out
    }

    /// `None` when it is damaged, or of another version of this server.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (sum, json) = bytes.strip_prefix(HEAD)?.split_at_checked(SUM_LEN)?;
        let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?.strip_suffix('\n')?, 16).ok()?;
        (crc32fast::hash(json) == sum).then(|| serde_json::from_slice(json).ok())?
    }
}

impl Header {
    fn new(offset: u64, tag: &Tag) -> Self {
        Self {
            offset,
            picture: tag.kind == TagKind::Video,
            time_ms: tag.timestamp.as_millis(),
            body: BASE64.encode(&tag.body),
        }
    }
}

fn of_video(codec: VideoCodec) -> Option<Codec> {
    Some(match codec {
        VideoCodec::SorensonH263 => Codec::Number(2),
        VideoCodec::Avc => Codec::Number(7),
        VideoCodec::FourCc(four_cc) => Codec::FourCc(four_cc),
        // No conversion makes these.
        VideoCodec::Screen | VideoCodec::Vp6 | VideoCodec::Unknown(_) => return None,
    })
}

fn to_video(codec: Codec) -> VideoCodec {
    match codec {
        Codec::Number(2) => VideoCodec::SorensonH263,
        Codec::Number(7) => VideoCodec::Avc,
        Codec::Number(other) => VideoCodec::Unknown(other),
        Codec::FourCc(four_cc) => VideoCodec::FourCc(four_cc),
    }
}

fn of_audio(codec: AudioCodec) -> Option<Codec> {
    Some(match codec {
        AudioCodec::Mp3 => Codec::Number(2),
        AudioCodec::Aac => Codec::Number(10),
        AudioCodec::FourCc(four_cc) => Codec::FourCc(four_cc),
        AudioCodec::Pcm
        | AudioCodec::Nellymoser
        | AudioCodec::Speex
        | AudioCodec::G711
        | AudioCodec::Unknown(_) => return None,
    })
}

fn to_audio(codec: Codec) -> AudioCodec {
    match codec {
        Codec::Number(2) => AudioCodec::Mp3,
        Codec::Number(10) => AudioCodec::Aac,
        Codec::Number(other) => AudioCodec::Unknown(other),
        Codec::FourCc(four_cc) => AudioCodec::FourCc(four_cc),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn streams() -> MediaStreams {
        MediaStreams {
            duration: Some(MediaTime::from_millis(4000)),
            video: None,
            audio: None,
            contents: crate::pipeline::Contents::default(),
            seekable: true,
            lead_ns: 80_000_000,
            spare: None,
            warnings: Vec::new(),
        }
    }

    pub(in super::super) fn origin(path: &str) -> Origin {
        let version = Version { len: 1000, modified_ns: 7 };
        Origin { path: path.into(), version, beside: Vec::new(), form: Form::default() }
    }

    fn archive() -> Archive<()> {
        let ms = MediaTime::from_millis;
        let header = Tag { kind: TagKind::Video, timestamp: ms(0), body: vec![0x17, 0, 1, 2, 3].into() };
        let part = Part {
            data: (),
            len: 500,
            available: ms(2000),
            grid: true,
            points: vec![(ms(0), 20), (ms(1000), 200)],
            headers: vec![(0, header)],
            next: Some(90),
        };
        let last =
            Part { len: 400, available: ms(4000), points: vec![(ms(2000), 90)], next: None, ..part.clone() };
        Archive {
            codecs: Codecs { video: Some(VideoCodec::Avc), audio: Some(AudioCodec::FourCc(*b"Opus")) },
            duration: Some(ms(4000)),
            picture_size: Some((320, 180)),
            parts: vec![part, last],
        }
    }

    fn sheet() -> Sheet {
        Sheet::new(origin("films/a.avi"), streams(), &archive(), vec![vec![1], vec![u32::MAX]]).unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        let (sheet, archive) = (sheet(), archive());
        let read = Sheet::decode(&sheet.encode()).unwrap();
        assert_eq!(read, sheet);
        assert_eq!(read.bytes(), 900);
        let again = read.archive(vec![(), ()]).unwrap();
        assert_eq!(
            (again.codecs, again.duration, again.picture_size),
            (archive.codecs, archive.duration, archive.picture_size)
        );
        for (again, part) in again.parts.iter().zip(&archive.parts) {
            assert_eq!(
                (&again.points, &again.headers, again.next, again.len),
                (&part.points, &part.headers, part.next, part.len)
            );
        }
        assert!(read.archive(vec![()]).is_none(), "a file is missing");
    }

    #[test]
    fn damage_is_noticed_at_every_byte() {
        let bytes = sheet().encode();
        for at in 0..bytes.len() {
            assert!(Sheet::decode(&bytes[..at]).is_none(), "cut at {at}");
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert!(Sheet::decode(&changed).is_none(), "byte {at} changed");
        }
    }

    #[test]
    fn what_cannot_be_is_no_reel() {
        let mut sheet = sheet();
        sheet.parts[0].points.push((500, 400));
        assert!(sheet.archive(vec![(), ()]).is_none(), "back in time");
        let mut sheet = self::sheet();
        sheet.parts[1].points = vec![(0, 4000)];
        assert!(sheet.archive(vec![(), ()]).is_none(), "beyond the end");
    }

    proptest! {
        #[test]
        fn any_json_with_the_right_sum_is_read_or_refused(json in "\\PC{0,200}") {
            let bytes = [HEAD, format!("{:08x}\n", crc32fast::hash(json.as_bytes())).as_bytes(), json.as_bytes()].concat();
            prop_assert!(Sheet::decode(&bytes).is_none());
        }
    }
}
