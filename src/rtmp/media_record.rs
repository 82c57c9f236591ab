//! Messages written as chunks whose bytes do not depend on what was sent before.
//!
//! Every message begins with a full header (fmt 0, absolute time) and goes on with fmt 3, the extended
//! timestamp repeated: any viewer can join, drop or seek at any message, and times may go backwards. Chunk
//! streams 3 to 5 are only ever written here, 2 and 6 only by `outbox`.
//!
//! ```text
//!  fmt 0  csid(1) time(3) length(3) type(1) stream id(4, little-endian) [extended time(4)] body …
//!  fmt 3  csid(1) [extended time(4)] body …
//! ```

use super::chunk_reader::EXTENDED;
use super::event::StreamId;
use crate::flv::{Tag, TagKind};
use crate::limits::OUT_CHUNK_SIZE;
use crate::time::MediaTime;
use bytes::{Bytes, BytesMut};
use std::fmt;
use std::sync::Arc;

/// The longest chunk header: basic header of 3 bytes, fmt 0's 11, extended timestamp of 4 (5.3.1).
pub const MAX_CHUNK_HEAD: usize = 18;

/// Bytes for the socket: a chunk's header and its body, to be written one behind the other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Transmit {
    /// The chunk header; empty when `body` has everything.
    pub head: heapless::Vec<u8, MAX_CHUNK_HEAD>,
    /// The chunk's body, shared with the tag it came from.
    pub body: Bytes,
}

impl Transmit {
    /// Bytes in all.
    pub fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// Nothing to send.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.body.is_empty()
    }

    /// Both parts, for a vectored write.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.head, &self.body]
    }
}

/// One message on its way out, as an iterator over its chunks.
///
/// Nothing is copied and nothing allocated: the chunks' bodies are slices of the message's body.
#[derive(Clone, Debug)]
pub struct MediaRecord {
    csid: u8,
    type_id: u8,
    stream_id: u32,
    timestamp: u32,
    chunk_size: usize,
    body: Bytes,
    /// Bytes of the body already given out; `None` before the first chunk.
    sent: Option<usize>,
}

impl MediaRecord {
    /// A tag as the message it becomes on a message stream. The body must fit the length field's 24
    /// bits, as [`MAX_TAG_BODY`](crate::limits::MAX_TAG_BODY) sees to.
    pub fn new(tag: &Tag, stream_id: u32, chunk_size: usize) -> Self {
        let csid = match tag.kind {
            TagKind::Script => 3,
            TagKind::Video => 4,
            TagKind::Audio => 5,
        };
        Self::message(csid, tag.kind.type_id(), stream_id, tag.timestamp, tag.body.clone(), chunk_size)
    }

    /// Any message on a chunk stream from 2 to 63.
    pub(super) fn message(
        csid: u8,
        type_id: u8,
        stream_id: u32,
        timestamp: MediaTime,
        body: Bytes,
        chunk_size: usize,
    ) -> Self {
        debug_assert!((2..64).contains(&csid), "one-byte chunk stream ids only");
        debug_assert!(body.len() < 1 << 24, "a message's length field has 24 bits");
        Self { csid, type_id, stream_id, timestamp: timestamp.as_millis(), chunk_size, body, sent: None }
    }

    fn head(&self, format: u8) -> heapless::Vec<u8, MAX_CHUNK_HEAD> {
        let mut head = heapless::Vec::new();
        let mut put = |bytes: &[u8]| {
            // Never full: 1 + 11 + 4 bytes at the most.
            let _ = head.extend_from_slice(bytes);
        };
        put(&[format << 6 | self.csid]);
        if format == 0 {
            put(&self.timestamp.min(EXTENDED).to_be_bytes()[1..]);
            put(&(self.body.len() as u32).to_be_bytes()[1..]);
            put(&[self.type_id]);
            put(&self.stream_id.to_le_bytes());
        }
        if self.timestamp >= EXTENDED {
            put(&self.timestamp.to_be_bytes());
        }
        head
    }
}

impl Iterator for MediaRecord {
    type Item = Transmit;

    fn next(&mut self) -> Option<Transmit> {
        let from = self.sent.unwrap_or(0);
        if self.sent.is_some() && from == self.body.len() {
            return None;
        }
        let to = self.body.len().min(from + self.chunk_size);
        let format = if self.sent.is_none() { 0 } else { 3 };
        let chunk = Transmit { head: self.head(format), body: self.body.slice(from..to) };
        self.sent = Some(to);
        Some(chunk)
    }
}

/// The message stream that records are made for: the first `createStream`, and most clients' only one.
const SHARED_STREAM_ID: u32 = 1;
/// Where a full header has its message stream id: behind basic header, time, length and type.
const STREAM_ID_AT: usize = 8;

