#![allow(clippy::unwrap_used)]

use super::*;
use crate::flv::codec::{
    VideoCodec, aac_frame_header, aac_sequence_header, avc_frame_header, avc_sequence_header,
};
use proptest::prelude::*;

/// x264's configuration for 1920x1080, high profile, level 4.
const AVC: [u8; 40] = [
    1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 25, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5,
    0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 1, 0, 4, 0x68, 0xeb,
    0xe3, 0xcb,
];
/// AAC-LC, 48 kHz, stereo: 1024 samples are 21⅓ ms.
const AAC: [u8; 2] = [0x11, 0x90];

const BOTH: Options = Options { duration: None, video: true, audio: true };
const VIDEO: Options = Options { audio: false, ..BOTH };
const AUDIO: Options = Options { video: false, ..BOTH };

fn tag(kind: TagKind, ms: u32, body: Bytes) -> Tag {
    Tag { kind, timestamp: MediaTime::from_millis(ms), body }
}

fn avc_header() -> Tag {
    tag(TagKind::Video, 0, avc_sequence_header(&AVC))
}

fn aac_header() -> Tag {
    tag(TagKind::Audio, 0, aac_sequence_header(&AAC))
}

/// A video frame whose data are five bytes that tell its time.
fn picture(ms: u32, key: bool, composition: i32) -> Tag {
    let mut body = avc_frame_header(key, composition).to_vec();
    body.push(b'v');
    body.extend(ms.to_be_bytes());
    tag(TagKind::Video, ms, body.into())
}

