//! Publishing, as OBS, ffmpeg and GStreamer do it.

#![allow(clippy::unwrap_used)]

use super::client::*;
use crate::amf0::{Properties, Value, encode_to_bytes};
use crate::flv::{Tag, TagKind};
use crate::limits::{IDLE_TIMEOUT, OUT_CHUNK_SIZE};
use crate::rtmp::event::{Event, StreamId};
use crate::rtmp::{PublishError, PublishMode, RecordStatus};
use bytes::Bytes;

/// Each piece is sent when the one before it was answered.
type Opening = Vec<Vec<u8>>;

fn connect_object(app: &str, flash_ver: &str) -> Value {
    let object = Properties::new()
        .with("app", app)
        .with("type", "nonprivate")
        .with("flashVer", flash_ver)
        .with("swfUrl", format!("rtmp://box:1935/{app}"))
        .with("tcUrl", format!("rtmp://box:1935/{app}"));
    object.into()
}

fn metadata() -> Vec<u8> {
    let info = Properties::new().with("width", 1280.0).with("height", 720.0).into_ecma_array();
    encode_to_bytes(&["@setDataFrame".into(), "onMetaData".into(), info]).to_vec()
}

const KEY: [u8; 300] = {
    let mut body = [9; 300];
    (body[0], body[1]) = (0x17, 1);
    body
};

/// OBS 29.0.2, as captured: chunk size first; sound, pictures and data all on chunk stream 4. See the README
/// beside the file. Its opening, four messages of media, and its end.
fn obs() -> Opening {
    let sent = include_bytes!("../../../../tests/fixtures/obs-29.0.2-publish.c2s");
    let (_handshake, mut sent) = sent.split_at(1 + 1536 + 1536);
    // connect; releaseStream, FCPublish, createStream; publish; headers and the first picture.
    let mut opening: Opening = [217, 40 + 69, 45, 422 + 2213]
        .into_iter()
        .map(|len| sent.split_off(..len).unwrap().to_vec())
        .collect();
    // FCUnpublish, deleteStream.
    opening.push(sent[sent.len() - 80..].to_vec());
    opening
}

/// ffmpeg 5.1, as captured: our own chunk size sent back, data and sound on chunk stream 4, pictures on 6,
/// publish on 8.
fn ffmpeg() -> Opening {
    let mut out = Publisher::new(128);
    let connect = encode_to_bytes(&[
        "connect".into(),
        1.0.into(),
        connect_object("live", "FMLE/3.0 (compatible; Lavf59)"),
    ]);
    let connect = out.message(3, 20, 0, 0, &connect);
    let announce = [
        out.set_chunk_size(OUT_CHUNK_SIZE),
        out.command(0, "releaseStream", 2.0, &["cam".into()]),
        out.command(0, "FCPublish", 3.0, &["cam".into()]),
        out.command(0, "createStream", 4.0, &[]),
    ];
    let publish = encode_to_bytes(&["publish".into(), 5.0.into(), Value::Null, "cam".into(), "live".into()]);
    let publish = out.message(8, 20, 1, 0, &publish);
    let media = [
        out.message(4, 18, 1, 0, &metadata()),
        out.message(6, 9, 1, 0, &[0x17, 0, 0, 0, 0, 1]),
        out.message(4, 8, 1, 0, &[0xaf, 0, 0x12, 0x10]),
        out.message(6, 9, 1, 0, &KEY),
        out.message(4, 8, 1, 23, &[0xaf, 1, 1]),
        out.message(4, 8, 1, 46, &[0xaf, 1, 2]),
        out.message(4, 8, 1, 69, &[0xaf, 1, 3]),
    ];
    let end = [
        out.command(0, "FCUnpublish", 6.0, &["cam".into()]),
        out.command(0, "deleteStream", 7.0, &[1.0.into()]),
    ];
    vec![connect, announce.concat(), publish, media.concat(), end.concat()]
}

