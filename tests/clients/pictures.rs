//! Pictures of the library, as browsers ask for them.

use crate::http_client::{self, get, get_with};
use crate::program::{succeed, wait_until};
use crate::server::{Server, folder_for_server};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// A picture by ffmpeg; what kind, its name says.
fn picture(folder: &Path, name: &str, size: &str) {
    let source = format!("testsrc2=size={size}");
    let file = folder.join(name);
    let arguments =
        ["-v", "error", "-y", "-f", "lavfi", "-i", &source, "-frames:v", "1", file.to_str().unwrap()];
    succeed("ffmpeg", &arguments, LIMIT);
}

/// Width and height of an answer's JPEG, by ffprobe.
pub(crate) fn size_of(folder: &Path, jpeg: &[u8]) -> String {
    let file = folder.join("answer.jpg");
    std::fs::write(&file, jpeg).unwrap();
    let entries = ["-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0"];
    let arguments = [&["-v", "error"], &entries[..], &[file.to_str().unwrap()]].concat();
    String::from_utf8(succeed("ffprobe", &arguments, LIMIT).stdout).unwrap().trim().to_owned()
}

#[test]
fn pictures_come_in_the_size_of_the_screen() {
    let (library, scratch) = (folder_for_server(), tempfile::tempdir().unwrap());
    picture(library.path(), "a b.png", "2400x1600");
    picture(library.path(), "photo.jpg", "640x480");
    picture(library.path(), "other.webp", "1000x500");
    let server = Server::over(library.path());
    for (path, size) in [
        ("/picture/a%20b.png", "mjpeg,1620,1080"),
        ("/picture/a%20b.png?w=800&h=448", "mjpeg,672,448"),
        ("/picture/photo.jpg", "mjpeg,640,480"),
        ("/picture/photo.jpg?w=64", "mjpeg,64,48"),
        ("/picture/other.webp?h=100", "mjpeg,200,100"),
    ] {
        let answer = get(server.http, path);
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/jpeg"), "{path}");
        assert_eq!(size_of(scratch.path(), &answer.body), size, "{path}");
    }
}

#[test]
fn what_a_browser_has_is_not_sent_again_until_it_changes() {
    let library = folder_for_server();
    picture(library.path(), "photo.jpg", "640x480");
    let server = Server::over(library.path());
    let first = get(server.http, "/picture/photo.jpg");
    let known = format!("If-None-Match: {}\r\n", first.header("etag"));
    assert_eq!(get_with(server.http, "/picture/photo.jpg", &known).status, 304);
    assert_eq!(get_with(server.http, "/picture/photo.jpg?w=100", &known).status, 200);
    picture(library.path(), "photo.jpg", "320x200");
    let changed = get_with(server.http, "/picture/photo.jpg", &known);
    assert_eq!(changed.status, 200);
    assert_ne!(changed.body, first.body);
}

#[test]
fn what_cannot_be_shown_is_said_and_harms_nobody() {
    let library = folder_for_server();
    std::fs::write(library.path().join("empty.jpg"), b"").unwrap();
    std::fs::write(library.path().join("text.png"), b"#!/bin/sh\nreboot\n").unwrap();
    std::fs::write(library.path().join("phone.heic"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    picture(library.path(), "good.jpg", "64x48");
    let whole = std::fs::read(library.path().join("good.jpg")).unwrap();
    std::fs::write(library.path().join("cut.jpg"), &whole[..40]).unwrap();
    let mut server = Server::over(library.path());
    for (path, status, words) in [
        ("/picture/empty.jpg", 415, "\"empty.jpg\" can't be shown"),
        ("/picture/text.png", 415, "convert it to JPEG"),
        ("/picture/phone.heic", 415, "convert it to JPEG"),
        ("/picture/cut.jpg", 415, "damaged"),
        ("/picture/nothing.jpg", 404, "nothing.jpg"),
        ("/picture/", 404, "folder"),
        ("/picture/good.jpg?w=0", 400, "w=0"),
        ("/picture/good.jpg?h=100000", 400, "3840"),
        ("/picture/%2e%2e/etc/passwd", 400, ".."),
    ] {
        let answer = get(server.http, path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{path}: {detail}");
    }
    assert_eq!(get(server.http, "/picture/good.jpg").status, 200);
    wait_until("no reader is left", LIMIT, || server.workers().is_empty());
    server.must_be_well();
}

#[test]
fn a_slideshow_on_many_screens_is_served() {
    let library = folder_for_server();
    for n in 0..6 {
        picture(library.path(), &format!("{n}.jpg"), "1600x1200");
    }
    let server = Server::over(library.path());
    let screens: Vec<_> = (0..12)
        .map(|screen| {
            let http = server.http;
            std::thread::spawn(move || {
                for n in 0..6 {
                    let path = format!("/picture/{}.jpg?w=320&h=240", (n + screen) % 6);
                    assert_eq!(http_client::get(http, &path).status, 200);
                }
            })
        })
        .collect();
    for screen in screens {
        screen.join().unwrap();
    }
}
