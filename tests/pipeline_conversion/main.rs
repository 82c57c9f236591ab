//! Whole conversions: files made by ffmpeg through the real worker binary, and what comes out
//! compared with what ffprobe and ffmpeg say.

mod broken;
mod formats;
mod forms;
mod look;
mod media;

use media::{H264, Media, PICTURE, Packet, TONE};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};
use wiidiaserver::flv::codec::VideoHeader;
use wiidiaserver::flv::{Tag, TagKind};
use wiidiaserver::pipeline::{
    Conversion, ConversionError, Event, Look, MediaStreams, Request, look as look_at,
};
use wiidiaserver::time::MediaTime;

const WORKER: &str = env!("CARGO_BIN_EXE_wiidiaserver");

fn probe(program: &Path, media: File) -> Result<MediaStreams, ConversionError> {
    look_at(program, media, &[], Look::Contents).map(|looked| looked.streams)
}

struct Run {
    streams: MediaStreams,
    tags: Vec<Tag>,
    streams_after: Duration,
    first_tag_after: Duration,
    /// The worker's peak resident size in KB.
    peak_kb: u64,
}

impl Run {
    fn frames(&self, kind: TagKind) -> impl Iterator<Item = &Tag> {
        self.tags.iter().filter(move |tag| tag.kind == kind && !tag.is_sequence_header())
    }

    fn keyframes(&self) -> Vec<u32> {
        self.tags.iter().filter(|tag| tag.is_keyframe()).map(|tag| tag.timestamp.as_millis()).collect()
    }

    fn passthrough(&self) -> (Option<bool>, Option<bool>) {
        (
            self.streams.video.as_ref().map(|v| v.passthrough),
            self.streams.audio.as_ref().map(|a| a.passthrough),
        )
    }
}

fn convert(path: &Path, request: &Request) -> Result<Run, ConversionError> {
    let begun = Instant::now();
    let file = File::open(path).expect("the file was made");
    let mut conversion =
        Conversion::spawn(Path::new(WORKER), file, request).map_err(ConversionError::Spawn)?;
    let mut streams = None;
    let mut tags = Vec::new();
    let (mut streams_after, mut first_tag_after, mut peak_kb) = (Duration::ZERO, Duration::ZERO, 0);
    loop {
        if !conversion.has_buffered() {
            peak_kb = peak_kb.max(resident_peak_kb(conversion.worker_id()));
        }
        match conversion.next_event()? {
            Event::Streams(found) => {
                assert!(streams.is_none() && tags.is_empty(), "streams come once and first");
                streams = Some(found);
                streams_after = begun.elapsed();
            }
            Event::Tag(tag) => {
                if tags.is_empty() {
                    first_tag_after = begun.elapsed();
                }
                tags.push(tag);
            }
            Event::Duration(_) => {}
            Event::End => break,
        }
    }
    assert_eq!(conversion.next_event().ok(), Some(Event::End), "the end is told again");
    let streams = streams.expect("streams come before the end");
    Ok(Run { streams, tags, streams_after, first_tag_after, peak_kb })
}

