//! Frames as a server sends them: never masked (RFC 6455 5.1), never fragmented.

use super::{CloseCode, ControlPayload, MAX_CONTROL};
use bytes::{BufMut, Bytes, BytesMut};

/// What a frame is (RFC 6455 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// More of a fragmented message.
    Continuation = 0x0,
    /// UTF-8.
    Text = 0x1,
    /// Bytes.
    Binary = 0x2,
    /// The end.
    Close = 0x8,
    /// To be answered with a pong.
    Ping = 0x9,
    /// The answer to a ping.
    Pong = 0xa,
}

impl Opcode {
    /// From a frame's first byte; `None` for the reserved ones.
    pub fn of(first_byte: u8) -> Option<Self> {
        let all = [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong];
        all.into_iter().find(|opcode| *opcode as u8 == first_byte & 0x0f)
    }

    /// Control frames are short and stand between the fragments of messages.
    pub fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// Room for the longest head that a server sends.
pub type FrameHead = heapless::Vec<u8, 10>;

/// The head of a whole message with `len` bytes of payload.
pub fn frame_head(opcode: Opcode, len: usize) -> FrameHead {
    let mut head = FrameHead::new();
    let mut put = |bytes: &[u8]| {
        // At most 2 + 8 bytes.
        let _ = head.extend_from_slice(bytes);
    };
    put(&[0x80 | opcode as u8]);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short), _) if short <= 125 => put(&[short]),
        (_, Ok(medium)) => {
            put(&[126]);
            put(&medium.to_be_bytes());
        }
        _ => {
            put(&[127]);
            put(&(len as u64).to_be_bytes());
        }
    }
    head
}

/// The answer to a ping.
pub fn pong_frame(payload: &ControlPayload) -> Bytes {
    control(Opcode::Pong, payload)
}

/// A close frame: why, and in words.
pub fn close_frame(code: CloseCode, reason: &str) -> Bytes {
    let mut payload = ControlPayload::new();
    let _ = payload.extend_from_slice(&code.number().to_be_bytes());
    let mut room = (MAX_CONTROL - 2).min(reason.len());
    while !reason.is_char_boundary(room) {
        room -= 1;
    }
    let _ = payload.extend_from_slice(&reason.as_bytes()[..room]);
    control(Opcode::Close, &payload)
}

fn control(opcode: Opcode, payload: &ControlPayload) -> Bytes {
    let mut frame = BytesMut::with_capacity(2 + payload.len());
    frame.put_slice(&frame_head(opcode, payload.len()));
    frame.put_slice(payload);
    frame.freeze()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_as_short_as_can_be() {
        // The examples of RFC 6455 5.7, and both sides of each border.
        assert_eq!(frame_head(Opcode::Text, 5), [0x81, 5]);
        assert_eq!(frame_head(Opcode::Binary, 125), [0x82, 125]);
        assert_eq!(frame_head(Opcode::Binary, 126), [0x82, 126, 0, 126]);
        assert_eq!(frame_head(Opcode::Binary, 256), [0x82, 126, 1, 0]);
        assert_eq!(frame_head(Opcode::Binary, 65_535), [0x82, 126, 0xff, 0xff]);
        assert_eq!(frame_head(Opcode::Binary, 65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn control_frames_carry_code_and_reason_and_never_more_than_fits() {
        assert_eq!(pong_frame(&ControlPayload::new())[..], [0x8a, 0]);
        assert_eq!(close_frame(CloseCode::GoingAway, "bye")[..], *b"\x88\x05\x03\xe9bye");
        let long = close_frame(CloseCode::Normal, &"ä".repeat(100));
        assert_eq!(long[1], 2 + 122, "a character is not cut in two");
        assert!(std::str::from_utf8(&long[4..]).is_ok());
    }
}
