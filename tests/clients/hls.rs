//! Films by HTTP Live Streaming: ffmpeg and both of GStreamer's demuxers play them, and the playlists keep the rules
//! of RFC 8216.

use crate::hls_listed::{Listed, boxes, lanes, read};
use crate::http_client::{get, get_with, request, send};
use crate::packets::{decodes, lane, never_backwards, probe, probe_with, same_audio, same_times, steady};
use crate::program::{run, succeed};
use crate::samples::{H264_FLV, H264_MP4, H264_TS, LONG_AVI, MPEG2, SORENSON_FLV, path_of};
use crate::server::{Server, encoded};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(90);

const SONG: &str = "Music/Ein Lied.mp3";

fn address(sample: &str, file: &str) -> String {
    format!("/hls/{}/{file}", encoded(sample))
}

fn url(server: &Server, sample: &str) -> String {
    format!("http://{}{}", server.http, address(sample, "index.m3u8"))
}

/// Fetches the init segment and all segments of a film, as one file.
#[track_caller]
fn assemble(server: &Server, sample: &str, listed: &Listed) -> Vec<u8> {
    let mut file = Vec::new();
    for uri in listed.maps.iter().chain(&listed.uris) {
        let answer = get(server.http, &address(sample, uri));
        assert_eq!(answer.status, 200, "{uri}: {}", answer.text());
        assert!(answer.header("Cache-Control").contains("immutable"), "{uri}");
        file.extend(answer.body);
    }
    file
}

/// Segments end where the next ones begin, to the tick, and begin with keyframes.
#[track_caller]
fn tiles(server: &Server, sample: &str, listed: &Listed) {
    let mut ends: [Option<u64>; 2] = [None, None];
    for (n, uri) in listed.uris.iter().enumerate() {
        let (lanes, key) = lanes(&get(server.http, &address(sample, uri)).body);
        assert!(key != Some(false), "{sample}: segment {n} begins with a keyframe");
        for (track, lane) in lanes.iter().enumerate() {
            let Some((start, end)) = lane else { continue };
            if let Some(before) = ends[track] {
                assert_eq!(
                    *start, before,
                    "{sample}: track {track} of segment {n} begins where the last one ends"
                );
            }
            ends[track] = Some(*end);
        }
    }
}

#[test]
fn a_film_is_listed_whole_before_it_is_converted_and_its_segments_tile_it() {
    let server = Server::start();
    for (sample, seconds) in
        [(H264_MP4, 20.0), (H264_TS, 20.0), (MPEG2, 12.0), (H264_FLV, 20.0), (SONG, 15.0)]
    {
        let listed = read(&get(server.http, &address(sample, "index.m3u8")));
        assert!(listed.ended, "{sample}: whole at once");
        let length: f64 = listed.lengths.iter().sum();
        assert!((length - seconds).abs() < 0.6, "{sample}: {length} of {seconds} s");
        assert!(listed.uris.len() > 1, "{sample}: {:?}", listed.lengths);
        tiles(&server, sample, &listed);
    }
}

#[test]
fn what_ffmpeg_gets_by_hls_is_the_source_packet_by_packet() {
    let server = Server::start();
    for sample in [H264_MP4, H264_FLV] {
        let (wanted, got) = (probe(&path_of(sample)), probe(&url(&server, sample)));
        let video = same_times(sample, &lane(&got, true), &lane(&wanted, true), 0.002);
        let audio = same_audio(sample, &lane(&got, false), &lane(&wanted, false));
        assert!((video - audio).abs() < 0.025, "{sample}: sound against picture: {audio:.3} and {video:.3}");
        // … and decodes to the very same pictures.
        let hashes = |input: &str| {
            let arguments = [
                "-v",
                "error",
                "-i",
                input,
                "-map",
                "0:v",
                "-fps_mode",
                "passthrough",
                "-f",
                "framehash",
                "-hash",
                "md5",
                "-",
            ];
            let output = succeed("ffmpeg", &arguments, LIMIT).stdout;
            let output = String::from_utf8_lossy(&output).into_owned();
            let lines = output.lines().filter(|line| !line.starts_with('#'));
            lines
                .filter_map(|line| line.rsplit(',').next().map(|hash| hash.trim().to_owned()))
                .collect::<Vec<_>>()
        };
        let (wanted, got) = (hashes(&path_of(sample)), hashes(&url(&server, sample)));
        assert_eq!(got.len(), 500, "{sample}");
        assert_eq!(got, wanted, "{sample}: pictures");
    }
}

