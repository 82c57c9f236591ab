//! Watching a live stream: joining, pausing, seeking, a publisher that goes and comes back.

#![allow(clippy::unwrap_used)]

use super::super::{PlayStart, Sent};
use super::client::*;
use crate::amf0::Value;
use crate::flv::Tag;
use crate::limits::{OUT_CHUNK_SIZE, RTMP_OUTPUT_HIGH_WATER};
use crate::rtmp::event::{Event, ResumeAt, StreamId};
use crate::rtmp::{Demand, SharedRecord};

fn record(tag: Tag) -> SharedRecord {
    SharedRecord::new(tag)
}

/// A picture of that many bytes.
fn picture(at: u32, len: usize) -> Tag {
    Tag { body: [&[0x12][..], &vec![7; len - 1]].concat().into(), ..sorenson(at, true) }
}

fn live_start() -> PlayStart {
    PlayStart { details: "cam".into(), reset: true, live: true, ..PlayStart::default() }
}

#[test]
fn a_live_play_is_announced_without_being_recorded() {
    let mut pair = Pair::connected();
    pair.send(&command(1, "play", 0.0, &[Value::from("cam"), Value::from(-1000.0)]));
    pair.events();
    pair.session.play_started(ONE, live_start()).unwrap();
    assert_eq!(
        pair.received(),
        [
            "StreamBegin 1",
            "[1] status NetStream.Play.Reset",
            "[1] status NetStream.Play.Start",
            "[1] data |RtmpSampleAccess",
        ]
    );
}

#[test]
fn records_go_out_as_they_come_without_a_pace() {
    let mut pair = Pair::watching();
    for at in (0..600_000).step_by(10_000) {
        assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::SendNow);
        assert_eq!(pair.session.send_record(ONE, &record(sorenson(at, true))), Ok(Sent::Queued));
    }
    let lines = pair.received();
    assert_eq!(lines.len(), 60);
    assert_eq!(lines[59], "[1] video 590.000s 4 B");
}

#[test]
fn records_arrive_as_tags_do_at_any_time_of_any_size_on_any_stream() {
    for stream in [1, 2] {
        for at in [0, 0xff_fffe, 0xff_ffff, 0x0100_0000, u32::MAX] {
            for len in [1, 100, OUT_CHUNK_SIZE, OUT_CHUNK_SIZE + 1, 3 * OUT_CHUNK_SIZE + 7] {
                let id = StreamId::new(stream);
                let mut lines = Vec::new();
                for shared in [true, false] {
                    let mut pair = Pair::connected();
                    pair.send(&command(0, "createStream", 5.0, &[]));
                    pair.send(&command(stream, "play", 0.0, &[Value::from("cam")]));
                    pair.session.play_started(id, live_start()).unwrap();
                    pair.received();
                    let tag = picture(at, len);
                    let sent = match shared {
                        true => pair.session.send_record(id, &record(tag)),
                        false => pair.session.send_tag(id, &tag),
                    };
                    assert_eq!(sent, Ok(Sent::Queued));
                    lines.push(pair.received());
                }
                assert_eq!(lines[0], [format!("[{stream}] video {} {len} B", ms(at))]);
                assert_eq!(lines[0], lines[1]);
            }
        }
    }
}

#[test]
fn a_pause_holds_records_and_ends_at_the_live_edge() {
    let mut pair = Pair::watching();
    pair.send(&command(1, "pause", 0.0, &[true.into(), 5000.0.into()]));
    assert_eq!(pair.events(), [Event::Pause { stream: ONE, position: ms(5000) }]);
    assert_eq!(pair.received(), ["[1] status NetStream.Pause.Notify", "StreamEOF 1"]);
    assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::Idle);
    for tag in [avc_header(0), sorenson(0, true), mp3(0)] {
        assert_eq!(pair.session.send_record(ONE, &record(tag)), Ok(Sent::NotNow));
    }
    pair.send(&command(1, "pause", 0.0, &[false.into(), 5000.0.into()]));
    assert_eq!(pair.events(), [Event::Resume { stream: ONE, at: ResumeAt::LiveEdge }]);
    assert_eq!(pair.received(), ["StreamBegin 1", "[1] status NetStream.Unpause.Notify"]);
    assert_eq!(pair.session.send_record(ONE, &record(sorenson(90_000, true))), Ok(Sent::Queued));
}

