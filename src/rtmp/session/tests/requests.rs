//! Connecting, calls, control messages and time-outs, as the clients we know do it.

#![allow(clippy::unwrap_used)]

use super::super::Session;
use super::client::*;
use crate::amf0::{Properties, Value, encode_to_bytes};
use crate::limits::{HANDSHAKE_TIMEOUT, IDLE_TIMEOUT, MAX_MESSAGE_STREAMS, PING_INTERVAL};
use crate::rtmp::SessionError;
use crate::rtmp::event::{Event, StreamId};
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};

#[test]
fn connect_is_answered_window_bandwidth_chunk_size_result() {
    let mut pair = Pair::shaken();
    pair.send(&connect("vod/films", "LNX 9,0,124,2"));
    let Some(Event::Connect(client)) = pair.session.poll_event() else { panic!() };
    assert_eq!(client.app, "vod/films");
    assert_eq!(client.tc_url.unwrap(), "rtmp://box:1935/vod/films");
    assert!(pair.received().is_empty());
    pair.session.accept_connect(pair.now).unwrap();
    assert_eq!(
        pair.received(),
        [
            "WindowAckSize 10000000",
            "SetPeerBandwidth 10000000 2",
            "SetChunkSize 65536",
            "[0] _result 1 NetConnection.Connect.Success",
        ]
    );
}

#[test]
fn a_rejected_client_is_told_why_and_closed() {
    let mut pair = Pair::shaken();
    pair.send(&connect("vod", ""));
    pair.session.reject_connect("too many connections").unwrap();
    assert_eq!(pair.received(), ["[0] _error 1 NetConnection.Connect.Rejected"]);
    assert!(pair.session.wants_close());
    assert_eq!(pair.session.next_deadline(), None);
}

#[test]
fn commands_that_do_not_wait_for_connect_are_answered_after_it() {
    let mut pair = Pair::shaken();
    let play = command(1, "play", 3.0, &[Value::from("movie")]);
    pair.send(&[connect("vod", ""), command(0, "createStream", 2.0, &[]), play].concat());
    assert_eq!(pair.events().len(), 1);
    pair.session.accept_connect(pair.now).unwrap();
    assert_eq!(pair.received()[4], "[0] _result 2 Number(1.0)");
    assert!(matches!(pair.events()[..], [Event::Play { .. }]));
}

#[test]
fn commands_in_the_wrong_order_are_told_what_comes_first() {
    let mut pair = Pair::shaken();
    pair.send(&command(0, "createStream", 2.0, &[]));
    assert_eq!(pair.received(), ["[0] _error 2 NetConnection.Call.Failed"]);
    let mut pair = Pair::connected();
    for name in ["play", "seek", "pause", "publish", "receiveAudio"] {
        pair.send(&command(7, name, 5.0, &[]));
        assert_eq!(pair.received(), ["[0] _error 5 NetConnection.Call.Failed"], "{name}");
    }
    pair.send(&connect("vod", ""));
    assert_eq!(pair.received(), ["[0] _error 1 NetConnection.Call.Failed"]);
}

/// What ffmpeg 5.1 sends after its handshake, chunk by chunk: chunk streams 3, 8 and 2, compressed headers.
fn ffmpeg_commands() -> [Vec<u8>; 3] {
    let body = |values: &[Value]| encode_to_bytes(values).to_vec();
    let create = body(&["createStream".into(), 2.0.into(), Value::Null]);
    let length = body(&["getStreamLength".into(), 3.0.into(), Value::Null, "movie".into()]);
    let play = body(&["play".into(), 4.0.into(), Value::Null, "movie".into(), (-2000.0).into()]);
    let after_connect = [
        &[2, 0, 0, 0, 0, 0, 4, 5, 0, 0, 0, 0, 0, 0x26, 0x25, 0xa0][..],
        &[0x43, 0, 0, 0, 0, 0, create.len() as u8, 20],
        &create,
    ];
    let after_stream = [
        &[8, 0, 0, 0, 0, 0, length.len() as u8, 20, 0, 0, 0, 0][..],
        &length,
        &[8, 0, 0, 0, 0, 0, play.len() as u8, 20, 1, 0, 0, 0],
        &play,
        &[0x42, 0, 0, 1, 0, 0, 10, 4, 0, 3, 0, 0, 0, 1, 0, 0, 0x0b, 0xb8],
    ];
    [connect("vod", "LNX 9,0,124,2"), after_connect.concat(), after_stream.concat()]
}

/// Everything the driver and the client see of ffmpeg's opening, the input coming in pieces.
fn ffmpeg_opening(pieces: &[&[u8]]) -> (String, Vec<String>) {
    let mut pair = Pair::shaken();
    let mut events = String::new();
    for piece in pieces {
        pair.send(piece);
        while let Some(event) = pair.session.poll_event() {
            events += &format!("{event:?}\n");
            if matches!(event, Event::Connect(_)) {
                pair.session.accept_connect(pair.now).unwrap();
            }
        }
    }
    let received = pair.received();
    (events, received)
}