fn whole(path: &Path) -> Run {
    let run = convert(path, &Request::default()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    check_laws(path, &run);
    run
}

/// Zero once the worker has ended.
fn resident_peak_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// What holds for every conversion.
#[track_caller]
fn check_laws(path: &Path, run: &Run) {
    assert!(run.tags.is_sorted_by(|a, b| a.timestamp <= b.timestamp), "{path:?}: tags step back");
    for (kind, present) in
        [(TagKind::Video, run.streams.video.is_some()), (TagKind::Audio, run.streams.audio.is_some())]
    {
        let first = run.tags.iter().find(|tag| tag.kind == kind);
        assert_eq!(first.is_some(), present, "{path:?}: {kind:?} is there as announced");
        assert!(
            first.is_none_or(Tag::is_sequence_header),
            "{path:?}: {kind:?} begins with its sequence header"
        );
        let times: Vec<_> = run.frames(kind).map(|tag| tag.timestamp).collect();
        assert!(times.is_sorted_by(|a, b| a < b), "{path:?}: {kind:?} has a time twice");
    }
    let first = run.frames(TagKind::Video).next();
    assert!(first.is_none_or(Tag::is_keyframe), "{path:?}: the first picture is a keyframe");
    assert_eq!(run.tags.first().map(|tag| tag.timestamp), Some(MediaTime::ZERO), "{path:?}: begins at zero");
    let flv = path.with_extension("out.flv");
    write_flv(&flv, &run.tags);
    assert_eq!(media::decode_complaints(&flv), "", "{path:?}: ffmpeg decodes it");
}

fn write_flv(path: &Path, tags: &[Tag]) {
    // FLV E.2: signature, version 1, audio and video, header length, then PreviousTagSize0.
    let mut bytes = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
    tags.iter().for_each(|tag| tag.encode_into(&mut bytes));
    std::fs::write(path, bytes).expect("room on the disk");
}

fn presented(tag: &Tag) -> f64 {
    let header = VideoHeader::parse(&tag.body).filter(|_| tag.kind == TagKind::Video);
    f64::from(tag.timestamp.as_millis() as i32 + header.map_or(0, |header| header.composition_ms)) / 1000.0
}

/// Passed-through frames carry the times of the source: one constant for all, within `tolerance`.
#[track_caller]
fn check_times(path: &Path, run: &Run, tolerance: f64) {
    let packets = media::packets(path);
    let lead = run.streams.lead_ns as f64 / 1e9;
    let mut constant = None;
    for (kind, video) in [(TagKind::Video, true), (TagKind::Audio, false)] {
        let packets: Vec<&Packet> = packets.iter().filter(|packet| packet.video == video).collect();
        let frames: Vec<&Tag> = run.frames(kind).collect();
        // qtdemux 1.22 ends at the movie's duration counted from before the edit list: encoder
        // priming of 21 ms costs the last frame of sound.
        let lost = packets.len() - frames.len();
        assert!(
            lost <= usize::from(!video),
            "{path:?}: {kind:?} {} frames of {}",
            frames.len(),
            packets.len()
        );
        for (index, (tag, packet)) in frames.iter().zip(packets).enumerate() {
            let dts = f64::from(tag.timestamp.as_millis()) / 1000.0;
            let pts = presented(tag);
            let constant = *constant.get_or_insert(dts - packet.dts);
            let (off_dts, off_pts) = (dts - packet.dts - constant, pts - packet.pts - constant);
            assert!(
                off_dts.abs() <= tolerance && off_pts.abs() <= tolerance,
                "{path:?}: {kind:?} {index}: dts {off_dts:+.4} pts {off_pts:+.4} s off, lead {lead}"
            );
            if video {
                assert_eq!(tag.is_keyframe(), packet.key, "{path:?}: {kind:?} {index} keyframe");
            }
        }
    }
}

#[test]
fn h264_and_aac_pass_with_the_times_of_the_file() {
    let media = Media::new();
    let mp4 = media.make(&format!("{PICTURE} {TONE} {H264} -c:a aac"), "plain.mp4");
    for (name, more) in [
        ("front.mp4", "-movflags faststart"),
        ("frag.mp4", "-movflags frag_keyframe+empty_moov"),
        ("x.mov", ""),
        ("x.ts", ""),
    ] {
        let path = media.make(&format!("-i @plain.mp4 -c copy {more}"), name);
        let run = whole(&path);
        assert_eq!(run.passthrough(), (Some(true), Some(true)), "{name}");
        // ffmpeg's clock has 1/90000 s in TS, ours whole milliseconds rounded down.
        check_times(&path, &run, 0.0021);
    }
    let run = whole(&mp4);
    check_times(&mp4, &run, 0.0011);
    let streams = &run.streams;
    assert_eq!(streams.duration, Some(MediaTime::from_millis(4000)));
    assert!(streams.seekable && streams.warnings.is_empty());
    let video = streams.video.as_ref().expect("announced");
    assert_eq!((video.width, video.height, &video.source_codec[..]), (320, 180, "H.264"));
    assert_eq!(run.keyframes().len(), 4);
    eprintln!(
        "mp4 passthrough: streams after {:?}, first tag after {:?}, worker peak {} KB",
        run.streams_after, run.first_tag_after, run.peak_kb
    );
}

#[test]
fn matroska_gets_decoding_times_and_composition_times() {
    let media = Media::new();
    let mkv = media.make(&format!("{PICTURE} {TONE} {H264} -c:a aac"), "x.mkv");
    let run = whole(&mkv);
    assert_eq!(run.passthrough(), (Some(true), Some(true)));
    let packets = media::packets(&mkv);
    let lead = run.streams.lead_ns as f64 / 1e9;
    // The file has no decoding times, so only those of presentation can be compared.
    for (kind, video) in [(TagKind::Video, true), (TagKind::Audio, false)] {
        let expected: Vec<f64> =
            packets.iter().filter(|packet| packet.video == video).map(|packet| packet.pts).collect();
        let frames: Vec<&Tag> = run.frames(kind).collect();
        assert_eq!(frames.len(), expected.len());
        for (index, (tag, expected)) in frames.iter().zip(expected).enumerate() {
            let off = presented(tag) - lead - expected;
            assert!(off.abs() <= 0.0011, "{kind:?} {index}: {off:+.4} s off, lead {lead}");
        }
    }
}

#[test]
fn an_edit_list_keeps_the_pictures_it_hides_because_others_need_them() {
    let media = Media::new();
    media.make(&format!("{PICTURE} {TONE} {H264} -c:a aac"), "plain.mp4");
    let cut = media.make("-ss 1.3 -i @plain.mp4 -c copy", "cut.mp4");
    let run = whole(&cut);
    let packets = media::packets(&cut);
    assert_eq!(run.frames(TagKind::Video).count(), packets.iter().filter(|packet| packet.video).count());
    assert_eq!(run.streams.duration, Some(MediaTime::from_millis(2700)));
}

/// Arguments, name, what ffprobe finds: pictures, sound.
const OTHER_FORMATS: [(&str, &str, bool, bool); 17] = [
    ("P T -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus", "vp9.mkv", true, true),
    ("P T -c:v libvpx -deadline realtime -c:a libvorbis", "vp8.webm", true, true),
    ("P T -c:v mpeg4 -vtag XVID -bf 2 -c:a libmp3lame", "xvid.avi", true, true),
    ("P T -c:v mpeg2video -bf 2 -c:a mp2 -f dvd", "ps.mpg", true, true),
    ("P T -c:v libtheora -c:a libvorbis", "theora.ogv", true, true),
    ("P T -c:v wmv2 -c:a wmav2", "wmv2.wmv", true, true),
    ("P T -c:v flv1 -c:a libmp3lame -ar 44100", "sorenson.flv", true, true),
    ("P T -c:v libx264 -preset ultrafast -bf 2 -c:a libmp3lame", "h264.avi", true, true),
    ("P T -c:v libx264 -preset ultrafast -pix_fmt yuv444p -c:a aac", "yuv444.mp4", true, true),
    ("P T -c:v libx264 -preset ultrafast -pix_fmt yuv420p -ac 6 -c:a ac3", "surround.mkv", true, true),
    ("-f lavfi -i testsrc2=s=641x361:r=25:d=4 -c:v mjpeg", "odd.avi", true, false),
    ("-f lavfi -i testsrc2=s=320x180:r=50:d=4 -c:v mpeg4", "fast.mp4", true, false),
    ("P -vf select='not(eq(mod(n,7),3))' -vsync vfr -c:v mpeg4", "varying.mkv", true, false),
    ("T -c:a libmp3lame", "x.mp3", false, true),
    ("T", "x.flac", false, true),
    ("T", "x.wav", false, true),
    ("T -c:a libvorbis", "x.ogg", false, true),
];

#[test]
fn other_formats_become_h264_and_aac_of_the_same_length() {
    let media = Media::new();
    for (arguments, name, pictures, sound) in OTHER_FORMATS {
        let arguments: Vec<&str> = arguments
            .split(' ')
            .map(|word| match word {
                "P" => PICTURE,
                "T" => TONE,
                other => other,
            })
            .collect();
        // A keyframe late in the file would hide that ours are set by time.
        let path = media.make(&arguments.join(" "), name);
        let run = whole(&path);
        assert_eq!((run.streams.video.is_some(), run.streams.audio.is_some()), (pictures, sound), "{name}");
        assert_eq!(run.streams.warnings, [""; 0], "{name}");
        let packets = media::packets(&path);
        for (kind, video) in [(TagKind::Video, true), (TagKind::Audio, false)] {
            let times = || packets.iter().filter(|packet| packet.video == video).map(|packet| packet.pts);
            let (Some(last), Some(source_last)) =
                (run.frames(kind).map(presented).reduce(f64::max), times().reduce(f64::max))
            else {
                continue;
            };
            let lead = run.streams.lead_ns as f64 / 1e9;
            // ffprobe's times of TS, PS and the like do not begin at zero.
            let begin = packets.iter().map(|packet| packet.pts).reduce(f64::min).filter(|first| *first > 0.2);
            let off = last - lead.max(0.0) - (source_last - begin.unwrap_or(0.0));
            assert!(off.abs() < 0.1, "{name}: {kind:?} ends {off:+.3} s off");
        }
        if name.starts_with("vp8") {
            eprintln!(
                "webm transcode: streams after {:?}, first tag after {:?}, worker peak {} KB",
                run.streams_after, run.first_tag_after, run.peak_kb
            );
        }
        let frames = run.frames(TagKind::Video).count();
        match name {
            "varying.mkv" => assert!((84..=86).contains(&frames), "{frames} of varying length"),
            // AVI has no presentation times: the decoder repeats the first, and repetitions go.
            "xvid.avi" | "h264.avi" => assert!((97..=101).contains(&frames), "{name}: {frames} frames"),
            _ if pictures => assert!((99..=101).contains(&frames), "{name}: {frames} frames"),
            _ => {}
        }
        if name == "odd.avi" {
            let video = run.streams.video.as_ref().expect("checked");
            assert_eq!((video.width % 2, video.height % 2), (0, 0), "even");
        }
    }
}

#[test]
fn a_turned_picture_is_transcoded_upright() {
    let media = Media::new();
    media.make(&format!("{PICTURE} {TONE} {H264} -c:a aac"), "plain.mp4");
    let run = whole(&media.make("-i @plain.mp4 -c copy -metadata:s:v rotate=90", "turned.mp4"));
    assert_eq!(run.passthrough(), (Some(false), Some(true)), "the sound passes all the same");
    let video = run.streams.video.expect("pictures");
    assert_eq!((video.width, video.height), (180, 320));
}

#[test]
fn keyframes_of_transcodes_lie_on_multiples_of_two_seconds() {
    let media = Media::new();
    let path = media.make("-f lavfi -i testsrc2=s=320x180:r=25:d=7 -c:v mpeg4", "x.mkv");
    assert_eq!(whole(&path).keyframes(), [0, 2000, 4000, 6000]);
}

#[test]
fn a_transcode_from_the_middle_begins_on_the_grid_with_sound_that_runs_already() {
    let media = Media::new();
    // One keyframe in seven seconds: what lies before the start must be decoded, and is not encoded.
    let tone = "-f lavfi -i sine=frequency=440:sample_rate=44100:duration=7";
    let path = media.make(
        &format!("-f lavfi -i testsrc2=s=320x180:r=25:d=7 {tone} -c:v mpeg4 -g 500 -c:a libmp3lame"),
        "x.mkv",
    );
    let whole = whole(&path);
    for (start, first) in [(5500, 4000), (4000, 4000), (3999, 2000)] {
        let lead_ms = (whole.streams.lead_ns / 1_000_000) as u32;
        let start = MediaTime::from_millis(start + lead_ms);
        let run = convert(&path, &Request { start, lead: Some(whole.streams.lead_ns), ..Request::default() })
            .expect("a conversion");
        let picture = run.frames(TagKind::Video).next().expect("pictures");
        // The first frame at or behind it.
        let grid = first + lead_ms..=first + lead_ms + 40;
        assert!(picture.is_keyframe() && grid.contains(&picture.timestamp.as_millis()), "{picture:?}");
        let sound = run.frames(TagKind::Audio).next().expect("sound").timestamp;
        let before = picture.timestamp.saturating_millis_since(sound);
        assert!((100..=400).contains(&before), "sound from {sound}, the picture from {}", picture.timestamp);
    }
}

#[test]
fn cover_art_is_a_still_picture() {
    let media = Media::new();
    let picture = media.make("-f lavfi -i testsrc2=s=300x300:d=1 -frames:v 1", "cover.jpg");
    for (codec, name) in [("aac", "x.m4a"), ("libmp3lame", "x.mp3"), ("flac", "x.flac")] {
        let arguments =
            format!("{TONE} -i @cover.jpg -map 0 -map 1 -c:a {codec} -c:v copy -disposition:v attached_pic");
        let run = whole(&media.make(&arguments, name));
        let picture = run.streams.video.as_ref().map(|video| video.source_codec.as_str());
        assert!(picture == Some("a still picture") && run.streams.audio.is_some(), "{name}: {picture:?}");
    }
    let error = probe(Path::new(WORKER), File::open(picture).expect("made")).expect_err("a picture");
    assert!(matches!(&error, ConversionError::NotMedia { detail } if detail == "it is a picture"), "{error}");
}

#[test]
fn the_encoders_priming_does_not_delay_the_sound() {
    let media = Media::new();
    let beep = "aevalsrc='if(gte(t\\,1)\\,0.7*sin(880*PI*t)\\,0)':s=48000:d=3";
    let wav = media.make(&format!("-f lavfi -i {beep}"), "beep.wav");
    let run = whole(&wav);
    let lead = run.streams.lead_ns as f64 / 1e9;
    let onset = media::sound_onset(&wav.with_extension("out.flv"));
    let off_ms = (onset - lead - 1.0) * 1000.0;
    eprintln!("sound comes {off_ms:+.2} ms off after decoding");
    assert!(off_ms.abs() < 6.0, "{off_ms:+.2} ms");
}

#[test]
fn a_start_yields_a_keyframe_at_or_before_it_on_the_same_timeline() {
    let media = Media::new();
    let mp4 = media.make(&format!("{PICTURE} {TONE} {H264} -c:a aac"), "x.mp4");
    let mkv = media.make("-i @x.mp4 -c copy", "x.mkv");
    let ts = media.make("-i @x.mp4 -c copy", "x.ts");
    let webm = media
        .make(&format!("{PICTURE} {TONE} -c:v libvpx -deadline realtime -g 25 -c:a libvorbis"), "x.webm");
    for path in [mp4, mkv, ts, webm] {
        let whole = whole(&path);
        for start in [1500, 3900] {
            let request = Request {
                start: MediaTime::from_millis(start),
                lead: Some(whole.streams.lead_ns),
                ..Request::default()
            };
            let run = convert(&path, &request).unwrap_or_else(|error| panic!("{path:?} {start}: {error}"));
            let first = run.frames(TagKind::Video).next().expect("pictures");
            assert!(
                first.is_keyframe() && first.timestamp.as_millis() <= start,
                "{path:?} {start}: {first:?}"
            );
            assert!(run.tags.iter().all(|tag| tag.timestamp.as_millis() <= 4300), "{path:?} {start}");
            // The same pictures at the same times; a transcode has other bytes.
            let times: Vec<_> = whole.frames(TagKind::Video).map(|tag| tag.timestamp.as_millis()).collect();
            for tag in run.frames(TagKind::Video).skip(1) {
                let ms = tag.timestamp.as_millis();
                assert!(
                    times.iter().any(|time| time.abs_diff(ms) <= 1),
                    "{path:?} {start}: {ms} is at no frame"
                );
            }
        }
    }
}

#[test]
fn files_that_are_not_media_or_damaged_fail_with_the_cause() {
    let media = Media::new();
    let mp4 = media.make(&format!("{PICTURE} {TONE} {H264} -c:a aac"), "x.mp4");
    let bytes = std::fs::read(&mp4).expect("made");
    let noise: Vec<u8> = (0..50_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let begun = Instant::now();
    for (name, content, expected) in [
        (
            "x.txt",
            &b"Hello, this is only text.\n"[..],
            "this is not a video or sound file: its content is of no known",
        ),
        ("empty.mp4", b"", "this is not a video or sound file: it is empty"),
        ("noise.bin", &noise, "this is not a video or sound file"),
        ("headless.mp4", &bytes[..bytes.len() / 2], "the file cannot be read"),
    ] {
        let path = media.write(name, content);
        let error = convert(&path, &Request::default()).map(|_| ()).expect_err(name);
        assert!(error.to_string().starts_with(expected), "{name}: {error}");
        let error = probe(Path::new(WORKER), File::open(path).expect("made")).expect_err(name);
        assert!(error.to_string().starts_with(expected), "{name}: {error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_truncated_file_plays_as_far_as_it_goes() {
    let media = Media::new();
    let path = media.make(&format!("{PICTURE} {TONE} {H264} -c:a aac -movflags faststart"), "x.mp4");
    let bytes = std::fs::read(&path).expect("made");
    let cut = media.write("cut.mp4", &bytes[..bytes.len() / 2]);
    let run = convert(&cut, &Request::default()).expect("half of it");
    let frames = run.frames(TagKind::Video).count();
    assert!((30..70).contains(&frames), "{frames} frames of 100");
}

#[test]
fn a_stream_without_a_decoder_leaves_the_other() {
    let media = Media::new();
    // Renames the sound's codec in the sample description to one that does not exist.
    let path = media.make(&format!("{PICTURE} {TONE} {H264} -c:a aac"), "x.mp4");
    let mut bytes = std::fs::read(&path).expect("made");
    let at = bytes.windows(4).position(|window| window == b"mp4a").expect("AAC");
    bytes[at..at + 4].copy_from_slice(b"xq9a");
    let run = whole(&media.write("mute.mp4", &bytes));
    assert!(run.streams.audio.is_none() && run.frames(TagKind::Video).count() == 100);
    assert!(run.streams.warnings.iter().any(|warning| warning.contains("no decoder")), "{:?}", run.streams);

    let sound = media.make(&format!("{TONE} -c:a aac"), "x.m4a");
    let mut bytes = std::fs::read(&sound).expect("made");
    let at = bytes.windows(4).position(|window| window == b"mp4a").expect("AAC");
    bytes[at..at + 4].copy_from_slice(b"xq9a");
    let error =
        convert(&media.write("none.m4a", &bytes), &Request::default()).map(|_| ()).expect_err("no stream");
    assert!(matches!(error, ConversionError::NoDecoder { .. }), "{error}");
}

#[test]
fn a_probe_tells_streams_and_duration() {
    let media = Media::new();
    let mp4 = media.make(&format!("{PICTURE} {TONE} {H264} -c:a aac"), "x.mp4");
    let ogg = media.make(&format!("{TONE} -c:a libvorbis"), "x.ogg");
    let begun = Instant::now();
    let streams = probe(Path::new(WORKER), File::open(mp4).expect("made")).expect("media");
    eprintln!("probe of an mp4: {:?}", begun.elapsed());
    assert_eq!(streams.duration, Some(MediaTime::from_millis(4000)));
    assert!(streams.video.is_some_and(|video| video.passthrough && video.width == 320));
    assert!(streams.audio.is_some_and(|audio| audio.passthrough && audio.rate == 48_000));
    let streams = probe(Path::new(WORKER), File::open(ogg).expect("made")).expect("media");
    assert!(streams.video.is_none() && !streams.audio.expect("sound").passthrough);
}

#[test]
fn a_worker_that_dies_is_a_crash_and_one_that_is_killed_was_stopped() {
    let media = Media::new();
    let path = media.make("-f lavfi -i testsrc2=s=640x360:r=25:d=60 -c:v mpeg4 -q:v 2", "long.mkv");
    let start = || {
        let file = File::open(&path).expect("made");
        let mut conversion =
            Conversion::spawn(Path::new(WORKER), file, &Request::default()).expect("started");
        while !matches!(conversion.next_event(), Ok(Event::Tag(_))) {}
        conversion
    };
    let rest = |conversion: &mut Conversion| loop {
        match conversion.next_event() {
            Ok(Event::End) => panic!("it cannot be done"),
            Ok(_) => {}
            Err(error) => return error,
        }
    };

    let mut conversion = start();
    let pid = rustix::process::Pid::from_raw(conversion.worker_id() as i32).expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is ours");
    let error = rest(&mut conversion);
    assert!(matches!(error, ConversionError::Killed { .. }), "{error}");

    let mut conversion = start();
    let killer = conversion.killer();
    let thread = std::thread::spawn(move || killer.kill());
    assert!(matches!(rest(&mut conversion), ConversionError::Stopped));
    thread.join().expect("it does not panic");

    let conversion = start();
    let pid = conversion.worker_id();
    drop(conversion);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "dropping kills and reaps");

    let conversion = start();
    conversion.killer().kill_stalled();
    let mut conversion = conversion;
    assert!(matches!(rest(&mut conversion), ConversionError::Stalled { .. }));
}

#[test]
fn a_program_that_is_no_worker_is_refused() {
    let media = Media::new();
    let text = media.write("x.txt", b"x");
    let open = || File::open(&text).expect("made");
    let error = probe(Path::new("/nonexistent/worker"), open()).expect_err("nothing to start");
    assert!(matches!(error, ConversionError::Spawn(_)), "{error}");
    let error = probe(Path::new("/bin/echo"), open()).expect_err("it only echoes");
    assert!(matches!(error, ConversionError::Nonsense { .. }), "{error}");
    let error = probe(Path::new("/bin/false"), open()).expect_err("it only fails");
    assert!(matches!(error, ConversionError::Crashed { .. }), "{error}");
}

/// Parsers run in threads: one that was started before the seal would be outside of it.
#[test]
fn every_thread_of_a_worker_is_sealed_before_it_reads_the_file() {
    let media = Media::new();
    let path = media.make("-f lavfi -i testsrc2=s=640x360:r=25:d=60 -c:v mpeg4 -q:v 2", "long.mkv");
    let file = File::open(path).expect("the file was made");
    let mut conversion = Conversion::spawn(Path::new(WORKER), file, &Request::default()).expect("it starts");
    assert!(matches!(conversion.next_event(), Ok(Event::Streams(_))));
    let tasks = std::fs::read_dir(format!("/proc/{}/task", conversion.worker_id())).expect("it runs");
    let mut threads = 0;
    for task in tasks.flatten() {
        // A thread may end while we look.
        let Ok(status) = std::fs::read_to_string(task.path().join("status")) else { continue };
        assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "{status}");
        threads += 1;
    }
    assert!(threads > 1, "GStreamer works in threads");
}