/// A tag chunked once for all viewers of a live stream, with what a viewer's session asks about it.
///
/// Cloning is by reference count, and so is sending: the pieces' bodies are slices of the tag's.
#[derive(Clone)]
pub struct SharedRecord(Arc<Prepared>);

struct Prepared {
    tag: Tag,
    pieces: Box<[Transmit]>,
    wire_len: usize,
    is_keyframe: bool,
    is_sequence_header: bool,
}

impl SharedRecord {
    /// Chunks a tag. Its body is at most [`MAX_TAG_BODY`](crate::limits::MAX_TAG_BODY) bytes.
    pub fn new(tag: Tag) -> Self {
        let pieces: Box<[Transmit]> = MediaRecord::new(&tag, SHARED_STREAM_ID, OUT_CHUNK_SIZE).collect();
        Self(Arc::new(Prepared {
            wire_len: pieces.iter().map(Transmit::len).sum(),
            is_keyframe: tag.is_keyframe(),
            is_sequence_header: tag.is_sequence_header(),
            pieces,
            tag,
        }))
    }

    /// The tag.
    pub fn tag(&self) -> &Tag {
        &self.0.tag
    }

    /// A picture at which a decoder can start; see [`Tag::is_keyframe`].
    pub fn is_keyframe(&self) -> bool {
        self.0.is_keyframe
    }

    /// A codec's configuration; see [`Tag::is_sequence_header`].
    pub fn is_sequence_header(&self) -> bool {
        self.0.is_sequence_header
    }

    /// Bytes on the wire, chunk headers included.
    pub fn wire_len(&self) -> usize {
        self.0.wire_len
    }

    /// Writes the chunks for a message stream behind what `out` has: [`wire_len`](Self::wire_len) bytes.
    pub fn encode_into(&self, out: &mut BytesMut, stream: StreamId) {
        for piece in self.pieces(stream.as_u32()) {
            piece.parts().into_iter().for_each(|part| out.extend_from_slice(part));
        }
    }

    /// The chunks, for a message stream. Only the stream's id differs, and only in the first of them.
    pub(super) fn pieces(&self, stream_id: u32) -> impl Iterator<Item = Transmit> + '_ {
        let mut first = self.0.pieces.first().cloned();
        if stream_id != SHARED_STREAM_ID {
            let id = first.as_mut().and_then(|first| first.head.get_mut(STREAM_ID_AT..STREAM_ID_AT + 4));
            if let Some(id) = id {
                id.copy_from_slice(&stream_id.to_le_bytes());
            }
        }
        first.into_iter().chain(self.0.pieces.iter().skip(1).cloned())
    }
}

