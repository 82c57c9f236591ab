//! Pictures of live streams, as tiles show them.

use crate::http_client::{get, get_with};
use crate::live::{figures, publish};
use crate::pictures::size_of;
use crate::program::{command, start, wait_until};
use crate::samples::{SORENSON_FLV, path_of};
use crate::server::Server;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_live_stream_has_a_picture_in_the_size_that_is_wanted() {
    let mut server = Server::start();
    let scratch = tempfile::tempdir().unwrap();
    let publisher = publish(&server, "house/cam");
    let whole = get(server.http, "/live/house/cam.jpg");
    assert_eq!((whole.status, whole.header("content-type")), (200, "image/jpeg"), "{}", whole.text());
    let size = size_of(scratch.path(), &whole.body);
    let (width, height) = size.strip_prefix("mjpeg,").and_then(|size| size.split_once(',')).unwrap();
    let (width, height): (u32, u32) = (width.parse().unwrap(), height.parse().unwrap());
    assert!(width > 160 && height > 90, "{size}");
    let tile = get(server.http, "/live/house/cam.jpg?w=160");
    assert_eq!(size_of(scratch.path(), &tile.body), format!("mjpeg,160,{}", height * 160 / width), "{size}");
    let larger = get(server.http, "/live/house/cam.jpg?w=3840&h=2160");
    assert_eq!(size_of(scratch.path(), &larger.body), size, "it does not grow");
    assert_eq!(get(server.http, "/live/house/cam.jpg?w=0").status, 400);

    // The publisher goes; who has the picture is told that it is the same.
    drop(publisher);
    wait_until("it is off air", LIMIT, || figures(&server, "house/cam")["on_air"].as_bool() != Some(true));
    let last = get(server.http, "/live/house/cam.jpg?w=160");
    assert_eq!(last.status, 200, "{}", last.text());
    let known = format!("If-None-Match: {}\r\n", last.header("etag"));
    assert_eq!(get_with(server.http, "/live/house/cam.jpg?w=160", &known).status, 304);
    assert_eq!(get_with(server.http, "/live/house/cam.jpg?w=161", &known).status, 200);
    wait_until("no worker is left", LIMIT, || server.workers().is_empty());
    server.must_be_well();
}

#[test]
fn what_flash_published_has_a_picture_too() {
    let server = Server::start();
    let (film, url) = (path_of(SORENSON_FLV), format!("rtmp://{}/live/old", server.rtmp));
    let _publisher = start(command(
        "ffmpeg",
        &["-v", "error", "-re", "-stream_loop", "-1", "-i", &film, "-c", "copy", "-f", "flv", &url],
    ));
    wait_until("there is a picture", LIMIT, || get(server.http, "/live/old.jpg").status == 200);
    let scratch = tempfile::tempdir().unwrap();
    let size = size_of(scratch.path(), &get(server.http, "/live/old.jpg").body);
    assert!(size.starts_with("mjpeg,"), "{size}");
}

#[test]
fn a_stream_without_a_picture_is_told_in_words() {
    let server = Server::start();
    let answer = get(server.http, "/live/nobody.jpg");
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("nobody publishes"), "{}", answer.text());
    let url = format!("rtmp://{}/live/radio", server.rtmp);
    let arguments = ["-v", "error", "-re", "-f", "lavfi", "-i", "sine", "-c:a", "aac", "-f", "flv", &url];
    let _publisher = start(command("ffmpeg", &arguments));
    wait_until("it is known to have sound only", LIMIT, || {
        get(server.http, "/live/radio.jpg").text().contains("sound only")
    });
    assert_eq!(get(server.http, "/live/radio.jpg").status, 404);
}

#[test]
fn many_who_ask_at_once_cost_one_worker_at_a_time() {
    let server = Server::start();
    let _publisher = publish(&server, "cam");
    let http = server.http;
    let asking: Vec<_> =
        (0..40).map(|_| std::thread::spawn(move || get(http, "/live/cam.jpg").status)).collect();
    let began = Instant::now();
    let mut most = 0;
    while asking.iter().any(|asking| !asking.is_finished()) && began.elapsed() < LIMIT {
        most = most.max(server.workers().len());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(asking.into_iter().all(|asking| asking.join().unwrap() == 200));
    assert!(most <= 1, "{most} workers at once");
}
