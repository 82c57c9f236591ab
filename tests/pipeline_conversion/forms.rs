//! What a client asks for: profiles, codecs that pass, tracks, subtitles.

use crate::media::{H264, Media, PICTURE, TONE};
use crate::{Run, WORKER};
use std::path::Path;
use wiidiaserver::choice::Language;
use wiidiaserver::flv::TagKind;
use wiidiaserver::flv::codec::{AudioCodec, AudioHeader, VideoCodec, VideoHeader};
use wiidiaserver::pipeline::{Equipment, Form, Passes, Profile, Request, TrackChoice};

fn convert(path: &Path, form: Form) -> Run {
    let request = Request { form, ..Request::default() };
    crate::convert(path, &request).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn languages(codes: &[&str]) -> TrackChoice {
    TrackChoice::Languages(codes.iter().map(|code| Language::parse(code).expect("a code")).collect())
}

/// Codecs of the first picture and sound that are no sequence headers.
fn codecs(run: &Run) -> (Option<VideoCodec>, Option<AudioCodec>) {
    (
        run.frames(TagKind::Video).next().map(|tag| VideoHeader::parse(&tag.body).expect("a header").codec),
        run.frames(TagKind::Audio).next().map(|tag| AudioHeader::parse(&tag.body).expect("a header").codec),
    )
}

#[test]
fn each_profile_is_made_of_its_codecs_and_no_larger_than_it_says() {
    let media = Media::new();
    let big = media.make(
        &format!("-f lavfi -i testsrc2=s=1280x720:r=25:d=3 {TONE} -shortest -c:v libx264 -preset ultrafast -c:a aac"),
        "big.mp4",
    );
    let avc = Some(VideoCodec::Avc);
    for (profile, expected, size) in [
        (Profile::Tv, (avc, Some(AudioCodec::Aac)), Some((1280, 720))),
        (Profile::Small, (avc, Some(AudioCodec::Aac)), Some((854, 480))),
        (Profile::Flash, (Some(VideoCodec::SorensonH263), Some(AudioCodec::Mp3)), Some((398, 224))),
        (Profile::Audio, (None, Some(AudioCodec::Aac)), None),
    ] {
        let run = convert(&big, Form { profile, ..Form::default() });
        assert_eq!(codecs(&run), expected, "{profile}");
        let found = run.streams.video.as_ref().map(|video| (video.width, video.height));
        assert_eq!(found.is_some(), size.is_some(), "{profile}: {found:?}");
        if let (Some((width, height)), Some((most_width, most_height))) = (found, size) {
            assert!(width <= most_width + 2 && height <= most_height, "{profile}: {width}x{height}");
            assert!(height + 4 >= most_height, "{profile}: {width}x{height} is smaller than need be");
        }
        if profile == Profile::Flash {
            // MP3 begins a little before the picture.
            let steps: Vec<_> = run.keyframes().windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert_eq!(steps, [1000, 1000], "keyframes often");
        }
    }
}

#[test]
fn flash_video_of_the_time_passes_to_flash() {
    let media = Media::new();
    let flv = media.make(&format!("{PICTURE} {TONE} -c:v flv1 -c:a libmp3lame -ar 44100"), "x.flv");
    let run = convert(&flv, Form { profile: Profile::Flash, ..Form::default() });
    assert_eq!(run.passthrough(), (Some(true), Some(true)));
    let other = media.make(&format!("{PICTURE} {TONE} -c:v mpeg4 -c:a libmp3lame"), "x.avi");
    let run = convert(&other, Form { profile: Profile::Flash, ..Form::default() });
    assert_eq!(run.passthrough(), (Some(false), Some(false)), "48 kHz has no number in FLV's MP3");
}

#[test]
fn new_codecs_pass_to_clients_that_list_them_and_become_h264_for_others() {
    let media = Media::new();
    let hevc = "-c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=3:keyint=25";
    let vp9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25 -c:a libopus";
    let av1 = "-c:v libaom-av1 -usage realtime -cpu-used 8 -g 25 -c:a libopus";
    let opus = AudioCodec::FourCc(*b"Opus");
    for (arguments, name, video, audio) in [
        (format!("{hevc} -c:a aac"), "hevc.mkv", *b"hvc1", AudioCodec::Aac),
        (format!("{hevc} -c:a aac -tag:v hvc1"), "hevc.mp4", *b"hvc1", AudioCodec::Aac),
        (format!("{hevc} -c:a aac"), "hevc.ts", *b"hvc1", AudioCodec::Aac),
        (vp9.to_owned(), "vp9.webm", *b"vp09", opus),
        (av1.to_owned(), "av1.mkv", *b"av01", opus),
        (av1.to_owned(), "av1.mp4", *b"av01", opus),
    ] {
        let path = media.make(&format!("{PICTURE} {TONE} {arguments}"), name);
        let mut passes = Passes::default();
        [&b"hvc1"[..], b"vp09", b"av01", b"Opus"].iter().for_each(|code| passes.add_four_cc(code));
        let run = convert(&path, Form { passes, ..Form::default() });
        assert_eq!(codecs(&run), (Some(VideoCodec::FourCc(video)), Some(audio)), "{name}");
        assert_eq!(run.frames(TagKind::Video).count(), 100, "{name}");
        assert!(run.keyframes().len() >= 4, "{name}: {:?}", run.keyframes());
        for kind in [TagKind::Video, TagKind::Audio] {
            let first = run.tags.iter().find(|tag| tag.kind == kind).expect("both");
            assert!(first.is_sequence_header() && first.body.len() >= 4, "{name}: {kind:?}");
            let times: Vec<_> = run.frames(kind).map(|tag| tag.timestamp).collect();
            assert!(times.is_sorted_by(|a, b| a < b), "{name}: {kind:?} has a time twice");
        }
        if name.starts_with("hevc") {
            // B-frames: shown in an order that is not that of decoding, and never before they are decoded.
            let shown: Vec<_> = run.frames(TagKind::Video).map(crate::presented).collect();
            assert!(!shown.is_sorted(), "{name}");
            let composition = |tag| VideoHeader::parse(tag).expect("a header").composition_ms;
            assert!(run.frames(TagKind::Video).all(|tag| composition(&tag.body) >= 0), "{name}");
        }
        if name == "hevc.mkv" {
            assert_eq!(codecs(&convert(&path, Form::default())).0, Some(VideoCodec::Avc));
        }
    }
}

#[test]
fn the_sound_is_the_one_that_was_asked_for() {
    let media = Media::new();
    let path = media.make(
        &format!(
            "{PICTURE} -f lavfi -i sine=f=440:d=4 -f lavfi -i sine=f=880:d=4 {H264} -map 0 -map 1 -map 2 -c:a:0 aac \
             -c:a:1 ac3 -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu -metadata:s:a:1 title=Dub"
        ),
        "two.mkv",
    );
    for (audio, expected) in [
        (TrackChoice::Default, "AAC"),
        (TrackChoice::Index(1), "Dolby Digital"),
        (TrackChoice::Index(7), "AAC"),
        (languages(&["de"]), "Dolby Digital"),
        (languages(&["fr", "ger"]), "Dolby Digital"),
        (languages(&["fr"]), "AAC"),
    ] {
        let run = convert(&path, Form { audio: audio.clone(), ..Form::default() });
        assert_eq!(run.streams.audio.expect("sound").source_codec, expected, "{audio:?}");
        let tracks = run.streams.contents.audio_tracks;
        let told: Vec<_> =
            tracks.iter().map(|track| (track.codec.as_str(), track.language.as_deref())).collect();
        assert_eq!(told, [("AAC", Some("en")), ("Dolby Digital", Some("de"))]);
        assert_eq!(tracks[1].title.as_deref(), Some("Dub"));
        assert!(tracks.iter().all(|track| track.chosen == (track.codec == expected)));
    }
}

#[test]
fn subtitles_are_listed_and_drawn_when_asked_for() {
    let media = Media::new();
    media.write("s.srt", b"1\n00:00:01,000 --> 00:00:03,000\nA line of text\n");
    let dark = "-f lavfi -i color=black:s=320x180:r=25:d=4";
    for (codec, name) in [("srt", "x.mkv"), ("ass", "ass.mkv"), ("mov_text", "x.mp4")] {
        let path = media.make(
            &format!("{dark} {TONE} -i @s.srt -map 0 -map 1 -map 2 {H264} -c:a aac -c:s {codec}"),
            name,
        );
        let plain = convert(&path, Form::default());
        assert_eq!(plain.passthrough(), (Some(true), Some(true)), "{name}: nobody asked for them");
        let tracks = &plain.streams.contents.subtitle_tracks;
        assert!(tracks.len() == 1 && tracks[0].text, "{name}: {tracks:?}");
        let drawn = convert(&path, Form { subtitles: Some(TrackChoice::Index(0)), ..Form::default() });
        assert_eq!(drawn.passthrough(), (Some(false), Some(true)), "{name}");
        let flv = path.with_extension("drawn.flv");
        crate::write_flv(&flv, &drawn.tags);
        let lit = crate::media::brightest(&flv);
        let at = |seconds: f64| {
            lit.iter()
                .filter(|(time, _)| (time - seconds).abs() < 0.3)
                .map(|(_, light)| *light)
                .fold(0.0, f64::max)
        };
        assert!(
            at(0.4) < 60.0 && at(2.0) > 150.0 && at(3.6) < 60.0,
            "{name}: {} {} {}",
            at(0.4),
            at(2.0),
            at(3.6)
        );
    }
}

#[test]
fn chapters_and_tags_are_told() {
    let media = Media::new();
    media.write(
        "chapters.txt",
        b";FFMETADATA1\ntitle=A Title\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n[CHAPTER]\n\
          TIMEBASE=1/1000\nSTART=2000\nEND=4000\ntitle=Two\n",
    );
    for name in ["x.mkv", "x.mp4"] {
        let path = media.make(
            &format!("{PICTURE} {TONE} -i @chapters.txt -map_metadata 2 -map_chapters 2 {H264} -c:a aac"),
            name,
        );
        let streams =
            wiidiaserver::pipeline::probe(Path::new(WORKER), std::fs::File::open(path).expect("made"))
                .expect("media");
        let chapters: Vec<_> =
            streams.contents.chapters.iter().map(|one| (one.start_ms, one.title.as_str())).collect();
        assert_eq!(chapters, [(0, "One"), (2000, "Two")], "{name}");
        let tags = streams.contents.tags;
        assert!(tags.iter().any(|tag| tag.name == "title" && tag.value == "A Title"), "{name}: {tags:?}");
    }
}

#[test]
fn the_encoders_of_this_machine_are_found_by_trying_them() {
    let equipment = Equipment::measure(Path::new(WORKER)).expect("it measures");
    let encoders = equipment.encoders();
    assert!(!encoders.is_empty(), "these tests need x264enc or openh264enc");
    assert!(encoders.iter().all(|encoder| encoder.kilopixels > 100), "{encoders:?}");
    let media = Media::new();
    let path = media.make(&format!("{PICTURE} {TONE} -c:v mpeg4 -c:a libmp3lame"), "x.avi");
    let request = Request { equipment: Some(equipment), ..Request::default() };
    let run = crate::convert(&path, &request).expect("it converts with what was found");
    assert_eq!(codecs(&run).0, Some(VideoCodec::Avc));
}
