//! Law: whatever a server sends, our session with it stays within its limits, understands the same however
//! the network cut it, and is deaf behind its end.

use super::byte;
use std::time::Instant;
use wiidiaserver::limits::{MAX_PUBLISHED_TAGS, MAX_RTMP_OUTPUT};
use wiidiaserver::rtmp::client::{ClientError, ClientEvent, ClientSession, Purpose};
use wiidiaserver::rtmp_url::RtmpUrl;

/// First byte: what is wanted of the server, and how its bytes are cut. The rest: what it sends behind its
/// handshake.
pub fn law(mut input: &[u8]) {
    let how = byte(&mut input);
    let purpose = if how & 1 == 0 { Purpose::Play } else { Purpose::Publish };
    let whole = run(purpose, input, 1024);
    let cut = run(purpose, input, 1 + usize::from(how >> 1));
    assert_eq!(whole, cut);
}

fn run(purpose: Purpose, input: &[u8], piece: usize) -> (Vec<ClientEvent>, Result<(), ClientError>) {
    let now = Instant::now();
    let url = RtmpUrl::parse("rtmp://box/live/cam").unwrap();
    let mut session = ClientSession::new(url, purpose, now).unwrap();
    let mut hello = vec![0x55; 1 + 1536 + 1536];
    hello[0] = 3;
    hello[1..9].fill(0);
    let mut events = Vec::new();
    for bytes in hello.chunks(4096).chain(input.chunks(piece)) {
        let result = session.handle_input(bytes, now);
        assert!(session.buffered_output() <= MAX_RTMP_OUTPUT);
        let before = events.len();
        events.extend(std::iter::from_fn(|| session.poll_event()));
        assert!(events.len() - before <= MAX_PUBLISHED_TAGS + 2);
        while let Some(sent) = session.poll_transmit() {
            assert!(!sent.is_empty());
        }
        assert_eq!(session.buffered_output(), 0);
        if result.is_err() {
            assert_eq!(session.handle_input(bytes, now), Ok(()));
            assert_eq!((session.poll_event(), session.next_deadline()), (None, None));
            return (events, result);
        }
    }
    session.close().unwrap();
    (events, Ok(()))
}
