//! The client's side of one RTMP connection, without socket and clock: what a relay speaks to another
//! server.
//!
//! ```text
//!  handshake ─ connect ─┬─ createStream ─ play ────────────── Play.Start ─────▶ Started, Tag, Tag …
//!                       └─ releaseStream, FCPublish,
//!                          createStream ─ publish ─────────── Publish.Start ──▶ Started, send_record …
//! ```
//!
//! # Run loop
//!
//! 1. Feed what the socket had: [`ClientSession::handle_input`]; or the time:
//!    [`ClientSession::handle_timeout`].
//! 2. Take every [`ClientEvent`].
//! 3. While publishing, and while [`ClientSession::has_room`], give it records:
//!    [`ClientSession::send_record`].
//! 4. Write everything [`ClientSession::poll_transmit`] has.
//! 5. Wait for the socket, [`ClientSession::next_deadline`], or the stream. Go to 1.
//!
//! Every `Err` is the end. A hostile server gets no further than a hostile client gets with
//! [`Session`](super::Session): the same reader, the same limits.

mod answer;
mod dialogue;
mod error;
mod media;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub(super) use dialogue::PUBLISHER;
pub use error::ClientError;

use super::capabilities::Capabilities;
use super::chunk_reader::{ChunkReader, Message};
use super::error::SessionError;
use super::media_record::{SharedRecord, Transmit};
use super::message_type;
use super::outbox::Outbox;
use crate::amf0::Value;
use crate::flv::{Tag, TagKind};
use crate::limits::{MAX_RTMP_COMMAND, MAX_TAG_BODY, RELAY_ANSWER_TIMEOUT, RTMP_OUTPUT_HIGH_WATER};
use crate::rtmp_url::RtmpUrl;
use answer::Answer;
use bytes::Bytes;
use dialogue::STOP;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::messages::{RtmpMessage, UserControlEventType};
use std::collections::VecDeque;
use std::time::Instant;

/// What is wanted of the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Its stream.
    Play,
    /// That it takes ours.
    Publish,
}

/// What a server did.
#[derive(Clone, PartialEq, Debug)]
pub enum ClientEvent {
    /// It said yes: tags come, or may be sent.
    Started,
    /// A part of the stream it plays, in the order of arrival, times as they came, never without a body.
    Tag(Tag),
    /// The stream ended, or we were told to stop. The words are the server's.
    Ended(String),
}

/// What the session waits for.
enum State {
    /// S0, S1 and S2.
    ExpectHandshake(Box<Handshake>),
    /// The answer to `connect`.
    ExpectConnectAnswer,
    /// The answer to `createStream`.
    ExpectStream,
    /// `Play.Start` or `Publish.Start` on this stream.
    ExpectStart(u32),
    /// Media on this stream, in one direction.
    Running(u32),
    /// The end of the connection.
    Over,
}

/// One connection to a server. See the [module](self) for the order of calls.
pub struct ClientSession {
    purpose: Purpose,
    url: RtmpUrl,
    state: State,
    reader: ChunkReader,
    out: Outbox,
    events: VecDeque<ClientEvent>,
    /// Tags among the events, and their bytes.
    waiting: (usize, usize),
    /// When the wait for an answer ends.
    patience: Instant,
    /// What the server says it takes, and the codecs beyond Adobe's that it is to take.
    capabilities: Capabilities,
    needs: (Option<[u8; 4]>, Option<[u8; 4]>),
    /// The server's window (5.4.4), and what it was told last.
    window: u64,
    acknowledged: u64,
}

impl ClientSession {
    /// A connection that was just made. Its first bytes are there to be sent.
    ///
    /// # Errors
    /// None that a server could cause.
    pub fn new(url: RtmpUrl, purpose: Purpose, now: Instant) -> Result<Self, ClientError> {
        let mut handshake = Handshake::new(PeerType::Client);
        let hello = handshake.generate_outbound_p0_and_p1().map_err(refused_handshake)?;
        let mut out = Outbox::new();
        out.raw(hello)?;
        Ok(Self {
            purpose,
            url,
            state: State::ExpectHandshake(Box::new(handshake)),
            reader: ChunkReader::new(MAX_RTMP_COMMAND),
            out,
            events: VecDeque::new(),
            waiting: (0, 0),
            patience: now + RELAY_ANSWER_TIMEOUT,
            capabilities: Capabilities::default(),
            needs: (None, None),
            window: 0,
            acknowledged: 0,
        })
    }

