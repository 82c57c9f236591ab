//! Chunks in, messages out.
//!
//! ```text
//!  basic header   fmt(2 bits) csid(6 bits), or csid 0: one more byte, csid 1: two more      (5.3.1.1)
//!  fmt 0  time(3) length(3) type(1) stream id(4, little-endian)    absolute time
//!  fmt 1  delta(3) length(3) type(1)                               as before: stream id
//!  fmt 2  delta(3)                                                 as before: length, type
//!  fmt 3  nothing                                                  goes on, or all as before
//!  time 0xffffff: four bytes of extended timestamp follow                                   (5.3.1.3)
//! ```
//!
//! Numbers in parentheses: "Adobe's Real Time Messaging Protocol", 1.0. `rml_rtmp`'s own reader panics on
//! interleaved chunk streams and cannot be bounded from outside.

use crate::limits::{MAX_CHUNK_STREAMS, MAX_PARTIAL_MESSAGES, MAX_RTMP_CHUNK_SIZE};
use crate::time::MediaTime;
use bytes::Bytes;
use std::fmt;

/// The chunk size both sides begin with (5.4.1).
pub const INITIAL_CHUNK_SIZE: usize = 128;
/// `SetChunkSize` (5.4.1).
pub(super) const TYPE_SET_CHUNK_SIZE: u8 = 1;
/// `Abort` (5.4.2).
pub(super) const TYPE_ABORT: u8 = 2;
/// The time that means "see the extended timestamp".
pub(super) const EXTENDED: u32 = 0xff_ffff;

/// One whole RTMP message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Absolute time, deltas added up.
    pub timestamp: MediaTime,
    /// Message type id (5.4, 7.1).
    pub type_id: u8,
    /// Message stream id (msid); 0 is the NetConnection.
    pub stream_id: u32,
    /// The body.
    pub payload: Bytes,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = &self.payload[..self.payload.len().min(5)];
        write!(
            f,
            "message type {} on stream {} at {}, {} B {head:02x?}",
            self.type_id,
            self.stream_id,
            self.timestamp,
            self.payload.len()
        )
    }
}

/// Why bytes are no chunks that we take. The reader is of no use afterwards.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChunkError {
    /// A header that refers to one that never came.
    #[error("chunk of format {format} on chunk stream {csid}, on which no full header came before")]
    NoPreviousHeader {
        /// 2 or 3.
        format: u8,
        /// The chunk stream.
        csid: u32,
    },
    /// A message larger than this peer may send.
    #[error("message of {length} bytes announced on chunk stream {csid}; at most {max} are taken")]
    MessageTooLong {
        /// Announced length.
        length: usize,
        /// The chunk stream.
        csid: u32,
        /// The limit in force.
        max: usize,
    },
    /// Too many unfinished messages at once.
    #[error("{buffered} bytes of unfinished messages; at most {max} are kept")]
    TooManyPartialMessages {
        /// Bytes kept.
        buffered: usize,
        /// The limit in force.
        max: usize,
    },
    /// More chunk streams than a client can need.
    #[error("chunk stream {csid} is one more than the {MAX_CHUNK_STREAMS} a peer may open")]
    TooManyChunkStreams {
        /// The chunk stream.
        csid: u32,
    },
    /// `SetChunkSize` with a size that cannot be, or without one.
    #[error("chunk size {size} announced; expected 1 to {MAX_RTMP_CHUNK_SIZE}")]
    BadChunkSize {
        /// The size; 0 stands for a message too short to hold one as well.
        size: u32,
    },
}

/// Reads chunks, however the network cut them.
///
/// Chunk streams may interleave. Bodies go straight into their message's buffer, which grows with what
/// arrived, never with what was announced.
pub struct ChunkReader {
    chunk_size: usize,
    max_message: usize,
    /// The same for sound, pictures, data and aggregates.
    max_media: usize,
    max_buffered: usize,
    streams: Vec<ChunkStream>,
    /// Bytes of all unfinished messages.
    buffered: usize,
    /// Bytes consumed so far.
    position: u64,
    head: Head,
    /// Bytes that were taken for an extended timestamp and turned out to be none; read before any input.
    carry: heapless::Deque<u8, 4>,
}

/// What is known of the chunk being read.
enum Head {
    /// Its header is incomplete.
    Fields(heapless::Vec<u8, 14>),
    /// Its header is there but for the extended timestamp.
    Extended { stream: usize, format: u8, time: heapless::Vec<u8, 4> },
    /// Its body is due.
    Body { stream: usize, left: usize },
}

/// What a chunk stream remembers between chunks.
struct ChunkStream {
    csid: u32,
    timestamp: u32,
    /// The last time or delta; what a fmt 3 that begins a message adds (5.3.1.2.4).
    delta: u32,
    /// The last header had an extended timestamp, and this is it.
    extended: Option<u32>,
    length: usize,
    type_id: u8,
    stream_id: u32,
    payload: Vec<u8>,
    /// Between the first and the last chunk of a message.
    in_message: bool,
}

