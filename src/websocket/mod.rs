//! WebSocket (RFC 6455), the server's end, sans-IO: the handshake's answer, heads of outgoing frames,
//! and a reader of what the client sends.
//!
//! What we send are binary messages whose payload belongs to others (a live stream's records), so a
//! frame is a head and nothing else. What clients send is control frames; data has no meaning to us
//! and is thrown away as it comes, so that nothing of it is ever kept.

mod frame;
mod handshake;
mod incoming;

pub use frame::{FrameHead, Opcode, close_frame, frame_head, pong_frame};
pub use handshake::{BadKey, VERSION, accept};
pub use incoming::{Heard, Incoming, Violation};

/// The payload of a control frame.
pub type ControlPayload = heapless::Vec<u8, MAX_CONTROL>;

/// Largest payload of a control frame (RFC 6455 5.5).
pub const MAX_CONTROL: usize = 125;

/// Why a connection closes (RFC 6455 7.4.1): those that we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCode {
    /// All was sent.
    Normal,
    /// The server ends.
    GoingAway,
    /// The peer broke the protocol.
    ProtocolError,
    /// Text that is none.
    InvalidText,
    /// The peer sends more than a viewer has to say.
    PolicyViolation,
    /// A message that is too big.
    TooBig,
    /// What the peer itself gave as its reason.
    Echo(u16),
}

impl CloseCode {
    /// Its number.
    pub fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::ProtocolError => 1002,
            Self::InvalidText => 1007,
            Self::PolicyViolation => 1008,
            Self::TooBig => 1009,
            Self::Echo(number) => number,
        }
    }
}