fn sound(ms: u32) -> Tag {
    let mut body = aac_frame_header().to_vec();
    body.push(b'a');
    body.extend(ms.to_be_bytes());
    tag(TagKind::Audio, ms, body.into())
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Shown {
    track: u32,
    dts: u64,
    duration: u32,
    composition: i32,
    sync: bool,
    data: Vec<u8>,
}

#[derive(PartialEq, Eq, Debug)]
enum Segment {
    Init(Vec<u8>),
    Fragment(Vec<Shown>),
}

/// Takes the boxes of `bytes` apart; panics when sizes do not fit.
fn boxes(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        found.push((bytes[4..8].try_into().unwrap(), &bytes[8..size]));
        bytes = &bytes[size..];
    }
    found
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Reads back what a muxer wrote.
fn read(stream: &[u8]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut samples = Vec::new();
    let mut moof_at = 0;
    let mut position = 0;
    let mut sequence = 0;
    for (kind, content) in boxes(stream) {
        match &kind {
            b"ftyp" => {}
            b"moov" => segments.push(Segment::Init(content.to_vec())),
            b"moof" => {
                moof_at = position;
                for (kind, content) in boxes(content) {
                    match &kind {
                        b"mfhd" => {
                            assert_eq!(u32_at(content, 4), sequence + 1);
                            sequence += 1;
                        }
                        b"traf" => read_track(content, &mut samples),
                        other => panic!("{} in moof", other.escape_ascii()),
                    }
                }
            }
            b"mdat" => {
                let mut end = position + 8;
                let shown = samples
                    .drain(..)
                    .map(|(offset, size, mut shown): (usize, usize, Shown)| {
                        assert_eq!(moof_at + offset, end, "samples fill mdat without holes");
                        end += size;
                        shown.data = stream[moof_at + offset..end].to_vec();
                        shown
                    })
                    .collect();
                assert_eq!(end, position + 8 + content.len(), "mdat holds nothing else");
                segments.push(Segment::Fragment(shown));
            }
            other => panic!("{} at the top", other.escape_ascii()),
        }
        position += 8 + content.len();
    }
    segments
}

fn read_track(traf: &[u8], samples: &mut Vec<(usize, usize, Shown)>) {
    let parts = boxes(traf);
    assert_eq!(parts.iter().map(|(kind, _)| kind).collect::<Vec<_>>(), [b"tfhd", b"tfdt", b"trun"]);
    assert_eq!(u32_at(parts[0].1, 0), 0x02_0000, "default-base-is-moof");
    let track = u32_at(parts[0].1, 4);
    let mut dts = u64::from_be_bytes(parts[1].1[4..12].try_into().unwrap());
    let run = parts[2].1;
    let flags = u32_at(run, 0) & 0xff_ffff;
    let mut offset = u32_at(run, 8) as usize;
    let step = if flags & 0xc00 == 0 { 8 } else { 16 };
    assert_eq!(run.len(), 12 + step * u32_at(run, 4) as usize);
    for entry in run[12..].chunks(step) {
        let (duration, size) = (u32_at(entry, 0), u32_at(entry, 4) as usize);
        let (sync, composition) =
            if step == 16 { (u32_at(entry, 8) == 0x0200_0000, u32_at(entry, 12) as i32) } else { (true, 0) };
        samples.push((offset, size, Shown { track, dts, duration, composition, sync, data: Vec::new() }));
        dts += u64::from(duration);
        offset += size;
    }
}

fn drain(muxer: &mut Muxer) -> Vec<u8> {
    std::iter::from_fn(|| muxer.poll_output()).flatten().collect()
}

/// Everything a muxer makes of these tags.
fn mux(options: Options, tags: &[Tag]) -> Vec<Segment> {
    let mut muxer = Muxer::new(options);
    for tag in tags {
        muxer.push(tag).unwrap();
    }
    muxer.finish();
    read(&drain(&mut muxer))
}

fn samples(segments: &[Segment], track: u32) -> Vec<Shown> {
    fragments(segments).into_iter().flatten().filter(|shown| shown.track == track).cloned().collect()
}

fn fragments(segments: &[Segment]) -> Vec<&Vec<Shown>> {
    segments
        .iter()
        .filter_map(|segment| match segment {
            Segment::Fragment(shown) => Some(shown),
            Segment::Init(_) => None,
        })
        .collect()
}

#[test]
fn the_init_segment_comes_with_the_last_sequence_header_and_names_the_codecs() {
    let mut muxer = Muxer::new(BOTH);
    muxer.push(&avc_header()).unwrap();
    assert_eq!((muxer.poll_output(), muxer.mime()), (None, None));
    muxer.push(&aac_header()).unwrap();
    assert_eq!(muxer.mime().unwrap(), "video/mp4; codecs=\"avc1.640028,mp4a.40.2\"");
    let init = muxer.poll_output().unwrap();
    assert_eq!(&init[4..12], b"ftypiso6");
    assert_eq!(boxes(&init).len(), 2);
}

#[test]
fn one_lane_alone_has_its_own_mime_type() {
    let mut muxer = Muxer::new(AUDIO);
    muxer.push(&avc_header()).unwrap();
    assert_eq!(muxer.mime(), None);
    muxer.push(&aac_header()).unwrap();
    assert_eq!(muxer.mime().unwrap(), "audio/mp4; codecs=\"mp4a.40.2\"");
    let mut muxer = Muxer::new(VIDEO);
    muxer.push(&avc_header()).unwrap();
    assert_eq!(muxer.mime().unwrap(), "video/mp4; codecs=\"avc1.640028\"");
}

#[test]
fn the_duration_is_in_the_init_segment_when_it_is_known() {
    let duration = Some(MediaTime::from_millis(0x1234));
    let known = mux(Options { duration, ..VIDEO }, &[avc_header()]);
    let Segment::Init(moov) = &known[0] else { panic!("init comes first") };
    let mvex = boxes(moov).into_iter().find(|(kind, _)| kind == b"mvex").unwrap().1;
    assert_eq!(boxes(mvex)[0], (*b"mehd", &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34][..]));
    let unknown = mux(VIDEO, &[avc_header()]);
    let Segment::Init(moov) = &unknown[0] else { panic!("init comes first") };
    assert!(!moov.windows(4).any(|kind| kind == b"mehd"));
}

