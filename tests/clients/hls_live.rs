//! Live streams and recordings by HTTP Live Streaming.

use crate::hls_listed::{Listed, lanes, read};
use crate::http_client::{get, request};
use crate::live::publish;
use crate::packets::{decodes, lane, probe, span};
use crate::program::{command, start, succeed, wait_until};
use crate::samples::{SORENSON_FLV, path_of};
use crate::server::Server;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);

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
    // Also those that a player was told of before the end.
    for uri in growing.iter().chain(&whole.uris) {
        assert_eq!(get(server.http, &format!("/hls/{path}/{uri}")).status, 200);
    }
}
