//! The client against our own server session, with a wire in memory, and against servers that mean harm.

use super::dialogue::{CONNECT, CREATE_STREAM};
use super::*;
use crate::amf0::{Properties, encode_to_bytes};
use crate::limits::{MAX_PUBLISHED_TAGS, MAX_RTMP_OUTPUT, OUT_CHUNK_SIZE};
use crate::rtmp::chunk_reader::INITIAL_CHUNK_SIZE;
use crate::rtmp::media_record::MediaRecord;
use crate::rtmp::{Event, FourCcs, PlayError, PlayStart, PublishError, Session};
use crate::time::MediaTime;
use proptest::prelude::*;
use std::time::Duration;

/// A client and a server.
struct Pair {
    client: ClientSession,
    server: Session,
    now: Instant,
    /// All that the server has sent.
    transcript: Vec<u8>,
}

fn url() -> RtmpUrl {
    RtmpUrl::parse("rtmp://box:1935/live/cam?key=sesame").unwrap()
}

fn client(purpose: Purpose) -> ClientSession {
    ClientSession::new(url(), purpose, Instant::now()).unwrap()
}

fn tag(kind: TagKind, ms: u32, body: &[u8]) -> Tag {
    Tag { kind, timestamp: MediaTime::from_millis(ms), body: Bytes::copy_from_slice(body) }
}

fn metadata() -> Tag {
    let info = Properties::new().with("width", 640.0).into_ecma_array();
    tag(TagKind::Script, 0, &encode_to_bytes(&["onMetaData".into(), info]))
}

/// A stream with metadata, headers, a picture of several chunks, and sound.
fn stream() -> Vec<Tag> {
    let picture = [&[0x17, 1, 0, 0, 0][..], &vec![7; OUT_CHUNK_SIZE + 9]].concat();
    vec![
        metadata(),
        tag(TagKind::Video, 40, &[0x17, 0, 0, 0, 0, 1]),
        tag(TagKind::Audio, 40, &[0xaf, 0, 0x12, 0x10]),
        tag(TagKind::Video, 40, &picture),
        tag(TagKind::Audio, 0x0100_0000, &[0xaf, 1, 3]),
    ]
}

impl Pair {
    fn new(purpose: Purpose) -> Self {
        let now = Instant::now();
        let client = ClientSession::new(url(), purpose, now).unwrap();
        Self { client, server: Session::new(now), now, transcript: Vec::new() }
    }

    /// Moves bytes until none are left; returns the server's events, `connect` answered.
    fn drive(&mut self) -> Result<Vec<Event>, ClientError> {
        let mut events = Vec::new();
        loop {
            let mut moved = false;
            while let Some(piece) = self.client.poll_transmit() {
                self.server.handle_input(&piece.parts().concat(), self.now).unwrap();
                moved = true;
            }
            while let Some(event) = self.server.poll_event() {
                match event {
                    Event::Connect(connect) => {
                        assert_eq!(connect.app, "live");
                        assert_eq!(connect.tc_url.unwrap(), "rtmp://box:1935/live");
                        assert_eq!(connect.capabilities.video_four_ccs, FourCcs::All);
                        self.server.accept_connect(self.now).unwrap();
                        moved = true;
                    }
                    event => events.push(event),
                }
            }
            while let Some(piece) = self.server.poll_transmit() {
                let bytes = piece.parts().concat();
                self.transcript.extend(&bytes);
                self.client.handle_input(&bytes, self.now)?;
                moved = true;
            }
            if !moved {
                return Ok(events);
            }
        }
    }

    fn events(&mut self) -> Vec<ClientEvent> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }

    /// Up to the server's `Event::Play`, answered.
    fn playing() -> Self {
        let mut pair = Self::new(Purpose::Play);
        let events = pair.drive().unwrap();
        let Some(Event::Play { stream: id, name, .. }) =
            events.into_iter().find(|event| matches!(event, Event::Play { .. }))
        else {
            panic!("no play")
        };
        assert_eq!(name, "cam?key=sesame");
        let start = PlayStart { details: name, live: true, ..PlayStart::default() };
        pair.server.play_started(id, start).unwrap();
        for tag in stream() {
            pair.server.send_tag(id, &tag).unwrap();
        }
        pair.drive().unwrap();
        pair
    }
}

