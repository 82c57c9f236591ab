//! The sequences of messages in play, pause, seek and at the end.

#![allow(clippy::unwrap_used)]

use super::super::{PlayStart, Sent};
use super::client::*;
use crate::amf0::{Properties, Value, encode_to_bytes};
use crate::flv::{Tag, TagKind};
use crate::limits::{MAX_TAG_BODY, RTMP_OUTPUT_HIGH_WATER};
use crate::rtmp::command::Start;
use crate::rtmp::event::{Event, ResumeAt};
use crate::rtmp::playback::Demand;
use crate::rtmp::status::{MediaInfo, PlayError};
use std::time::Duration;

const SEEK_DONE: [&str; 6] = [
    "StreamEOF 1",
    "StreamIsRecorded 1",
    "StreamBegin 1",
    "[1] status NetStream.Seek.Notify",
    "[1] status NetStream.Play.Start",
    "[1] data |RtmpSampleAccess",
];

fn seek(to: u32) -> Vec<u8> {
    command(1, "seek", 0.0, &[Value::from(to)])
}

fn pause(mode: Value, at: u32) -> Vec<u8> {
    command(1, "pause", 0.0, &[mode, Value::from(at)])
}

/// Sends frames of 40 ms as long as they are due; returns the next one's time.
fn send_due(pair: &mut Pair, mut next: u32) -> u32 {
    while pair.session.media_demand(ONE, pair.now) == Demand::SendNow {
        assert_eq!(
            pair.session.send_tag(ONE, &sorenson(next, next.is_multiple_of(1000))).unwrap(),
            Sent::Queued
        );
        pair.received();
        next += 40;
    }
    next
}

#[test]
fn a_play_is_told_recorded_begin_reset_start_and_metadata() {
    let mut pair = Pair::connected();
    pair.send(&command(1, "play", 4.0, &[Value::from("movie"), Value::from(-2000.0)]));
    let event =
        Event::Play { stream: ONE, name: "movie".into(), start: Start::Any, length: None, reset: true };
    assert_eq!(pair.events(), [event]);
    let info = Properties::new().with("duration", 12.5).into_ecma_array();
    let body = encode_to_bytes(&[Value::from_static("onMetaData"), info]);
    let metadata = Some(Tag { kind: TagKind::Script, timestamp: ms(0), body });
    pair.session
        .play_started(ONE, PlayStart { details: "movie".into(), metadata, reset: true, live: false })
        .unwrap();
    pair.session.send_tag(ONE, &avc_header(0)).unwrap();
    pair.session.send_tag(ONE, &sorenson(0, true)).unwrap();
    assert_eq!(
        pair.received(),
        [
            "StreamIsRecorded 1",
            "StreamBegin 1",
            "[1] status NetStream.Play.Reset",
            "[1] status NetStream.Play.Start",
            "[1] data |RtmpSampleAccess",
            "[1] data onMetaData",
            "[1] video 0.000s 6 B",
            "[1] video 0.000s 4 B",
        ]
    );
}

#[test]
fn a_play_that_fails_says_so_in_every_clients_words() {
    let mut pair = Pair::connected();
    pair.send(&command(1, "play", 4.0, &[Value::from("nothing")]));
    pair.session.play_failed(ONE, PlayError::NotFound, "no such file").unwrap();
    let not_found = ["[1] error NetStream.Play.StreamNotFound", "[1] error NetStream.Error"];
    assert_eq!(pair.received(), not_found);
    pair.send(&command(1, "play", 4.0, &[Value::from("a.txt")]));
    pair.session.play_failed(ONE, PlayError::NotMedia, "a text").unwrap();
    assert_eq!(pair.received()[0], "[1] error NetStream.Play.Failed");
    // Too late: nothing plays any more.
    pair.session.play_started(ONE, PlayStart::default()).unwrap();
    assert!(pair.received().is_empty());
}

#[test]
fn media_is_paced_by_the_clients_buffer() {
    let mut pair = Pair::playing();
    pair.send(&user_control(3, &[1, 5000]));
    assert_eq!(pair.events(), [Event::BufferLength { stream: ONE, length: Duration::from_secs(5) }]);
    let next = send_due(&mut pair, 0);
    assert_eq!(next, 6080);
    pair.wait(2.0);
    assert_eq!(send_due(&mut pair, next), 8080);
}