impl ChunkReader {
    /// A reader that refuses messages above `max_message` bytes.
    pub fn new(max_message: usize) -> Self {
        Self {
            chunk_size: INITIAL_CHUNK_SIZE,
            max_message,
            max_media: max_message,
            max_buffered: max_message * MAX_PARTIAL_MESSAGES,
            streams: Vec::new(),
            buffered: 0,
            position: 0,
            head: Head::Fields(heapless::Vec::new()),
            carry: heapless::Deque::new(),
        }
    }

    /// The peer publishes: from here on its media and data may have up to `max` bytes a message, and
    /// `max_buffered` bytes of all messages may be unfinished.
    pub fn admit_media(&mut self, max: usize, max_buffered: usize) {
        self.max_media = max;
        self.max_buffered = max_buffered;
    }

    /// Bytes consumed so far: where an error was met, and what an acknowledgement tells (5.4.3).
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes of unfinished messages.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// Takes bytes from the front of `input` until a message is whole or the input is used up.
    ///
    /// `SetChunkSize` and `Abort` have taken effect when they are returned. `Ok(None)`: not yet, feed
    /// more. `Err`: never.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Message>, ChunkError> {
        loop {
            let whole = match self.head {
                Head::Body { stream, left } => {
                    if input.is_empty() && self.carry.is_empty() {
                        return Ok(None);
                    }
                    self.body(stream, left, input)?
                }
                Head::Fields(_) | Head::Extended { .. } => {
                    let Some(byte) = self.next_byte(input) else { return Ok(None) };
                    self.header_byte(byte)?
                }
            };
            if let Some(stream) = whole {
                return self.finish(stream).map(Some);
            }
        }
    }

    fn next_byte(&mut self, input: &mut &[u8]) -> Option<u8> {
        if let Some(byte) = self.carry.pop_front() {
            return Some(byte);
        }
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        self.position += 1;
        Some(byte)
    }

    /// One more byte of a header. Returns the chunk stream when that made a message whole (length 0).
    fn header_byte(&mut self, byte: u8) -> Result<Option<usize>, ChunkError> {
        match &mut self.head {
            Head::Fields(fields) => {
                // Never full: 3 + 11 bytes are the longest header, and it is taken out when complete.
                let _ = fields.push(byte);
                let format = fields[0] >> 6;
                let (basic_len, csid) = match (fields[0] & 0x3f, &fields[1..]) {
                    (0, [low, ..]) => (2, 64 + u32::from(*low)),
                    (1, [low, high, ..]) => (3, 64 + u32::from(*low) + 256 * u32::from(*high)),
                    (0 | 1, _) => return Ok(None),
                    (csid, _) => (1, u32::from(csid)),
                };
                let message_len = [11, 7, 3, 0][usize::from(format)];
                if fields.len() < basic_len + message_len {
                    return Ok(None);
                }
                let header = std::mem::take(fields);
                self.header(format, csid, &header[basic_len..])
            }
            Head::Extended { stream, format, time } => {
                let _ = time.push(byte);
                let (index, format) = (*stream, *format);
                let stream = &self.streams[index];
                if format == 3 && stream.in_message {
                    // Most senders repeat the extended timestamp in every chunk, some do not (SRS has
                    // the same comparison). Bytes that differ from it are the body.
                    let expected = stream.extended.unwrap_or_default().to_be_bytes();
                    if !expected.starts_with(time) {
                        // In front of what is still carried. Never full: that is of the same four.
                        for &byte in time.iter().rev() {
                            let _ = self.carry.push_front(byte);
                        }
                        return Ok(self.begin_chunk(index, format, 0));
                    }
                }
                if time.len() < 4 {
                    return Ok(None);
                }
                let time = u32_be(time);
                self.streams[index].extended = Some(time);
                Ok(self.begin_chunk(index, format, time))
            }
            Head::Body { .. } => Ok(None),
        }
    }

    /// A whole header, but for the extended timestamp.
    fn header(&mut self, format: u8, csid: u32, fields: &[u8]) -> Result<Option<usize>, ChunkError> {
        let index = self.chunk_stream(format, csid)?;
        let stream = &mut self.streams[index];
        if format == 3 {
            if stream.extended.is_some() {
                self.head = Head::Extended { stream: index, format, time: heapless::Vec::new() };
                return Ok(None);
            }
            let delta = stream.delta;
            return Ok(self.begin_chunk(index, format, delta));
        }

        let time = u32_be(&fields[..3]);
        let length = if format < 2 { u32_be(&fields[3..6]) as usize } else { stream.length };
        let type_id = if format < 2 { fields[6] } else { stream.type_id };
        let stream_id = match fields.get(7..11) {
            Some(id) => u32::from_le_bytes([id[0], id[1], id[2], id[3]]),
            None => stream.stream_id,
        };
        let max = if is_media(type_id) { self.max_media } else { self.max_message };
        if length > max {
            return Err(ChunkError::MessageTooLong { length, csid, max });
        }
        // Peers built on rml_rtmp repeat the full header where fmt 3 belongs: the same header again
        // goes on with the message. A different one means that the sender gave it up.
        let same = (stream.length, stream.type_id, stream.stream_id) == (length, type_id, stream_id);
        if stream.in_message && !same {
            self.buffered -= stream.abandon();
        }
        (stream.length, stream.type_id, stream.stream_id) = (length, type_id, stream_id);
        if time == EXTENDED {
            self.head = Head::Extended { stream: index, format, time: heapless::Vec::new() };
            return Ok(None);
        }
        stream.extended = None;
        Ok(self.begin_chunk(index, format, time))
    }

    /// The chunk stream of that number; a new one begins with a full header.
    fn chunk_stream(&mut self, format: u8, csid: u32) -> Result<usize, ChunkError> {
        if let Some(index) = self.streams.iter().position(|stream| stream.csid == csid) {
            return Ok(index);
        }
        // librtmp's answer to a ping is a fmt 1 on a fresh chunk stream: its message stream is 0.
        if format > 1 {
            return Err(ChunkError::NoPreviousHeader { format, csid });
        }
        if self.streams.len() == MAX_CHUNK_STREAMS {
            return Err(ChunkError::TooManyChunkStreams { csid });
        }
        self.streams.push(ChunkStream {
            csid,
            timestamp: 0,
            delta: 0,
            extended: None,
            length: 0,
            type_id: 0,
            stream_id: 0,
            payload: Vec::new(),
            in_message: false,
        });
        Ok(self.streams.len() - 1)
    }

    /// The header is complete; `time` is absolute in fmt 0 and a delta otherwise. Returns the chunk
    /// stream when the message has no body.
    fn begin_chunk(&mut self, index: usize, format: u8, time: u32) -> Option<usize> {
        let stream = &mut self.streams[index];
        if !stream.in_message {
            stream.in_message = true;
            stream.delta = time;
            stream.timestamp = if format == 0 { time } else { stream.timestamp.wrapping_add(time) };
        }
        let left = self.chunk_size.min(stream.length - stream.payload.len());
        if left == 0 {
            return Some(index);
        }
        self.head = Head::Body { stream: index, left };
        None
    }

    /// Takes up to `left` bytes of body. Returns the chunk stream when its message is whole.
    fn body(&mut self, index: usize, left: usize, input: &mut &[u8]) -> Result<Option<usize>, ChunkError> {
        let stream = &mut self.streams[index];
        let taken = if let Some(byte) = self.carry.pop_front() {
            stream.payload.push(byte);
            1
        } else {
            let taken = left.min(input.len());
            let (body, rest) = input.split_at(taken);
            stream.make_room(taken);
            stream.payload.extend_from_slice(body);
            *input = rest;
            self.position += taken as u64;
            taken
        };
        self.buffered += taken;
        if self.buffered > self.max_buffered {
            let max = self.max_buffered;
            return Err(ChunkError::TooManyPartialMessages { buffered: self.buffered, max });
        }
        if taken < left {
            self.head = Head::Body { stream: index, left: left - taken };
            return Ok(None);
        }
        self.head = Head::Fields(heapless::Vec::new());
        Ok((stream.payload.len() == stream.length).then_some(index))
    }

    fn finish(&mut self, index: usize) -> Result<Message, ChunkError> {
        self.head = Head::Fields(heapless::Vec::new());
        let stream = &mut self.streams[index];
        stream.in_message = false;
        self.buffered -= stream.payload.len();
        let message = Message {
            timestamp: MediaTime::from_millis(stream.timestamp),
            type_id: stream.type_id,
            stream_id: stream.stream_id,
            payload: std::mem::take(&mut stream.payload).into(),
        };
        let number = message.payload.get(..4).map(u32_be);
        match message.type_id {
            TYPE_SET_CHUNK_SIZE => {
                let size = number.unwrap_or(0);
                if size == 0 || size as usize > MAX_RTMP_CHUNK_SIZE {
                    return Err(ChunkError::BadChunkSize { size });
                }
                self.chunk_size = size as usize;
            }
            TYPE_ABORT => {
                if let Some(stream) = self.streams.iter_mut().find(|stream| Some(stream.csid) == number) {
                    self.buffered -= stream.abandon();
                }
            }
            _ => {}
        }
        Ok(message)
    }
}

impl ChunkStream {
    /// Room for `more` bytes of body: doubled as it fills, but never beyond the message's end, so that
    /// what is kept for viewers takes no more memory than it has bytes.
    fn make_room(&mut self, more: usize) {
        if self.payload.capacity() - self.payload.len() < more {
            let left = self.length - self.payload.len();
            self.payload.reserve_exact(left.min(more.max(self.payload.len())));
        }
    }

    /// Forgets an unfinished message; returns how many bytes that frees.
    fn abandon(&mut self) -> usize {
        self.in_message = false;
        std::mem::take(&mut self.payload).len()
    }
}

/// Sound, pictures, data and aggregates: what a publisher sends (7.1).
fn is_media(type_id: u8) -> bool {
    use super::message_type::{AGGREGATE, AUDIO, DATA, DATA_AMF3, VIDEO};
    matches!(type_id, AUDIO | VIDEO | DATA | DATA_AMF3 | AGGREGATE)
}

/// The big-endian number in up to four bytes.
fn u32_be(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, &byte| number << 8 | u32::from(byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
