//! HTTP Live Streaming: ffmpeg and both of GStreamer's demuxers play it, and the playlists keep the rules of
//! RFC 8216.

use crate::http_client::{Answer, get, get_with, request, send};
use crate::live::publish;
use crate::packets::{
    decodes, lane, never_backwards, probe, probe_with, same_audio, same_times, span, steady,
};
use crate::program::{command, run, start, succeed, wait_until};
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

/// A playlist of a film as its lines say.
#[derive(Debug, Default)]
struct Listed {
    target: f64,
    first: u64,
    lengths: Vec<f64>,
    uris: Vec<String>,
    maps: Vec<String>,
    discontinuities: usize,
    ended: bool,
}

/// Reads a media playlist by hand, holding it against what RFC 8216 says with "MUST".
#[track_caller]
fn read(playlist: &Answer) -> Listed {
    assert_eq!(playlist.status, 200, "{}", playlist.text());
    assert_eq!(playlist.header("Content-Type"), "application/vnd.apple.mpegurl");
    let text = playlist.text();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("#EXTM3U"), "4.3.1.1");
    let (mut listed, mut length) = (Listed::default(), None);
    let mut version = 1;
    for line in lines {
        let value = |tag: &str| line.strip_prefix(tag);
        if let Some(value) = value("#EXT-X-TARGETDURATION:") {
            assert_eq!(listed.target, 0.0, "one target duration");
            listed.target = value.parse::<u32>().unwrap().into();
        } else if let Some(value) = value("#EXT-X-VERSION:") {
            version = value.parse().unwrap();
        } else if let Some(value) = value("#EXT-X-MEDIA-SEQUENCE:") {
            assert!(listed.uris.is_empty(), "4.3.3.2: before the first segment");
            listed.first = value.parse().unwrap();
        } else if let Some(value) = value("#EXTINF:") {
            let seconds: f64 = value.trim_end_matches(',').parse().unwrap();
            assert!(seconds.round() <= listed.target, "4.3.3.1: {seconds} of at most {}", listed.target);
            length = Some(seconds);
        } else if let Some(value) = value("#EXT-X-MAP:URI=\"") {
            listed.maps.push(value.trim_end_matches('"').to_owned());
        } else if line == "#EXT-X-DISCONTINUITY" {
            listed.discontinuities += 1;
        } else if line == "#EXT-X-ENDLIST" {
            listed.ended = true;
        } else if !line.starts_with('#') {
            listed.lengths.push(length.take().expect("4.3.2.1: EXTINF before each segment"));
            listed.uris.push(line.to_owned());
            assert!(!listed.maps.is_empty(), "3.3: a media initialization section before fragmented MP4");
        }
    }
    assert!(version >= 6, "4.3.2.5: EXT-X-MAP needs version 6");
    assert!(listed.target >= 1.0);
    listed
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

/// Type and content of the boxes in `bytes`.
fn boxes(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    while bytes.len() >= 8 {
        let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        found.push((bytes[4..8].try_into().unwrap(), &bytes[8..size]));
        bytes = &bytes[size..];
    }
    found
}

