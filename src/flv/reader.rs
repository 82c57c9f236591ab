//! FLV files, read tag by tag.
//!
//! ```text
//!  file (E.2, E.3):  'F' 'L' 'V'  version(1)  flags(1)  header size(4)
//!                    PreviousTagSize0(4) = 0
//!                    { tag header(11)  body(data size)  PreviousTagSize(4) } …
//! ```
//!
//! `PreviousTagSize` is not believed: many writers get it wrong and nothing here needs it.

use super::{PREVIOUS_TAG_SIZE_LEN, TAG_HEADER_LEN, Tag, TagKind};
use crate::limits::MAX_TAG_BODY;
use crate::time::MediaTime;
use bytes::{Buf, Bytes};

/// Length of the file header without `PreviousTagSize0`.
pub const FILE_HEADER_LEN: usize = 9;

/// Why bytes cannot be FLV.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFlv {
    /// The signature is another one.
    #[error(
        "begins with {0:02x?}, expected the FLV signature 46 4c 56; the file is not FLV whatever its name says"
    )]
    Signature([u8; 3]),
    /// The header's own length is impossible.
    #[error(
        "says its header is {0} bytes long, expected 9 or a little more; the head of the file is damaged"
    )]
    HeaderSize(u32),
    /// A tag of a type that FLV does not know, most likely because the position is not at a tag.
    #[error("tag type {kind} where 8, 9 or 18 was expected; the file is damaged from here on")]
    TagType {
        /// The type seen, without the filter bit.
        kind: u8,
    },
    /// A tag larger than any frame.
    #[error("tag of {len} bytes, at most {MAX_TAG_BODY} are allowed; the file is damaged from here on")]
    TagTooLarge {
        /// The body length seen.
        len: usize,
    },
}

/// Where the first tag begins, from the first nine bytes of a file.
///
/// # Errors
/// When the signature or the header size is wrong.
pub fn first_tag_offset(head: &[u8; FILE_HEADER_LEN]) -> Result<u64, InvalidFlv> {
    if &head[..3] != b"FLV" {
        return Err(InvalidFlv::Signature([head[0], head[1], head[2]]));
    }
    let size = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    // "usually has a value of 9 for FLV version 1; present to accommodate larger headers" (E.2).
    if !(9..=1024).contains(&size) {
        return Err(InvalidFlv::HeaderSize(size));
    }
    Ok(u64::from(size) + PREVIOUS_TAG_SIZE_LEN as u64)
}