#[test]
fn a_fragment_begins_at_each_keyframe_and_holds_both_tracks() {
    // video  K0 p100 p200 | K300 p400        audio every 21⅓ ms
    let mut tags = vec![avc_header(), aac_header()];
    for (ms, key) in [(0, true), (100, false), (200, false), (300, true), (400, false)] {
        tags.push(picture(ms, key, 0));
        tags.extend((0..100).map(|n| n * 64 / 3).filter(|at| (ms..ms + 100).contains(at)).map(sound));
    }
    let segments = mux(BOTH, &tags);
    let fragments = fragments(&segments);
    assert_eq!(fragments.len(), 2);
    for (fragment, key_ms) in fragments.iter().zip([0, 300]) {
        assert_eq!((fragment[0].dts, fragment[0].sync), (key_ms * 90, true));
        assert!(fragment[1..].iter().all(|shown| shown.track == 2 || !shown.sync));
        assert!(fragment.iter().any(|shown| shown.track == 2));
    }
    let durations: Vec<_> = samples(&segments, 1).iter().map(|shown| shown.duration).collect();
    assert_eq!(durations, [9000; 5], "the last one repeats its predecessor's");
}

#[test]
fn a_long_gop_is_cut_each_half_second() {
    let mut tags = vec![avc_header()];
    tags.extend((0..50).map(|n| picture(n * 40, n == 0, 0)));
    let segments = mux(VIDEO, &tags);
    let starts: Vec<_> = fragments(&segments).iter().map(|samples| samples[0].dts / 90).collect();
    assert_eq!(starts, [0, 520, 1040, 1560]);
    assert_eq!(samples(&segments, 1).len(), 50);
}

#[test]
fn a_fragment_is_cut_by_bytes_and_its_data_are_not_copied() {
    let mut muxer = Muxer::new(VIDEO);
    muxer.push(&avc_header()).unwrap();
    drain(&mut muxer);
    let big = |ms: u32| {
        let mut body = avc_frame_header(ms == 0, 0).to_vec();
        body.resize(limits::FMP4_FRAGMENT_BYTES / 2 + 5, 7);
        tag(TagKind::Video, ms, body.into())
    };
    let first = big(0);
    muxer.push(&first).unwrap();
    muxer.push(&big(1)).unwrap();
    assert_eq!(muxer.poll_output(), None);
    muxer.push(&big(2)).unwrap();
    muxer.poll_output().unwrap();
    assert_eq!(muxer.poll_output().unwrap().as_ptr(), first.body[5..].as_ptr());
}

#[test]
fn composition_times_are_signed_and_times_absolute() {
    let hour = 3_600_000;
    let tags = [avc_header(), picture(hour, true, 80), picture(hour + 40, false, -40)];
    let shown = samples(&mux(VIDEO, &tags), 1);
    assert_eq!((shown[0].dts, shown[0].composition), (u64::from(hour) * 90, 7200));
    assert_eq!(shown[1].composition, -3600);
}

#[test]
fn audio_times_are_sample_exact_although_tags_round_to_milliseconds() {
    let mut tags = vec![aac_header()];
    tags.extend((0..1000).map(|n| sound(n * 1024 / 48)));
    let shown = samples(&mux(AUDIO, &tags), 2);
    assert_eq!(shown.len(), 1000);
    for (n, sample) in shown.iter().enumerate() {
        assert_eq!((sample.dts, sample.duration), (n as u64 * 1024, 1024));
    }
}

#[test]
fn a_hole_in_the_sound_is_filled_with_silence_and_sound_goes_on_at_its_tag() {
    let mut tags = vec![aac_header(), sound(0), sound(21)];
    tags.push(sound(2021));
    let shown = samples(&mux(AUDIO, &tags), 2);
    let silence = silence::frame(&AacConfig::parse(&Bytes::from_static(&AAC)).unwrap()).unwrap();
    assert_eq!(shown.iter().filter(|sample| sample.data == silence).count(), 92);
    assert_eq!(shown.last().unwrap().dts, 2021 * 48);
    assert_contiguous(&shown);
}

