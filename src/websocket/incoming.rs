//! What a client sends: read byte by byte if it comes so, kept nowhere but for one control frame.

use super::frame::Opcode;
use super::{CloseCode, ControlPayload, MAX_CONTROL};
use crate::limits::{MAX_WS_MESSAGE, WS_INCOMING_PER_SECOND};
use std::time::{Duration, Instant};

/// A client that must be closed, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// RFC 6455 5.1.
    #[error("a frame is not masked")]
    NotMasked,
    /// No extension was agreed on.
    #[error("a reserved bit is set")]
    ReservedBit,
    /// RFC 6455 5.2.
    #[error("opcode {0} means nothing")]
    Opcode(u8),
    /// RFC 6455 5.2: the shortest form, and no more than 63 bits.
    #[error("a length is not written as it must be")]
    Length,
    /// RFC 6455 5.5.
    #[error("a control frame is fragmented or longer than {MAX_CONTROL} bytes")]
    Control,
    /// RFC 6455 5.4.
    #[error("fragments do not follow each other")]
    Fragments,
    /// RFC 6455 7.4.
    #[error("a close frame has an impossible code")]
    CloseCode,
    /// RFC 6455 5.5.1.
    #[error("a close frame's reason is no UTF-8")]
    CloseReason,
    /// See [`MAX_WS_MESSAGE`].
    #[error("a message is longer than {MAX_WS_MESSAGE} bytes")]
    TooBig,
    /// See [`WS_INCOMING_PER_SECOND`].
    #[error("more than {WS_INCOMING_PER_SECOND} bytes came within a second")]
    TooMuch,
}

impl Violation {
    /// The code to close with.
    pub fn code(self) -> CloseCode {
        match self {
            Self::CloseReason => CloseCode::InvalidText,
            Self::TooBig => CloseCode::TooBig,
            Self::TooMuch => CloseCode::PolicyViolation,
            _ => CloseCode::ProtocolError,
        }
    }
}

/// What has been heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// To be answered with [`pong_frame`](super::pong_frame).
    Ping(ControlPayload),
    /// The client closes, with this code if it gave one; to be answered with it.
    Close(Option<CloseCode>),
}

/// Reads what a client sends.
#[derive(Debug)]
pub struct Incoming {
    /// What there is of a frame's head: 14 bytes at most.
    head: heapless::Vec<u8, 14>,
    /// The frame whose payload is coming.
    frame: Option<Frame>,
    /// Payload so far of the message whose fragments are coming.
    message: Option<u64>,
    second: Instant,
    /// Bytes since then.
    received: usize,
}

#[derive(Debug)]
struct Frame {
    last: bool,
    opcode: Opcode,
    /// Payload still to come.
    left: u64,
    mask: [u8; 4],
    /// A control frame's payload; that of others is not kept.
    control: ControlPayload,
}

impl Incoming {
    /// Nothing was received before `now`.
    pub fn new(now: Instant) -> Self {
        Self { head: heapless::Vec::new(), frame: None, message: None, second: now, received: 0 }
    }