/// rtmp2sink of GStreamer 1.22, as captured: no transaction but createStream's, the chunk size told after
/// publish, and deleteStream with the name.
fn gstreamer() -> Opening {
    let mut out = Publisher::new(128);
    let object = connect_object("live", "LNX 10,0,32,18");
    let connect = out.message(3, 20, 0, 0, &encode_to_bytes(&["connect".into(), 1.0.into(), object]));
    let announce = [
        out.message(2, 5, 0, 0, &2_500_000u32.to_be_bytes()),
        out.command(0, "releaseStream", 0.0, &["cam".into()]),
        out.command(0, "FCPublish", 0.0, &["cam".into()]),
        out.command(0, "createStream", 2.0, &[]),
    ];
    let publish = out.command(1, "publish", 0.0, &["cam".into(), "live".into()]);
    let media = [
        out.set_chunk_size(128),
        out.message(4, 18, 1, 0, &metadata()),
        out.message(6, 9, 1, 0, &[0x17, 0, 0, 0, 0, 1]),
        out.message(5, 8, 1, 0, &[0xaf, 0, 0x12, 0x10]),
        out.message(6, 9, 1, 0, &KEY),
        out.message(5, 8, 1, 23, &[0xaf, 1, 1]),
        out.message(5, 8, 1, 46, &[0xaf, 1, 2]),
        out.message(5, 8, 1, 69, &[0xaf, 1, 3]),
    ];
    let end = [
        out.command(0, "FCUnpublish", 0.0, &["cam".into()]),
        out.command(0, "deleteStream", 0.0, &["cam".into()]),
    ];
    vec![connect, announce.concat(), publish, media.concat(), end.concat()]
}

/// Everything the driver and the publisher see, the input coming in pieces.
fn run(pieces: &[&[u8]]) -> (Vec<Event>, Vec<String>) {
    let mut pair = Pair::shaken();
    let (mut events, mut received) = (Vec::new(), Vec::new());
    for piece in pieces {
        pair.send(piece);
        while let Some(event) = pair.session.poll_event() {
            match event {
                Event::Connect(_) => pair.session.accept_connect(pair.now).unwrap(),
                Event::Publish { stream, .. } => pair.session.publish_started(stream, pair.now).unwrap(),
                _ => {}
            }
            events.push(event);
        }
        received.extend(pair.received());
    }
    (events, received)
}

fn tags(events: &[Event]) -> Vec<(TagKind, u32, Bytes)> {
    let tag = |event: &Event| match event {
        Event::Published { stream: ONE, tag } => {
            Some((tag.kind, tag.timestamp.as_millis(), tag.body.clone()))
        }
        _ => None,
    };
    events.iter().filter_map(tag).collect()
}

#[test]
fn the_openings_of_ffmpeg_and_gstreamer_are_answered_in_words_they_wait_for() {
    for (name, opening, answers) in [
        ("ffmpeg", ffmpeg(), [Some(2), Some(3), Some(4), None, Some(6)]),
        ("GStreamer", gstreamer(), [None, None, Some(2), None, None]),
    ] {
        let pieces: Vec<&[u8]> = opening.iter().map(Vec::as_slice).collect();
        let (events, received) = run(&pieces);
        let [release, fc_publish, create, check, fc_unpublish] = answers;
        let result = |transaction: Option<u8>| Some(format!("[0] _result {} Null", transaction?));
        let line = |line: &str| Some(line.to_owned());
        let expected = [
            line("WindowAckSize 10000000"),
            line("SetPeerBandwidth 10000000 2"),
            line("SetChunkSize 65536"),
            line("[0] _result 1 NetConnection.Connect.Success"),
            result(release),
            line("[0] onFCPublish 0 NetStream.Publish.Start"),
            result(fc_publish),
            create.map(|transaction| format!("[0] _result {transaction} Number(1.0)")),
            result(check),
            line("StreamBegin 1"),
            line("[1] status NetStream.Publish.Start"),
            line("[0] onFCUnpublish 0 NetStream.Unpublish.Success"),
            result(fc_unpublish),
            line("[1] status NetStream.Unpublish.Success"),
        ];
        assert_eq!(received, expected.into_iter().flatten().collect::<Vec<_>>(), "{name}");
        assert_eq!(events.last(), Some(&Event::Unpublish { stream: ONE }));
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Unpublish { .. })).count(), 1);
        let Event::Publish { name: stream_name, mode, .. } = &events[1] else { panic!("{name}: {events:?}") };
        assert_eq!((stream_name, *mode), (&"cam".into(), PublishMode::Live), "{name}");

        let tags = tags(&events);
        let mut kinds: Vec<(TagKind, u32, usize)> = tags.iter().map(|t| (t.0, t.1, t.2.len())).collect();
        kinds[1..3].sort_by_key(|kind| kind.0.type_id());
        use TagKind::{Audio, Script, Video};
        let sizes = [(Script, 0, metadata().len() - 16), (Audio, 0, 4), (Video, 0, 6), (Video, 0, 300)];
        assert_eq!(kinds[..4], sizes, "{name}");
        assert_eq!(kinds[4..], [(Audio, 23, 3), (Audio, 46, 3), (Audio, 69, 3)], "{name}");
        assert!(tags[0].2.starts_with(b"\x02\x00\x0aonMetaData\x08"), "{name}");
    }
}

