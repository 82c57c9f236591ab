//! The FLV tag: the one currency between providers and viewers.

use crate::time::MediaTime;
use bytes::Bytes;
use std::fmt;

/// Length of the header before each tag's body (FLV E.4.1).
pub const TAG_HEADER_LEN: usize = 11;
/// Length of the `PreviousTagSize` field behind each tag (FLV E.3).
pub const PREVIOUS_TAG_SIZE_LEN: usize = 4;

/// What a tag carries (FLV E.4.1, `TagType`). The numbers are RTMP's message type ids as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum TagKind {
    /// Sound, type 8.
    Audio = 8,
    /// Picture, type 9.
    Video = 9,
    /// AMF0 data such as `onMetaData`, type 18.
    Script = 18,
}

impl TagKind {
    /// The kind for a tag type or RTMP message type id, if it is one of the three.
    pub const fn from_type_id(id: u8) -> Option<Self> {
        match id {
            8 => Some(Self::Audio),
            9 => Some(Self::Video),
            18 => Some(Self::Script),
            _ => None,
        }
    }

    /// The tag type, which is the RTMP message type id as well.
    pub const fn type_id(self) -> u8 {
        self as u8
    }
}

/// One FLV tag: a frame of video, a frame of audio, a sequence header or a script object.
///
/// `body` is the tag's payload exactly as the file and an RTMP message carry it, codec header
/// included, so relaying never converts. Cloning is by reference count.
#[derive(Clone, PartialEq, Eq)]
pub struct Tag {
    /// What the body is.
    pub kind: TagKind,
    /// Decoding time (DTS). The presentation time is this plus the composition time that video
    /// bodies carry (see [`codec`](super::codec)).
    pub timestamp: MediaTime,
    /// The payload, at most [`limits::MAX_TAG_BODY`](crate::limits::MAX_TAG_BODY) bytes.
    pub body: Bytes,
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = &self.body[..self.body.len().min(5)];
        write!(f, "{:?} {} {} B {head:02x?}", self.kind, self.timestamp, self.body.len())
    }
}

impl Tag {
    /// Bytes this tag takes in an FLV file, header and trailing size field included.
    pub fn encoded_len(&self) -> usize {
        TAG_HEADER_LEN + self.body.len() + PREVIOUS_TAG_SIZE_LEN
    }

    /// What the publisher says of the stream as a whole: `onMetaData`. Other script tags (`onTextData`,
    /// `onCuePoint`) belong to the moment they are in.
    pub fn is_metadata(&self) -> bool {
        self.kind == TagKind::Script && self.body.starts_with(b"\x02\x00\x0aonMetaData")
    }

    /// Appends the tag as an FLV file carries it: header, body, `PreviousTagSize`.
    pub fn encode_into(&self, out: &mut impl bytes::BufMut) {
        out.put_slice(&write_tag_header(self.kind, self.timestamp, self.body.len()));
        out.put_slice(&self.body);
        out.put_u32((TAG_HEADER_LEN + self.body.len()) as u32);
    }
}

/// The 11 bytes before a tag's body (FLV E.4.1):
///
/// ```text
///  type(1)  data size(3)  timestamp low 24 bits(3)  timestamp high 8 bits(1)  stream id(3) = 0
/// ```
pub fn write_tag_header(kind: TagKind, timestamp: MediaTime, body_len: usize) -> [u8; TAG_HEADER_LEN] {
    debug_assert!(body_len < 1 << 24, "a tag's size field has 24 bits");
    let size = (body_len as u32).to_be_bytes();
    let ts = timestamp.as_millis().to_be_bytes();
    [kind.type_id(), size[1], size[2], size[3], ts[1], ts[2], ts[3], ts[0], 0, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_header_keeps_the_high_timestamp_byte_apart() {
        let header = write_tag_header(TagKind::Video, MediaTime::from_millis(0x1234_5678), 0x0a0b0c);
        assert_eq!(header, [9, 0x0a, 0x0b, 0x0c, 0x34, 0x56, 0x78, 0x12, 0, 0, 0]);
    }
}
