//! What goes in by lane comes out in order of time.

use super::*;

const SKEW_NS: i64 = limits::INTERLEAVE_SKEW.as_nanos() as i64;
use crate::flv::codec::VideoHeader;
use proptest::prelude::*;

fn unit(lane: Lane, dts_ms: i64, pts_ms: i64) -> Unit {
    let codec = codec_of(lane);
    let body = vec![0; codec.body_header_len() + 3];
    Unit { codec, keyframe: dts_ms == 0, pts_ns: pts_ms * NS_PER_MS, dts_ns: dts_ms * NS_PER_MS, body }
}

fn codec_of(lane: Lane) -> Codec {
    match lane {
        Lane::Video => Codec::H264,
        Lane::Audio => Codec::Aac,
    }
}

fn video(dts_ms: i64) -> Unit {
    unit(Lane::Video, dts_ms, dts_ms)
}

fn audio(dts_ms: i64) -> Unit {
    unit(Lane::Audio, dts_ms, dts_ms)
}

fn drain(interleaver: &mut Interleaver) -> Vec<(TagKind, u32)> {
    std::iter::from_fn(|| interleaver.pop()).map(|tag| (tag.kind, tag.timestamp.as_millis())).collect()
}

use TagKind::{Audio as A, Video as V};

#[test]
fn a_picture_that_comes_late_is_waited_for_from_then_on() {
    // Four seconds late, as on a machine that hardly manages: longer than the stream allows to step back.
    const LATE: i64 = 4000;
    let mut lanes = Interleaver::live(Lead::Given(0), limits::LIVE_SKEW);
    let mut out = Vec::new();
    for at in (0..60_000).step_by(20) {
        lanes.push_unit(audio(at));
        if at >= LATE && at % 200 == 0 {
            lanes.push_unit(video(at - LATE));
        }
        out.extend(drain(&mut lanes));
    }
    let back = |out: &[(TagKind, u32)]| {
        out.windows(2).map(|two| two[0].1.saturating_sub(two[1].1)).max().unwrap_or(0)
    };
    assert!(back(&out) <= limits::LIVE_LATE.as_millis() as u32, "{}", back(&out));
    let settled = &out[out.len() / 4..];
    assert_eq!(back(settled), 0, "sound waits for its picture");
    let pictures: Vec<_> = settled.iter().filter(|(kind, _)| *kind == V).map(|(_, ms)| *ms).collect();
    assert!(pictures.windows(2).all(|two| two[1] - two[0] == 200), "{pictures:?}");
}

#[test]
fn a_picture_that_is_later_than_anybody_waits_moves_no_clock() {
    let mut lanes = Interleaver::live(Lead::Given(0), limits::LIVE_SKEW);
    let mut high = 0;
    for at in (0..90_000).step_by(20) {
        lanes.push_unit(audio(at));
        if at >= 20_000 && at % 200 == 0 {
            lanes.push_unit(video(at - 20_000));
        }
        for (_, ms) in drain(&mut lanes) {
            assert!(ms + limits::LIVE_LATE.as_millis() as u32 >= high, "{ms} after {high}");
            high = high.max(ms);
        }
    }
    assert!(high <= 90_000, "times are the sound's: {high}");
}

#[test]
fn the_lane_that_has_nothing_holds_the_other_back() {
    let mut lanes = Interleaver::new(Lead::ToZero);
    lanes.push_unit(video(0));
    lanes.push_unit(video(40));
    assert!(!lanes.is_ready() && lanes.lead_ns().is_none());
    lanes.push_unit(audio(21));
    assert_eq!(drain(&mut lanes), [(V, 0), (A, 21)]);
    lanes.push_unit(audio(42));
    assert_eq!(drain(&mut lanes), [(V, 40)], "a picture at 41 may still come");
    lanes.push_unit(video(80));
    assert_eq!(drain(&mut lanes), [(A, 42)]);
}

#[test]
fn a_lane_that_ended_or_is_not_there_holds_nothing_back() {
    let mut lanes = Interleaver::new(Lead::ToZero);
    lanes.push_unit(audio(0));
    lanes.push_unit(audio(21));
    lanes.end_lane(Lane::Video);
    assert_eq!(drain(&mut lanes), [(A, 0), (A, 21)]);
}