#[test]
fn a_socket_that_takes_nothing_stops_the_media() {
    let mut pair = Pair::playing();
    let big = Tag { body: vec![0x22; 100_000].into(), ..sorenson(0, false) };
    let mut sent = 0;
    while pair.session.media_demand(ONE, pair.now) == Demand::SendNow {
        pair.session.send_tag(ONE, &big).unwrap();
        sent += 1;
        assert!(sent < 10);
    }
    assert!(pair.session.buffered_output() > RTMP_OUTPUT_HIGH_WATER);
    pair.received();
    assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::SendNow);
}

#[test]
fn a_tag_larger_than_any_reader_takes_is_our_own_fault() {
    let mut pair = Pair::playing();
    let huge = Tag { body: vec![0; MAX_TAG_BODY + 1].into(), ..sorenson(0, false) };
    assert!(pair.session.send_tag(ONE, &huge).is_err());
}

#[test]
fn a_pause_is_notified_and_the_stream_stands() {
    let mut pair = Pair::playing();
    let next = send_due(&mut pair, 0);
    pair.send(&pause(true.into(), 1000));
    assert_eq!(pair.received(), ["[1] status NetStream.Pause.Notify", "StreamEOF 1"]);
    assert_eq!(pair.events(), [Event::Pause { stream: ONE, position: ms(1000) }]);
    assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::Idle);
    assert_eq!(pair.session.send_tag(ONE, &mp3(next)).unwrap(), Sent::NotNow);

    pair.wait(1000.0);
    pair.send(&pause(false.into(), 1000));
    assert_eq!(pair.received(), ["StreamBegin 1", "[1] status NetStream.Unpause.Notify"]);
    assert_eq!(pair.events(), [Event::Resume { stream: ONE, at: ResumeAt::WhereStopped }]);
    assert!(send_due(&mut pair, next) < next + 1200);
}

#[test]
fn a_pause_without_mode_toggles_as_the_2007_player_wants() {
    let mut pair = Pair::playing();
    for expected in ["[1] status NetStream.Pause.Notify", "[1] status NetStream.Unpause.Notify"] {
        pair.send(&pause(Value::Null, 0));
        assert!(pair.received().contains(&expected.to_owned()));
    }
}

#[test]
fn an_old_flash_player_gets_its_emptied_buffer_again() {
    let mut pair = Pair::connected_as("WII 7,0,70,0");
    pair.play(&[]);
    send_due(&mut pair, 0);
    pair.send(&pause(true.into(), 1500));
    pair.send(&pause(false.into(), 1500));
    let resume = Event::Resume { stream: ONE, at: ResumeAt::Position(ms(1500)) };
    assert_eq!(pair.events()[1], resume);
    assert_eq!(send_due(&mut pair, 1000), 1000 + 4080);
}

#[test]
fn librtmps_pause_and_unpause_to_drain_its_buffer_leave_the_stream_running() {
    let mut pair = Pair::playing();
    let next = send_due(&mut pair, 0);
    pair.send(&[pause(true.into(), next - 40), pause(false.into(), next - 40)].concat());
    assert_eq!(
        pair.received(),
        [
            "[1] status NetStream.Pause.Notify",
            "StreamEOF 1",
            "StreamBegin 1",
            "[1] status NetStream.Unpause.Notify",
        ]
    );
    assert!(send_due(&mut pair, next) > next);
}

#[test]
fn a_seek_is_told_eof_recorded_begin_notify_start() {
    let mut pair = Pair::playing();
    send_due(&mut pair, 0);
    pair.send(&seek(60_500));
    assert_eq!(pair.events(), [Event::Seek { stream: ONE, target: ms(60_500) }]);
    assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::Idle);
    assert_eq!(pair.session.send_tag(ONE, &mp3(4000)).unwrap(), Sent::NotNow);
    pair.session.seek_done(ONE, ms(60_000)).unwrap();
    assert_eq!(pair.received(), SEEK_DONE);
    assert_eq!(send_due(&mut pair, 60_000), 64_080);
}

