//! The server's side of one RTMP connection, without socket and clock.
//!
//! ```text
//!               handle_input ──▶ ┌─────────┐ ──▶ poll_event
//!  socket                        │ Session │                  driver ── reels, library
//!               poll_transmit ◀─ └─────────┘ ◀── verbs
//! ```
//!
//! # Run loop
//!
//! 1. Feed what the socket had: [`Session::handle_input`]; or the time: [`Session::handle_timeout`].
//! 2. Take every [`Event`] and answer it with the verb that it names, now or later.
//! 3. While [`Session::media_demand`] says `SendNow`, give it a tag: [`Session::send_tag`]. A live stream
//!    has no pace: give it what there is, [`Session::send_record`], until it says `NotNow`.
//! 4. Write everything [`Session::poll_transmit`] has; a vectored write takes many at once.
//! 5. [`Session::wants_close`]: close the socket.
//! 6. Wait for the socket, [`Session::next_deadline`], the `At` of step 3, or news of a reel. Go to 1.
//!
//! Every `Err` is the end: write what is still queued if you like, close.
//!
//! Verbs about a stream that is not in the fitting state do nothing: the client may have closed it while
//! the driver was busy.

mod live;
mod publishing;
mod requests;
#[cfg(test)]
mod tests;
mod verbs;

pub use verbs::{PlayStart, Sent};

use super::capabilities;
use super::chunk_reader::{ChunkReader, Message};
use super::error::SessionError;
use super::event::{Event, StreamId};
use super::event_queue::EventQueue;
use super::media_record::Transmit;
use super::message_type;
use super::net_stream::{NetStream, Phase};
use super::outbox::Outbox;
use super::playback::Demand;
use crate::limits::{
    HANDSHAKE_TIMEOUT, IDLE_TIMEOUT, MAX_DEFERRED_COMMANDS, MAX_MESSAGE_STREAMS, MAX_RTMP_COMMAND,
    PING_INTERVAL, RTMP_OUTPUT_HIGH_WATER,
};
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::messages::{RtmpMessage, UserControlEventType};
use std::time::{Duration, Instant};

/// What the session waits for.
enum State {
    /// C0, C1 and C2.
    ExpectHandshake(Box<Handshake>),
    /// `connect`.
    ExpectConnect,
    /// The driver's answer to `connect`; commands that did not wait for it wait here.
    ExpectConnectAnswer { transaction: f64, enhanced: capabilities::Answer, deferred: Vec<Message> },
    /// Anything.
    Connected,
    /// The socket's end; nothing is read any more.
    Closing,
}

/// One connection. See the [module](self) for the order of calls.
pub struct Session {
    state: State,
    reader: ChunkReader,
    out: Outbox,
    events: EventQueue,
    /// Message stream ids from 1.
    streams: [Option<NetStream>; MAX_MESSAGE_STREAMS],
    started: Instant,
    /// When waiting for a request ends.
    patience: Instant,
    ping: Heartbeat,
    acknowledge: Acknowledgement,
    /// The client empties its buffer when it pauses.
    empties_buffer: bool,
}

/// When to ping, and what had been sent when that was decided.
struct Heartbeat {
    at: Instant,
    seen: u64,
}

/// The peer's window (5.4.4) and what it was told last.
#[derive(Default)]
struct Acknowledgement {
    window: u64,
    told: u64,
}

impl Session {
    /// A connection just accepted.
    pub fn new(now: Instant) -> Self {
        Self {
            state: State::ExpectHandshake(Box::new(Handshake::new(PeerType::Server))),
            reader: ChunkReader::new(MAX_RTMP_COMMAND),
            out: Outbox::new(),
            events: EventQueue::default(),
            streams: [const { None }; MAX_MESSAGE_STREAMS],
            started: now,
            patience: now + HANDSHAKE_TIMEOUT,
            ping: Heartbeat { at: now + PING_INTERVAL, seen: 0 },
            acknowledge: Acknowledgement::default(),
            empties_buffer: false,
        }
    }