#[test]
fn sound_that_starts_late_does_not_stop_the_picture() {
    let mut lanes = Interleaver::new(Lead::ToZero);
    (0..=100).for_each(|n| lanes.push_unit(video(n * 40)));
    assert!(!lanes.is_ready(), "this may be held");
    lanes.push_unit(video(SKEW_NS / NS_PER_MS + 40));
    assert_eq!(drain(&mut lanes), [(V, 0)], "only as much goes as exceeds the bound");
    lanes.push_progress(Lane::Audio, 100 * NS_PER_MS);
    assert_eq!(drain(&mut lanes), [(V, 40), (V, 80)], "a gap in the sound says how far to go");
}

#[test]
fn the_lead_makes_the_earliest_decoding_time_zero() {
    let mut lanes = Interleaver::new(Lead::ToZero);
    lanes.push_unit(unit(Lane::Video, -80, 0));
    lanes.push_unit(unit(Lane::Video, -40, 160));
    lanes.push_unit(audio(-21));
    assert_eq!(lanes.lead_ns(), Some(80 * NS_PER_MS));
    lanes.end();
    let tags: Vec<_> = std::iter::from_fn(|| lanes.pop()).collect();
    let times: Vec<_> = tags.iter().map(|tag| tag.timestamp.as_millis()).collect();
    assert_eq!(times, [0, 40, 59]);
    assert_eq!(VideoHeader::parse(&tags[0].body).unwrap().composition_ms, 80);
    assert_eq!(VideoHeader::parse(&tags[1].body).unwrap().composition_ms, 200);
}

#[test]
fn a_file_that_begins_late_begins_at_zero_unless_it_was_entered_in_the_middle() {
    for (lead, first) in [(Lead::ToZero, 0), (Lead::ToPositive, 700)] {
        let mut lanes = Interleaver::new(lead);
        lanes.push_unit(video(700));
        lanes.push_unit(audio(721));
        lanes.end();
        assert_eq!(drain(&mut lanes), [(V, first), (A, first + 21)]);
    }
}

#[test]
fn a_given_lead_is_kept_even_when_it_is_too_small() {
    let mut lanes = Interleaver::new(Lead::Given(10 * NS_PER_MS));
    lanes.push_unit(unit(Lane::Video, -20, 0));
    lanes.push_unit(unit(Lane::Video, 20, 20));
    lanes.end();
    let tags: Vec<_> = std::iter::from_fn(|| lanes.pop()).collect();
    assert_eq!((tags[0].timestamp.as_millis(), tags[1].timestamp.as_millis()), (0, 30));
    assert_eq!(VideoHeader::parse(&tags[0].body).unwrap().composition_ms, 10);
}

#[test]
fn a_lane_that_was_not_waited_for_keeps_its_own_times() {
    let mut lanes = Interleaver::new(Lead::ToZero);
    lanes.push_unit(video(0));
    (0..=SKEW_NS / NS_PER_MS / 20 + 50).for_each(|n| lanes.push_unit(audio(n * 20)));
    assert!(drain(&mut lanes).len() > 40, "the bound was passed");
    lanes.push_unit(video(40));
    assert_eq!(lanes.pop().map(|tag| (tag.kind, tag.timestamp.as_millis())), Some((V, 40)));
}

#[test]
fn backward_and_repeated_times_are_moved_not_dropped() {
    let mut lanes = Interleaver::new(Lead::ToZero);
    for ms in [0, 40, 40, 18, 60] {
        lanes.push_unit(audio(ms));
    }
    lanes.end();
    assert_eq!(drain(&mut lanes), [(A, 0), (A, 40), (A, 41), (A, 42), (A, 60)]);
}