#[test]
fn a_seek_that_waits_says_how_long_and_never_errs() {
    let mut pair = Pair::playing();
    pair.send(&seek(600_000));
    let media = MediaInfo {
        total: Some(ms(7_200_000)),
        available: ms(90_000),
        target: Some(ms(600_000)),
        eta: Some(Duration::from_secs(12)),
    };
    pair.session.seek_pending(ONE, &media).unwrap();
    assert_eq!(pair.received(), ["[1] status Server.Media.Info", "[1] data onSeekPending"]);
    pair.session.seek_done(ONE, ms(598_000)).unwrap();
    // Late news of a seek that is over.
    pair.session.seek_pending(ONE, &media).unwrap();
    assert_eq!(pair.received(), SEEK_DONE);
}

#[test]
fn several_seeks_collapse_to_the_last() {
    let mut pair = Pair::playing();
    pair.send(&[seek(1000), seek(2000), seek(3000)].concat());
    assert_eq!(pair.events(), [Event::Seek { stream: ONE, target: ms(3000) }]);
    pair.send(&seek(4000));
    assert_eq!(pair.events(), [Event::Seek { stream: ONE, target: ms(4000) }]);
    pair.session.seek_done(ONE, ms(4000)).unwrap();
    pair.session.seek_done(ONE, ms(4000)).unwrap();
    assert_eq!(pair.received(), SEEK_DONE);
}

#[test]
fn a_seek_while_paused_shows_one_picture_and_stays_paused() {
    let mut pair = Pair::playing();
    send_due(&mut pair, 0);
    pair.send(&[pause(true.into(), 1000), seek(60_000)].concat());
    pair.events();
    pair.session.seek_done(ONE, ms(60_000)).unwrap();
    pair.received();
    assert_eq!(pair.session.send_tag(ONE, &avc_header(60_000)).unwrap(), Sent::Queued);
    assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::SendNow);
    assert_eq!(pair.session.send_tag(ONE, &sorenson(60_000, true)).unwrap(), Sent::Queued);
    assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::Idle);
    assert_eq!(pair.session.send_tag(ONE, &sorenson(60_040, false)).unwrap(), Sent::NotNow);
    assert_eq!(pair.received(), ["[1] video 60.000s 6 B", "[1] video 60.000s 4 B"]);
    pair.send(&pause(false.into(), 60_000));
    assert_eq!(send_due(&mut pair, 60_040), 64_080);
}

#[test]
fn a_seek_while_paused_without_pictures_tells_the_time_by_an_empty_message() {
    let mut pair = Pair::playing();
    pair.session.send_tag(ONE, &mp3(0)).unwrap();
    pair.send(&[pause(true.into(), 0), seek(60_000)].concat());
    pair.session.seek_done(ONE, ms(60_000)).unwrap();
    pair.received();
    assert_eq!(pair.session.send_tag(ONE, &mp3(60_000)).unwrap(), Sent::NotNow);
    assert_eq!(pair.received(), ["[1] audio 60.000s 0 B"]);
    assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::Idle);
}

#[test]
fn a_seek_before_the_play_has_started_is_raised_after_it() {
    let mut pair = Pair::connected();
    pair.send(&[command(1, "play", 0.0, &[Value::from("movie")]), seek(5000)].concat());
    assert_eq!(pair.events().len(), 1);
    pair.session.play_started(ONE, PlayStart::default()).unwrap();
    assert_eq!(pair.events(), [Event::Seek { stream: ONE, target: ms(5000) }]);
    pair.received();
    pair.session.seek_done(ONE, ms(5000)).unwrap();
    assert_eq!(pair.received(), SEEK_DONE);
}

#[test]
fn the_end_is_told_in_every_clients_words_and_can_be_sought_back_from() {
    let mut pair = Pair::playing();
    pair.session.finish(ONE, ms(12_500), 99).unwrap();
    let end = ["[1] data onPlayStatus", "StreamEOF 1", "[1] status NetStream.Play.Stop"];
    assert_eq!(pair.received(), end);
    assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::Idle);
    pair.send(&seek(0));
    assert_eq!(pair.events(), [Event::Seek { stream: ONE, target: ms(0) }]);
    pair.session.seek_done(ONE, ms(0)).unwrap();
    pair.received();
    assert_eq!(send_due(&mut pair, 0), 4080);
}

