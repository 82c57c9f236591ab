//! A worker that is killed, as a broken file or short memory does it, is replaced; one that dies again and again costs
//! one film.

use crate::http_client;
use crate::packets::probe;
use crate::program::{command, start, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::{H264_FLV, LONG_AVI};
use crate::server::Server;
use std::time::Duration;
use wiidiaserver::limits::QUARANTINE_KILLS;

/// A conversion must have started by then, a killed one must have been noticed.
const LIMIT: Duration = Duration::from_secs(15);

/// A whole film must be converted by then, while other tests do the same.
const FILM_LIMIT: Duration = Duration::from_secs(180);

#[test]
fn a_killed_worker_is_replaced_and_its_viewers_play_on() {
    let mut server = Server::start();
    let url = server.rtmp_url(LONG_AVI);
    let arguments = ["-v", "error", "-rtmp_buffer", "3600000", "-i", &url, "-c", "copy", "-f", "null", "-"];
    let player = start(command("ffmpeg", &arguments));
    let mut waiting = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
    waiting.wait_for("a keyframe", LIMIT, |message| message.is_keyframe().then_some(()));
    waiting.seek(88_000);
    // Both, or the later one has not begun to watch what dies.
    wait_until("both play", LIMIT, || server.log().matches(" playing ").count() == 2);
    assert!(server.kill_workers() > 0);
    waiting.wait_status("NetStream.Seek.Notify", FILM_LIMIT);
    waiting.wait_for("the picture sought", SOON, |message| {
        message.media_ms().filter(|ms| message.is_keyframe() && *ms >= 86_000)
    });
    let played = player.finish(FILM_LIMIT);
    assert!(played.status.success() && played.stderr.is_empty(), "{}", played.stderr);
    assert!(server.log().contains("conversion died"), "{}", server.log());
    server.must_be_well();
    assert!(!probe(&server.rtmp_url(H264_FLV)).is_empty());
}

#[test]
fn a_film_whose_workers_always_die_ends_with_the_reason() {
    let mut server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
    client.wait_for("a keyframe", LIMIT, |message| message.is_keyframe().then_some(()));
    std::thread::scope(|scope| {
        let server = &server;
        let killing = scope.spawn(move || {
            // Each as soon as it is there: none gets anywhere.
            wait_until("the film is given up", FILM_LIMIT, || {
                server.kill_workers();
                server.log().contains("goes_on=false")
            });
        });
        let info = client.wait_status("NetStream.Play.Failed", FILM_LIMIT);
        let why = info.get("description").and_then(|d| d.as_str().map(|s| s.into_owned())).unwrap();
        assert!(why.contains("can't be played") && why.contains("signal 9"), "{why}");
        killing.join().unwrap();
    });
    server.must_be_well();
    // Released, it is tried again.
    assert_eq!(http_client::request_with(server.http, "DELETE", "/api/v1/quarantine", "", "").status, 204);
    let mut next = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
    next.wait_for("a keyframe of the next play", LIMIT, |message| message.is_keyframe().then_some(()));
}

#[test]
fn a_killed_worker_is_replaced_for_http_too() {
    let mut server = Server::start();
    let target = format!("/flv/{}", crate::server::encoded(LONG_AVI));
    let address = server.http;
    let reader = std::thread::spawn(move || {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let _ = http_client::send(address, request.as_bytes(), usize::MAX);
    });
    wait_until("there is a worker", LIMIT, || !server.workers().is_empty());
    // Not before it has begun to write.
    std::thread::sleep(Duration::from_secs(1));
    server.kill_workers();
    wait_until("the request has ended", FILM_LIMIT, || reader.is_finished());
    assert!(server.log().contains("conversion died"), "{}", server.log());
    server.must_be_well();
}

#[test]
fn nobody_watching_means_no_worker_after_a_while() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
    client.wait_status("NetStream.Play.Start", SOON);
    wait_until("there is a worker", LIMIT, || !server.workers().is_empty());
    drop(client);
    // It lingers for the viewer that comes back, and may have finished anyhow.
    wait_until("the worker has gone", Duration::from_secs(60), || server.workers().is_empty());
}

#[test]
fn a_film_that_kills_its_converter_is_left_alone_for_a_while_and_over_a_restart() {
    let mut server = Server::start();
    let client = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
    wait_until("the film is given up", FILM_LIMIT, || {
        server.crash_workers();
        server.log().contains("goes_on=false")
    });
    drop(client);
    let media = format!("/api/v1/media/{}", crate::server::encoded(LONG_AVI));
    for _ in 0..2 {
        let refused = http_client::get(server.http, &media);
        assert_eq!(refused.status, 415, "{}", refused.text());
        for said in [
            "A Long Way (90 seconds).avi",
            "left alone for 15 more minutes",
            "signal 11",
            "DELETE /api/v1/quarantine",
        ] {
            assert!(refused.text().contains(said), "{said}: {}", refused.text());
        }
        let mut client = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
        let info = client.wait_status("NetStream.Play.Failed", SOON);
        let why = info.get("description").and_then(|d| d.as_str().map(|s| s.into_owned())).unwrap();
        assert!(why.contains("left alone") && why.contains("signal 11"), "{why}");
        let listed = http_client::get(server.http, "/api/v1/quarantine").json();
        assert_eq!(
            (&listed["files"][0]["times"], listed["files"].as_array().unwrap().len()),
            (&1.into(), 1),
            "{listed}"
        );
        server.restart();
    }
    assert_eq!(server.workers(), [] as [u32; 0]);
    let release = |path: &str| {
        let target = format!("/api/v1/quarantine/{}", crate::server::encoded(path));
        http_client::request_with(server.http, "DELETE", &target, "", "").status
    };
    assert_eq!((release(H264_FLV), release(LONG_AVI), release(LONG_AVI)), (404, 204, 404));
    assert_eq!(http_client::get(server.http, &media).status, 200);
}

#[test]
fn a_film_whose_workers_are_killed_from_outside_is_left_alone_only_when_that_goes_on() {
    let mut server = Server::start();
    for time in 1..=QUARANTINE_KILLS {
        let mut client = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
        std::thread::scope(|scope| {
            let server = &server;
            let killing = scope.spawn(move || {
                wait_until("the film is given up", FILM_LIMIT, || {
                    server.kill_workers();
                    server.log().matches("goes_on=false").count() == time as usize
                });
            });
            let info = client.wait_status("NetStream.Play.Failed", FILM_LIMIT);
            let why = info.get("description").and_then(|d| d.as_str().map(|s| s.into_owned())).unwrap();
            assert!(why.contains("killed from outside") && why.contains("memory"), "time {time}: {why}");
            killing.join().unwrap();
        });
        let listed = http_client::get(server.http, "/api/v1/quarantine").json();
        let left_alone = listed["files"].as_array().unwrap().len();
        assert_eq!(left_alone, usize::from(time == QUARANTINE_KILLS), "time {time}: {listed}");
    }
    server.must_be_well();
}