#[test]
fn what_has_to_be_converted_decodes_without_a_complaint_and_without_a_seam() {
    let server = Server::start();
    for sample in [MPEG2, SORENSON_FLV, SONG, H264_TS] {
        let address = url(&server, sample);
        decodes(&[], &address);
        let packets = probe(&address);
        for video in [true, false] {
            let lane = lane(&packets, video);
            never_backwards(sample, &lane);
            if !video {
                steady(sample, &lane, 0.0232, 0.004);
            }
        }
    }
}

#[test]
fn a_segment_far_ahead_comes_before_those_between_and_fits_to_them() {
    let server = Server::start();
    let listed = read(&get(server.http, &address(LONG_AVI, "index.m3u8")));
    assert!(listed.uris.len() > 20, "{:?}", listed.lengths);
    let began = Instant::now();
    let ahead = listed.uris.len() - 4;
    let segment = |n: usize| {
        let answer = get(server.http, &address(LONG_AVI, &listed.uris[n]));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.body
    };
    let far = lanes(&segment(ahead)).0;
    let media = get(server.http, &format!("/api/v1/media/{}", encoded(LONG_AVI))).json();
    let ranges = media["ranges"].as_array().unwrap();
    assert!(ranges.len() > 1, "it was sought to, {:?} after the playlist: {ranges:?}", began.elapsed());
    let next = lanes(&segment(ahead + 1)).0;
    assert_eq!(far[0].unwrap().1, next[0].unwrap().0);
    assert_eq!(far[1].unwrap().1, next[1].unwrap().0);
    let start: f64 = listed.lengths[..ahead].iter().sum();
    let begins = far[0].unwrap().0 as f64 / 90_000.0;
    assert!((begins - start).abs() < 0.3, "{begins} is where {start} was planned");
}

/// What a player does that seeks. ffmpeg 5.1 itself finds nothing behind a seek in HLS of fragmented MP4, its own
/// either; the browser's tests seek.
#[test]
fn a_player_can_enter_at_any_segment() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.mp4");
    for sample in [H264_MP4, MPEG2, H264_FLV] {
        let listed = read(&get(server.http, &address(sample, "index.m3u8")));
        for n in (1..listed.uris.len()).rev() {
            let from_here =
                Listed { uris: listed.uris[n..].to_vec(), maps: listed.maps.clone(), ..Listed::default() };
            std::fs::write(&file, assemble(&server, sample, &from_here)).unwrap();
            let path = file.to_str().unwrap();
            decodes(&[], path);
            let first = &lane(&probe_with(&["-read_intervals", "%+1"], path), true)[0];
            let planned: f64 = listed.lengths[..n].iter().sum();
            assert!(
                first.key && (first.dts - planned).abs() < 2.5,
                "{sample}: {n} is planned at {planned}: {first:?}"
            );
        }
    }
}

#[test]
fn both_of_gstreamers_demuxers_play_to_the_end() {
    let server = Server::start();
    for demuxer in ["hlsdemux", "hlsdemux2"] {
        if !run("gst-inspect-1.0", &[demuxer], LIMIT).status.success() {
            assert_eq!(demuxer, "hlsdemux2", "hlsdemux is in plugins-bad");
            continue;
        }
        for sample in [H264_MP4, MPEG2, SONG] {
            let location = format!("location={}", url(&server, sample));
            // hlsdemux2 takes the media apart itself, and wants to be asked by a bin that collects streams.
            let pipeline = match demuxer {
                "hlsdemux" => format!(
                    "souphttpsrc {location} ! hlsdemux ! qtdemux name=d d. ! queue max-size-time=0 max-size-bytes=0 \
                     max-size-buffers=0 ! fakesink sync=false"
                ),
                _ => {
                    let uri = format!("uri={}", url(&server, sample));
                    format!("uridecodebin3 {uri} ! fakesink sync=false")
                }
            };
            let arguments: Vec<&str> = ["-q"].into_iter().chain(pipeline.split_whitespace()).collect();
            succeed("gst-launch-1.0", &arguments, LIMIT);
        }
    }
}

