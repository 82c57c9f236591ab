//! What else may lie in a library: names that are no text, pipes, links in circles, files that are replaced, cut or still
//! being copied while they are watched.

use crate::http_client::{get, try_get};
use crate::packets::{lane, probe};
use crate::program::{command, start, succeed, wait_until};
use crate::rtmp_client::RtmpClient;
use crate::samples::{H264_MP4, path_of};
use crate::server::{Server, folder_for_server};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

fn target(name: &[u8]) -> String {
    percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// Pictures of the twenty seconds of [`H264_MP4`].
const PICTURES: usize = 500;

#[test]
fn names_that_are_no_text_are_listed_and_played() {
    let folder = folder_for_server();
    let names: [&[u8]; 8] = [
        b"100%.mp4",
        b"%2e%2e.mp4",
        b"two\nlines.mp4",
        b"latin-1 \xfcber.mp4",
        b"half a letter \xc3.mp4",
        b"tab\tand\x7fdel.mp4",
        b"<script>&\"'.mp4",
        b" blank.mp4",
    ];
    for name in names {
        std::fs::copy(path_of(H264_MP4), folder.path().join(OsStr::from_bytes(name))).unwrap();
    }
    let mut server = Server::over(folder.path());
    let listed = get(server.http, "/api/v1/library/").json();
    let mut paths: Vec<String> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(paths.len(), names.len(), "{listed}");
    paths.extend(names.map(target));
    for path in paths {
        let media = get(server.http, &format!("/api/v1/media/{path}"));
        assert_eq!(media.status, 200, "{path}: {}", media.text());
        let url = format!("http://{}/flv/{path}", server.http);
        assert_eq!(lane(&probe(&url), true).len(), PICTURES, "{path}");
    }
    server.must_be_well();
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = folder_for_server();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    succeed("mkfifo", &["-m", "666", &at("pipe.mp4")], LIMIT);
    std::os::unix::fs::symlink("circle.mp4", at("circle.mp4")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", at("zero.mp4")).unwrap();
    std::os::unix::fs::symlink("nothing.mp4", at("dangling.mp4")).unwrap();
    std::os::unix::net::UnixListener::bind(at("socket.mp4")).unwrap();
    std::fs::create_dir(at("folder.mp4")).unwrap();
    let mut server = Server::configured(folder.path(), "[index]\nbackground = true\n");
    let listed = get(server.http, "/api/v1/library/").json();
    let names: Vec<_> =
        listed["entries"].as_array().unwrap().iter().map(|entry| entry["name"].clone()).collect();
    assert_eq!(names, ["folder.mp4"], "{listed}");
    for name in ["pipe.mp4", "circle.mp4", "zero.mp4", "dangling.mp4", "socket.mp4", "folder.mp4"] {
        for what in ["flv", "fmp4", "mp4", "api/v1/media", "api/v1/info", "hls"] {
            let end = if what == "hls" { "/index.m3u8" } else { "" };
            let begun = Instant::now();
            let answer = try_get(server.http, &format!("/{what}/{name}{end}")).expect("it is answered");
            assert!(
                (400..500).contains(&answer.status),
                "{what} {name}: {} {}",
                answer.status,
                answer.text()
            );
            assert!(begun.elapsed() < LIMIT, "{what} {name} took {:?}", begun.elapsed());
        }
    }
    assert_eq!(server.workers(), [] as [u32; 0]);
    server.must_be_well();
}

/// Watches a film over RTMP at its own pace, and does something to its file after the first picture.
#[track_caller]
fn while_it_is_watched(server: &Server, name: &str, then: impl FnOnce(&Path), file: &Path) {
    let url = server.rtmp_url(name);
    let player =
        start(command("ffmpeg", &["-v", "error", "-re", "-i", &url, "-c", "copy", "-f", "null", "-"]));
    wait_until("it plays", LIMIT, || server.log().contains(" playing "));
    then(file);
    let played = player.finish(LIMIT);
    assert!(played.status.success(), "{}", played.stderr);
}

#[test]
fn a_file_that_is_replaced_or_cut_while_it_is_watched_disturbs_nobody_else() {
    let folder = folder_for_server();
    let film = folder.path().join("film.mp4");
    let fresh = |to: &Path| {
        std::fs::copy(path_of(H264_MP4), to).unwrap();
    };
    let replace = |file: &Path| {
        let other = file.with_extension("new");
        succeed(
            "ffmpeg",
            &[
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=s=320x180:r=25:d=3",
                "-c:v",
                "libx264",
                "-f",
                "mp4",
                other.to_str().unwrap(),
            ],
            LIMIT,
        );
        std::fs::rename(other, file).unwrap();
    };
    fresh(&film);
    let mut server = Server::over(folder.path());
    while_it_is_watched(&server, "film.mp4", replace, &film);
    // Who comes now gets the other one.
    assert_eq!(lane(&probe(&server.http_url("flv", "film.mp4")), true).len(), 75);
    // Cut in the middle, under the same name: what is there plays, or ends with a word, and so it does once more.
    let cut = folder.path().join("cut.mp4");
    fresh(&cut);
    let len = cut.metadata().unwrap().len();
    while_it_is_watched(
        &server,
        "cut.mp4",
        |file| std::fs::File::options().write(true).open(file).unwrap().set_len(len / 2).unwrap(),
        &cut,
    );
    let answer = try_get(server.http, "/api/v1/media/cut.mp4").expect("it is answered");
    assert!(matches!(answer.status, 200 | 415), "{} {}", answer.status, answer.text());
    std::fs::remove_file(&cut).unwrap();
    assert_eq!(get(server.http, "/api/v1/media/cut.mp4").status, 404);
    // Half copied: the rest comes while the first half is played; whoever opens it then gets all of it.
    let bytes = std::fs::read(path_of("Films/Same in Matroska.mkv")).unwrap();
    let growing = folder.path().join("growing.mkv");
    std::fs::write(&growing, &bytes[..bytes.len() / 2]).unwrap();
    let half = lane(&probe(&server.http_url("flv", "growing.mkv")), true).len();
    assert!((100..PICTURES).contains(&half), "{half} pictures of half a film");
    std::fs::write(&growing, &bytes).unwrap();
    assert_eq!(lane(&probe(&server.http_url("flv", "growing.mkv")), true).len(), PICTURES);
    server.must_be_well();
}

#[test]
fn the_newest_of_many_films_opened_at_once_is_served() {
    let folder = folder_for_server();
    let seconds = 20;
    let picture = format!("testsrc2=s=640x360:r=25:d={seconds}");
    let first = folder.path().join("0.avi");
    let make =
        ["-v", "error", "-f", "lavfi", "-i", &picture, "-c:v", "mpeg4", "-g", "50", first.to_str().unwrap()];
    succeed("ffmpeg", &make, LIMIT);
    let films = 40;
    for n in 1..films {
        std::fs::copy(&first, folder.path().join(format!("{n}.avi"))).unwrap();
    }
    let mut server = Server::configured(folder.path(), "[playback]\nencodings = 2\n");
    // Somebody zaps: each film is opened, and left at once for the next one.
    for n in 0..films - 1 {
        drop(RtmpClient::play(server.rtmp, "vod", &format!("{n}.avi")));
        assert!(server.workers().len() <= 40, "{} processes", server.workers().len());
    }
    let mut last = RtmpClient::play(server.rtmp, "vod", &format!("{}.avi", films - 1));
    last.wait_for("a keyframe of the last", LIMIT, |message| message.is_keyframe().then_some(()));
    drop(last);
    wait_until("no worker is left", LIMIT, || server.workers().is_empty());
    server.must_be_well();
}