#[test]
fn obs_is_answered_in_words_it_waits_for_and_its_media_understood() {
    let opening = obs();
    let pieces: Vec<&[u8]> = opening.iter().map(Vec::as_slice).collect();
    let (events, received) = run(&pieces);
    let expected = [
        "WindowAckSize 10000000",
        "SetPeerBandwidth 10000000 2",
        "SetChunkSize 65536",
        "[0] _result 1 NetConnection.Connect.Success",
        "[0] _result 2 Null",
        "[0] onFCPublish 0 NetStream.Publish.Start",
        "[0] _result 3 Null",
        "[0] _result 4 Number(1.0)",
        "StreamBegin 1",
        "[1] status NetStream.Publish.Start",
        "[0] onFCUnpublish 0 NetStream.Unpublish.Success",
        "[0] _result 6 Null",
        "[1] status NetStream.Unpublish.Success",
    ];
    assert_eq!(received, expected);
    let Event::Publish { name, mode, .. } = &events[1] else { panic!("{events:?}") };
    assert_eq!((name, *mode), (&"cam".into(), PublishMode::Live));
    let tags = tags(&events);
    assert!(tags[0].2.starts_with(b"\x02\x00\x0aonMetaData\x08"));
    let heads: Vec<(TagKind, u32, &[u8])> = tags[1..].iter().map(|tag| (tag.0, tag.1, &tag.2[..2])).collect();
    use TagKind::{Audio, Video};
    assert_eq!(heads[..3], [(Audio, 0, &[0xaf, 0][..]), (Video, 0, &[0x17, 0]), (Video, 0, &[0x17, 1])]);
    assert_eq!(events.last(), Some(&Event::Unpublish { stream: ONE }));
}

#[test]
fn a_publishers_input_cut_at_every_byte_means_the_same() {
    for opening in [obs(), ffmpeg(), gstreamer()] {
        let pieces: Vec<&[u8]> = opening.iter().map(Vec::as_slice).collect();
        let (expected, _) = run(&pieces);
        for (at, piece) in pieces.iter().enumerate() {
            for cut in 0..=piece.len() {
                let mut cut_up = pieces.clone();
                let (front, back) = piece.split_at(cut);
                cut_up.splice(at..=at, [front, back]);
                let (events, _) = run(&cut_up);
                assert!(events == expected, "piece {at} cut at {cut}: {events:?}");
            }
        }
    }
}

#[test]
fn a_picture_and_a_sound_in_interleaved_chunks_come_out_as_each_is_whole() {
    let mut pair = Pair::publishing();
    let mut out = Publisher::new(128);
    let picture = out.chunks(6, 9, 1, 40, &KEY);
    let sound = out.chunks(4, 8, 1, 33, &[0x2f; 200]);
    assert_eq!((picture.len(), sound.len()), (3, 2));
    for chunk in [&picture[0], &sound[0], &picture[1], &sound[1], &picture[2]] {
        pair.send(chunk);
    }
    let tags = pair.published();
    assert_eq!((tags[0].kind, tags[0].timestamp, tags[0].body.len()), (TagKind::Audio, ms(33), 200));
    assert_eq!((tags[1].kind, tags[1].timestamp, &tags[1].body[..]), (TagKind::Video, ms(40), &KEY[..]));
}

#[test]
fn a_published_tag_takes_no_more_memory_than_it_has_bytes() {
    let mut pair = Pair::publishing();
    let mut out = Publisher::new(128);
    for piece in out.message(6, 9, 1, 40, &[&KEY[..], &[1; 33_000]].concat()).chunks(1000) {
        pair.send(piece);
    }
    let body = pair.published().remove(0).body;
    let len = body.len();
    assert_eq!(Vec::from(body).capacity(), len);
}

