//! fMP4 as ffmpeg reads it: FLV made by ffmpeg, muxed by us, and both compared packet by packet.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::process::Command;
use wiidiaserver::flv::aac::AacConfig;
use wiidiaserver::flv::{PREVIOUS_TAG_SIZE_LEN, TAG_HEADER_LEN, Tag, TagKind};
use wiidiaserver::fmp4::{Muxer, Options};
use wiidiaserver::time::MediaTime;

const BOTH: Options = Options { duration: None, video: true, audio: true };

/// Runs a program of ffmpeg's and returns what it wrote to both outputs; it must succeed.
#[track_caller]
fn run(program: &str, arguments: &[&str]) -> (String, String) {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("these tests need {program}, install the package ffmpeg: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {stderr}");
    (String::from_utf8(output.stdout).unwrap(), stderr)
}

/// Five seconds of a test picture and a tone, with the encoders' options given.
fn make_flv(directory: &Path, options: &[&str]) -> PathBuf {
    let path = directory.join("made.flv");
    let picture = "testsrc2=size=320x180:rate=25:duration=5";
    let tone = "sine=frequency=440:sample_rate=44100:duration=5";
    let mut arguments =
        vec!["-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone, "-ac", "2"];
    arguments.extend(options);
    arguments.extend(["-f", "flv", path.to_str().unwrap()]);
    run("ffmpeg", &arguments);
    path
}

const B_FRAMES: &[&str] =
    &["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac"];

/// Walks an FLV file.
fn tags(path: &Path) -> Vec<Tag> {
    let file = Bytes::from(std::fs::read(path).unwrap());
    let mut at = 9 + PREVIOUS_TAG_SIZE_LEN;
    let mut tags = Vec::new();
    while at < file.len() {
        let head = &file[at..at + TAG_HEADER_LEN];
        let size = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let ms = u32::from_be_bytes([head[7], head[4], head[5], head[6]]);
        let start = at + TAG_HEADER_LEN;
        tags.push(Tag {
            kind: TagKind::from_type_id(head[0]).unwrap(),
            timestamp: MediaTime::from_millis(ms),
            body: file.slice(start..start + size),
        });
        at = start + size + PREVIOUS_TAG_SIZE_LEN;
    }
    tags
}

/// Muxes into a file beside the FLV.
fn mux(options: Options, tags: &[Tag], beside: &Path) -> PathBuf {
    let mut muxer = Muxer::new(options);
    let mut stream = Vec::new();
    for tag in tags {
        muxer.push(tag).unwrap();
        stream.extend(std::iter::from_fn(|| muxer.poll_output()).flatten());
    }
    muxer.finish();
    stream.extend(std::iter::from_fn(|| muxer.poll_output()).flatten());
    let path = beside.with_extension("mp4");
    std::fs::write(&path, stream).unwrap();
    path
}

/// One packet as ffprobe tells it, times in whole milliseconds.
#[derive(Debug)]
struct Packet {
    pts: f64,
    dts: f64,
    size: u32,
    key: bool,
}

fn packets(path: &Path, stream: &str) -> Vec<Packet> {
    let entries = "packet=pts_time,dts_time,size,flags";
    let (list, _) = run(
        "ffprobe",
        &[
            "-v",
            "error",
            "-select_streams",
            stream,
            "-show_packets",
            "-show_entries",
            entries,
            "-of",
            "csv=p=0",
            path.to_str().unwrap(),
        ],
    );
    list.lines()
        .map(|line| {
            let fields: Vec<_> = line.split(',').collect();
            Packet {
                pts: fields[0].parse::<f64>().unwrap() * 1000.0,
                dts: fields[1].parse::<f64>().unwrap() * 1000.0,
                size: fields[2].parse().unwrap(),
                key: fields[3].starts_with('K'),
            }
        })
        .collect()
}

/// Same packets, with times within `tolerance` milliseconds.
#[track_caller]
fn assert_same(flv: &[Packet], mp4: &[Packet], tolerance: f64) {
    assert_eq!(flv.len(), mp4.len(), "number of packets");
    for (a, b) in flv.iter().zip(mp4) {
        let is_near = (a.pts - b.pts).abs() <= tolerance && (a.dts - b.dts).abs() <= tolerance;
        assert!(is_near && a.size == b.size && a.key == b.key, "{a:?} became {b:?}");
    }
}

/// Decodes everything; a decoder's complaint fails the test.
#[track_caller]
fn assert_decodes(path: &Path) {
    let (_, complaints) = run("ffmpeg", &["-v", "error", "-i", path.to_str().unwrap(), "-f", "null", "-"]);
    assert_eq!(complaints, "");
}

fn stream_facts(path: &Path, stream: &str, entries: &str) -> String {
    let entries = format!("stream={entries}");
    let path = path.to_str().unwrap();
    let select =
        ["-v", "error", "-select_streams", stream, "-show_entries", &entries, "-of", "csv=p=0", path];
    run("ffprobe", &select).0.trim().to_owned()
}

#[test]
fn a_film_with_b_frames_keeps_its_packets_times_and_keyframes() {
    let directory = tempfile::tempdir().unwrap();
    let flv = make_flv(directory.path(), B_FRAMES);
    let mp4 = mux(BOTH, &tags(&flv), &flv);
    // Video times are the tags' own; audio is sample-exact where FLV rounds to milliseconds.
    assert_same(&packets(&flv, "v"), &packets(&mp4, "v"), 0.01);
    assert_same(&packets(&flv, "a"), &packets(&mp4, "a"), 1.01);
    assert!(packets(&mp4, "v").iter().any(|packet| packet.pts != packet.dts), "the film has B-frames");
    assert_decodes(&mp4);
    assert_eq!(stream_facts(&mp4, "v", "codec_tag_string,width,height"), "avc1,320,180");
    assert_eq!(stream_facts(&mp4, "a", "codec_tag_string,profile,sample_rate,channels"), "LC,mp4a,44100,2");
}

#[test]
fn a_stream_that_starts_in_the_middle_has_absolute_times() {
    let directory = tempfile::tempdir().unwrap();
    let flv = make_flv(directory.path(), B_FRAMES);
    let all = tags(&flv);
    let start = all.iter().position(|tag| tag.is_keyframe() && tag.timestamp.as_millis() > 2000).unwrap();
    let at = f64::from(all[start].timestamp.as_millis());
    let mut middle: Vec<_> = all.iter().filter(|tag| tag.is_sequence_header()).cloned().collect();
    middle.extend_from_slice(&all[start..]);
    let mp4 = mux(BOTH, &middle, &flv);
    let whole: Vec<_> = packets(&flv, "v").into_iter().filter(|packet| packet.dts >= at).collect();
    assert_same(&whole, &packets(&mp4, "v"), 0.01);
    let sound = packets(&mp4, "a");
    assert!((sound[0].pts - at).abs() < 50.0, "sound begins with the picture: {:?}", sound[0]);
    assert_decodes(&mp4);
}

#[test]
fn one_lane_alone_is_a_whole_stream() {
    let directory = tempfile::tempdir().unwrap();
    let flv = make_flv(directory.path(), B_FRAMES);
    let all = tags(&flv);
    let sound = mux(Options { video: false, ..BOTH }, &all, &flv);
    assert_same(&packets(&flv, "a"), &packets(&sound, "a"), 1.01);
    assert_eq!(packets(&sound, "v").len(), 0);
    assert_decodes(&sound);
    let picture = mux(Options { audio: false, ..BOTH }, &all, &flv);
    assert_same(&packets(&flv, "v"), &packets(&picture, "v"), 0.01);
    assert_eq!(packets(&picture, "a").len(), 0);
    assert_decodes(&picture);
}

#[test]
fn wide_pixels_cropping_and_the_duration_reach_the_reader() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = B_FRAMES.to_vec();
    options.extend(["-vf", "scale=318:178,setsar=4/3"]);
    let flv = make_flv(directory.path(), &options);
    let duration = Some(MediaTime::from_millis(5000));
    let mp4 = mux(Options { duration, ..BOTH }, &tags(&flv), &flv);
    assert_eq!(stream_facts(&mp4, "v", "width,height,sample_aspect_ratio"), "318,178,4:3");
    assert_decodes(&mp4);
}