fn tags(events: Vec<ClientEvent>) -> Vec<Tag> {
    let tag = |event| match event {
        ClientEvent::Tag(tag) => Some(tag),
        _ => None,
    };
    events.into_iter().filter_map(tag).collect()
}

#[test]
fn what_is_published_arrives_as_it_was() {
    let mut pair = Pair::new(Purpose::Publish);
    assert!(!pair.client.has_room(), "not before the server said yes");
    let events = pair.drive().unwrap();
    let [Event::Publish { stream: id, name, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(*name, "cam?key=sesame");
    pair.server.publish_started(*id, pair.now).unwrap();
    pair.drive().unwrap();
    assert_eq!(pair.events(), [ClientEvent::Started]);
    for tag in stream() {
        assert!(pair.client.has_room());
        pair.client.send_record(&SharedRecord::new(tag)).unwrap();
    }
    let published: Vec<Tag> = pair
        .drive()
        .unwrap()
        .into_iter()
        .map(|event| match event {
            Event::Published { tag, .. } => tag,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(published == stream());
    pair.client.close().unwrap();
    assert_eq!(pair.drive().unwrap(), [Event::Unpublish { stream: *id }]);
}

#[test]
fn what_is_played_arrives_as_it_was() {
    let mut pair = Pair::playing();
    let events = pair.events();
    assert_eq!(events[0], ClientEvent::Started);
    assert!(tags(events) == stream(), "without what is between player and server");
    pair.server.unpublish_notify(crate::rtmp::StreamId::new(1), "cam").unwrap();
    pair.drive().unwrap();
    assert!(matches!(&pair.events()[..], [ClientEvent::Ended(_)]));
}

#[test]
fn a_refusal_is_told_in_the_servers_words() {
    let mut pair = Pair::new(Purpose::Publish);
    let events = pair.drive().unwrap();
    let Event::Publish { stream, .. } = events[0] else { panic!("{events:?}") };
    pair.server.publish_denied(stream, PublishError::Denied, "the wrong secret").unwrap();
    assert_eq!(
        pair.drive().unwrap_err().to_string(),
        "the server refuses publish: NetStream.Publish.Denied the wrong secret"
    );
    assert_eq!(pair.client.next_deadline(), None);

    let mut pair = Pair::new(Purpose::Play);
    pair.drive().unwrap();
    pair.server
        .play_failed(crate::rtmp::StreamId::new(1), PlayError::NotFound, "nobody publishes it")
        .unwrap();
    assert_eq!(
        pair.drive().unwrap_err().to_string(),
        "the server refuses play: NetStream.Play.StreamNotFound nobody publishes it"
    );
}

// ---- a server made by hand -------------------------------------------------------------------------------------

const HANDSHAKE: usize = 1 + 1536 + 1536;

/// S0, S1 and S2 without a digest.
fn hello() -> Vec<u8> {
    let mut hello = vec![0x55; HANDSHAKE];
    hello[0] = 3;
    hello[1..9].fill(0);
    hello
}

fn message(type_id: u8, stream: u32, body: impl Into<Bytes>) -> Vec<u8> {
    let at = MediaTime::ZERO;
    MediaRecord::message(3, type_id, stream, at, body.into(), INITIAL_CHUNK_SIZE)
        .flat_map(|chunk| chunk.parts().concat())
        .collect()
}

fn command(stream: u32, name: &str, transaction: f64, info: Value) -> Vec<u8> {
    message(20, stream, encode_to_bytes(&[name.into(), transaction.into(), Value::Null, info]))
}

fn status(level: &str, code: &str) -> Value {
    Properties::new().with("level", level).with("code", code).into_object()
}

/// All that a server says until a play has started.
fn start_of_play() -> Vec<u8> {
    [
        hello(),
        command(0, "_result", CONNECT, status("status", "NetConnection.Connect.Success")),
        command(0, "onBWDone", 0.0, Value::Null),
        command(0, "_result", CREATE_STREAM, 1.0.into()),
        command(1, "onStatus", 0.0, status("status", "NetStream.Play.Start")),
    ]
    .concat()
}

fn output(client: &mut ClientSession) -> Vec<u8> {
    std::iter::from_fn(|| client.poll_transmit()).flat_map(|piece| piece.parts().concat()).collect()
}

#[test]
fn what_a_server_sends_may_be_cut_anywhere() {
    let mut pair = Pair::playing();
    let whole = pair.events();
    // The bytes of the handshake are like each other, and so are those of the picture.
    let bytes = std::mem::take(&mut pair.transcript);
    let commands = HANDSHAKE + 1200;
    let cuts =
        (0..HANDSHAKE).step_by(61).chain(HANDSHAKE..commands).chain((commands..bytes.len()).step_by(5003));
    for cut in cuts {
        let mut client = client(Purpose::Play);
        let now = Instant::now();
        client.handle_input(&bytes[..cut], now).unwrap();
        client.handle_input(&bytes[cut..], now).unwrap();
        let events: Vec<ClientEvent> = std::iter::from_fn(|| client.poll_event()).collect();
        assert!(events == whole, "cut at {cut}");
    }
}

#[test]
fn each_step_has_its_time() {
    let all = start_of_play();
    let ends: Vec<usize> = [0, HANDSHAKE]
        .into_iter()
        .chain([all.len() - command(1, "onStatus", 0.0, status("status", "NetStream.Play.Start")).len()])
        .collect();
    for (end, what) in ends.into_iter().zip(["the RTMP handshake", "connect", "play"]) {
        let mut client = client(Purpose::Play);
        let now = Instant::now();
        client.handle_input(&all[..end], now).unwrap();
        let deadline = client.next_deadline().unwrap();
        client.handle_timeout(deadline - Duration::from_millis(1)).unwrap();
        assert_eq!(client.handle_timeout(deadline), Err(ClientError::Timeout { what }));
        assert_eq!(client.handle_timeout(deadline), Ok(()), "once");
    }
}

#[test]
fn a_redirect_is_an_error_with_an_address() {
    let ex = Properties::new().with("code", 302.0).with("redirect", "rtmp://other/live").into_object();
    let info = Properties::new()
        .with("level", "error")
        .with("code", "NetConnection.Connect.Rejected")
        .with("description", "elsewhere")
        .with("ex", ex);
    let bytes = [hello(), command(0, "_error", CONNECT, info.into_object())].concat();
    let mut client = client(Purpose::Publish);
    let error = client.handle_input(&bytes, Instant::now()).unwrap_err();
    assert_eq!(error, ClientError::Redirect { to: "rtmp://other/live".into() });
}

#[test]
fn a_wish_for_a_password_is_named() {
    let info = status("error", "NetConnection.Connect.Rejected");
    let Value::Object(mut properties) = info else { panic!() };
    properties.push(("description".into(), "code=403 need auth; authmod=adobe :".into()));
    let bytes = [hello(), command(0, "_error", CONNECT, Value::Object(properties))].concat();
    let error = client(Purpose::Publish).handle_input(&bytes, Instant::now()).unwrap_err();
    assert!(matches!(error, ClientError::Authentication { .. }), "{error}");
    assert!(error.to_string().contains("use an address with a stream key"));
}

#[test]
fn a_stream_without_a_number_is_none() {
    for id in [Value::Null, 0.0.into(), f64::NAN.into(), (-1.0).into(), "one".into()] {
        let bytes = [
            hello(),
            command(0, "_result", CONNECT, Value::Null),
            command(0, "_result", CREATE_STREAM, id.clone()),
        ]
        .concat();
        let result = client(Purpose::Play).handle_input(&bytes, Instant::now());
        assert_eq!(result, Err(ClientError::NoStream), "{id:?}");
    }
}

#[test]
fn pings_are_answered_and_windows_acknowledged() {
    let mut client = client(Purpose::Play);
    let now = Instant::now();
    client.handle_input(&start_of_play(), now).unwrap();
    output(&mut client);
    client.handle_input(&message(4, 0, vec![0, 6, 0, 0, 1, 2]), now).unwrap();
    assert!(output(&mut client).ends_with(&[0, 7, 0, 0, 1, 2]));
    client.handle_input(&message(5, 0, vec![0, 0, 0, 100]), now).unwrap();
    output(&mut client);
    client.handle_input(&message(8, 1, vec![0xaf; 60]), now).unwrap();
    let sent = output(&mut client);
    let acknowledged = u32::from_be_bytes(sent[sent.len() - 4..].try_into().unwrap());
    assert_eq!(u64::from(acknowledged), client.reader.position());
}

#[test]
fn media_that_nobody_asked_for_are_ignored_and_bounded() {
    let now = Instant::now();
    // Before play has begun, on another stream, to a publisher.
    let before = &start_of_play()[..HANDSHAKE];
    let stray = message(9, 1, vec![0x17; 100]);
    let mut early = client(Purpose::Play);
    early.handle_input(&[before, &stray].concat(), now).unwrap();
    assert_eq!(early.poll_event(), None);
    let mut other = client(Purpose::Play);
    other.handle_input(&[start_of_play(), message(9, 2, vec![0x17; 100])].concat(), now).unwrap();
    assert_eq!(other.poll_event(), Some(ClientEvent::Started));
    assert_eq!(other.poll_event(), None);
    // A message larger than commands are, before it may be media.
    let large = message(9, 1, vec![0; MAX_RTMP_COMMAND + 1]);
    let error = client(Purpose::Play).handle_input(&[before, &large].concat(), now).unwrap_err();
    assert!(matches!(error, ClientError::Protocol(SessionError::Chunk { .. })), "{error}");
}

#[test]
fn a_flood_ends_the_session_not_the_memory() {
    let now = Instant::now();
    let mut tiny = client(Purpose::Play);
    tiny.handle_input(&start_of_play(), now).unwrap();
    let flood = message(8, 1, vec![1]).repeat(MAX_PUBLISHED_TAGS + 1);
    assert!(matches!(tiny.handle_input(&flood, now), Err(ClientError::TooMuchMedia { .. })));
}

#[test]
fn behind_the_end_nothing_is_heard() {
    let mut client = client(Purpose::Play);
    let now = Instant::now();
    let end = command(1, "onStatus", 0.0, status("status", "NetStream.Play.UnpublishNotify"));
    let bytes = [start_of_play(), end, message(9, 1, vec![0x17; 9])].concat();
    client.handle_input(&bytes, now).unwrap();
    client.handle_input(&[0xff; 1000], now).unwrap();
    let events: Vec<ClientEvent> = std::iter::from_fn(|| client.poll_event()).collect();
    assert!(matches!(&events[..], [ClientEvent::Started, ClientEvent::Ended(_)]), "{events:?}");
}

proptest! {
    #[test]
    fn whatever_a_server_sends_nothing_breaks(
        noise in proptest::collection::vec(any::<u8>(), 0..600),
        at in any::<proptest::sample::Index>(),
        change in any::<u8>(),
    ) {
        let mut bytes = start_of_play();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        bytes.extend(noise);
        for purpose in [Purpose::Play, Purpose::Publish] {
            let mut client = client(purpose);
            let now = Instant::now();
            for piece in bytes.chunks(500) {
                if client.handle_input(piece, now).is_err() {
                    prop_assert_eq!(client.handle_input(piece, now), Ok(()), "the end is the end");
                    break;
                }
                prop_assert!(client.buffered_output() <= MAX_RTMP_OUTPUT);
            }
        }
    }
}