impl fmt::Debug for SharedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.tag, f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::chunk_reader::{ChunkReader, INITIAL_CHUNK_SIZE, Message};
    use super::*;
    use proptest::prelude::*;

    fn wire(records: impl IntoIterator<Item = MediaRecord>) -> Vec<u8> {
        records.into_iter().flatten().flat_map(|chunk| chunk.parts().concat()).collect()
    }

    fn read_all(mut input: &[u8], reader: &mut ChunkReader) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some(message) = reader.read(&mut input).unwrap() {
            messages.push(message);
        }
        messages
    }

    fn tag(kind: TagKind, ms: u32, len: usize) -> Tag {
        let body: Vec<u8> = (0..len).map(|n| n as u8).collect();
        Tag { kind, timestamp: MediaTime::from_millis(ms), body: body.into() }
    }

    #[test]
    fn a_short_message_is_one_full_header_and_its_body() {
        let record = MediaRecord::new(&tag(TagKind::Video, 0x01_0203, 2), 1, 128);
        assert_eq!(wire([record]), [4, 1, 2, 3, 0, 0, 2, 9, 1, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn the_extended_timestamp_is_repeated_in_continuations() {
        let record = MediaRecord::new(&tag(TagKind::Audio, 0x0100_0000, 3), 1, 2);
        assert_eq!(
            wire([record]),
            [5, 0xff, 0xff, 0xff, 0, 0, 3, 8, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0xc5, 1, 0, 0, 0, 2]
        );
    }

    #[test]
    fn an_empty_message_is_a_header() {
        let record = MediaRecord::new(&tag(TagKind::Audio, 7, 0), 1, 128);
        assert_eq!(wire([record]), [5, 0, 0, 7, 0, 0, 0, 8, 1, 0, 0, 0]);
    }

    #[test]
    fn chunks_share_the_bytes_of_the_tag() {
        let tag = tag(TagKind::Video, 0, 300);
        let bodies: Vec<_> = MediaRecord::new(&tag, 1, 128).map(|chunk| chunk.body).collect();
        assert_eq!(bodies.iter().map(Bytes::len).collect::<Vec<_>>(), [128, 128, 44]);
        assert_eq!(bodies[1].as_ptr(), tag.body[128..].as_ptr());
    }

    #[test]
    fn a_shared_record_is_on_the_wire_what_a_tag_is() {
        for (ms, len, stream_id) in [
            (0, 0, 1),
            (40, 100, 1),
            (40, 100, 7),
            (0xff_fffe, OUT_CHUNK_SIZE, 1),
            (0xff_ffff, OUT_CHUNK_SIZE + 1, 1),
            (0x0100_0000, 3 * OUT_CHUNK_SIZE, 0x0102_0304),
            (u32::MAX, 3 * OUT_CHUNK_SIZE + 1, 2),
        ] {
            for kind in [TagKind::Audio, TagKind::Video, TagKind::Script] {
                let tag = tag(kind, ms, len);
                let record = SharedRecord::new(tag.clone());
                let bytes: Vec<u8> =
                    record.pieces(stream_id).flat_map(|piece| piece.parts().concat()).collect();
                assert!(bytes == wire([MediaRecord::new(&tag, stream_id, OUT_CHUNK_SIZE)]), "{tag:?}");
                assert_eq!(record.wire_len(), bytes.len());
            }
        }
    }

    #[test]
    fn a_viewer_can_join_at_any_shared_record() {
        let tags: Vec<Tag> = [(0, 5), (0x0100_0000, 70_000), (40, 0), (0xff_ffff, 200_000), (20, 9)]
            .map(|(ms, len)| tag(if len % 2 == 0 { TagKind::Video } else { TagKind::Audio }, ms, len))
            .into();
        let records: Vec<SharedRecord> = tags.iter().cloned().map(SharedRecord::new).collect();
        for from in 0..records.len() {
            let mut reader = ChunkReader::new(1 << 20);
            reader.read(&mut &[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 1, 0, 0][..]).unwrap();
            let bytes: Vec<u8> = records[from..]
                .iter()
                .flat_map(|record| record.pieces(1))
                .flat_map(|p| p.parts().concat())
                .collect();
            let read: Vec<Bytes> = read_all(&bytes, &mut reader).into_iter().map(|m| m.payload).collect();
            assert!(
                read == tags[from..].iter().map(|tag| tag.body.clone()).collect::<Vec<_>>(),
                "from {from}"
            );
        }
    }

    #[test]
    fn a_shared_record_shares_the_bytes_of_its_tag_and_knows_what_it_is() {
        let body = Bytes::from_static(&[0x17, 1, 0, 0, 0, 9]);
        let key = Tag { kind: TagKind::Video, timestamp: MediaTime::ZERO, body: body.clone() };
        let record = SharedRecord::new(key);
        assert_eq!(record.pieces(5).next().unwrap().body.as_ptr(), body.as_ptr());
        assert_eq!((record.is_keyframe(), record.is_sequence_header()), (true, false));
        let header = Tag { body: Bytes::from_static(&[0xaf, 0, 0x12]), ..tag(TagKind::Audio, 0, 0) };
        let record = SharedRecord::new(header);
        assert_eq!((record.is_keyframe(), record.is_sequence_header()), (false, true));
    }

    proptest! {
        #[test]
        fn what_is_chunked_reads_back_the_same(
            tags in proptest::collection::vec(
                (0..3usize, prop_oneof![0..5000u32, 0xff_fff0..0x100_0010u32, any::<u32>()], 0..700usize),
                1..8,
            ),
            cut in any::<proptest::sample::Index>(),
        ) {
            let tags: Vec<Tag> = tags
                .into_iter()
                .map(|(kind, ms, len)| tag([TagKind::Audio, TagKind::Video, TagKind::Script][kind], ms, len))
                .collect();
            let bytes = wire(tags.iter().map(|tag| MediaRecord::new(tag, 1, INITIAL_CHUNK_SIZE)));
            let (front, back) = bytes.split_at(cut.index(bytes.len()));
            let mut reader = ChunkReader::new(1000);
            let mut messages = read_all(front, &mut reader);
            messages.extend(read_all(back, &mut reader));
            prop_assert_eq!(reader.buffered(), 0);
            let expected: Vec<Message> = tags
                .into_iter()
                .map(|tag| Message {
                    timestamp: tag.timestamp,
                    type_id: tag.kind.type_id(),
                    stream_id: 1,
                    payload: tag.body,
                })
                .collect();
            prop_assert_eq!(messages, expected);
        }
    }
}
