//! WebSocket: what a client sends is read the same however it is cut, and nothing of it is kept.

use std::time::Instant;
use wiidiaserver::limits::WS_INCOMING_PER_SECOND;
use wiidiaserver::websocket::{
    ControlPayload, Heard, Incoming, MAX_CONTROL, Opcode, Violation, accept, close_frame, frame_head,
    pong_frame,
};

/// The first byte says how many bytes come at a time.
pub fn law(mut input: &[u8]) {
    let size = usize::from(super::byte(&mut input)).max(1);
    let (heard, violation) = hear([input]);
    assert_eq!(hear(input.chunks(size)), (heard.clone(), violation));
    assert!(violation.is_some() || input.len() <= WS_INCOMING_PER_SECOND);
    for heard in heard {
        match heard {
            Heard::Ping(payload) => {
                assert_eq!(pong_frame(&payload).len(), 2 + payload.len());
                assert_eq!(again(Opcode::Ping, &payload), [Heard::Ping(payload)]);
            }
            Heard::Close(None) => {}
            Heard::Close(Some(code)) => {
                let echo = close_frame(code, "");
                let payload = ControlPayload::from_slice(&echo[2..]).unwrap();
                assert_eq!(again(Opcode::Close, &payload), [Heard::Close(Some(code))]);
            }
        }
    }
    if let Some(violation) = violation {
        let frame = close_frame(violation.code(), &violation.to_string());
        assert!(
            frame.len() <= 2 + MAX_CONTROL && matches!(violation.code().number(), 1002 | 1007 | 1008 | 1009)
        );
    }

    let len = input.iter().take(8).fold(0usize, |len, byte| len << 8 | usize::from(*byte));
    let head = frame_head(Opcode::Binary, len);
    let said = match head[1] {
        126 => u64::from(u16::from_be_bytes(*head[2..].first_chunk().unwrap())),
        127 => u64::from_be_bytes(*head[2..].first_chunk().unwrap()),
        short => u64::from(short),
    };
    assert_eq!(said, len as u64);

    if let Ok(value) = accept(&String::from_utf8_lossy(input)) {
        assert_eq!(value.len(), 28);
    }
}

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
        assert!(piece.is_empty(), "all is taken, or something is wrong");
    }
    (all, None)
}

/// What is heard of a frame that a client sends of this.
fn again(opcode: Opcode, payload: &[u8]) -> Vec<Heard> {
    let mask = [0xa5, 0, 0xff, 1];
    let mut frame = vec![0x80 | opcode as u8, 0x80 | payload.len() as u8];
    frame.extend(mask);
    frame.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    let (heard, violation) = hear([&frame[..]]);
    assert_eq!(violation, None);
    heard
}
