//! What waits for the socket, and how each kind of message gets its chunks.
//!
//! Protocol control and commands go through rml_rtmp's `ChunkSerializer` (chunk streams 2 and 6), media and
//! data through [`MediaRecord`] (3 to 5). Both write a full header for every message.

use super::error::SessionError;
use super::media_record::{MediaRecord, SharedRecord, Transmit};
use super::status::{Level, info};
use crate::amf0::{self, AmfString, Properties, Value};
use crate::flv::{Tag, TagKind};
use crate::limits::{MAX_RTMP_OUTPUT, OUT_CHUNK_SIZE};
use crate::rtmp::chunk_reader::INITIAL_CHUNK_SIZE;
use crate::time::MediaTime;
use bytes::Bytes;
use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::messages::{MessagePayload, RtmpMessage, UserControlEventType};
use rml_rtmp::time::RtmpTimestamp;
use std::collections::VecDeque;

const TYPE_COMMAND: u8 = 20;

pub(super) struct Outbox {
    queue: VecDeque<Transmit>,
    queued: usize,
    /// Bytes ever queued: tells whether anything was sent since the last look.
    total: u64,
    serializer: ChunkSerializer,
    chunk_size: usize,
    /// The session is over: nothing more is taken.
    is_closed: bool,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            queued: 0,
            total: 0,
            serializer: ChunkSerializer::new(),
            chunk_size: INITIAL_CHUNK_SIZE,
            is_closed: false,
        }
    }

    /// It takes nothing more: it was full, or told so.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// What is queued is still to be sent; whatever comes is dropped.
    pub(super) fn take_no_more(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn pop(&mut self) -> Option<Transmit> {
        let transmit = self.queue.pop_front()?;
        self.queued -= transmit.len();
        Some(transmit)
    }

    /// Bytes waiting.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Bytes ever queued.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// So many bytes were sent without having been here.
    pub(super) fn sent_past(&mut self, bytes: u64) {
        self.total += bytes;
    }

    /// Gives back memory that a burst needed, but for so many pieces.
    pub(super) fn shrink_to(&mut self, pieces: usize) {
        self.queue.shrink_to(pieces);
    }

    /// Bytes as they are: the handshake.
    pub(super) fn raw(&mut self, bytes: Vec<u8>) -> Result<(), SessionError> {
        self.push(Transmit { head: heapless::Vec::new(), body: bytes.into() })
    }

    /// Protocol control (5.4, 6.2), on message stream 0.
    pub(super) fn control(&mut self, message: RtmpMessage) -> Result<(), SessionError> {
        let payload = message
            .into_message_payload(RtmpTimestamp::new(0), 0)
            .map_err(|error| self.fail(SessionError::Serializer { reason: error.to_string() }))?;
        self.serialize(&payload)
    }

    /// Announces our chunk size and uses it from here on.
    pub(super) fn set_chunk_size(&mut self) -> Result<(), SessionError> {
        let packet = self
            .serializer
            .set_max_chunk_size(OUT_CHUNK_SIZE as u32, RtmpTimestamp::new(0))
            .map_err(|error| self.fail(SessionError::Serializer { reason: error.to_string() }))?;
        self.chunk_size = OUT_CHUNK_SIZE;
        self.raw(packet.bytes)
    }

    /// A user control event about a stream (6.2).
    pub(super) fn stream_event(
        &mut self,
        event_type: UserControlEventType,
        stream_id: u32,
    ) -> Result<(), SessionError> {
        self.control(RtmpMessage::UserControl {
            event_type,
            stream_id: Some(stream_id),
            buffer_length: None,
            timestamp: None,
        })
    }

    /// A ping or its answer.
    pub(super) fn ping(&mut self, event_type: UserControlEventType, time: u32) -> Result<(), SessionError> {
        self.control(RtmpMessage::UserControl {
            event_type,
            stream_id: None,
            buffer_length: None,
            timestamp: Some(RtmpTimestamp::new(time)),
        })
    }

    /// A command message (7.1.1).
    pub(super) fn command(&mut self, stream_id: u32, values: &[Value]) -> Result<(), SessionError> {
        self.serialize(&MessagePayload {
            timestamp: RtmpTimestamp::new(0),
            type_id: TYPE_COMMAND,
            message_stream_id: stream_id,
            data: amf0::encode_to_bytes(values),
        })
    }

    /// `onStatus` of level `status`.
    pub(super) fn status(
        &mut self,
        stream_id: u32,
        code: &'static str,
        description: &str,
    ) -> Result<(), SessionError> {
        self.status_info(stream_id, info(Level::Status, code, description))
    }

    /// `onStatus` of level `error`: every client leaves on it, except in a seek, where ffmpeg hangs.
    pub(super) fn status_error(
        &mut self,
        stream_id: u32,
        code: &'static str,
        description: &str,
    ) -> Result<(), SessionError> {
        self.status_info(stream_id, info(Level::Error, code, description))
    }

    /// `onStatus` with any information object.
    pub(super) fn status_info(&mut self, stream_id: u32, info: Properties) -> Result<(), SessionError> {
        self.command(
            stream_id,
            &[Value::from_static("onStatus"), Value::Number(0.0), Value::Null, info.into_object()],
        )
    }

    /// `_result` for a call.
    pub(super) fn result(
        &mut self,
        transaction: f64,
        first: Value,
        second: Value,
    ) -> Result<(), SessionError> {
        self.command(0, &[Value::from_static("_result"), Value::Number(transaction), first, second])
    }

    /// `_error` for a call.
    pub(super) fn error(
        &mut self,
        transaction: f64,
        code: &'static str,
        description: &str,
    ) -> Result<(), SessionError> {
        let info = info(Level::Error, code, description).into_object();
        self.command(0, &[Value::from_static("_error"), Value::Number(transaction), Value::Null, info])
    }

    /// A data message (7.1.2): for Flash a call of the NetStream's method of that name.
    pub(super) fn data(
        &mut self,
        stream_id: u32,
        name: &'static str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<(), SessionError> {
        let mut all = vec![Value::String(AmfString::from_static(name))];
        all.extend(values);
        let body = amf0::encode_to_bytes(&all);
        self.tag(stream_id, &Tag { kind: TagKind::Script, timestamp: MediaTime::ZERO, body })
    }

    /// A tag as a message.
    pub(super) fn tag(&mut self, stream_id: u32, tag: &Tag) -> Result<(), SessionError> {
        for chunk in MediaRecord::new(tag, stream_id, self.chunk_size) {
            self.push(chunk)?;
        }
        Ok(())
    }

    /// A tag that was chunked already.
    pub(super) fn record(&mut self, stream_id: u32, record: &SharedRecord) -> Result<(), SessionError> {
        // Nothing plays before our chunk size is announced.
        debug_assert_eq!(self.chunk_size, OUT_CHUNK_SIZE);
        for piece in record.pieces(stream_id) {
            self.push(piece)?;
        }
        Ok(())
    }

    /// Through rml_rtmp, with a full header always. Forcing one is only right for messages of one chunk
    /// (continuations would get it too, fault B6), "droppable" has the same effect for longer ones.
    /// Times are 0: with full headers they could go backwards (B5), but commands need none.
    fn serialize(&mut self, payload: &MessagePayload) -> Result<(), SessionError> {
        let force = payload.data.len() <= self.chunk_size;
        let packet = self
            .serializer
            .serialize(payload, force, true)
            .map_err(|error| self.fail(SessionError::Serializer { reason: error.to_string() }))?;
        // Empty messages would vanish here (B7); none of ours is empty.
        self.push(Transmit { head: heapless::Vec::new(), body: Bytes::from(packet.bytes) })
    }

    fn push(&mut self, transmit: Transmit) -> Result<(), SessionError> {
        if self.is_closed {
            return Ok(());
        }
        self.queued += transmit.len();
        self.total += transmit.len() as u64;
        self.queue.push_back(transmit);
        if self.queued > MAX_RTMP_OUTPUT {
            return Err(self.fail(SessionError::OutputFull { queued: self.queued }));
        }
        Ok(())
    }

    fn fail(&mut self, error: SessionError) -> SessionError {
        self.is_closed = true;
        error
    }
}