/// Where each track of a segment begins and ends (ticks), and whether its first picture is a keyframe.
fn lanes(segment: &[u8]) -> (Vec<Option<(u64, u64)>>, Option<bool>) {
    let (mut lanes, mut key) = (vec![None, None], None);
    for (_, moof) in boxes(segment).into_iter().filter(|(kind, _)| kind == b"moof") {
        for (_, traf) in boxes(moof).into_iter().filter(|(kind, _)| kind == b"traf") {
            let parts = boxes(traf);
            let part = |kind: &[u8; 4]| parts.iter().find(|(k, _)| k == kind).unwrap().1;
            let number = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            let track = number(part(b"tfhd"), 4) as usize - 1;
            let start = u64::from_be_bytes(part(b"tfdt")[4..12].try_into().unwrap());
            let run = part(b"trun");
            let (count, size) = (number(run, 4) as usize, if track == 0 { 16 } else { 8 });
            let mut end = start;
            for n in 0..count {
                end += u64::from(number(run, 12 + n * size));
            }
            if track == 0 && key.is_none() {
                key = Some(number(run, 12 + 8) == 0x0200_0000);
            }
            let lane: &mut Option<(u64, u64)> = &mut lanes[track];
            if let Some((_, before)) = lane {
                assert_eq!(*before, start, "fragments of track {track} follow each other");
            }
            *lane = Some((lane.map_or(start, |(first, _)| first), end));
        }
    }
    (lanes, key)
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
    // Three times, if the machine is busy: the answer says when.
    let ahead = listed.uris.len() - 4;
    let segment = |n: usize| {
        let mut answer = get(server.http, &address(LONG_AVI, &listed.uris[n]));
        for _ in 0..10 {
            if answer.status != 503 {
                break;
            }
            let wait: u64 = answer.header("Retry-After").parse().unwrap();
            std::thread::sleep(Duration::from_secs(wait));
            answer = get(server.http, &address(LONG_AVI, &listed.uris[n]));
        }
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

fn live_address(key: &str, file: &str) -> String {
    format!("/hls/live/{key}/{file}")
}

#[test]
fn a_live_stream_is_a_window_that_slides() {
    let mut server = Server::start();
    let _publisher = publish(&server, "cam");
    let first = read(&get(server.http, &live_address("cam", "index.m3u8")));
    assert!(!first.ended && first.target == 2.0, "{first:?}");
    let mut seen: Vec<(u64, String)> = Vec::new();
    let mut last = first.first;
    wait_until("the window has slid", LIMIT, || {
        let playlist = get(server.http, &live_address("cam", "index.m3u8"));
        assert_eq!(playlist.header("Cache-Control"), "public, max-age=1");
        let listed = read(&playlist);
        assert_eq!(listed.target, first.target, "4.3.3.1: the target duration must not change");
        assert!(listed.first >= last, "6.2.2: the media sequence number never steps back");
        last = listed.first;
        for (n, uri) in listed.uris.iter().enumerate() {
            let entry = (listed.first + n as u64, uri.clone());
            match seen.iter().find(|(number, _)| *number == entry.0) {
                Some(known) => assert_eq!(*known, entry, "6.2.1: a segment keeps its address"),
                None => seen.push(entry),
            }
        }
        std::thread::sleep(Duration::from_millis(300));
        listed.first >= first.first + 2
    });
    // One after the other they are what was published.
    let listed = read(&get(server.http, &live_address("cam", "index.m3u8")));
    let mut file = get(server.http, &live_address("cam", &listed.maps[0])).body;
    let mut ends: [Option<u64>; 2] = [None, None];
    for uri in &listed.uris {
        let segment = get(server.http, &live_address("cam", uri)).body;
        let (lanes, key) = lanes(&segment);
        assert_eq!(key, Some(true));
        for track in [0, 1] {
            let (start, end) = lanes[track].unwrap();
            assert!(ends[track].is_none_or(|before| before == start), "track {track} goes on");
            ends[track] = Some(end);
        }
        file.extend(segment);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("got.mp4");
    std::fs::write(&path, &file).unwrap();
    decodes(&[], path.to_str().unwrap());
    // What left the playlist a moment ago can still be had (6.2.2).
    let (_, old) = seen.iter().find(|(number, _)| *number + 1 == listed.first).unwrap();
    assert_eq!(get(server.http, &live_address("cam", old)).status, 200);
    assert_eq!(get(server.http, &live_address("cam", "segment-0.m4s?s=other")).status, 404);
    let viewers = crate::live::figures(&server, "cam")["viewers_by_protocol"]["hls"].clone();
    assert_eq!(viewers, 1, "one for all who watch");
    server.must_be_well();
}

#[test]
fn low_latency_players_get_parts_and_playlists_that_wait() {
    let server = Server::start();
    let _publisher = publish(&server, "cam");
    let playlist = get(server.http, &live_address("cam", "index.m3u8")).text();
    assert!(
        playlist.contains("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500"),
        "{playlist}"
    );
    assert!(playlist.contains("#EXT-X-PART-INF:PART-TARGET=0.500"), "{playlist}");
    let quoted = |line: &str| line.split("URI=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let hint =
        quoted(playlist.lines().find(|line| line.starts_with("#EXT-X-PRELOAD-HINT:TYPE=PART")).unwrap());
    let part = get(server.http, &live_address("cam", &hint));
    assert_eq!(part.status, 200, "the part that was announced comes: {}", part.text());
    assert!(!part.body.is_empty());
    // The playlist that is asked for by number has it.
    let numbers = hint.strip_prefix("part-").unwrap().split(".m4s").next().unwrap();
    let (segment, number) = numbers.split_once('.').unwrap();
    let waited =
        get(server.http, &live_address("cam", &format!("index.m3u8?_HLS_msn={segment}&_HLS_part={number}")));
    assert!(waited.text().contains(&hint), "{hint}: {}", waited.text());
    let next: u64 = segment.parse::<u64>().unwrap() + 1;
    let waited = read(&get(server.http, &live_address("cam", &format!("index.m3u8?_HLS_msn={next}"))));
    assert!(waited.first + waited.uris.len() as u64 > next);
    let far = get(server.http, &live_address("cam", &format!("index.m3u8?_HLS_msn={}", next + 50)));
    assert_eq!(far.status, 400);
    // Parts are short, and one after the other the segment.
    let playlist = get(server.http, &live_address("cam", "index.m3u8")).text();
    let parts: Vec<&str> = playlist.lines().filter(|line| line.starts_with("#EXT-X-PART:")).collect();
    assert!(parts.len() >= 4, "{playlist}");
    for part in &parts {
        let length: f64 = part.split("DURATION=").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
        assert!(length <= 0.5, "{part}");
    }
    let number = quoted(parts[0]).strip_prefix("part-").unwrap().split('.').next().unwrap().to_owned();
    let of_it = parts.iter().filter(|part| quoted(part).starts_with(&format!("part-{number}.")));
    let joined: Vec<u8> =
        of_it.flat_map(|part| get(server.http, &live_address("cam", &quoted(part))).body).collect();
    let uri = playlist.lines().find(|line| line.starts_with(&format!("segment-{number}."))).unwrap();
    assert!(joined == get(server.http, &live_address("cam", uri)).body, "{number} in parts");
}

#[test]
fn clients_join_a_live_stream_and_are_told_of_its_end() {
    let mut server = Server::configured(crate::samples::library(), "[live]\ngrace_seconds = 1\n");
    let publisher = publish(&server, "cam");
    let url = format!("http://{}{}", server.http, live_address("cam", "index.m3u8"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.mp4").to_str().unwrap().to_owned();
    succeed("ffmpeg", &["-v", "error", "-i", &url, "-t", "4", "-c", "copy", &file], LIMIT);
    let packets = probe(&file);
    assert!(span(&lane(&packets, true)) > 3.0 && lane(&packets, true)[0].key);
    let got = folder.path().join("got.yuv");
    let pipeline = format!(
        "souphttpsrc location={url} ! hlsdemux ! qtdemux name=d d.video_0 ! queue ! h264parse ! avdec_h264 ! \
         filesink sync=false location={}",
        got.display()
    );
    let arguments: Vec<&str> = ["-q"].into_iter().chain(pipeline.split_whitespace()).collect();
    // A hundred pictures, which are more than two segments.
    let enough = 100 * 640 * 360 * 3 / 2;
    let watching = start(command("gst-launch-1.0", &arguments));
    wait_until("GStreamer has seen some segments", LIMIT, || {
        std::fs::metadata(&got).is_ok_and(|file| file.len() > enough)
    });
    drop(watching);
    drop(publisher);
    wait_until("the playlist has its end", LIMIT, || {
        get(server.http, &live_address("cam", "index.m3u8")).text().contains("#EXT-X-ENDLIST")
    });
    let missing = get(server.http, &live_address("nothing", "index.m3u8"));
    assert_eq!(missing.status, 404, "{}", missing.text());
    server.must_be_well();
}

#[test]
fn a_publisher_with_another_picture_is_a_discontinuity() {
    let mut server = Server::start();
    let publisher = publish(&server, "cam");
    read(&get(server.http, &live_address("cam", "index.m3u8")));
    drop(publisher);
    let publisher = start(command(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x180:rate=25",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            "-f",
            "flv",
            &format!("rtmp://{}/live/cam", server.rtmp),
        ],
    ));
    let mut found = None;
    wait_until("the other picture is there", LIMIT, || {
        let listed = read(&get(server.http, &live_address("cam", "index.m3u8")));
        let there = listed.discontinuities == 1 && listed.maps.len() == 2;
        found = there.then_some(listed);
        there
    });
    let listed = found.unwrap();
    let inits: Vec<Vec<u8>> =
        listed.maps.iter().map(|uri| get(server.http, &live_address("cam", uri)).body).collect();
    assert_ne!(inits[0], inits[1]);
    drop(publisher);
    server.must_be_well();
}

#[test]
fn what_hls_cannot_carry_is_refused_by_name() {
    let mut server = Server::start();
    let source = path_of(SORENSON_FLV);
    let target = format!("rtmp://{}/live/old", server.rtmp);
    let arguments =
        ["-v", "error", "-re", "-stream_loop", "-1", "-i", &source, "-c", "copy", "-f", "flv", &target];
    let _publisher = start(command("ffmpeg", &arguments));
    wait_until("the stream is on air", LIMIT, || {
        crate::live::figures(&server, "old")["bytes_in"].as_u64() > Some(10_000)
    });
    let refused = get(server.http, &live_address("old", "index.m3u8"));
    assert_eq!(refused.status, 415, "{}", refused.text());
    assert!(refused.text().contains("H.264"), "{}", refused.text());
    server.must_be_well();
}

#[test]
fn a_recording_is_listed_as_far_as_it_goes_and_whole_at_its_end() {
    let folder = crate::server::folder_for_server();
    let recordings = format!("[record]\nfolder = {:?}\n", folder.path().join("Recordings"));
    let server = Server::configured(folder.path(), &recordings);
    let _publisher = publish(&server, "cam");
    let started = request(server.http, "POST", "/api/v1/recordings", "{\"stream\":\"cam\"}");
    assert_eq!(started.status, 201, "{}", started.text());
    let mut path = String::new();
    wait_until("the recording has a file", LIMIT, || {
        let recording = get(server.http, "/api/v1/recordings/cam").json();
        path = recording["path"].as_str().unwrap_or_default().to_owned();
        recording["duration"].as_f64() > Some(1.0)
    });
    let mut growing = Vec::new();
    wait_until("a segment is listed", LIMIT, || {
        let playlist = get(server.http, &format!("/hls/{path}/index.m3u8"));
        if playlist.status == 503 {
            return false;
        }
        let listed = read(&playlist);
        assert!(!listed.ended && playlist.text().contains("#EXT-X-PLAYLIST-TYPE:EVENT"));
        growing = listed.uris;
        !growing.is_empty()
    });
    assert_eq!(request(server.http, "DELETE", "/api/v1/recordings/cam", "").status, 200);
    let mut whole = Listed::default();
    wait_until("the whole is listed", LIMIT, || {
        whole = read(&get(server.http, &format!("/hls/{path}/index.m3u8")));
        whole.ended
    });
    assert!(whole.uris.len() >= growing.len());
    for uri in &whole.uris {
        assert_eq!(get(server.http, &format!("/hls/{path}/{uri}")).status, 200);
    }
}

#[test]
fn a_film_is_one_mp4_in_fragments_while_it_is_converted_and_finished_when_it_is() {
    let server = Server::start();
    let wait = |sample: &str| {
        wait_until("it is complete", LIMIT, || {
            get(server.http, &format!("/api/v1/media/{}", encoded(sample))).json()["complete"] == true
        });
    };
    for sample in [H264_MP4, MPEG2, H264_FLV, SONG] {
        let address = format!("/mp4/{}", encoded(sample));
        let url = server.http_url("mp4", sample);
        // As it comes.
        decodes(&[], &url);
        wait(sample);
        let whole = get(server.http, &address);
        assert_eq!(&whole.body[4..8], b"ftyp", "{sample}");
        assert_eq!(whole.header("Content-Length"), whole.body.len().to_string(), "{sample}: it is finished");
        let part = get_with(server.http, &address, "Range: bytes=1000-200000\r\n");
        assert_eq!(part.status, 206);
        assert!(part.body == whole.body[1000..=200_000.min(whole.body.len() - 1)], "{sample}");
        decodes(&[], &url);
        decodes(&["-ss", "7"], &url);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("whole.mp4").to_str().unwrap().to_owned();
        std::fs::write(&file, &whole.body).unwrap();
        if sample == H264_MP4 {
            let (wanted, got) = (probe(&path_of(sample)), probe(&file));
            let video = same_times(sample, &lane(&got, true), &lane(&wanted, true), 0.002);
            let audio = same_audio(sample, &lane(&got, false), &lane(&wanted, false));
            assert!((video - audio).abs() < 0.025, "sound against picture: {audio:.3} and {video:.3}");
        }
        let location = format!("location={file}");
        succeed("gst-launch-1.0", &["-q", "filesrc", &location, "!", "qtdemux", "!", "fakesink"], LIMIT);
    }
}
