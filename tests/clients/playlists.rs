//! Playlists and downloads, by the players that take them.

use crate::http_client::{get, get_with};
use crate::mpv::Mpv;
use crate::program::succeed;
use crate::samples::{AWKWARD_MP4, H264_MP4, JAPANESE_MP4, path_of};
use crate::server::{Server, encoded, folder_for_server};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// Titles and addresses of a playlist.
#[track_caller]
fn list(server: &Server, target: &str) -> Vec<(String, String)> {
    let answer = get(server.http, target);
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    let text = answer.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "#EXTM3U");
    let entry = |two: &[&str]| {
        let (_, title) = two[0].strip_prefix("#EXTINF:").and_then(|rest| rest.split_once(',')).expect(two[0]);
        (title.to_owned(), two[1].to_owned())
    };
    lines[1..].chunks_exact(2).map(entry).collect()
}

#[test]
fn a_playlist_has_the_folder_in_order_and_its_addresses_play() {
    let server = Server::start();
    let films = list(&server, "/m3u/Films.m3u8");
    let names: Vec<&str> = films.iter().map(|(title, _)| title.as_str()).collect();
    assert!(names.contains(&"100% #1 & more?.mp4") && names.contains(&"Zwölf Bären.mkv"), "{names:?}");
    for (target, sample) in [("http", AWKWARD_MP4), ("rtmp", JAPANESE_MP4), ("file", AWKWARD_MP4)] {
        let one = list(&server, &format!("/m3u/{}.m3u8?as={target}", encoded(sample)));
        assert_eq!(one.len(), 1, "{one:?}");
        let address = &one[0].1;
        let probe = ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", address];
        let found = succeed("ffprobe", &probe, LIMIT);
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        assert!(found.contains("h264") && found.contains("aac"), "{address}: {found}");
    }
}

#[test]
fn a_player_plays_the_list_itself() {
    let server = Server::start();
    let mut mpv = Mpv::start(&format!("http://{}/m3u/{}.m3u8", server.http, encoded(H264_MP4)));
    mpv.wait_time("the film of the playlist", |time| time > 1.0);
    let count = mpv.ask(r#"["get_property","playlist-count"]"#);
    assert_eq!(count["data"], 1, "{count}");
}

#[test]
fn searches_and_whole_trees_are_playlists_as_well() {
    let server = Server::start();
    let found = list(&server, "/m3u/.m3u8?q=zwolf&as=file");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.ends_with("/download/Films/Zw%C3%B6lf%20B%C3%A4ren.mkv"), "{found:?}");
    assert!(list(&server, "/m3u/Music.m3u8?q=zwolf").is_empty(), "of another folder");
    assert!(list(&server, "/m3u/.m3u8").is_empty(), "the top has only folders");
    let all = list(&server, "/m3u/.m3u8?recursive=1");
    let folders = ["Films/", "Flash%20Era/", "Music/", "Web/"];
    assert!(folders.iter().all(|folder| all.iter().any(|(_, address)| address.contains(folder))), "{all:?}");
    assert!(all.iter().all(|(_, address)| address.starts_with(&format!("http://{}/hls/", server.http))));
    for (target, status) in [("/m3u/nothing.m3u8", 404), ("/m3u/Films.m3u8?as=mp3", 400), ("/m3u/Films", 404)]
    {
        assert_eq!(get(server.http, target).status, status, "{target}");
    }
}

#[test]
fn a_download_is_the_file_and_goes_on_where_it_broke_off() {
    let server = Server::start();
    let bytes = std::fs::read(path_of(AWKWARD_MP4)).unwrap();
    let target = format!("/download/{}", encoded(AWKWARD_MP4));
    let whole = get(server.http, &target);
    assert!(whole.body == bytes, "{} of {} bytes", whole.body.len(), bytes.len());
    assert_eq!(whole.header("content-type"), "video/mp4");
    assert!(whole.header("content-disposition").contains("100%25%20%231%20%26%20more%3F"), "{whole:?}");
    let (tag, date) = (whole.header("etag").to_owned(), whole.header("last-modified").to_owned());
    assert!(date.ends_with(" GMT"), "{date}");
    let len = bytes.len();
    for (headers, status, expected) in [
        ("Range: bytes=1000-\r\n".to_owned(), 206, &bytes[1000..]),
        (format!("Range: bytes=5-9\r\nIf-Range: {tag}\r\n"), 206, &bytes[5..10]),
        (format!("Range: bytes=-7\r\nIf-Range: {date}\r\n"), 206, &bytes[len - 7..]),
        ("Range: bytes=5-9\r\nIf-Range: \"other\"\r\n".to_owned(), 200, &bytes[..]),
        (format!("Range: bytes={len}-\r\n"), 416, &[]),
        (format!("If-None-Match: {tag}\r\n"), 304, &[]),
    ] {
        let part = get_with(server.http, &target, &headers);
        assert_eq!(part.status, status, "{headers}");
        assert!(part.body == expected, "{headers}: {} bytes", part.body.len());
    }
}

#[test]
fn only_what_is_listed_can_be_downloaded() {
    let folder = folder_for_server();
    for (name, text) in [("notes.txt", "secret"), (".hidden.mp4", "secret"), ("empty.mp4", "")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    std::fs::create_dir(folder.path().join(".x")).unwrap();
    std::fs::write(folder.path().join(".x/film.mp4"), "secret").unwrap();
    std::fs::create_dir(folder.path().join("sub.mp4")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("out.mp4")).unwrap();
    let server = Server::over(folder.path());
    for path in ["notes.txt", ".hidden.mp4", ".x/film.mp4", "sub.mp4", "out.mp4", "", "..%2Fx.mp4"] {
        let answer = get(server.http, &format!("/download/{path}"));
        assert!([404, 400].contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.text().contains("secret"), "{path}");
    }
    let empty = get(server.http, "/download/empty.mp4");
    assert_eq!((empty.status, empty.header("content-length")), (200, "0"));
}
