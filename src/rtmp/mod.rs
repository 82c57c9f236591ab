//! RTMP as a server speaks it to players, sans-IO.
//!
//! ```text
//!  bytes ─▶ handshake ─▶ ChunkReader ─▶ command ─▶ Session ─▶ Event
//!  bytes ◀─────── Outbox: ChunkSerializer, MediaRecord ◀─┘  ◀─ verbs, tags
//! ```
//!
//! | module | what it knows |
//! |---|---|
//! | [`chunk_reader`] | chunks to messages, within bounds |
//! | [`media_record`] | tags to chunks that do not depend on history |
//! | `outbox` | what waits for the socket; control traffic through rml_rtmp |
//! | `command`, `status` | what clients ask for, and the words of the answers |
//! | `playback`, `net_stream` | the pace of one stream, and what it lets through |
//! | [`session`] | one connection: the state machine |
//! | [`play_path`] | which file a name may mean |
//!
//! Sockets and clocks are [`server`](crate::server)'s. Section numbers are those of "Adobe's Real Time
//! Messaging Protocol", 1.0; where clients differ from it, the clients win and the comment names them.

pub mod chunk_reader;
mod command;
mod error;
mod event;
#[doc(hidden)]
pub mod fuzzing;
pub mod media_record;
mod net_stream;
mod outbox;
pub mod play_path;
mod playback;
pub mod session;
mod status;

pub use command::Start;
pub use error::{Fault, SessionError};
pub use event::{Connect, Event, ResumeAt, StreamId, Transaction};
pub use media_record::Transmit;
pub use playback::Demand;
pub use session::{PlayStart, Sent, Session};
pub use status::{MediaInfo, PlayError};
