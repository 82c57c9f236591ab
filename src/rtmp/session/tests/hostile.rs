//! Bytes meant to hurt. P1 to P6 are the ways in which rml_rtmp's own session could be brought down.

#![allow(clippy::unwrap_used)]

use super::client::*;
use crate::amf0::{Value, encode_to_bytes};
use crate::flv::Tag;
use crate::limits::{
    MAX_AMF_VALUES, MAX_DEFERRED_COMMANDS, MAX_PARTIAL_MESSAGES, MAX_PUBLISHED_BYTES, MAX_PUBLISHED_TAGS,
    MAX_PUBLISHER_PARTIAL, MAX_RTMP_COMMAND, MAX_RTMP_OUTPUT, MAX_SESSION_EVENTS, MAX_TAG_BODY,
    RTMP_OUTPUT_HIGH_WATER,
};
use crate::rtmp::{Demand, Fault, PlayStart, PublishError, SessionError, SharedRecord};
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
    for mut pair in [Pair::connected(), Pair::publishing()] {
        for values in
            [vec![], vec![Value::from("@setDataFrame")], vec!["@setDataFrame".into(), "onMetaData".into()]]
        {
            pair.send(&message(4, 18, 1, encode_to_bytes(&values)));
        }
        assert!(pair.published().is_empty());
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

#[test]
fn large_messages_are_taken_from_publishers_only_and_only_media() {
    let head = |type_id, len: usize| {
        let len = (len as u32).to_be_bytes();
        [4, 0, 0, 0, len[1], len[2], len[3], type_id, 1, 0, 0, 0]
    };
    let sends = |pair: &mut Pair, type_id, len| pair.session.handle_input(&head(type_id, len), pair.now);
    for type_id in [8, 9, 15, 18, 22] {
        assert!(sends(&mut Pair::connected(), type_id, MAX_RTMP_COMMAND + 1).is_err());
        assert!(sends(&mut Pair::publishing(), type_id, MAX_TAG_BODY).is_ok());
        assert!(sends(&mut Pair::publishing(), type_id, MAX_TAG_BODY + 1).is_err());
    }
    for type_id in [1, 3, 4, 17, 20, 99] {
        assert!(sends(&mut Pair::publishing(), type_id, MAX_RTMP_COMMAND + 1).is_err());
    }
}

#[test]
fn a_publishers_unfinished_messages_are_bounded_together() {
    let mut pair = Pair::publishing();
    let mut publisher = Publisher::new(128);
    let mut bytes = publisher.set_chunk_size(1 << 20);
    let body = vec![0; MAX_TAG_BODY];
    for csid in 4..9 {
        let chunks = publisher.chunks(csid, 9, 1, 0, &body);
        bytes.extend(chunks[..chunks.len() - 1].concat());
    }
    let error = bytes.chunks(64 << 10).find_map(|piece| {
        assert!(pair.session.reader.buffered() <= MAX_PUBLISHER_PARTIAL);
        pair.session.handle_input(piece, pair.now).err()
    });
    assert!(error.unwrap().to_string().contains("unfinished"));
}

#[test]
fn tags_that_nobody_takes_are_bounded_in_number_and_bytes() {
    // The shortest messages there are: a byte of header, a byte of sound.
    let mut pair = Pair::publishing();
    let mut publisher = Publisher::new(128);
    pair.send(&publisher.message(4, 8, 1, 0, &[0x2f]));
    let crumbs: Vec<u8> = (0..32 << 10).flat_map(|_| publisher.message(4, 8, 1, 0, &[0x2f])).collect();
    assert_eq!(crumbs.len(), 64 << 10);
    let error = pair.session.handle_input(&crumbs, pair.now).unwrap_err();
    assert!(matches!(error, SessionError::TooMuchPublished { .. }), "{error}");
    assert_eq!(error.fault(), Fault::Peer);
    assert_eq!(pair.session.events.published().0, MAX_PUBLISHED_TAGS);

    let mut pair = Pair::publishing();
    let mut publisher = Publisher::new(128);
    pair.send(&publisher.set_chunk_size(1 << 20));
    let picture = publisher.message(4, 9, 1, 0, &vec![0x12; MAX_TAG_BODY / 2]);
    for _ in 0..2 * MAX_PUBLISHED_BYTES / MAX_TAG_BODY {
        pair.send(&picture);
    }
    let error = pair.session.handle_input(&picture, pair.now).unwrap_err();
    assert!(matches!(error, SessionError::TooMuchPublished { .. }), "{error}");
    assert_eq!(pair.session.events.published().1, MAX_PUBLISHED_BYTES);
}

#[test]
fn an_aggregate_of_crumbs_is_bounded_as_well() {
    let mut pair = Pair::publishing();
    let mut publisher = Publisher::new(128);
    pair.send(&publisher.set_chunk_size(1 << 20));
    let mut crumbs = Vec::new();
    while crumbs.len() < MAX_TAG_BODY - 16 {
        mp3(0).encode_into(&mut crumbs);
    }
    let bytes = publisher.message(4, 22, 1, 0, &crumbs);
    let error = pair.session.handle_input(&bytes, pair.now).unwrap_err();
    assert!(matches!(error, SessionError::TooMuchPublished { .. }), "{error}");
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

#[test]
fn an_error_of_a_verb_is_the_end_as_well() {
    let mut full = Pair::playing();
    let tag = Tag { body: vec![0xaf; MAX_TAG_BODY / 2].into(), ..mp3(0) };
    let error = std::iter::repeat_with(|| full.session.send_tag(ONE, &tag)).find_map(Result::err);
    assert!(matches!(error, Some(SessionError::OutputFull { .. })), "{error:?}");
    let mut broken = Pair::playing();
    let tag = Tag { body: vec![0xaf; MAX_TAG_BODY + 1].into(), ..mp3(0) };
    assert!(matches!(broken.session.send_tag(ONE, &tag), Err(SessionError::TagTooLong { .. })));
    for mut pair in [full, broken] {
        assert!(pair.session.wants_close());
        assert_eq!(pair.session.next_deadline(), None);
        assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::Idle);
        // What is queued may still go out; nothing is added to it.
        while pair.session.poll_transmit().is_some() {}
        pair.send(&[command(0, "getDir", 5.0, &[]), vec![0xff; 64]].concat());
        pair.wait(1e6);
        assert_eq!(pair.session.handle_timeout(pair.now), Ok(()));
        pair.session.finish(ONE, ms(1000), 5).unwrap();
        pair.session.send_tag(ONE, &mp3(20)).unwrap();
        pair.session.shutdown("good night").unwrap();
        assert_eq!((pair.session.poll_event(), pair.session.poll_transmit()), (None, None));
    }
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
        "releaseStream",
        "FCPublish",
        "FCUnpublish",
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

/// What a publisher sends, or anybody who is none.
fn any_media() -> impl Strategy<Value = Vec<u8>> {
    let type_id = proptest::sample::select(vec![8, 9, 15, 18, 22]);
    let tag = (any::<u32>(), any::<bool>()).prop_map(|(at, picture)| {
        let mut bytes = Vec::new();
        if picture { sorenson(at, true) } else { mp3(at) }.encode_into(&mut bytes);
        bytes
    });
    let body = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::collection::vec(tag, 0..5).prop_map(|tags| tags.concat()),
        Just(encode_to_bytes(&["@setDataFrame".into(), "onMetaData".into(), 1.0.into()]).to_vec()),
    ];
    (type_id, 0..4u32, body).prop_map(|(type_id, stream, body)| message(5, type_id, stream, body))
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
        steps in proptest::collection::vec((prop_oneof![any_command(), any_media()], 0..17u8), 0..60),
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
                10 => {
                    session.play_started(ONE, PlayStart { live: true, ..PlayStart::default() }).unwrap();
                }
                11 => session.publish_started(ONE, pair.now).unwrap(),
                12 => session.publish_denied(ONE, PublishError::BadName, "no").unwrap(),
                13 => session.unpublish_notify(ONE, "cam").unwrap(),
                14 => session.publish_notify(ONE).unwrap(),
                15 => session.finish_live(ONE).unwrap(),
                16 => {
                    session.send_record(ONE, &SharedRecord::new(sorenson(7000, true))).unwrap();
                }
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

    #[test]
    fn a_publisher_that_sends_anything_never_panics_and_stays_bounded(
        pieces in proptest::collection::vec(prop_oneof![any_media(), any_command()], 0..60),
        cut in 1..600usize,
    ) {
        let mut pair = Pair::publishing();
        for piece in pieces.concat().chunks(cut) {
            if pair.session.handle_input(piece, pair.now).is_err() {
                return Ok(());
            }
            let (tags, bytes) = pair.session.events.published();
            prop_assert!(tags <= MAX_PUBLISHED_TAGS && bytes <= MAX_PUBLISHED_BYTES);
            prop_assert!(pair.session.reader.buffered() <= MAX_PUBLISHER_PARTIAL);
            while let Some(event) = pair.session.poll_event() {
                if let crate::rtmp::Event::Published { tag, .. } = event {
                    prop_assert!(!tag.body.is_empty());
                }
            }
            prop_assert_eq!(pair.session.events.published(), (0, 0));
            pair.received();
        }
    }

    #[test]
    fn a_viewer_who_does_not_read_costs_a_fixed_amount(
        sizes in proptest::collection::vec(0..300_000usize, 1..40),
    ) {
        let mut pair = Pair::watching();
        for size in sizes {
            let body = [&[0x12][..], &vec![0; size]].concat();
            let record = SharedRecord::new(crate::flv::Tag { body: body.into(), ..sorenson(0, true) });
            pair.session.send_record(ONE, &record).unwrap();
            prop_assert!(pair.session.buffered_output() <= RTMP_OUTPUT_HIGH_WATER + 301_000);
        }
    }
}