#[test]
fn ffmpegs_opening_is_understood() {
    let commands = ffmpeg_commands();
    let (events, received) = ffmpeg_opening(&[&commands[0], &commands[1], &commands[2]]);
    let kinds: Vec<&str> = events.lines().map(|line| line.split([' ', '(']).next().unwrap()).collect();
    assert_eq!(kinds, ["Connect", "StreamLength", "Play", "BufferLength"]);
    assert!(events.contains("length: 3s"), "{events}");
    assert_eq!(received[4], "[0] _result 2 Number(1.0)");
}

#[test]
fn input_cut_at_every_byte_means_the_same() {
    let commands = ffmpeg_commands().concat();
    let expected = ffmpeg_opening(&[&commands]);
    for cut in 0..=commands.len() {
        let (front, back) = commands.split_at(cut);
        assert_eq!(ffmpeg_opening(&[front, back]), expected, "cut at {cut}");
    }
}

#[test]
fn the_digest_handshake_of_ffmpeg_and_flash_is_answered_cut_anywhere() {
    for cut in [0, 1, 2, 9, 1000, 1536, 1537] {
        let mut pair = Pair::new();
        let mut client = Handshake::new(PeerType::Client);
        let opening = client.generate_outbound_p0_and_p1().unwrap();
        pair.send(&opening[..cut]);
        pair.send(&opening[cut..]);
        let mut answer = Vec::new();
        while let Some(transmit) = pair.session.poll_transmit() {
            answer.extend_from_slice(&transmit.body);
        }
        let Ok(HandshakeProcessResult::Completed { response_bytes, .. }) = client.process_bytes(&answer)
        else {
            panic!("the client was not content with our answer");
        };
        pair.send(&response_bytes);
        pair.send(&connect("vod", "LNX 9,0,124,2"));
        assert!(matches!(pair.session.poll_event(), Some(Event::Connect(_))));
    }
}

#[test]
fn librtmps_opening_in_one_piece_with_the_handshake_is_understood() {
    let mut pair = Pair::new();
    let mut bytes = simple_handshake();
    bytes.extend(connect("vod", "LNX 10,0,32,18"));
    pair.send(&bytes);
    assert!(matches!(pair.session.poll_event(), Some(Event::Connect(_))));
}

#[test]
fn commands_wrapped_as_amf3_are_read_as_amf0() {
    let mut pair = Pair::connected();
    let call = encode_to_bytes(&["createStream".into(), 9.0.into(), Value::Null]);
    for body in [[&[0][..], &call].concat(), call.to_vec()] {
        pair.send(&message(3, 17, 0, body));
        assert!(pair.received()[0].starts_with("[0] _result 9"));
    }
}