/// The nine bytes of a file header and `PreviousTagSize0`.
pub fn file_header(has_video: bool, has_audio: bool) -> [u8; FILE_HEADER_LEN + PREVIOUS_TAG_SIZE_LEN] {
    let flags = u8::from(has_video) | (u8::from(has_audio) << 2);
    [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// The header of a tag whose body has not been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagHeader {
    /// What the body is.
    pub kind: TagKind,
    /// Bytes of body.
    pub body_len: usize,
    /// Decoding time.
    pub timestamp: MediaTime,
}

impl TagHeader {
    /// Reads the eleven bytes before a body.
    ///
    /// # Errors
    /// When the type or the size cannot be right.
    pub fn parse(head: &[u8; TAG_HEADER_LEN]) -> Result<Self, InvalidFlv> {
        // Bit 5 marks encrypted bodies (E.4.1, `Filter`); the two above it are reserved.
        let kind = head[0] & 0x1f;
        let Some(kind) = TagKind::from_type_id(kind) else {
            return Err(InvalidFlv::TagType { kind });
        };
        let body_len = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        if body_len > MAX_TAG_BODY {
            return Err(InvalidFlv::TagTooLarge { len: body_len });
        }
        let timestamp = MediaTime::from_millis(u32::from_be_bytes([head[7], head[4], head[5], head[6]]));
        Ok(Self { kind, body_len, timestamp })
    }

    /// Bytes from this header to the next one.
    pub fn encoded_len(&self) -> usize {
        TAG_HEADER_LEN + self.body_len + PREVIOUS_TAG_SIZE_LEN
    }
}

/// The bytes that the tag at the head of `input` takes, or `None` while its header is cut.
///
/// # Errors
/// As [`TagHeader::parse`].
pub fn next_tag_len(input: &[u8]) -> Result<Option<usize>, InvalidFlv> {
    let Some(head) = input.first_chunk() else { return Ok(None) };
    Ok(Some(TagHeader::parse(head)?.encoded_len()))
}

/// Takes the tag at the head of `input`, sharing its memory. `None`: not yet, the tag is cut, and
/// `input` is untouched.
///
/// # Errors
/// As [`TagHeader::parse`]: never, whatever follows.
pub fn take_tag(input: &mut Bytes) -> Result<Option<Tag>, InvalidFlv> {
    let Some(head) = input.first_chunk() else { return Ok(None) };
    let header = TagHeader::parse(head)?;
    if input.len() < header.encoded_len() {
        return Ok(None);
    }
    input.advance(TAG_HEADER_LEN);
    let body = input.split_to(header.body_len);
    input.advance(PREVIOUS_TAG_SIZE_LEN);
    Ok(Some(Tag { kind: header.kind, timestamp: header.timestamp, body }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> (Vec<Tag>, Bytes) {
        let tags = vec![
            Tag {
                kind: TagKind::Script,
                timestamp: MediaTime::ZERO,
                body: Bytes::from_static(b"\x02\0\x01x"),
            },
            Tag {
                kind: TagKind::Video,
                timestamp: MediaTime::from_millis(40),
                body: Bytes::from_static(b"\x17\x01\0\0\0abc"),
            },
            Tag { kind: TagKind::Audio, timestamp: MediaTime::from_millis(0x0123_4567), body: Bytes::new() },
        ];
        let mut out = Vec::new();
        tags.iter().for_each(|t| t.encode_into(&mut out));
        (tags, out.into())
    }

    #[test]
    fn tags_cut_at_every_byte_are_not_yet_then_whole() {
        let (tags, bytes) = sample();
        for split in 0..=bytes.len() {
            let mut got = Vec::new();
            let mut head = bytes.slice(..split);
            while let Some(tag) = take_tag(&mut head).unwrap() {
                got.push(tag);
            }
            let rest = [&head[..], &bytes[split..]].concat();
            let mut rest = Bytes::from(rest);
            while let Some(tag) = take_tag(&mut rest).unwrap() {
                got.push(tag);
            }
            assert_eq!(got, tags, "split at {split}");
            assert!(rest.is_empty(), "split at {split}");
        }
    }

    #[test]
    fn impossible_heads_are_refused_by_name() {
        assert_eq!(first_tag_offset(b"RIFF\0\0\0\0\0"), Err(InvalidFlv::Signature(*b"RIF")));
        assert_eq!(first_tag_offset(b"FLV\x01\x05\0\0\0\x08"), Err(InvalidFlv::HeaderSize(8)));
        assert_eq!(first_tag_offset(b"FLV\x01\x05\0\0\0\x09"), Ok(13));
        let mut bad = Bytes::from_static(&[7, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(take_tag(&mut bad), Err(InvalidFlv::TagType { kind: 7 }));
        let mut large = Bytes::from_static(&[9, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(take_tag(&mut large), Err(InvalidFlv::TagTooLarge { len: 0xff_ffff }));
    }

    proptest! {
        #[test]
        fn what_was_parsed_encodes_the_same(
            kind in prop::sample::select(vec![TagKind::Audio, TagKind::Video, TagKind::Script]),
            ms in any::<u32>(),
            body in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let tag = Tag { kind, timestamp: MediaTime::from_millis(ms), body: body.into() };
            let mut out = Vec::new();
            tag.encode_into(&mut out);
            let mut bytes = Bytes::from(out);
            prop_assert_eq!(bytes.len(), tag.encoded_len());
            prop_assert_eq!(take_tag(&mut bytes).unwrap(), Some(tag));
            prop_assert!(bytes.is_empty());
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = Bytes::from(bytes);
            while let Ok(Some(_)) = take_tag(&mut bytes) {}
        }
    }
}