    /// Takes bytes off `input` until something is heard; `None` when all are taken.
    ///
    /// # Errors
    /// When the connection is to be closed; nothing after that is worth reading.
    pub fn receive(&mut self, input: &mut &[u8], now: Instant) -> Result<Option<Heard>, Violation> {
        if now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            (self.second, self.received) = (now, 0);
        }
        loop {
            let Some(mut frame) = self.frame.take() else {
                let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
                *input = rest;
                self.count(1)?;
                // The head is parsed, and emptied, as soon as it is complete.
                let _ = self.head.push(byte);
                if let Some(frame) = parse_head(&self.head)? {
                    self.head.clear();
                    self.begin(&frame)?;
                    self.frame = Some(frame);
                }
                continue;
            };
            let len = usize::try_from(frame.left).unwrap_or(usize::MAX).min(input.len());
            let (payload, rest) = input.split_at(len);
            *input = rest;
            self.count(len)?;
            frame.take(payload);
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            if let Some(heard) = frame.heard()? {
                return Ok(Some(heard));
            }
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Violation> {
        self.received += bytes;
        if self.received > WS_INCOMING_PER_SECOND { Err(Violation::TooMuch) } else { Ok(()) }
    }

    /// Looks at a frame before any of its payload is read.
    fn begin(&mut self, frame: &Frame) -> Result<(), Violation> {
        if frame.opcode.is_control() {
            return Ok(());
        }
        if self.message.is_some() != (frame.opcode == Opcode::Continuation) {
            return Err(Violation::Fragments);
        }
        let total = self.message.unwrap_or(0).saturating_add(frame.left);
        if total > MAX_WS_MESSAGE {
            return Err(Violation::TooBig);
        }
        self.message = (!frame.last).then_some(total);
        Ok(())
    }
}

impl Frame {
    fn take(&mut self, payload: &[u8]) {
        self.left -= payload.len() as u64;
        if self.opcode.is_control() {
            for byte in payload {
                // As much as parse_head lets in.
                let _ = self.control.push(byte ^ self.mask[self.control.len() % 4]);
            }
        }
    }

    /// What a frame that is complete says.
    fn heard(self) -> Result<Option<Heard>, Violation> {
        match self.opcode {
            Opcode::Ping => Ok(Some(Heard::Ping(self.control))),
            Opcode::Close => close_code(&self.control).map(|code| Some(Heard::Close(code))),
            Opcode::Pong | Opcode::Continuation | Opcode::Text | Opcode::Binary => Ok(None),
        }
    }
}

/// A frame's head (RFC 6455 5.2), or `None` while it is not complete. What is wrong is found with the
/// first byte that shows it.
fn parse_head(head: &[u8]) -> Result<Option<Frame>, Violation> {
    let Some(&first) = head.first() else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err(Violation::ReservedBit);
    }
    let opcode = Opcode::of(first).ok_or(Violation::Opcode(first & 0x0f))?;
    let last = first & 0x80 != 0;
    if opcode.is_control() && !last {
        return Err(Violation::Control);
    }
    let Some(&second) = head.get(1) else { return Ok(None) };
    if second & 0x80 == 0 {
        return Err(Violation::NotMasked);
    }
    let short = second & 0x7f;
    if opcode.is_control() && usize::from(short) > MAX_CONTROL {
        return Err(Violation::Control);
    }
    let rest = &head[2..];
    let (len, rest) = match short {
        126 => match rest.split_first_chunk() {
            Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((len, rest)) => (u64::from_be_bytes(*len), rest),
            None => return Ok(None),
        },
        short => (u64::from(short), rest),
    };
    let shortest = match short {
        126 => len > 125,
        127 => len > u64::from(u16::MAX) && len <= i64::MAX as u64,
        _ => true,
    };
    if !shortest {
        return Err(Violation::Length);
    }
    let Some(mask) = rest.first_chunk() else { return Ok(None) };
    Ok(Some(Frame { last, opcode, left: len, mask: *mask, control: ControlPayload::new() }))
}