#[test]
fn a_hole_of_hours_stretches_one_frame_instead() {
    let tags = [aac_header(), sound(0), sound(7_200_000), sound(7_200_021)];
    let shown = samples(&mux(AUDIO, &tags), 2);
    assert_eq!(shown.len(), 3);
    assert_eq!((shown[0].duration, shown[1].dts), (7200 * 48_000, 7200 * 48_000));
}

#[test]
fn sound_that_lies_in_what_was_written_is_dropped() {
    let tags = [aac_header(), sound(1000), sound(1021), sound(500), sound(1043)];
    let shown = samples(&mux(AUDIO, &tags), 2);
    assert_eq!(shown.len(), 3);
    assert_contiguous(&shown);
}

#[test]
fn sound_that_starts_late_begins_with_silence_where_the_picture_begins() {
    let mut tags = vec![avc_header(), aac_header()];
    tags.extend((0..60).map(|n| picture(10_000 + n * 40, n == 0, 40)));
    tags.push(sound(12_400));
    let shown = samples(&mux(BOTH, &tags), 2);
    assert_eq!(shown[0].dts, 10_040 * 48);
    assert_eq!(shown.last().unwrap().data[0], b'a');
    assert_eq!(shown.last().unwrap().dts, 12_400 * 48);
    assert_contiguous(&shown);
}

#[test]
fn sound_that_starts_a_little_late_keeps_its_own_time() {
    let tags = [avc_header(), aac_header(), picture(1000, true, 0), sound(1020), sound(1041)];
    let shown = samples(&mux(BOTH, &tags), 2);
    assert_eq!(shown.iter().map(|sample| sample.dts).collect::<Vec<_>>(), [1020 * 48, 1020 * 48 + 1024]);
}

#[test]
fn a_picture_goes_on_when_the_sound_has_a_header_but_no_frames() {
    let mut muxer = Muxer::new(BOTH);
    muxer.push(&avc_header()).unwrap();
    muxer.push(&aac_header()).unwrap();
    let mut stream = Vec::new();
    for n in 0..750 {
        muxer.push(&picture(n * 40, n % 50 == 0, 0)).unwrap();
        stream.extend(drain(&mut muxer));
    }
    let segments = read(&stream);
    assert_eq!(samples(&segments, 1).last().unwrap().dts, 29_440 * 90, "half a second is held back at most");
    let silence = samples(&segments, 2);
    assert_eq!(silence[0].dts, 0);
    let end = silence.last().unwrap().dts / 48;
    let lag = limits::FMP4_AUDIO_LAG.as_millis() as u64;
    assert!((29_000 - lag..30_000 - lag).contains(&end), "silence follows that far behind: {end}");
    assert_contiguous(&silence);
}

#[test]
fn a_lane_without_a_header_is_left_out_after_a_while_and_told_when_it_comes() {
    let mut muxer = Muxer::new(BOTH);
    muxer.push(&avc_header()).unwrap();
    let mut stream = Vec::new();
    for n in 0..150 {
        muxer.push(&picture(n * 40, n % 25 == 0, 0)).unwrap();
        stream.extend(drain(&mut muxer));
    }
    assert_eq!(muxer.mime().unwrap(), "video/mp4; codecs=\"avc1.640028\"");
    let error = muxer.push(&aac_header()).unwrap_err();
    assert!(matches!(error, MuxError::HeaderTooLate { lane: Lane::Audio, .. }));
    muxer.push(&sound(6000)).unwrap();
    muxer.finish();
    stream.extend(drain(&mut muxer));
    let segments = read(&stream);
    assert_eq!((samples(&segments, 1).len(), samples(&segments, 2).len()), (150, 0));
}

