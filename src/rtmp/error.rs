//! Why a session ends.

use super::chunk_reader::ChunkError;
use crate::limits::{
    HANDSHAKE_TIMEOUT, IDLE_TIMEOUT, MAX_DEFERRED_COMMANDS, MAX_PUBLISHED_BYTES, MAX_PUBLISHED_TAGS,
    MAX_RTMP_OUTPUT, MAX_SESSION_EVENTS, MAX_TAG_BODY,
};

/// Who is to blame for the end of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The peer sent what cannot be read or is not allowed. Worth a debug line.
    Peer,
    /// The peer did nothing for too long. Normal life.
    Silence,
    /// Ours. Worth an error line.
    Server,
}

/// The end of a session: write out what is queued if you like, then close the socket.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SessionError {
    /// The first bytes are no RTMP handshake that we speak.
    #[error("rtmp handshake refused: {reason}; expected version 3, without encryption")]
    Handshake {
        /// The handshake's own words.
        reason: String,
    },
    /// The chunk stream cannot be read any further.
    #[error("at byte {position} behind the handshake: {source}")]
    Chunk {
        /// Bytes of chunk stream consumed.
        position: u64,
        /// What was wrong.
        #[source]
        source: ChunkError,
    },
    /// Commands that do not wait for the answer to `connect`.
    #[error("more than {MAX_DEFERRED_COMMANDS} commands sent before connect was answered")]
    CommandsBeforeConnect,
    /// Requests in such numbers that only an attack explains them.
    #[error("more than {MAX_SESSION_EVENTS} requests in one piece of input")]
    TooManyRequests,
    /// Media in pieces that no publisher makes, or a driver that does not take it.
    #[error(
        "{tags} published tags of {bytes} bytes wait; at most {MAX_PUBLISHED_TAGS} of \
         {MAX_PUBLISHED_BYTES} bytes are kept, take them after every input"
    )]
    TooMuchPublished {
        /// Tags waiting.
        tags: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// The peer does not read what it asked for.
    #[error("{queued} bytes queued for a peer that does not read; at most {MAX_RTMP_OUTPUT} are kept")]
    OutputFull {
        /// Bytes queued.
        queued: usize,
    },
    /// No `connect` in time.
    #[error("no connect within {} s of the connection; waited for {state}", HANDSHAKE_TIMEOUT.as_secs())]
    HandshakeTimeout {
        /// What was waited for.
        state: &'static str,
    },
    /// Nothing asked for and nothing playing.
    #[error("no request and nothing playing for {} s", IDLE_TIMEOUT.as_secs())]
    IdleTimeout,
    /// A provider made a tag that no FLV reader would take.
    #[error("tag of {length} bytes to be sent; a tag body has at most {MAX_TAG_BODY}")]
    TagTooLong {
        /// Its length.
        length: usize,
    },
    /// rml_rtmp refused to write a message.
    #[error("control message could not be written: {reason}")]
    Serializer {
        /// Its own words.
        reason: String,
    },
}

impl SessionError {
    /// Who is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Handshake { .. }
            | Self::Chunk { .. }
            | Self::CommandsBeforeConnect
            | Self::TooManyRequests
            | Self::TooMuchPublished { .. }
            | Self::OutputFull { .. } => Fault::Peer,
            Self::HandshakeTimeout { .. } | Self::IdleTimeout => Fault::Silence,
            Self::TagTooLong { .. } | Self::Serializer { .. } => Fault::Server,
        }
    }
}
