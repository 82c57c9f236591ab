//! Bytes meant to hurt. P1 to P6 are the ways in which rml_rtmp's own session could be brought down.

#![allow(clippy::unwrap_used)]

use super::client::*;
use crate::amf0::{Value, encode_to_bytes};
use crate::limits::{
    MAX_AMF_VALUES, MAX_DEFERRED_COMMANDS, MAX_PARTIAL_MESSAGES, MAX_RTMP_COMMAND, MAX_RTMP_OUTPUT,
    MAX_SESSION_EVENTS,
};
use crate::rtmp::{Fault, SessionError};
use proptest::prelude::*;

#[test]
fn p1_commands_without_three_values_are_ignored() {
    for before_connect in [true, false] {
        let mut pair = if before_connect { Pair::shaken() } else { Pair::connected() };
        for type_id in [17, 20] {
            for values in
                [vec![], vec![Value::Null], vec!["_result".into()], vec!["_result".into(), 1.0.into()]]
            {
                pair.send(&message(3, type_id, 0, encode_to_bytes(&values)));
            }
            pair.send(&message(3, type_id, 0, vec![0]));
            pair.send(&message(3, type_id, 0, vec![2, 0]));
        }
    }
}

#[test]
fn p2_a_data_frame_without_data_is_ignored() {
    let mut pair = Pair::connected();
    pair.send(&command(1, "publish", 5.0, &["x".into()]));
    for values in
        [vec![], vec![Value::from("@setDataFrame")], vec!["@setDataFrame".into(), "onMetaData".into()]]
    {
        pair.send(&message(4, 18, 1, encode_to_bytes(&values)));
    }
}

#[test]
fn p3_interleaved_chunks_are_put_together() {
    let mut pair = Pair::connected();
    let long = "x".repeat(150);
    let call = encode_to_bytes(&["x".into(), 5.0.into(), Value::Null, long.into()]);
    let (a, b) = (message(3, 20, 0, call.clone()), message(8, 20, 0, call));
    let first = 12 + 128;
    pair.send(&[&a[..first], &b[..first], &a[first..], &b[first..]].concat());
    assert_eq!(pair.received(), ["[0] _result 5 Null", "[0] _result 5 Null"]);
}

#[test]
fn p4_an_extended_delta_below_its_threshold_is_taken() {
    let mut pair = Pair::connected();
    let call = encode_to_bytes(&["x".into(), 5.0.into()]);
    let mut bytes = vec![0x43, 0xff, 0xff, 0xff, 0, 0, call.len() as u8, 20, 0, 0, 0, 1];
    bytes.extend(&call);
    pair.send(&bytes);
    assert_eq!(pair.received(), ["[0] _result 5 Null"]);
}

#[test]
fn p5_nested_arrays_do_not_overflow_the_stack() {
    let mut pair = Pair::connected();
    let mut body = encode_to_bytes(&["x".into(), 5.0.into()]).to_vec();
    body.extend([0x0a, 0, 0, 0, 1].repeat(10_000));
    pair.send(&message(3, 20, 0, body));
    assert_eq!(pair.received(), ["[0] _result 5 Null"]);
}

#[test]
fn p6_messages_full_of_nulls_are_refused_before_they_are_read() {
    let mut pair = Pair::connected();
    let bytes = message(3, 20, 0, vec![5; 16_000_000]);
    let error = pair.session.handle_input(&bytes[..100], pair.now).unwrap_err();
    assert!(matches!(error, SessionError::Chunk { .. }), "{error}");
    assert_eq!(error.fault(), Fault::Peer);
    const { assert!(MAX_RTMP_COMMAND <= MAX_AMF_VALUES) };
}

#[test]
fn a_peer_that_asks_and_never_reads_is_dropped() {
    let mut pair = Pair::connected();
    let calls = command(0, "x", 5.0, &[]).repeat(1000);
    let error = loop {
        if let Err(error) = pair.session.handle_input(&calls, pair.now) {
            break error;
        }
        assert!(pair.session.buffered_output() <= MAX_RTMP_OUTPUT);
    };
    assert!(matches!(error, SessionError::OutputFull { .. }));
}

#[test]
fn requests_in_one_piece_of_input_are_counted() {
    let mut pair = Pair::connected();
    let calls = command(0, "getDir", 5.0, &[]).repeat(MAX_SESSION_EVENTS + 1);
    assert_eq!(pair.session.handle_input(&calls, pair.now), Err(SessionError::TooManyRequests));
}

#[test]
fn commands_before_the_answer_to_connect_are_counted() {
    let mut pair = Pair::shaken();
    pair.send(&connect("vod", ""));
    pair.send(&command(0, "x", 5.0, &[]).repeat(MAX_DEFERRED_COMMANDS));
    let error = pair.session.handle_input(&command(0, "x", 5.0, &[]), pair.now);
    assert_eq!(error, Err(SessionError::CommandsBeforeConnect));
}

