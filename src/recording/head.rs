//! The head of a recording: the file's header and one `onMetaData` of a length that never changes,
//! so that the keyframe table, which is known at the end, can be written over it. Pure.
//!
//! ```text
//!   0  'F' 'L' 'V' 1 flags  9  0           (FLV E.2)
//!  13  tag header: script, HEAD_BODY bytes
//!  24  "onMetaData", ECMA array:
//!        recording: true      the mark, at a fixed place: this file is not finished
//!        stream, duration, width … keyframes { times, filepositions }
//!        padding: [0, 0, …]   whatever of the length the table does not need yet
//!      PreviousTagSize
//!  HEAD_LEN: the first tag of the media
//! ```
//!
//! The padding is inside the array, as values of its own: every reader of AMF passes over it. Zeros
//! behind the array, as some writers have them, are a number to those who read on.

use crate::amf0::{Properties, Value, decode_prefix, encode_to_bytes};
use crate::flv::metadata::Metadata;
use crate::flv::reader::file_header;
use crate::flv::{PREVIOUS_TAG_SIZE_LEN, TAG_HEADER_LEN, Tag, TagKind};
use crate::limits::{MAX_STREAM_NAME, RECORD_KEYFRAMES};
use crate::reel::Codecs;
use crate::time::MediaTime;
use bytes::Bytes;

/// The body of the metadata tag: the table, 18 bytes a keyframe, and a kilobyte for the rest with the
/// longest name.
const HEAD_BODY: usize = RECORD_KEYFRAMES * 18 + 1024 + MAX_STREAM_NAME;

const FILE_HEADER: usize = 13;

/// Where the media begin.
pub(super) const HEAD_LEN: u64 = (FILE_HEADER + TAG_HEADER_LEN + HEAD_BODY + PREVIOUS_TAG_SIZE_LEN) as u64;

/// Where the mark is: behind the names "onMetaData" and "recording" and the three types.
pub(super) const MARK_AT: u64 = (FILE_HEADER + TAG_HEADER_LEN + 13 + 5 + 11 + 1) as u64;

/// So many bytes tell whether a file is a recording of ours.
pub(super) const INSPECT_LEN: usize = MARK_AT as usize + 1;

/// What the head says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Head {
    /// The stream's name.
    pub(super) stream: String,
    /// Length; `None` while it is recorded.
    pub(super) duration: Option<MediaTime>,
    pub(super) picture_size: Option<(u32, u32)>,
    pub(super) codecs: Codecs,
    /// The file's length in bytes.
    pub(super) file_size: Option<u64>,
    /// At most [`RECORD_KEYFRAMES`].
    pub(super) keyframes: Vec<(MediaTime, u64)>,
}

impl Head {
    /// The first [`HEAD_LEN`] bytes of the file, marked as unfinished.
    pub(super) fn encode(&self) -> Vec<u8> {
        debug_assert!(self.keyframes.len() <= RECORD_KEYFRAMES, "there is no room for more");
        let metadata = Metadata {
            duration: self.duration,
            picture_size: self.picture_size,
            video: self.codecs.video,
            audio: self.codecs.audio,
            file_size: self.file_size,
            keyframes: self.keyframes.clone(),
            ..Metadata::default()
        };
        let body = |numbers: usize, letters: usize| {
            let marked = Properties::default().with("recording", true).with("stream", self.stream.as_str());
            let properties = metadata
                .properties(marked)
                .with("padding", Value::StrictArray(vec![Value::Number(0.0); numbers]))
                .with("pad", " ".repeat(letters));
            encode_to_bytes(&[Value::from("onMetaData"), properties.into_ecma_array()])
        };
        // A number takes nine bytes, a letter one.
        let left = HEAD_BODY.saturating_sub(body(0, 0).len());
        let body = body(left / 9, left % 9);
        debug_assert_eq!(body.len(), HEAD_BODY, "the head fits its place");
        // Until codecs are known, players should look for both.
        let unknown = self.codecs == Codecs::default();
        let has = |lane: bool| lane || unknown;
        let mut out = Vec::with_capacity(HEAD_LEN as usize);
        out.extend(file_header(has(self.codecs.video.is_some()), has(self.codecs.audio.is_some())));
        Tag { kind: TagKind::Script, timestamp: MediaTime::ZERO, body }.encode_into(&mut out);
        out
    }

    /// Reads what an earlier recording is to be continued by; `None` when the file is not ours.
    pub(super) fn stream_of(head: &[u8]) -> Option<String> {
        Mark::of(head.get(..INSPECT_LEN)?)?;
        let body = head.get(FILE_HEADER + TAG_HEADER_LEN..HEAD_LEN as usize - PREVIOUS_TAG_SIZE_LEN)?;
        let (values, _damage) = decode_prefix(&Bytes::copy_from_slice(body));
        Some(values.get(1)?.get("stream")?.as_str()?.into_owned())
    }
}

/// Whether a recording was finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Unfinished,
    Finished,
}