    /// Takes in bytes of any number. At most 64 KB a call keep memory small: events gather until taken.
    pub fn handle_input(&mut self, bytes: &[u8], now: Instant) -> Result<(), SessionError> {
        self.take_in(bytes, now).inspect_err(|_| self.state = State::Closing)
    }

    fn take_in(&mut self, bytes: &[u8], now: Instant) -> Result<(), SessionError> {
        match &mut self.state {
            State::Closing => Ok(()),
            State::ExpectHandshake(handshake) => {
                let result = handshake.process_bytes(bytes).map_err(|error| {
                    let reason = match bytes {
                        // A TLS record: handshake, version 3.x.
                        [0x16, 3, ..] => "the client speaks TLS (rtmps://), this port does not".to_owned(),
                        _ => error.to_string(),
                    };
                    SessionError::Handshake { reason }
                })?;
                match result {
                    HandshakeProcessResult::InProgress { response_bytes } => self.send_raw(response_bytes),
                    HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                        self.state = State::ExpectConnect;
                        self.send_raw(response_bytes)?;
                        self.handle_chunks(&remaining_bytes, now)
                    }
                }
            }
            _ => self.handle_chunks(bytes, now),
        }
    }

    /// Lets time act: pings, and patience that ends. Call at [`next_deadline`](Self::next_deadline).
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        self.take_time(now).inspect_err(|_| self.state = State::Closing)
    }

    fn take_time(&mut self, now: Instant) -> Result<(), SessionError> {
        match self.state {
            State::ExpectHandshake(_) if now >= self.patience => {
                return Err(SessionError::HandshakeTimeout { state: "the handshake" });
            }
            State::ExpectConnect if now >= self.patience => {
                return Err(SessionError::HandshakeTimeout { state: "connect" });
            }
            State::Connected => {}
            _ => return Ok(()),
        }
        if self.streams.iter().flatten().any(NetStream::is_active) {
            self.patience = now + IDLE_TIMEOUT;
        }
        if now >= self.patience {
            return Err(SessionError::IdleTimeout);
        }
        if self.ping.seen != self.out.total() {
            // Something was sent meanwhile, which does as well.
            self.ping = Heartbeat { at: now + PING_INTERVAL, seen: self.out.total() };
        } else if now >= self.ping.at {
            let time = now.saturating_duration_since(self.started).as_millis() as u32;
            self.out.ping(UserControlEventType::PingRequest, time)?;
            self.ping = Heartbeat { at: now + PING_INTERVAL, seen: self.out.total() };
        }
        Ok(())
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::ExpectHandshake(_) | State::ExpectConnect => Some(self.patience),
            State::ExpectConnectAnswer { .. } | State::Closing => None,
            State::Connected => Some(self.patience.min(self.ping.at)),
        }
    }

    /// The next bytes for the socket.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.out.pop()
    }

    /// The next thing to act on.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Bytes that wait for [`poll_transmit`](Self::poll_transmit). Above
    /// [`MAX_RTMP_OUTPUT`](crate::limits::MAX_RTMP_OUTPUT) the session ends.
    pub fn buffered_output(&self) -> usize {
        self.out.queued()
    }

    /// Nothing will come any more: close the socket when the output is written.
    pub fn wants_close(&self) -> bool {
        matches!(self.state, State::Closing)
    }

    /// When the next tag of a stream is due: ask before each tag, and again after each write and event.
    /// A live stream takes all there is, unless it is paused.
    pub fn media_demand(&mut self, stream: StreamId, now: Instant) -> Demand {
        if self.out.queued() > RTMP_OUTPUT_HIGH_WATER {
            return Demand::Idle;
        }
        match self.stream(stream) {
            Some(stream) if stream.phase != Phase::Playing => Demand::Idle,
            Some(stream) if stream.live && !stream.playback.paused() => Demand::SendNow,
            Some(stream) if !stream.live => stream.playback.demand(now),
            _ => Demand::Idle,
        }
    }

    fn send_raw(&mut self, bytes: Vec<u8>) -> Result<(), SessionError> {
        if bytes.is_empty() { Ok(()) } else { self.out.raw(bytes) }
    }

    fn handle_chunks(&mut self, mut input: &[u8], now: Instant) -> Result<(), SessionError> {
        loop {
            match self.reader.read(&mut input) {
                Ok(Some(message)) => self.handle_message(message, now)?,
                Ok(None) => break,
                Err(source) => {
                    return Err(SessionError::Chunk { position: self.reader.position(), source });
                }
            }
            if self.wants_close() {
                return Ok(());
            }
        }
        // The running total, wrapping at 32 bits (5.4.3), and once an input at most.
        let Acknowledgement { window, told } = self.acknowledge;
        let position = self.reader.position();
        if window > 0 && position - told >= window {
            self.acknowledge.told = position;
            self.out.control(RtmpMessage::Acknowledgement { sequence_number: position as u32 })?;
        }
        Ok(())
    }

    fn handle_message(&mut self, message: Message, now: Instant) -> Result<(), SessionError> {
        use message_type::{
            AGGREGATE, AUDIO, COMMAND, COMMAND_AMF3, DATA, DATA_AMF3, USER_CONTROL, VIDEO, WINDOW_ACK_SIZE,
        };
        if let (State::ExpectConnectAnswer { deferred, .. }, USER_CONTROL | COMMAND | COMMAND_AMF3) =
            (&mut self.state, message.type_id)
        {
            if deferred.len() == MAX_DEFERRED_COMMANDS {
                return Err(SessionError::CommandsBeforeConnect);
            }
            deferred.push(message);
            return Ok(());
        }
        match message.type_id {
            USER_CONTROL => self.handle_user_control(&message.payload),
            WINDOW_ACK_SIZE => {
                if let Some(&window) = message.payload.first_chunk() {
                    self.acknowledge.window = u32::from_be_bytes(window).into();
                }
                Ok(())
            }
            COMMAND | COMMAND_AMF3 => self.handle_command(&message, now),
            AUDIO | VIDEO | DATA | DATA_AMF3 | AGGREGATE => self.handle_media(message),
            // Acknowledgements; shared objects.
            _ => Ok(()),
        }
    }

    /// User control messages (6.2). Unknown events are ignored: Flash sends some for SWF verification.
    fn handle_user_control(&mut self, payload: &[u8]) -> Result<(), SessionError> {
        const SET_BUFFER_LENGTH: u16 = 3;
        const PING_REQUEST: u16 = 6;
        let (Some(&event), first) = (payload.first_chunk(), payload.get(2..6)) else { return Ok(()) };
        let Some(&[a, b, c, d]) = first.and_then(|first| first.first_chunk()) else { return Ok(()) };
        let first = u32::from_be_bytes([a, b, c, d]);
        match u16::from_be_bytes(event) {
            PING_REQUEST => self.out.ping(UserControlEventType::PingResponse, first),
            SET_BUFFER_LENGTH => {
                let Some(&ms) = payload.get(6..).and_then(|rest| rest.first_chunk()) else { return Ok(()) };
                let length = Duration::from_millis(u32::from_be_bytes(ms).into());
                let id = StreamId::new(first);
                match self.stream(id) {
                    Some(stream) => {
                        stream.playback.set_buffer(length);
                        self.raise(Event::BufferLength { stream: id, length })
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// The stream of that id, if the client created it.
    fn stream(&mut self, id: StreamId) -> Option<&mut NetStream> {
        let index = (id.as_u32() as usize).checked_sub(1)?;
        self.streams.get_mut(index)?.as_mut()
    }

    fn raise(&mut self, event: Event) -> Result<(), SessionError> {
        self.events.push(event)
    }
}
