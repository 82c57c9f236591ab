//! ffmpeg and ffprobe over RTMP.

use crate::packets::{
    decodes, lane, never_backwards, probe, probe_with, same_audio, same_times, span, steady,
};
use crate::program::{run, succeed};
use crate::samples::{
    BROKEN, CONVERTED, H264_FLV, H264_MKV, H264_MP4, H264_TS, JAPANESE_MP4, MPEG2, SORENSON_FLV, path_of,
};
use crate::server::Server;
use std::time::Duration;

/// Between a time in the source and one on the wire: both are rounded to milliseconds.
const ROUNDING: f64 = 0.002;

/// For a play that is not held back to its own speed.
const FAST: Duration = Duration::from_secs(60);

#[track_caller]
fn arrives_whole(sample: &str) {
    let server = Server::start();
    let (wanted, got) = (probe(&path_of(sample)), probe(&server.rtmp_url(sample)));
    let video = same_times("video", &lane(&got, true), &lane(&wanted, true), ROUNDING);
    let audio = same_audio("audio", &lane(&got, false), &lane(&wanted, false));
    assert!(
        (video - audio).abs() <= ROUNDING,
        "sound against picture: shifted by {audio:.3} and {video:.3} seconds"
    );
}

#[test]
fn an_mp4_arrives_packet_by_packet_with_its_times() {
    arrives_whole(H264_MP4);
}

#[test]
fn an_flv_arrives_packet_by_packet_with_its_times() {
    arrives_whole(H264_FLV);
}

#[test]
fn an_flv_of_the_flash_era_arrives_packet_by_packet_with_its_times() {
    arrives_whole(SORENSON_FLV);
}

#[test]
fn a_matroska_without_decoding_times_gets_them_back() {
    let server = Server::start();
    let (wanted, got) = (probe(&path_of(H264_MKV)), probe(&server.rtmp_url(H264_MKV)));
    let (wanted_video, got_video) = (lane(&wanted, true), lane(&got, true));
    assert_eq!(got_video.len(), wanted_video.len());
    // Until it knows how frames are reordered, the demuxer's times are those of a stream without delay.
    let video = same_times("video but its first frames", &got_video[2..], &wanted_video[2..], ROUNDING);
    let audio = same_times("audio", &lane(&got, false), &lane(&wanted, false), ROUNDING);
    assert!((video - audio).abs() <= ROUNDING, "shifted by {audio:.3} and {video:.3} seconds");
}

#[test]
fn a_transport_stream_arrives_packet_by_packet() {
    let server = Server::start();
    let (wanted, got) = (probe(&path_of(H264_TS)), probe(&server.rtmp_url(H264_TS)));
    let video = same_times("video", &lane(&got, true), &lane(&wanted, true), ROUNDING);
    let audio = same_times("audio", &lane(&got, false), &lane(&wanted, false), 0.023);
    assert!((video - audio).abs() <= 0.025, "shifted by {audio:.3} and {video:.3} seconds");
}

#[test]
fn everything_else_is_converted_whole_and_decodes_without_a_complaint() {
    let server = Server::start();
    for sample in CONVERTED {
        let url = server.rtmp_url(sample);
        let (wanted, got) = (probe(&path_of(sample)), probe(&url));
        for video in [true, false] {
            let (wanted, got) = (lane(&wanted, video), lane(&got, video));
            assert_eq!(wanted.is_empty(), got.is_empty(), "{sample}: has video: {video}");
            if !wanted.is_empty() {
                let seconds = (span(&wanted), span(&got));
                assert!((seconds.0 - seconds.1).abs() <= 0.2, "{sample}: {seconds:?}, video: {video}");
                if *sample == MPEG2 && video {
                    // GStreamer's decoder gives three pictures in a row one time.
                    continue;
                }
                // 25 pictures a second, or 1024 samples at 44.1 or 48 kHz.
                let first = usize::from(video); // an AVI may show its first picture twice as long
                steady(sample, &got[first..], if video { 0.040 } else { 0.023 }, 0.004);
            }
        }
        decodes(&["-rtmp_buffer", "3600000"], &url);
    }
}

#[test]
fn a_seek_begins_with_the_keyframe_before_it() {
    let server = Server::start();
    for sample in [H264_MP4, H264_FLV, "Films/Zwölf Bären.mkv"] {
        let packets = probe_with(&["-read_intervals", "7%+2"], &server.rtmp_url(sample));
        let video = lane(&packets, true);
        let first = &video[0];
        assert!(first.key, "{sample}: the first packet at {:.3} is no keyframe", first.pts);
        // Keyframes are two seconds apart; times may have a constant of a quarter of a second.
        assert!((4.9..=7.3).contains(&first.pts), "{sample}: begins at {:.3} after a seek to 7", first.pts);
        never_backwards(sample, &video);
    }
}

#[test]
fn ffmpeg_seeks_and_decodes_what_follows() {
    let server = Server::start();
    for sample in [H264_MP4, H264_FLV, SORENSON_FLV, "Films/Old Tape.avi"] {
        let url = server.rtmp_url(sample);
        decodes(&["-ss", "7", "-t", "2"], &url);
    }
}

#[test]
fn a_player_gets_the_media_at_its_own_speed() {
    // ffmpeg asks for 3 seconds of buffer and reads as fast as it can: 10 seconds of film take longer than
    // nothing and, with the buffer filled at once, not longer than the film.
    let server = Server::start();
    let url = server.rtmp_url(JAPANESE_MP4);
    let played = succeed("ffmpeg", &["-v", "error", "-i", &url, "-c", "copy", "-f", "null", "-"], FAST);
    let seconds = played.took.as_secs_f64();
    assert!((3.0..12.0).contains(&seconds), "10 seconds of film took {seconds:.1}");
}

#[test]
fn what_is_not_there_ends_ffmpeg_at_once() {
    let mut server = Server::start();
    for name in ["nothing like this.mp4", "nothing", "Films/nothing", ""] {
        let url = server.rtmp_url(name);
        let ended = run("ffmpeg", &["-v", "error", "-i", &url, "-f", "null", "-"], Duration::from_secs(10));
        assert!(!ended.status.success(), "{name:?} was played");
    }
    server.must_be_well();
}

#[test]
fn a_broken_file_ends_ffmpeg_and_nothing_else() {
    let mut server = Server::start();
    for name in BROKEN {
        let url = server.rtmp_url(name);
        let ended = run("ffmpeg", &["-v", "error", "-i", &url, "-f", "null", "-"], Duration::from_secs(20));
        assert!(!ended.status.success(), "{name} was played");
    }
    server.must_be_well();
    let whole = probe(&server.rtmp_url(H264_FLV));
    assert!(!whole.is_empty());
}

#[test]
fn a_file_cut_short_plays_as_far_as_it_goes() {
    let mut server = Server::start();
    let packets = probe(&server.rtmp_url("Broken/cut short.mp4"));
    let seconds = span(&lane(&packets, true));
    assert!((1.0..10.0).contains(&seconds), "{seconds:.1} seconds of a film cut at a fifth of 20");
    server.must_be_well();
}