#[test]
fn a_web_browser_is_told_that_this_is_no_web_server() {
    let mut pair = Pair::new();
    let error = pair.session.handle_input(b"GET / HTTP/1.1\r\nHost: box\r\n\r\n", pair.now).unwrap_err();
    assert!(matches!(error, SessionError::Handshake { .. }));
    assert!(error.to_string().contains("expected version 3"), "{error}");
}

#[test]
fn user_control_cut_at_every_byte_is_ignored() {
    let mut pair = Pair::connected();
    for event in [3u16, 6, 7, 26, 0xffff] {
        let body = [&event.to_be_bytes()[..], &[0, 0, 0, 1, 0, 0, 0]].concat();
        for cut in 0..=body.len() {
            pair.send(&message(2, 4, 0, body[..cut].to_vec()));
        }
    }
    pair.send(&message(2, 5, 0, vec![0, 0]));
    pair.send(&message(2, 5, 0, vec![0; 4]));
    assert!(pair.received().iter().all(|line| line == "Pong 1"));
}

/// They were, from wherever the reader had come to.
#[test]
fn nothing_is_read_behind_an_error() {
    let mut pair = Pair::connected();
    pair.session.handle_input(&[0xc9], pair.now).unwrap_err();
    assert!(pair.session.wants_close());
    pair.send(&command(0, "getDir", 5.0, &[]));
    pair.wait(1e6);
    assert_eq!(pair.session.handle_timeout(pair.now), Ok(()));
    assert_eq!((pair.events(), pair.received()), (vec![], vec![]));
    // Silence is final as well.
    let mut pair = Pair::connected();
    pair.wait(1e6);
    assert_eq!(pair.session.handle_timeout(pair.now), Err(SessionError::IdleTimeout));
    pair.send(&command(0, "x", 5.0, &[]));
    assert_eq!(pair.received(), [""; 0]);
}

/// Commands with random arguments, in random order.
fn any_command() -> impl Strategy<Value = Vec<u8>> {
    let name = proptest::sample::select(vec![
        "connect",
        "createStream",
        "deleteStream",
        "closeStream",
        "play",
        "play2",
        "seek",
        "pause",
        "receiveAudio",
        "receiveVideo",
        "getStreamLength",
        "getDir",
        "FCSubscribe",
        "publish",
        "x",
    ]);
    let argument = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..5u32).prop_map(Value::from),
        "[a-z/.:%]{0,12}".prop_map(Value::from),
    ];
    (name, 0..4u32, proptest::collection::vec(argument, 0..4))
        .prop_map(|(name, stream, arguments)| command(stream, name, 3.0, &arguments))
}

proptest! {
    #[test]
    fn random_bytes_behind_the_handshake_never_panic_and_never_gather(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 1..20),
    ) {
        let mut pair = Pair::connected();
        for piece in pieces {
            if pair.session.handle_input(&piece, pair.now).is_err() {
                return Ok(());
            }
            prop_assert!(pair.session.reader.buffered() <= MAX_RTMP_COMMAND * MAX_PARTIAL_MESSAGES);
            pair.received();
            pair.events();
        }
    }

    #[test]
    fn random_bytes_as_handshake_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 3073..4000)) {
        bytes[0] = 3;
        let mut pair = Pair::new();
        let _ = pair.session.handle_input(&bytes, pair.now);
    }

    #[test]
    fn commands_in_any_order_with_any_driver_never_panic(
        steps in proptest::collection::vec((any_command(), 0..10u8), 0..60),
    ) {
        let mut pair = Pair::connected();
        for (bytes, verb) in steps {
            if pair.session.wants_close() || pair.session.handle_input(&bytes, pair.now).is_err() {
                return Ok(());
            }
            pair.wait(0.3);
            let session = &mut pair.session;
            match verb {
                0 => session.play_started(ONE, Default::default()).unwrap(),
                1 => session.seek_done(ONE, ms(1000)).unwrap(),
                2 => session.seek_pending(ONE, &Default::default()).unwrap(),
                3 => session.finish(ONE, ms(1000), 0).unwrap(),
                4 => session.stream_failed(ONE, "broken").unwrap(),
                5 => session.handle_timeout(pair.now).unwrap(),
                _ => {
                    session.media_demand(ONE, pair.now);
                    session.send_tag(ONE, &sorenson(u32::from(verb) * 1000, true)).unwrap();
                    session.send_tag(ONE, &mp3(u32::from(verb) * 1000)).unwrap();
                }
            }
            pair.received();
            pair.events();
        }
    }
}
