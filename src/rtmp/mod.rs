//! RTMP as a server speaks it to players and publishers, and as a relay speaks it to servers, sans-IO.
//!
//! ```text
//!  bytes ─▶ handshake ─▶ ChunkReader ─▶ command ─▶ Session ─▶ Event
//!  bytes ◀─────── Outbox: ChunkSerializer, MediaRecord ◀─┘  ◀─ verbs, tags
//! ```
//!
//! | module | what it knows |
//! |---|---|
//! | [`chunk_reader`] | chunks to messages, within bounds |
//! | [`media_record`] | tags to chunks that do not depend on history, and may be shared by all viewers |
//! | `published` | from a publisher's messages to tags |
//! | `outbox` | what waits for the socket; control traffic through rml_rtmp |
//! | `command`, `status` | what clients ask for, and the words of the answers |
//! | `capabilities` | which of Enhanced RTMP's codecs a client takes |
//! | `event_queue` | what waits for the driver, within bounds |
//! | `playback`, `net_stream` | the pace of one stream, and what it lets through |
//! | [`session`] | one connection: the state machine |
//! | [`client`] | one connection to another server, for relays |
//! | [`play_path`] | which file a name may mean |
//! | [`stream_key`] | which live stream a publisher's name means, and its secret |
//!
//! Sockets and clocks are [`server`](crate::server)'s. Section numbers are those of "Adobe's Real Time
//! Messaging Protocol", 1.0; where clients differ from it, the clients win and the comment names them.

mod capabilities;
pub mod chunk_reader;
pub mod client;
mod command;
mod error;
mod event;
mod event_queue;
#[doc(hidden)]
pub mod fuzzing;
pub mod media_record;
mod net_stream;
mod outbox;
pub mod play_path;
mod playback;
mod published;
pub mod session;
mod status;
pub mod stream_key;

pub use capabilities::{Capabilities, FourCcs, codec_name};
pub use command::{PublishMode, Start};
pub use error::{Fault, SessionError};
pub use event::{Connect, Event, ResumeAt, StreamId, Transaction};
pub use media_record::{SharedRecord, Transmit};
pub use playback::Demand;
pub use session::{PlayStart, Sent, Session};
pub use status::{MediaInfo, PlayError, PublishError, RecordStatus};
pub use stream_key::{LiveApps, StreamKey};

/// Message types (5.4, 7.1).
mod message_type {
    pub(super) const USER_CONTROL: u8 = 4;
    pub(super) const WINDOW_ACK_SIZE: u8 = 5;
    pub(super) const AUDIO: u8 = 8;
    pub(super) const VIDEO: u8 = 9;
    pub(super) const DATA_AMF3: u8 = 15;
    pub(super) const COMMAND_AMF3: u8 = 17;
    pub(super) const DATA: u8 = 18;
    pub(super) const COMMAND: u8 = 20;
    pub(super) const AGGREGATE: u8 = 22;
}