#[test]
fn calls_reach_the_driver_and_get_their_answers() {
    let mut pair = Pair::connected();
    pair.send(&command(0, "getDir", 7.0, &[Value::from("/films")]));
    pair.send(&command(0, "getStreamLength", 8.0, &[Value::from("movie")]));
    pair.send(&command(0, "getSeekStatus", 9.0, &[]));
    for event in pair.events() {
        match event {
            Event::ListDirectory { transaction, path } => {
                assert_eq!(path, "/films");
                pair.session.reply_error(transaction, "no such folder").unwrap();
            }
            Event::StreamLength { transaction, .. } => {
                pair.session.reply(transaction, 12.5.into()).unwrap();
            }
            Event::SeekStatus { transaction } => pair.session.reply(transaction, Value::Null).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        pair.received(),
        ["[0] _error 7 NetConnection.Call.Failed", "[0] _result 8 Number(12.5)", "[0] _result 9 Null"]
    );
}

#[test]
fn calls_nobody_knows_are_answered_and_end_nothing() {
    let mut pair = Pair::connected();
    for name in ["_checkbw", "releaseStream", "seekprogress", "x"] {
        pair.send(&command(0, name, 6.0, &[Value::from("movie")]));
        assert_eq!(pair.received(), ["[0] _result 6 Null"], "{name}");
        pair.send(&command(0, name, 0.0, &[]));
        assert!(pair.received().is_empty());
    }
    pair.send(&command(0, "FCSubscribe", 6.0, &[Value::from("movie")]));
    assert_eq!(pair.received(), ["[0] onFCSubscribe 0 NetStream.Play.Start", "[0] _result 6 Null"]);
    pair.send(&command(0, "_result", 6.0, &[]));
    assert!(pair.received().is_empty());
}

#[test]
fn streams_are_numbered_from_one_and_limited() {
    let mut pair = Pair::connected();
    for id in 2..=MAX_MESSAGE_STREAMS {
        pair.send(&command(0, "createStream", 5.0, &[]));
        assert_eq!(pair.received(), [format!("[0] _result 5 Number({id}.0)")]);
    }
    pair.send(&command(0, "createStream", 5.0, &[]));
    assert_eq!(pair.received(), ["[0] _error 5 NetConnection.Call.Failed"]);
    pair.send(&command(0, "deleteStream", 0.0, &[Value::from(3.0)]));
    pair.send(&command(0, "createStream", 5.0, &[]));
    assert_eq!(pair.received(), ["[0] _result 5 Number(3.0)"]);
}

#[test]
fn the_second_stream_plays_beside_the_first() {
    let mut pair = Pair::playing();
    pair.send(&command(0, "createStream", 5.0, &[]));
    pair.send(&command(2, "play", 0.0, &[Value::from("other")]));
    let two = StreamId::new(2);
    assert!(matches!(pair.events()[..], [Event::Play { stream, .. }] if stream == two));
    pair.session.play_started(two, Default::default()).unwrap();
    pair.received();
    pair.session.send_tag(two, &mp3(0)).unwrap();
    pair.session.send_tag(ONE, &mp3(0)).unwrap();
    assert_eq!(pair.received(), ["[2] audio 0.000s 3 B", "[1] audio 0.000s 3 B"]);
}

#[test]
fn acknowledgements_carry_the_running_total() {
    // Fault B3: rml_rtmp sends the bytes since the last one.
    let mut pair = Pair::connected();
    pair.send(&message(2, 5, 0, 2000u32.to_be_bytes().to_vec()));
    let mut totals = Vec::new();
    for _ in 0..100 {
        pair.send(&command(0, "_result", 0.0, &[Value::from("x".repeat(100))]));
        for line in pair.received() {
            totals.push(line.strip_prefix("Acknowledgement ").unwrap().parse::<u32>().unwrap());
        }
    }
    assert!(totals.len() >= 5, "{totals:?}");
    assert!(totals.windows(2).all(|pair| pair[1] >= pair[0] + 2000), "{totals:?}");
}

#[test]
fn pings_are_answered_and_sent_when_nothing_else_is() {
    let mut pair = Pair::connected();
    pair.send(&user_control(6, &[1234]));
    assert_eq!(pair.received(), ["Pong 1234"]);
    pair.session.handle_timeout(pair.now).unwrap();
    for _ in 0..3 {
        pair.now = pair.session.next_deadline().unwrap();
        pair.session.handle_timeout(pair.now).unwrap();
        assert!(pair.received()[0].starts_with("Ping "));
        pair.session.handle_timeout(pair.now).unwrap();
        assert!(pair.received().is_empty());
    }
}

#[test]
fn an_hours_pause_is_kept_alive_by_pings() {
    let mut pair = Pair::playing();
    pair.send(&command(1, "pause", 0.0, &[true.into(), 0.0.into()]));
    pair.received();
    let end = pair.now + 3 * IDLE_TIMEOUT;
    let mut pings = 0;
    while pair.now < end {
        pair.now = pair.session.next_deadline().unwrap().max(pair.now);
        pair.session.handle_timeout(pair.now).unwrap();
        pings += pair.received().len() as u32;
    }
    let expected = 3 * IDLE_TIMEOUT.as_secs() as u32 / PING_INTERVAL.as_secs() as u32;
    assert!((expected - 3..=expected).contains(&pings), "{pings}");
}

#[test]
fn silence_ends_a_connection_that_asks_for_nothing() {
    let mut pair = Pair::new();
    pair.now += HANDSHAKE_TIMEOUT;
    assert_eq!(pair.session.next_deadline(), Some(pair.now));
    assert!(matches!(pair.session.handle_timeout(pair.now), Err(SessionError::HandshakeTimeout { .. })));

    let mut pair = Pair::shaken();
    pair.now += HANDSHAKE_TIMEOUT;
    let error = pair.session.handle_timeout(pair.now).unwrap_err();
    assert_eq!(error, SessionError::HandshakeTimeout { state: "connect" });

    let mut pair = Pair::connected();
    pair.now += IDLE_TIMEOUT;
    assert_eq!(pair.session.handle_timeout(pair.now), Err(SessionError::IdleTimeout));
}

#[test]
fn enhanced_rtmps_codecs_reach_the_driver_and_are_answered() {
    let mut pair = Pair::shaken();
    let list = Value::from(vec![Value::from("hvc1"), Value::from("av01")]);
    let object = Properties::new()
        .with("app", "vod")
        .with("fourCcList", list.clone())
        .with("audioFourCcInfoMap", Properties::new().with("*", 1.0))
        .with("capsEx", 15.0);
    pair.send(&message(3, 20, 0, encode_to_bytes(&["connect".into(), 1.0.into(), object.into()])));
    let Some(Event::Connect(connect)) = pair.session.poll_event() else { panic!() };
    assert!(connect.capabilities.video_four_ccs.contains(b"hvc1"));
    assert!(!connect.capabilities.video_four_ccs.contains(b"vp09"));
    assert!(connect.capabilities.audio_four_ccs.contains(b"Opus"));
    pair.session.accept_connect(pair.now).unwrap();
    let mut bytes = Vec::new();
    while let Some(transmit) = pair.session.poll_transmit() {
        bytes.extend(transmit.parts().concat());
    }
    let contains = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(contains(&encode_to_bytes(&[list])));
    assert!(contains(b"videoFourCcInfoMap") && contains(b"capsEx"));
}

#[test]
fn a_session_that_was_never_fed_says_nothing() {
    let mut session = Session::new(std::time::Instant::now());
    assert!(session.poll_transmit().is_none());
    assert!(session.poll_event().is_none());
}

#[test]
fn a_session_may_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Session>();
}