#[test]
fn a_seek_is_answered_at_once_and_changes_nothing() {
    let mut pair = Pair::watching();
    pair.send(&command(1, "seek", 0.0, &[90_000.0.into()]));
    assert_eq!(pair.received(), ["[1] status NetStream.Seek.Notify"]);
    assert!(pair.events().is_empty());
    assert_eq!(pair.session.send_record(ONE, &record(mp3(40))), Ok(Sent::Queued));
    // And one that comes before the answer to play.
    let mut pair = Pair::connected();
    pair.send(&command(1, "play", 0.0, &[Value::from("cam")]));
    pair.send(&command(1, "seek", 0.0, &[90_000.0.into()]));
    pair.session.play_started(ONE, live_start()).unwrap();
    assert_eq!(pair.received().last().unwrap(), "[1] status NetStream.Seek.Notify");
    assert!(matches!(pair.events()[..], [Event::Play { .. }]));
}

#[test]
fn sound_and_pictures_are_left_out_on_request() {
    let mut pair = Pair::watching();
    pair.send(&command(1, "receiveVideo", 0.0, &[false.into()]));
    pair.send(&command(1, "receiveAudio", 0.0, &[false.into()]));
    let send = |pair: &mut Pair, tag| pair.session.send_record(ONE, &record(tag)).unwrap();
    assert_eq!(send(&mut pair, sorenson(0, true)), Sent::Filtered);
    assert_eq!(send(&mut pair, mp3(0)), Sent::Filtered);
    assert_eq!(send(&mut pair, avc_header(0)), Sent::Queued);
    pair.send(&command(1, "receiveVideo", 0.0, &[true.into()]));
    assert_eq!(send(&mut pair, sorenson(40, false)), Sent::Filtered);
    assert_eq!(send(&mut pair, sorenson(80, true)), Sent::Queued);
    assert_eq!(send(&mut pair, sorenson(120, false)), Sent::Queued);
}

#[test]
fn a_viewer_who_does_not_read_is_told_to_wait_and_keeps_its_place() {
    let mut pair = Pair::watching();
    let frame = record(picture(0, 100_000));
    let mut queued = 0;
    while pair.session.send_record(ONE, &frame).unwrap() == Sent::Queued {
        queued += 1;
    }
    assert_eq!(queued, 3);
    assert!(pair.session.buffered_output() <= RTMP_OUTPUT_HIGH_WATER + frame.wire_len());
    assert_eq!(pair.session.media_demand(ONE, pair.now), Demand::Idle);
    assert_eq!(pair.received().len(), queued);
    assert_eq!(pair.session.send_record(ONE, &frame), Ok(Sent::Queued));
}

#[test]
fn a_publisher_may_go_and_come_back() {
    let mut pair = Pair::watching();
    pair.session.unpublish_notify(ONE, "cam").unwrap();
    assert_eq!(pair.received(), ["[1] status NetStream.Play.UnpublishNotify"]);
    pair.session.publish_notify(ONE).unwrap();
    pair.session.send_record(ONE, &record(avc_header(0))).unwrap();
    assert_eq!(pair.received(), ["[1] status NetStream.Play.PublishNotify", "[1] video 0.000s 6 B"]);
}

#[test]
fn the_end_of_a_live_stream_is_told_in_every_clients_words() {
    let mut pair = Pair::watching();
    pair.session.finish_live(ONE).unwrap();
    assert_eq!(
        pair.received(),
        ["[1] status NetStream.Play.UnpublishNotify", "StreamEOF 1", "[1] status NetStream.Play.Stop"]
    );
    pair.session.finish_live(ONE).unwrap();
    pair.session.unpublish_notify(ONE, "cam").unwrap();
    pair.session.publish_notify(ONE).unwrap();
    assert!(pair.received().is_empty());
    assert_eq!(pair.session.send_record(ONE, &record(mp3(0))), Ok(Sent::NotNow));
    // The next play on the same stream is a recorded one, with everything that belongs to it.
    pair.play(&[]);
    pair.send(&command(1, "seek", 0.0, &[9000.0.into()]));
    assert!(matches!(pair.events()[..], [Event::Seek { .. }]));
}

#[test]
fn a_length_counts_from_the_first_frame_of_a_live_stream() {
    let mut pair = Pair::connected();
    let arguments = [Value::from("cam"), Value::from(-1000.0), Value::from(2000.0)];
    pair.send(&command(1, "play", 0.0, &arguments));
    pair.events();
    pair.session.play_started(ONE, live_start()).unwrap();
    for (at, expected) in [(50_000, Sent::Queued), (52_000, Sent::Queued), (52_001, Sent::Ended)] {
        assert_eq!(pair.session.send_record(ONE, &record(sorenson(at, true))), Ok(expected), "{at}");
    }
    assert_eq!(pair.events(), [Event::LengthReached { stream: ONE }]);
    assert_eq!(pair.received().last().unwrap(), "[1] status NetStream.Play.Stop");
}