/// What a close frame says (RFC 6455 5.5.1 and 7.4).
fn close_code(payload: &[u8]) -> Result<Option<CloseCode>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(Violation::CloseCode) };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::CloseCode);
    }
    std::str::from_utf8(reason).map_err(|_| Violation::CloseReason)?;
    Ok(Some(CloseCode::Echo(code)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A frame as clients send them.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x12, 0x34, 0x56, 0x78];
        let mut bytes = vec![first];
        match payload.len() {
            len @ 0..=125 => bytes.push(0x80 | len as u8),
            len @ 126..=65_535 => {
                bytes.push(0x80 | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
            len => {
                bytes.push(0x80 | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        bytes.extend(mask);
        bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        bytes
    }

    /// All that is heard of bytes that come in these pieces.
    fn hear<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Heard>, Option<Violation>) {
        let now = Instant::now();
        let mut incoming = Incoming::new(now);
        let mut all = Vec::new();
        for mut piece in pieces {
            loop {
                match incoming.receive(&mut piece, now) {
                    Ok(Some(heard)) => all.push(heard),
                    Ok(None) => break,
                    Err(violation) => return (all, Some(violation)),
                }
            }
            assert!(piece.is_empty());
        }
        (all, None)
    }

    fn ping(payload: &[u8]) -> Heard {
        Heard::Ping(ControlPayload::from_slice(payload).unwrap())
    }

    #[test]
    fn pings_and_the_end_are_heard_between_the_fragments_of_messages_that_are_not() {
        let bytes = [
            frame(0x81, b"hello"),
            frame(0x02, &[7; 300]),
            frame(0x89, b"are you there"),
            frame(0x80, &[8; 10]),
            frame(0x8a, b"a pong nobody asked for"),
            frame(0x89, b""),
            frame(0x88, b"\x03\xe8done"),
        ]
        .concat();
        let wanted = vec![ping(b"are you there"), ping(b""), Heard::Close(Some(CloseCode::Echo(1000)))];
        // Cut at every byte, and in single bytes.
        for cut in 0..=bytes.len() {
            let (one, other) = bytes.split_at(cut);
            assert_eq!(hear([one, other]), (wanted.clone(), None), "cut at {cut}");
        }
        assert_eq!(hear(bytes.chunks(1)), (wanted, None));
    }

    #[test]
    fn each_fault_has_its_name_and_its_code() {
        let unmasked = vec![0x81, 0x05, b'h'];
        let long_length_for_few = vec![0x82, 0xfe, 0, 125];
        let longer_length_for_few = vec![0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        let sixty_four_bits = vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 1, 0, 0];
        let long_message = MAX_WS_MESSAGE as usize + 1;
        let half = vec![0; long_message / 2 + 1];
        for (bytes, violation, code) in [
            (unmasked, Violation::NotMasked, 1002),
            (vec![0xc1], Violation::ReservedBit, 1002),
            (vec![0x83], Violation::Opcode(3), 1002),
            (vec![0x8f], Violation::Opcode(15), 1002),
            (vec![0x09], Violation::Control, 1002),
            (vec![0x89, 0xfe], Violation::Control, 1002),
            (long_length_for_few, Violation::Length, 1002),
            (longer_length_for_few, Violation::Length, 1002),
            (sixty_four_bits, Violation::Length, 1002),
            (frame(0x80, b"x"), Violation::Fragments, 1002),
            ([frame(0x01, b"x"), frame(0x81, b"y")].concat(), Violation::Fragments, 1002),
            (frame(0x88, b"x"), Violation::CloseCode, 1002),
            (frame(0x88, b"\x03\xed"), Violation::CloseCode, 1002),
            (frame(0x88, b"\x03\xe8\xff"), Violation::CloseReason, 1007),
            (frame(0x82, &vec![0; long_message]), Violation::TooBig, 1009),
            ([frame(0x02, &half), frame(0x80, &half)].concat(), Violation::TooBig, 1009),
            (frame(0x82, b"on and on").repeat(WS_INCOMING_PER_SECOND / 9), Violation::TooMuch, 1008),
        ] {
            assert_eq!(hear([&bytes[..]]).1, Some(violation), "{:x?}", &bytes[..bytes.len().min(12)]);
            assert_eq!(violation.code().number(), code);
        }
    }

    #[test]
    fn what_a_client_may_send_is_counted_by_the_second() {
        let begun = Instant::now();
        let mut incoming = Incoming::new(begun);
        for second in 0..100 {
            let bytes = frame(0x82, &[0; 500]);
            assert_eq!(incoming.receive(&mut &bytes[..], begun + Duration::from_secs(second)), Ok(None));
        }
    }

    proptest! {
        #[test]
        fn how_bytes_are_cut_changes_nothing(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            cuts in prop::collection::vec(0usize..300, 0..5),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|two| &bytes[two[0]..two[1]]).collect();
            prop_assert_eq!(hear(pieces), hear([&bytes[..]]));
        }
    }
}
