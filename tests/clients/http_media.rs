//! Media over HTTP: progressive FLV and fragmented MP4.

use crate::http_client::{get, get_with};
use crate::packets::{decodes, lane, never_backwards, probe, same_audio, same_times, span};
use crate::samples::{CONVERTED, H264_FLV, H264_MP4, LONG_AVI, MPEG2, SORENSON_FLV, path_of};
use crate::server::{Server, encoded};
use std::time::{Duration, Instant};

/// Between a time in the source and one on the wire: both are rounded to milliseconds.
const ROUNDING: f64 = 0.002;

#[test]
fn flv_over_http_has_every_packet_at_its_time() {
    let server = Server::start();
    for sample in [H264_MP4, H264_FLV, SORENSON_FLV] {
        let (wanted, got) = (probe(&path_of(sample)), probe(&server.http_url("flv", sample)));
        same_times(sample, &lane(&got, true), &lane(&wanted, true), ROUNDING);
        same_audio(sample, &lane(&got, false), &lane(&wanted, false));
    }
}

#[test]
fn flv_over_http_of_what_must_be_converted_decodes_without_a_complaint() {
    let server = Server::start();
    for sample in CONVERTED {
        let url = server.http_url("flv", sample);
        decodes(&[], &url);
        let (wanted, got) = (span(&lane(&probe(&path_of(sample)), false)), span(&lane(&probe(&url), false)));
        assert!((wanted - got).abs() <= 0.2, "{sample}: {got:.3} of {wanted:.3} seconds of sound");
    }
}

#[test]
fn flv_from_a_start_begins_with_the_keyframe_before_it() {
    let server = Server::start();
    for sample in [H264_MP4, H264_FLV] {
        let url = format!("{}?start=7", server.http_url("flv", sample));
        let packets = probe(&url);
        let video = lane(&packets, true);
        assert!(video[0].key, "{sample}: begins without a keyframe");
        let seconds = span(&video);
        assert!((12.9..15.1).contains(&seconds), "{sample}: {seconds:.3} seconds from 7 of 20");
        never_backwards(sample, &video);
        decodes(&[], &url);
    }
}

#[test]
fn flv_says_how_long_it_is_and_where_its_keyframes_are() {
    let server = Server::start();
    for sample in [H264_MP4, H264_FLV] {
        let answer = get(server.http, &format!("/flv/{}", encoded(sample)));
        assert_eq!(answer.status, 200, "{sample}");
        assert_eq!(answer.header("content-type"), "video/x-flv", "{sample}");
        assert!(answer.body.starts_with(b"FLV\x01"), "{sample}");
        let head = &answer.body[..4096];
        for word in ["onMetaData", "duration", "keyframes", "filepositions", "times"] {
            assert!(head.windows(word.len()).any(|at| at == word.as_bytes()), "{sample}: no {word}");
        }
    }
}

#[test]
fn ranges_of_a_whole_flv_are_its_bytes() {
    let server = Server::start();
    let target = format!("/flv/{}", encoded(H264_FLV));
    let whole = get(server.http, &target);
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let length = whole.body.len();
    let table = [
        ("bytes=0-99".to_owned(), 0..100),
        (format!("bytes={}-", length / 2), length / 2..length),
        (format!("bytes={}-{}", 13, length + 1000), 13..length),
        ("bytes=-500".to_owned(), length - 500..length),
    ];
    for (asked, range) in table {
        let answer = get_with(server.http, &target, &format!("Range: {asked}\r\n"));
        assert_eq!(answer.status, 206, "{asked}");
        let said = format!("bytes {}-{}/{length}", range.start, range.end - 1);
        assert_eq!(answer.header("content-range"), said, "{asked}");
        assert!(answer.body == whole.body[range], "{asked}: other bytes");
    }
    let beyond = get_with(server.http, &target, &format!("Range: bytes={length}-\r\n"));
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), format!("bytes */{length}"));
    // RFC 9110 14.2: what is not understood is ignored.
    assert_eq!(get_with(server.http, &target, "Range: lines=1-2\r\n").status, 200);
}

#[test]
fn bad_starts_are_refused() {
    let server = Server::start();
    for start in ["x", "-1", "NaN", "inf"] {
        for base in ["/flv/", "/fmp4/"] {
            let answer = get(server.http, &format!("{base}{}?start={start}", encoded(H264_FLV)));
            assert_eq!(answer.status, 400, "{base}…?start={start}: {}", answer.text());
        }
    }
}

#[test]
fn fmp4_decodes_without_a_complaint_and_has_the_times_of_the_film() {
    let server = Server::start();
    for sample in
        [H264_MP4, H264_FLV, "Films/Zwölf Bären.mkv", MPEG2, "Music/Lossless.flac", "Music/Ein Lied.mp3"]
    {
        let url = server.http_url("fmp4", sample);
        decodes(&[], &url);
        for video in [true, false] {
            let (wanted, got) = (lane(&probe(&path_of(sample)), video), lane(&probe(&url), video));
            assert_eq!(wanted.is_empty(), got.is_empty(), "{sample}: has video: {video}");
            if !wanted.is_empty() {
                let (wanted, got) = (span(&wanted), span(&got));
                assert!((wanted - got).abs() <= 0.2, "{sample}: {got:.3} of {wanted:.3} s, video: {video}");
            }
        }
    }
}

#[test]
fn fmp4_from_a_start_has_absolute_times() {
    let server = Server::start();
    for sample in [H264_MP4, H264_FLV, "Films/Old Tape.avi"] {
        // Without this ffprobe moves the beginning to zero.
        let url = format!("{}?start=7", server.http_url("fmp4", sample));
        let video = lane(&probe(&url), true);
        assert!(video[0].key, "{sample}: begins without a keyframe");
        assert!((1.9..=7.3).contains(&video[0].pts), "{sample}: begins at {:.3}", video[0].pts);
        never_backwards(sample, &video);
    }
}

#[test]
fn an_answer_begins_at_once_although_its_start_is_not_converted_yet() {
    let server = Server::start();
    let begun = Instant::now();
    let answer =
        crate::http_client::get_beginning(server.http, &format!("/fmp4/{}?start=60", encoded(LONG_AVI)), 0);
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("video/mp4"), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_viewer_who_leaves_early_disturbs_nobody() {
    let mut server = Server::start();
    for _ in 0..10 {
        crate::http_client::get_beginning(server.http, &format!("/flv/{}", encoded(LONG_AVI)), 100_000);
    }
    server.must_be_well();
    let packets = probe(&server.http_url("flv", H264_MP4));
    assert_eq!(lane(&packets, true).len(), 500);
}