#[test]
fn configurations_of_both_lanes_come_first_and_changes_before_their_unit() {
    let mut lanes = Interleaver::new(Lead::ToZero);
    lanes.push_config(Codec::Aac, &[0x11]);
    lanes.push_unit(audio(0));
    lanes.push_config(Codec::H264, &[1]);
    lanes.push_unit(video(10));
    lanes.push_config(Codec::H264, &[1]);
    lanes.push_unit(video(50));
    lanes.push_config(Codec::H264, &[2]);
    lanes.push_unit(video(90));
    lanes.end();
    let tags: Vec<_> = std::iter::from_fn(|| lanes.pop()).collect();
    let heads: Vec<_> = tags.iter().map(|tag| (tag.kind, tag.is_sequence_header())).collect();
    assert_eq!(
        heads,
        [(V, true), (A, true), (A, false), (V, false), (V, false), (V, true), (V, false)],
        "the repeated configuration is dropped"
    );
}

#[test]
fn every_codec_gets_the_header_it_is_known_by() {
    for (_, codec) in Codec::ALL {
        let mut lanes = Interleaver::new(Lead::ToZero);
        lanes.push_config(codec, &[1, 2, 3]);
        let mut body = vec![0; codec.body_header_len()];
        body.extend_from_slice(b"unit");
        lanes.push_unit(Unit { codec, keyframe: true, pts_ns: 80 * NS_PER_MS, dts_ns: 0, body });
        lanes.end();
        let tags: Vec<_> = std::iter::from_fn(|| lanes.pop()).collect();
        let configured = !matches!(codec, Codec::Flv1 | Codec::Mp3);
        assert_eq!(tags.iter().filter(|tag| tag.is_sequence_header()).count(), usize::from(configured));
        let frame = tags.last().unwrap();
        let offset = match frame.kind {
            V => VideoHeader::parse(&frame.body).unwrap().data_offset,
            _ => crate::flv::codec::AudioHeader::parse(&frame.body).unwrap().data_offset,
        };
        assert_eq!(&frame.body[offset..], b"unit", "{codec:?}");
        assert_eq!(frame.is_keyframe(), codec.lane() == Lane::Video, "{codec:?}");
    }
}

fn lane_of_units(lane: Lane) -> impl Strategy<Value = Vec<Unit>> {
    let step = prop_oneof![8 => 0i64..60, 1 => -300i64..0, 1 => 0i64..9000];
    (-200i64..3000, proptest::collection::vec((step, 0i64..200), 0..300)).prop_map(move |(first, steps)| {
        let mut dts = first;
        steps
            .into_iter()
            .enumerate()
            .map(|(index, (step, reorder))| {
                dts += step;
                let mut unit = unit(lane, dts, dts + reorder);
                unit.body.extend_from_slice(&(index as u32).to_be_bytes());
                unit
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_lost_and_order_holds_and_little_is_held(
        video in lane_of_units(Lane::Video),
        audio in lane_of_units(Lane::Audio),
        turns in proptest::collection::vec(any::<bool>(), 0..700),
    ) {
        let mut lanes = Interleaver::new(Lead::ToZero);
        let counts = [video.len(), audio.len()];
        let mut sources = [video.into_iter(), audio.into_iter()];
        let mut tags = Vec::new();
        let turns = turns.into_iter().map(usize::from).chain([0; 300]).chain([1; 300]);
        for turn in turns {
            if let Some(unit) = sources[turn].next() {
                lanes.push_unit(unit);
            }
            tags.extend(std::iter::from_fn(|| lanes.pop()));
            for queue in &lanes.lanes {
                let oldest = queue.units.front().map_or(queue.newest_ns, |queued| queued.unit.dts_ns);
                prop_assert!(queue.newest_ns - oldest <= SKEW_NS, "held too long");
            }
        }
        lanes.end();
        tags.extend(std::iter::from_fn(|| lanes.pop()));
        for (kind, count) in [(V, counts[0]), (A, counts[1])] {
            let lane: Vec<_> = tags.iter().filter(|tag| tag.kind == kind).collect();
            prop_assert_eq!(lane.len(), count);
            for (index, tag) in lane.iter().enumerate() {
                prop_assert!(tag.body.ends_with(&(index as u32).to_be_bytes()), "order within a lane");
            }
            prop_assert!(lane.is_sorted_by(|a, b| a.timestamp < b.timestamp), "strictly within a lane");
        }
        prop_assert_eq!(lanes.queued_bytes, 0);
    }
}