impl Mark {
    /// The byte at [`MARK_AT`].
    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::Unfinished => 1,
            Self::Finished => 0,
        }
    }

    /// From a file's first [`INSPECT_LEN`] bytes; `None` when it is no recording of ours.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let (first, mark) = head.get(..INSPECT_LEN)?.split_at(MARK_AT as usize);
        let size = (HEAD_BODY as u32).to_be_bytes();
        let ours = first.starts_with(b"FLV\x01")
            && first[FILE_HEADER..].starts_with(&[TagKind::Script.type_id(), size[1], size[2], size[3]])
            && first[FILE_HEADER + TAG_HEADER_LEN..].starts_with(b"\x02\x00\x0aonMetaData\x08")
            && first.ends_with(b"\x00\x09recording\x01");
        match mark {
            [0] if ours => Some(Self::Finished),
            [1] if ours => Some(Self::Unfinished),
            _ => None,
        }
    }
}

/// Keyframes for the table: all of them at first, later every second, every fourth …
#[derive(Debug)]
pub(super) struct KeyframeTable {
    entries: Vec<(MediaTime, u64)>,
    /// Only every so-manyth keyframe is kept.
    step: u32,
    skipped: u32,
}

impl Default for KeyframeTable {
    fn default() -> Self {
        Self { entries: Vec::new(), step: 1, skipped: 0 }
    }
}

impl KeyframeTable {
    pub(super) fn add(&mut self, time: MediaTime, position: u64) {
        self.skipped += 1;
        if self.skipped < self.step && !self.entries.is_empty() {
            return;
        }
        self.skipped = 0;
        if self.entries.len() == RECORD_KEYFRAMES {
            let mut at = 0;
            self.entries.retain(|_| (at % 2 == 0, at += 1).0);
            self.step *= 2;
        }
        self.entries.push((time, position));
    }

    pub(super) fn entries(&self) -> &[(MediaTime, u64)] {
        &self.entries
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::flv::codec::{AudioCodec, VideoCodec};
    use crate::flv::metadata::parse_on_metadata;
    use crate::flv::reader::take_tag;

    fn full() -> Head {
        Head {
            stream: "x".repeat(MAX_STREAM_NAME),
            duration: Some(MediaTime::MAX),
            picture_size: Some((65_535, 65_535)),
            codecs: Codecs { video: Some(VideoCodec::Avc), audio: Some(AudioCodec::Aac) },
            file_size: Some(u64::MAX),
            keyframes: vec![(MediaTime::MAX, u64::MAX); RECORD_KEYFRAMES],
        }
    }

    #[test]
    fn a_head_is_one_tag_of_the_same_length_whatever_it_says() {
        let mut steps: Vec<Head> = vec![Head::default(), full()];
        steps.extend((1..30).map(|n| Head { keyframes: vec![Default::default(); n], ..full() }));
        for head in steps {
            let bytes = head.encode();
            assert_eq!(bytes.len() as u64, HEAD_LEN);
            assert_eq!(Mark::of(&bytes), Some(Mark::Unfinished));
            assert_eq!(Head::stream_of(&bytes).unwrap(), head.stream);
            let mut rest = Bytes::from(bytes[FILE_HEADER..].to_vec());
            let tag = take_tag(&mut rest).unwrap().unwrap();
            assert!(rest.is_empty());
            let read = parse_on_metadata(&tag.body).unwrap();
            assert_eq!((read.duration, read.picture_size), (head.duration, head.picture_size));
            let (values, damage) = decode_prefix(&tag.body);
            assert!(damage.is_none(), "our own reader takes it whole");
            assert_eq!(values.len(), 2);
        }
    }

    #[test]
    fn the_mark_is_where_it_is_said_to_be() {
        let mut bytes = full().encode();
        bytes[MARK_AT as usize] = Mark::Finished.byte();
        assert_eq!(Mark::of(&bytes), Some(Mark::Finished));
        for cut in 0..INSPECT_LEN {
            assert_eq!(Mark::of(&bytes[..cut]), None, "cut at {cut}");
        }
        for at in 13..MARK_AT as usize {
            // Times and stream number of the tag are not looked at.
            if !(17..24).contains(&at) && !(38..42).contains(&at) {
                let mut other = bytes.clone();
                other[at] ^= 0x40;
                assert_eq!(Mark::of(&other), None, "another byte at {at}");
            }
        }
    }

    #[test]
    fn a_table_that_is_full_thins_out_evenly() {
        let mut table = KeyframeTable::default();
        let many = RECORD_KEYFRAMES as u32 * 3 + 7;
        for n in 0..many {
            table.add(MediaTime::from_millis(n), n.into());
        }
        let times: Vec<u32> = table.entries().iter().map(|(time, _)| time.as_millis()).collect();
        assert!(times.len() <= RECORD_KEYFRAMES && times.len() > RECORD_KEYFRAMES / 2);
        assert_eq!(times[0], 0);
        assert!(times.windows(2).all(|two| two[1] - two[0] <= 8), "no hole");
        assert!(many - times[times.len() - 1] <= 4);
    }
}