#[test]
fn aggregates_come_apart_with_their_own_times() {
    let mut pair = Pair::publishing();
    let mut aggregate = Vec::new();
    for tag in [sorenson(1000, true), mp3(990), Tag { body: Bytes::new(), ..mp3(1000) }, mp3(1016)] {
        tag.encode_into(&mut aggregate);
    }
    Tag { kind: TagKind::Script, timestamp: ms(1020), body: metadata().into() }.encode_into(&mut aggregate);
    pair.send(&Publisher::new(128).message(4, 22, 1, 70_000, &aggregate));
    let tags = pair.published();
    assert_eq!(tags[..3], [sorenson(70_000, true), mp3(69_990), mp3(70_016)]);
    assert_eq!((tags[3].kind, tags[3].timestamp), (TagKind::Script, ms(70_020)));
    assert!(tags[3].body.starts_with(b"\x02\x00\x0aonMetaData"));
}

#[test]
fn times_are_handed_out_as_they_come() {
    let mut pair = Pair::publishing();
    let mut out = Publisher::new(128);
    let times = [5, 0xff_ffff, 0xffff_ff00, 0xffff_ffff, 40, 20, 0];
    for at in times {
        pair.send(&out.message(4, 8, 1, at, &[0x2f, 1]));
    }
    assert_eq!(pair.published().iter().map(|tag| tag.timestamp.as_millis()).collect::<Vec<_>>(), times);
    // Deltas wrap.
    let mut bytes = vec![7, 0xff, 0xff, 0xff, 0, 0, 1, 8, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xf0, 1];
    bytes.extend([0x87, 0, 0, 0x20, 1]);
    pair.send(&bytes);
    assert_eq!(pair.published()[1].timestamp, ms(0x10));
}

#[test]
fn empty_messages_and_other_peoples_streams_are_ignored() {
    let mut pair = Pair::publishing();
    pair.send(&command(0, "createStream", 5.0, &[]));
    for type_id in [8, 9, 15, 18, 22] {
        pair.send(&message(4, type_id, 1, vec![]));
        for stream in [0, 2, 3, u32::MAX] {
            pair.send(&message(4, type_id, stream, vec![0x2f, 1]));
        }
    }
    // Nor is anything taken before the driver has said yes.
    pair.send(&command(2, "publish", 5.0, &["other".into()]));
    pair.send(&message(4, 8, 2, vec![0x2f, 1]));
    assert!(matches!(pair.events()[..], [Event::Publish { .. }]));
    pair.session.publish_started(StreamId::new(2), pair.now).unwrap();
    pair.send(&message(4, 8, 2, vec![0x2f, 1]));
    assert!(matches!(pair.events()[..], [Event::Published { .. }]));
}

#[test]
fn a_publisher_says_once_that_it_is_done_in_any_of_three_ways() {
    let fc_unpublish = command(0, "FCUnpublish", 6.0, &["cam".into()]);
    let close = command(1, "closeStream", 0.0, &[]);
    let delete = command(0, "deleteStream", 7.0, &[1.0.into()]);
    for (first, answers) in [
        (&fc_unpublish, &["[0] onFCUnpublish 0 NetStream.Unpublish.Success", "[0] _result 6 Null"][..]),
        (&close, &[]),
        (&delete, &[]),
    ] {
        let mut pair = Pair::publishing();
        pair.send(&message(4, 8, 1, vec![0x2f, 1]));
        pair.send(first);
        let mut received = pair.received();
        assert_eq!(received.pop().unwrap(), "[1] status NetStream.Unpublish.Success");
        assert_eq!(received, answers);
        pair.send(&[&fc_unpublish[..], &close, &delete].concat());
        pair.send(&message(4, 8, 1, vec![0x2f, 1]));
        assert!(matches!(pair.events()[..], [Event::Published { .. }, Event::Unpublish { stream: ONE }]));
    }
}

#[test]
fn fc_unpublish_means_the_stream_of_its_name_with_or_without_secret() {
    let mut pair = Pair::connected();
    pair.send(&command(1, "publish", 5.0, &["cam?key=secret".into()]));
    pair.send(&command(0, "FCUnpublish", 0.0, &["other".into()]));
    assert!(matches!(pair.events()[..], [Event::Publish { .. }]));
    pair.session.publish_started(ONE, pair.now).unwrap();
    pair.send(&command(0, "FCUnpublish", 0.0, &["cam".into()]));
    assert_eq!(pair.events(), [Event::Unpublish { stream: ONE }]);
}