#[test]
fn a_changed_configuration_brings_a_new_init_segment_and_a_repeated_one_does_not() {
    let mut other = AVC;
    other[3] = 0x29;
    let other = tag(TagKind::Video, 80, avc_sequence_header(&other));
    let tags = [
        avc_header(),
        picture(0, true, 0),
        avc_header(),
        picture(40, false, 0),
        other,
        picture(80, true, 0),
        picture(120, false, 0),
    ];
    let segments = mux(VIDEO, &tags);
    let shape: Vec<_> = segments
        .iter()
        .map(|segment| match segment {
            Segment::Init(moov) => (moov.windows(4).any(|b| b == [1, 0x64, 0, 0x29]), 0),
            Segment::Fragment(samples) => (false, samples.len()),
        })
        .collect();
    assert_eq!(shape, [(false, 0), (false, 2), (true, 0), (false, 2)]);
    assert_contiguous(&samples(&segments, 1));
}

#[test]
fn a_new_audio_rate_goes_on_at_the_same_time_in_new_ticks() {
    let other = tag(TagKind::Audio, 43, aac_sequence_header(&[0x13, 0x90])); // 22.05 kHz
    let tags = [aac_header(), sound(0), sound(21), other, sound(43), sound(89)];
    let shown = samples(&mux(AUDIO, &tags), 2);
    assert_eq!(shown.iter().map(|sample| sample.dts).collect::<Vec<_>>(), [0, 1024, 949, 949 + 1024]);
}

#[test]
fn frames_before_a_header_or_a_keyframe_are_dropped() {
    let tags = [
        picture(0, true, 0),
        sound(0),
        avc_header(),
        aac_header(),
        picture(40, false, 0),
        picture(80, true, 0),
    ];
    let shown = samples(&mux(BOTH, &tags), 1);
    assert_eq!(shown.iter().map(|sample| sample.dts).collect::<Vec<_>>(), [7200]);
}

#[test]
fn video_frames_with_equal_times_keep_their_order_and_presentation() {
    let tags = [avc_header(), picture(40, true, 0), picture(40, false, 0), picture(80, false, 0)];
    let shown = samples(&mux(VIDEO, &tags), 1);
    let times: Vec<_> = shown.iter().map(|s| (s.dts, s.dts as i64 + i64::from(s.composition))).collect();
    assert_eq!(times, [(3600, 3600), (3601, 3600), (7200, 7200)]);
}

#[test]
fn codecs_that_browsers_cannot_play_are_named_and_do_not_stop_the_other_lane() {
    let mut muxer = Muxer::new(BOTH);
    let error = muxer.push(&tag(TagKind::Video, 0, Bytes::from_static(&[0x22, 0, 0]))).unwrap_err();
    assert_eq!(error, MuxError::VideoCodec(VideoCodec::SorensonH263));
    assert_eq!(
        error.to_string(),
        "the video is Sorenson H.263, expected H.264; browsers play no other FLV codec, so ask for the converted H.264"
    );
    muxer.push(&aac_header()).unwrap();
    assert_eq!(muxer.mime().unwrap(), "audio/mp4; codecs=\"mp4a.40.2\"");
    let mut muxer = Muxer::new(BOTH);
    let error = muxer.push(&tag(TagKind::Audio, 0, Bytes::from_static(&[0x2f, 0xff]))).unwrap_err();
    assert!(error.to_string().starts_with("the audio is MP3, expected AAC;"), "{error}");
    let main = tag(TagKind::Audio, 0, aac_sequence_header(&[0x0a, 0x10]));
    assert_eq!(Muxer::new(AUDIO).push(&main), Err(MuxError::AacObjectType(1)));
}

#[test]
fn a_body_that_is_too_short_is_told_with_its_time() {
    let error =
        Muxer::new(BOTH).push(&tag(TagKind::Video, 1500, Bytes::from_static(&[0x17, 1]))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the video tag at 1.500s has 2 bytes, too few for its codec's header; the file is damaged there"
    );
}

#[track_caller]
fn assert_contiguous(samples: &[Shown]) {
    for pair in samples.windows(2) {
        assert_eq!(pair[0].dts + u64::from(pair[0].duration), pair[1].dts);
    }
}

