//! Tags as the bytes that viewers of one kind get.

use crate::limits::WRITE_BATCH_BYTES;
use crate::rtmp::StreamId;
use crate::stream::{Feed, Record, UsedFourCcs, last_time};
use crate::time::MediaTime;
use crate::websocket::{FrameHead, Opcode, frame_head};
use bytes::{Bytes, BytesMut};
use std::fmt::Write;
use std::sync::Arc;

/// How tags become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Framing {
    /// Chunks with full headers, on this message stream.
    Rtmp(StreamId),
    /// FLV.
    Flv(FlvFraming),
}

/// How FLV that has no end says where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum FlvFraming {
    /// By the end of the connection: HTTP/1.0.
    Plain,
    /// Chunked (RFC 9112 7.1).
    Chunked,
    /// WebSocket messages.
    WebSocket,
}

impl FlvFraming {
    /// What goes before and behind so many bytes.
    pub(in crate::server) fn envelope(self, len: usize) -> (FrameHead, &'static [u8]) {
        match self {
            // Nothing would be the end of a chunked body.
            _ if len == 0 => (FrameHead::new(), b""),
            Self::Plain => (FrameHead::new(), b""),
            Self::Chunked => (chunk_head(len), b"\r\n"),
            Self::WebSocket => (frame_head(Opcode::Binary, len), b""),
        }
    }
}

/// A length of 64 bits would not fit, one of records does.
fn chunk_head(len: usize) -> FrameHead {
    let mut head = heapless::String::<10>::new();
    let _ = write!(head, "{len:x}\r\n");
    head.into_bytes()
}

impl Framing {
    fn encode(self, records: &[Arc<Record>]) -> Bytes {
        match self {
            Self::Rtmp(stream) => {
                let len = records.iter().map(|record| record.chunks().wire_len()).sum();
                let mut out = BytesMut::with_capacity(len);
                records.iter().for_each(|record| record.chunks().encode_into(&mut out, stream));
                out.freeze()
            }
            Self::Flv(framing) => {
                let len = records.iter().map(|record| record.tag().encoded_len()).sum();
                let (head, tail) = framing.envelope(len);
                let mut out = BytesMut::with_capacity(head.len() + len + tail.len());
                out.extend_from_slice(&head);
                records.iter().for_each(|record| record.tag().encode_into(&mut out));
                out.extend_from_slice(tail);
                out.freeze()
            }
        }
    }
}

/// Some records in a row, framed.
#[derive(Debug)]
pub(super) struct Segment {
    framing: Framing,
    /// Number of the first record.
    from: u64,
    /// Number of the record behind the last.
    pub(super) to: u64,
    pub(super) bytes: Bytes,
    /// Bytes of the tags' bodies.
    pub(super) tag_bytes: u64,
    pub(super) codecs: UsedFourCcs,
    /// Time of the last record that has one.
    pub(super) last: Option<MediaTime>,
}

/// What one writing moment needs: one segment in the usual case, some more for viewers who came lately.
#[derive(Debug)]
pub(super) struct Segments {
    /// Nothing beyond this record, so that all viewers are at the same place afterwards.
    pub(super) to: u64,
    made: Vec<Segment>,
}

impl Segments {
    /// Up to that record.
    pub(super) fn up_to(to: u64) -> Self {
        Self { to, made: Vec::new() }
    }

    /// The segment that begins there; `None` when that record is no longer kept.
    pub(super) fn get(&mut self, feed: &Feed, framing: Framing, from: u64) -> Option<&Segment> {
        let known = self.made.iter().position(|made| made.from == from && made.framing == framing);
        let index = match known {
            Some(index) => index,
            None => {
                let (records, codecs) = feed.records(from, self.to, WRITE_BATCH_BYTES)?;
                self.made.push(Segment {
                    framing,
                    from,
                    to: from + records.len() as u64,
                    bytes: framing.encode(&records),
                    tag_bytes: records.iter().map(|record| record.tag().body.len() as u64).sum(),
                    codecs,
                    last: last_time(&records),
                });
                self.made.len() - 1
            }
        };
        self.made.get(index)
    }
}