    /// A server that does not announce these codecs of picture and sound is not published to. For codecs beyond
    /// Adobe's; every server takes those.
    #[must_use]
    pub fn with_codecs(self, video: Option<[u8; 4]>, audio: Option<[u8; 4]>) -> Self {
        Self { needs: (video, audio), ..self }
    }

    /// Whether the server has announced these codecs, if they are beyond Adobe's.
    ///
    /// # Errors
    /// [`ClientError::Codec`].
    pub fn check_codecs(&self, video: Option<[u8; 4]>, audio: Option<[u8; 4]>) -> Result<(), ClientError> {
        self.capabilities.lacks(video, audio).map_or(Ok(()), |codec| Err(ClientError::Codec { codec }))
    }

    /// Takes in bytes of any number; at most 64 KB a call keep memory small.
    ///
    /// # Errors
    /// The end: the server refused, sent us elsewhere, or broke the protocol.
    pub fn handle_input(&mut self, bytes: &[u8], now: Instant) -> Result<(), ClientError> {
        self.take_in(bytes, now).inspect_err(|_| self.state = State::Over)
    }

    fn take_in(&mut self, bytes: &[u8], now: Instant) -> Result<(), ClientError> {
        let State::ExpectHandshake(handshake) = &mut self.state else {
            return self.handle_chunks(bytes, now);
        };
        match handshake.process_bytes(bytes).map_err(refused_handshake)? {
            HandshakeProcessResult::InProgress { response_bytes } => {
                if !response_bytes.is_empty() {
                    self.out.raw(response_bytes)?;
                }
                Ok(())
            }
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                self.out.raw(response_bytes)?;
                self.connect(now)?;
                self.handle_chunks(&remaining_bytes, now)
            }
        }
    }

    /// Lets time act: patience that ends. Call at [`next_deadline`](Self::next_deadline).
    ///
    /// # Errors
    /// The end: the server did not answer in time.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ClientError> {
        let what = match self.state {
            State::ExpectHandshake(_) => "the RTMP handshake",
            State::ExpectConnectAnswer => "connect",
            State::ExpectStream => "createStream",
            State::ExpectStart(_) => self.verb(),
            State::Running(_) | State::Over => return Ok(()),
        };
        if now < self.patience {
            return Ok(());
        }
        self.state = State::Over;
        Err(ClientError::Timeout { what })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Running(_) | State::Over => None,
            _ => Some(self.patience),
        }
    }

    /// The next bytes for the socket.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.out.pop()
    }

    /// The next thing to act on.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        let event = self.events.pop_front()?;
        if let ClientEvent::Tag(tag) = &event {
            self.waiting = (self.waiting.0 - 1, self.waiting.1 - tag.body.len());
        }
        Some(event)
    }

    /// Bytes that wait for [`poll_transmit`](Self::poll_transmit).
    pub fn buffered_output(&self) -> usize {
        self.out.queued()
    }

    /// More media may be given.
    pub fn has_room(&self) -> bool {
        matches!(self.state, State::Running(_))
            && self.purpose == Purpose::Publish
            && self.out.queued() <= RTMP_OUTPUT_HIGH_WATER
    }

    /// Sends a record of the stream that is published; nothing when none is.
    ///
    /// # Errors
    /// The end: more is queued than a session may have.
    pub fn send_record(&mut self, record: &SharedRecord) -> Result<(), ClientError> {
        match (&self.state, self.purpose) {
            (&State::Running(stream), Purpose::Publish) if record.tag().kind != TagKind::Script => {
                Ok(self.out.record(stream, record)?)
            }
            _ => self.send_tag(record.tag()),
        }
    }

    /// As [`send_record`](Self::send_record), for a tag that is nobody else's. Metadata is wrapped as
    /// publishers do.
    ///
    /// # Errors
    /// As there.
    pub fn send_tag(&mut self, tag: &Tag) -> Result<(), ClientError> {
        let (State::Running(stream), Purpose::Publish) = (&self.state, self.purpose) else { return Ok(()) };
        let stream = *stream;
        if tag.kind != TagKind::Script {
            return Ok(self.out.tag(stream, tag)?);
        }
        // An AMF string (2.4): marker, length, text.
        const SET_DATA_FRAME: &[u8] = b"\x02\x00\x0d@setDataFrame";
        if tag.body.len() + SET_DATA_FRAME.len() > MAX_TAG_BODY {
            return Ok(());
        }
        let body = Bytes::from([SET_DATA_FRAME, &tag.body].concat());
        Ok(self.out.tag(stream, &Tag { body, ..tag.clone() })?)
    }

    /// Says goodbye; close the socket when the output is written.
    ///
    /// # Errors
    /// None that a server could cause, but for not reading.
    pub fn close(&mut self) -> Result<(), ClientError> {
        let state = std::mem::replace(&mut self.state, State::Over);
        let (State::ExpectStart(stream) | State::Running(stream)) = state else { return Ok(()) };
        if self.purpose == Purpose::Publish {
            let name = Value::from(&*self.url.name);
            self.out.command(0, &["FCUnpublish".into(), STOP.into(), Value::Null, name])?;
        }
        let values = ["deleteStream".into(), 0.0.into(), Value::Null, Value::from(stream)];
        Ok(self.out.command(0, &values)?)
    }

    fn verb(&self) -> &'static str {
        match self.purpose {
            Purpose::Play => "play",
            Purpose::Publish => "publish",
        }
    }

    fn handle_chunks(&mut self, mut input: &[u8], now: Instant) -> Result<(), ClientError> {
        while !matches!(self.state, State::Over) {
            match self.reader.read(&mut input) {
                Ok(Some(message)) => self.handle_message(message, now)?,
                Ok(None) => break,
                Err(source) => {
                    return Err(SessionError::Chunk { position: self.reader.position(), source }.into());
                }
            }
        }
        // The running total, wrapping at 32 bits (5.4.3), and once an input at most.
        let position = self.reader.position();
        if self.window > 0 && position - self.acknowledged >= self.window {
            self.acknowledged = position;
            self.out.control(RtmpMessage::Acknowledgement { sequence_number: position as u32 })?;
        }
        Ok(())
    }

    fn handle_message(&mut self, message: Message, now: Instant) -> Result<(), ClientError> {
        use message_type::{
            AGGREGATE, AUDIO, COMMAND, COMMAND_AMF3, DATA, DATA_AMF3, USER_CONTROL, VIDEO, WINDOW_ACK_SIZE,
        };
        match message.type_id {
            USER_CONTROL => self.handle_user_control(&message.payload),
            WINDOW_ACK_SIZE => {
                if let Some(&window) = message.payload.first_chunk() {
                    // Half of it: a server that stops at its window must never wait for us.
                    self.window = u64::from(u32::from_be_bytes(window)).div_ceil(2);
                }
                Ok(())
            }
            COMMAND => self.handle_answer(Answer::parse(&message.payload), message.stream_id, now),
            // Type 17 has a format byte, 0, before its AMF0 values.
            COMMAND_AMF3 => {
                let payload = message.payload.strip_prefix(&[0]).unwrap_or(&message.payload);
                self.handle_answer(Answer::parse(payload), message.stream_id, now)
            }
            AUDIO | VIDEO | DATA | DATA_AMF3 | AGGREGATE => self.handle_media(message),
            _ => Ok(()),
        }
    }

    fn handle_user_control(&mut self, payload: &[u8]) -> Result<(), ClientError> {
        const PING_REQUEST: u16 = 6;
        match *payload {
            [a, b, t0, t1, t2, t3, ..] if u16::from_be_bytes([a, b]) == PING_REQUEST => {
                let time = u32::from_be_bytes([t0, t1, t2, t3]);
                Ok(self.out.ping(UserControlEventType::PingResponse, time)?)
            }
            _ => Ok(()),
        }
    }
}

fn refused_handshake(error: rml_rtmp::handshake::HandshakeError) -> ClientError {
    SessionError::Handshake { reason: error.to_string() }.into()
}