fn any_tag() -> impl Strategy<Value = Tag> {
    // Times around a second apart, sometimes anywhere; bodies from all kinds, sometimes cut.
    let time = prop_oneof![9 => 0..20_000u32, 1 => any::<u32>()];
    let other_aac: &[u8] = &[0x13, 0x90];
    (time, 0..9, any::<bool>(), -200..200i32, 0..40usize).prop_map(
        move |(ms, kind, key, composition, cut)| {
            let mut tag = match kind {
                0 => avc_header(),
                1 => aac_header(),
                2..=4 => picture(ms, key, composition),
                5..=6 => sound(ms),
                7 => tag(TagKind::Audio, ms, aac_sequence_header(other_aac)),
                _ => tag(TagKind::Video, ms, Bytes::from_static(&[0x27, 2, 0, 0, 0])),
            };
            tag.timestamp = MediaTime::from_millis(ms);
            if cut < 4 {
                tag.body.truncate(cut);
            }
            tag
        },
    )
}

/// At 16 MHz, which a configuration can spell out, sums of samples left 64 bits and a minute of silence had a
/// million frames.
#[test]
fn a_sampling_rate_beyond_any_sound_costs_the_lane() {
    let mut muxer = Muxer::new(BOTH);
    muxer.push(&avc_header()).unwrap();
    let header = tag(TagKind::Audio, 0, aac_sequence_header(&[0x17, 0xff, 0xff, 0xff, 0x90]));
    let refused = muxer.push(&header);
    let other = tag(TagKind::Audio, 0, aac_sequence_header(&[0x17, 0xff, 0xff, 0xff, 0x10]));
    for tag in [sound(u32::MAX), other, sound(u32::MAX), picture(0, true, 0), picture(50_000, false, 0)] {
        muxer.push(&tag).unwrap();
    }
    assert!(matches!(refused, Err(MuxError::AacConfig(_))), "{refused:?}");
    assert_eq!(muxer.mime().unwrap(), "video/mp4; codecs=\"avc1.640028\"");
    assert!(std::iter::from_fn(|| muxer.poll_output()).count() < 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn tags_in_any_order_make_well_formed_fragments(tags in proptest::collection::vec(any_tag(), 0..80)) {
        let mut muxer = Muxer::new(BOTH);
        let mut stream = Vec::new();
        for tag in &tags {
            let _ = muxer.push(tag);
            stream.extend(drain(&mut muxer));
        }
        muxer.finish();
        stream.extend(drain(&mut muxer));
        let segments = read(&stream);
        for (n, segment) in segments.iter().enumerate() {
            match segment {
                Segment::Init(_) => {}
                Segment::Fragment(samples) => {
                    prop_assert!(n > 0, "an init segment comes first");
                    prop_assert!(!samples.is_empty());
                }
            }
        }
        // Video ticks never change, so the law holds over the whole stream.
        for pair in samples(&segments, 1).windows(2) {
            prop_assert!(pair[0].dts + u64::from(pair[0].duration) <= pair[1].dts);
            prop_assert!(pair[0].duration > 0);
        }
    }

    #[test]
    fn every_frame_of_ordered_lanes_comes_out_once(
        skew in 0..4000u32, gop in 1..100u32, frames in 1..300u32, step in 1..80u32,
    ) {
        let mut tags: Vec<_> = (0..frames).map(|n| picture(n * step, n % gop == 0, 0)).collect();
        tags.extend((0..frames * step * 48 / 1024).map(|n| sound(n * 1024 / 48)));
        // One lane is written up to `skew` before the other.
        tags.sort_by_key(|tag| {
            tag.timestamp.as_millis() + if tag.kind == TagKind::Video { skew } else { 0 }
        });
        tags.splice(0..0, [avc_header(), aac_header()]);
        let segments = mux(BOTH, &tags);
        for (track, kind) in [(1, TagKind::Video), (2, TagKind::Audio)] {
            let shown = samples(&segments, track);
            assert_contiguous(&shown);
            prop_assert_eq!(shown.len(), tags.iter().filter(|tag| tag.kind == kind).count() - 1);
        }
    }
}