#[test]
fn a_publisher_is_refused_in_words_that_obs_understands() {
    for (error, expected) in [
        (PublishError::Denied, "[1] error NetStream.Publish.Denied"),
        (PublishError::BadName, "[1] error NetStream.Publish.BadName"),
    ] {
        let mut pair = Pair::connected();
        pair.send(&command(1, "publish", 5.0, &[Value::from("cam"), Value::from("record")]));
        let mode = PublishMode::Record;
        assert_eq!(pair.events(), [Event::Publish { stream: ONE, name: "cam".into(), mode }]);
        pair.session.publish_denied(ONE, error, "publishing is not set up").unwrap();
        assert_eq!(pair.received(), [expected]);
        // What it sends nevertheless is of no interest, and it may try again.
        pair.send(&message(4, 9, 1, vec![0x17, 0]));
        pair.session.publish_started(ONE, pair.now).unwrap();
        assert!(pair.received().is_empty() && pair.events().is_empty());
        pair.send(&command(1, "publish", 5.0, &["cam2".into()]));
        assert!(matches!(pair.events()[..], [Event::Publish { .. }]));
    }
}

#[test]
fn a_name_that_cannot_be_one_is_refused_without_asking() {
    for name in [String::new(), "x".repeat(5000)] {
        let mut pair = Pair::connected();
        pair.send(&command(1, "publish", 5.0, &[name.into()]));
        assert_eq!(pair.received(), ["[1] error NetStream.Publish.BadName"]);
        assert!(pair.events().is_empty());
    }
}

#[test]
fn a_publisher_can_be_sent_away_later() {
    let mut pair = Pair::publishing();
    pair.session.publish_denied(ONE, PublishError::BadName, "published from elsewhere now").unwrap();
    assert_eq!(pair.received(), ["[1] error NetStream.Publish.BadName"]);
    pair.send(&message(4, 9, 1, vec![0x17, 0]));
    pair.send(&command(0, "deleteStream", 0.0, &[1.0.into()]));
    assert!(pair.events().is_empty() && pair.received().is_empty());
}

#[test]
fn publish_and_play_on_one_stream_end_each_other() {
    let mut pair = Pair::publishing();
    pair.send(&command(1, "play", 0.0, &["movie".into()]));
    assert!(matches!(pair.events()[..], [Event::Unpublish { .. }, Event::Play { .. }]));
    pair.session.publish_started(ONE, pair.now).unwrap();
    pair.session.play_started(ONE, Default::default()).unwrap();
    pair.send(&message(4, 9, 1, vec![0x17, 0]));
    assert!(pair.events().is_empty());
    pair.send(&command(1, "publish", 0.0, &["cam".into(), "append".into()]));
    assert!(matches!(
        pair.events()[..],
        [Event::StopStream { .. }, Event::Publish { mode: PublishMode::Append, .. }]
    ));
    pair.send(&command(1, "publish", 0.0, &["cam2".into()]));
    assert!(matches!(pair.events()[..], [Event::Unpublish { .. }, Event::Publish { .. }]));
}

#[test]
fn a_publisher_is_not_idle_and_is_told_when_the_server_goes_down() {
    let mut pair = Pair::publishing();
    pair.now += 2 * IDLE_TIMEOUT;
    pair.session.handle_timeout(pair.now).unwrap();
    pair.received();
    pair.session.shutdown("bye").unwrap();
    assert_eq!(
        pair.received(),
        ["[1] status NetStream.Unpublish.Success", "[0] error NetConnection.Connect.AppShutdown"]
    );
}

#[test]
fn a_publisher_hears_what_becomes_of_its_recording() {
    let mut pair = Pair::publishing();
    for (status, line) in [
        (RecordStatus::Start, "[1] status NetStream.Record.Start"),
        (RecordStatus::Stop, "[1] status NetStream.Record.Stop"),
        (RecordStatus::Failed, "[1] error NetStream.Record.Failed"),
        (RecordStatus::NoAccess, "[1] error NetStream.Record.NoAccess"),
    ] {
        pair.session.record_status(ONE, status, "the reason").unwrap();
        assert_eq!(pair.received(), [line]);
    }
    // One that has gone meanwhile.
    pair.session.record_status(StreamId::new(7), RecordStatus::Stop, "the reason").unwrap();
    assert_eq!(pair.received(), [""; 0]);
}