#[test]
fn a_seek_that_waits_when_the_media_ends_is_answered_first() {
    let mut pair = Pair::playing();
    pair.send(&seek(60_000));
    pair.session.stream_failed(ONE, "the file is broken at 00:31").unwrap();
    assert_eq!(
        pair.received(),
        [
            "[1] status NetStream.Seek.Notify",
            "[1] error NetStream.Play.Failed",
            "[1] error NetStream.Error",
            "StreamEOF 1",
            "[1] status NetStream.Play.Stop",
        ]
    );
}

#[test]
fn the_length_asked_for_ends_the_stream() {
    // rtmpdump --start 7 --stop 9.
    let mut pair = Pair::connected();
    pair.play(&[Value::from(7000.0), Value::from(2000.0)]);
    for at in (6000..=9000).step_by(1000) {
        assert_eq!(pair.session.send_tag(ONE, &sorenson(at, true)).unwrap(), Sent::Queued);
    }
    pair.received();
    assert_eq!(pair.session.send_tag(ONE, &sorenson(9040, true)).unwrap(), Sent::Ended);
    let end = ["[1] data onPlayStatus", "StreamEOF 1", "[1] status NetStream.Play.Stop"];
    assert_eq!(pair.received(), end);
    assert_eq!(pair.events(), [Event::LengthReached { stream: ONE }]);
}

#[test]
fn a_new_play_stops_the_one_before_it() {
    let mut pair = Pair::playing();
    pair.send(&command(1, "play", 0.0, &[Value::from("other")]));
    let events = pair.events();
    assert_eq!(events[0], Event::StopStream { stream: ONE });
    assert!(matches!(&events[1], Event::Play { name, .. } if name == "other"));
}

#[test]
fn streams_are_closed_in_all_the_ways_clients_do_it() {
    for close in [
        command(1, "closeStream", 0.0, &[]),
        command(0, "deleteStream", 0.0, &[Value::from(1.0)]),
        command(1, "deleteStream", 0.0, &[]),
        command(1, "play", 0.0, &[Value::from(false)]),
    ] {
        let mut pair = Pair::playing();
        pair.send(&close);
        assert_eq!(pair.events(), [Event::StopStream { stream: ONE }]);
        assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::Idle);
        pair.send(&close);
        assert_eq!(pair.events(), []);
    }
}

#[test]
fn sound_and_pictures_can_be_switched_off_and_on() {
    let mut pair = Pair::playing();
    let receive = |kind: &str, on: bool| command(1, kind, 0.0, &[Value::from(on)]);
    pair.send(&receive("receiveAudio", false));
    assert_eq!(pair.received(), Vec::<String>::new());
    assert_eq!(pair.session.send_tag(ONE, &mp3(0)).unwrap(), Sent::Filtered);
    pair.send(&receive("receiveAudio", true));
    assert_eq!(pair.received(), ["[1] status NetStream.Seek.Notify", "[1] status NetStream.Play.Start"]);
    assert_eq!(pair.session.send_tag(ONE, &mp3(0)).unwrap(), Sent::Queued);
    assert_eq!(pair.events().len(), 2);
}

#[test]
fn media_info_is_told_on_the_stream() {
    let mut pair = Pair::playing();
    pair.session.media_info(ONE, &MediaInfo { available: ms(1000), ..MediaInfo::default() }).unwrap();
    assert_eq!(pair.received(), ["[1] status Server.Media.Info"]);
}

#[test]
fn a_shutdown_tells_every_player_and_closes() {
    let mut pair = Pair::playing();
    pair.session.shutdown("the box is restarting").unwrap();
    assert_eq!(
        pair.received(),
        [
            "[1] status NetStream.Play.UnpublishNotify",
            "StreamEOF 1",
            "[1] status NetStream.Play.Stop",
            "[0] error NetConnection.Connect.AppShutdown",
        ]
    );
    assert!(pair.session.wants_close());
    pair.send(b"anything");
}