#[test]
fn caches_ranges_and_other_sites_are_told_what_they_need() {
    let server = Server::start();
    let playlist = get(server.http, &address(H264_MP4, "index.m3u8"));
    assert_eq!(playlist.header("Cache-Control"), "public, max-age=10");
    let listed = read(&playlist);
    let first = address(H264_MP4, &listed.uris[0]);
    let whole = get(server.http, &first);
    assert_eq!(whole.header("Content-Type"), "video/mp4");
    assert_eq!(whole.header("Content-Length"), whole.body.len().to_string());
    assert_eq!(whole.header("Accept-Ranges"), "bytes");
    assert_eq!(get(server.http, &first).body, whole.body, "the same bytes each time");
    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=100-70000", 100..70_001),
        ("bytes=5000-", 5000..whole.body.len()),
        ("bytes=-77", whole.body.len() - 77..whole.body.len()),
    ] {
        let part = get_with(server.http, &first, &format!("Range: {range}\r\n"));
        assert_eq!(part.status, 206, "{range}");
        let said = format!("bytes {}-{}/{}", expected.start, expected.end - 1, whole.body.len());
        assert_eq!(part.header("Content-Range"), said);
        assert!(part.body == whole.body[expected], "{range}");
    }
    assert_eq!(get_with(server.http, &first, "Range: bytes=99999999-\r\n").status, 416);
    let asked = format!("HEAD {first} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let head = send(server.http, asked.as_bytes(), 0).unwrap();
    assert_eq!(head.header("Content-Length"), whole.body.len().to_string());

    for (origin, allowed) in [("http://192.168.7.7:3000", true), ("https://evil.example", false)] {
        let answer = get_with(server.http, &first, &format!("Origin: {origin}\r\n"));
        assert_eq!(answer.header("Access-Control-Allow-Origin"), if allowed { origin } else { "" });
        assert_eq!(answer.header("Vary"), "Origin");
    }
    let preflight = request(server.http, "OPTIONS", &first, "");
    assert_eq!(preflight.status, 204);
}

#[test]
fn addresses_that_no_playlist_has_are_refused_with_what_to_do() {
    let mut server = Server::start();
    for (file, status, said) in [
        ("segment-99.m4s", 404, "segments, counted from 0"),
        ("segment-0.m4s?v=nonsense", 400, "load index.m3u8 anew"),
        ("segment-0.m4s?v=b.4e20.00000001.00000002", 410, "load index.m3u8 anew"),
        ("index.m3u8?profile=flash", 400, "profile=flash"),
        ("segment-1.ts", 404, ""),
    ] {
        let answer = get(server.http, &address(H264_MP4, file));
        assert_eq!(answer.status, status, "{file}: {}", answer.text());
        assert!(answer.text().contains(said), "{file}: {}", answer.text());
    }
    assert_eq!(get(server.http, "/hls/nothing.mp4/index.m3u8").status, 404);
    assert_eq!(get(server.http, &address("Broken/broken-text.avi", "index.m3u8")).status, 415);
    // What a playlist of a longer film promised is there, and empty.
    let listed = read(&get(server.http, &address(H264_MP4, "index.m3u8")));
    let beyond = listed.uris[0].replace("segment-0", "segment-5").replacen(".4e", ".ffe", 1);
    let answer = get(server.http, &address(H264_MP4, &beyond));
    assert_eq!(answer.status, 200, "{beyond}: {}", answer.text());
    assert_eq!(boxes(&answer.body).len(), 1, "{beyond}");
    server.must_be_well();
}

#[test]
fn the_master_playlist_names_codecs_and_size() {
    let server = Server::start();
    let master = get(server.http, &address(H264_MP4, "master.m3u8?profile=small&audio=0")).text();
    let mime = get(server.http, &format!("/api/v1/media/{}", encoded(H264_MP4))).json()["mime"].to_string();
    let codecs = mime.split("\\\"").nth(1).unwrap();
    assert!(master.contains(&format!("CODECS=\"{codecs}\"")), "{master} {mime}");
    assert!(master.contains("RESOLUTION=640x360") && master.contains("BANDWIDTH="), "{master}");
    assert!(master.ends_with("index.m3u8?profile=small&audio=0\n"), "{master}");
    let song = get(server.http, &address(SONG, "master.m3u8")).text();
    assert!(song.contains("CODECS=\"mp4a.40.2\"") && !song.contains("RESOLUTION"), "{song}");
    decodes(&["-t", "3"], &format!("http://{}{}", server.http, address(H264_MP4, "master.m3u8")));
}

#[test]
fn a_choice_is_part_of_every_address() {
    let server = Server::start();
    let sample = "Films/Two Languages.mkv";
    let playlist = get(server.http, &address(sample, "index.m3u8?profile=small&audio=de"));
    let listed = read(&playlist);
    assert!(listed.uris.iter().chain(&listed.maps).all(|uri| uri.ends_with("&profile=small&audio=de")));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.mp4");
    std::fs::write(&file, assemble(&server, sample, &listed)).unwrap();
    let said = succeed(
        "ffprobe",
        &["-v", "error", "-show_entries", "stream=width", "-of", "csv", file.to_str().unwrap()],
        LIMIT,
    );
    assert!(
        String::from_utf8_lossy(&said.stdout).contains("854"),
        "{}",
        String::from_utf8_lossy(&said.stdout)
    );
    decodes(&[], file.to_str().unwrap());
}