#[test]
fn missing_sound_is_replaced_by_silence_that_decodes() {
    for (channels, layout) in [("1", "mono"), ("2", "stereo"), ("6", "5.1"), ("8", "7.1")] {
        let directory = tempfile::tempdir().unwrap();
        let mut options = B_FRAMES.to_vec();
        options.extend(["-ac", channels, "-channel_layout", layout]);
        let flv = make_flv(directory.path(), &options);
        let is_missing = |tag: &Tag| {
            tag.kind == TagKind::Audio
                && !tag.is_sequence_header()
                && !(1500..3500).contains(&tag.timestamp.as_millis())
        };
        let (left, config): (Vec<_>, _) = {
            let all = tags(&flv);
            let config = all.iter().find(|tag| tag.kind == TagKind::Audio).unwrap().body.slice(2..);
            (all.into_iter().filter(|tag| !is_missing(tag)).collect(), config)
        };
        let config = AacConfig::parse(&config).unwrap();
        assert_eq!(config.channels.to_string(), channels);
        let mp4 = mux(BOTH, &left, &flv);
        let sound = packets(&mp4, "a");
        assert!(sound[0].pts < 100.0, "{layout}: sound begins at {}", sound[0].pts);
        let step = 1024.0 / 44.1;
        for pair in sound.windows(2) {
            assert!((pair[1].pts - pair[0].pts) < 2.0 * step, "{layout}: hole at {}", pair[0].pts);
        }
        assert_decodes(&mp4);
        let (_, volume) = run(
            "ffmpeg",
            &["-t", "1.2", "-i", mp4.to_str().unwrap(), "-vn", "-af", "volumedetect", "-f", "null", "-"],
        );
        assert!(volume.contains("max_volume: -91.0 dB"), "{layout}: what was filled in is silent: {volume}");
    }
}

#[test]
fn channels_listed_by_a_program_config_element_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = B_FRAMES.to_vec();
    options.extend(["-ac", "8", "-channel_layout", "7.1(wide)"]);
    let flv = make_flv(directory.path(), &options);
    let all = tags(&flv);
    let config = all.iter().find(|tag| tag.kind == TagKind::Audio).unwrap().body.slice(2..);
    let config = AacConfig::parse(&config).unwrap();
    assert_eq!((config.channel_configuration, config.channels), (0, 8));
    assert_decodes(&mux(BOTH, &all, &flv));
}
