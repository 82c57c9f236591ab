//! A worker that is killed, as a broken file or short memory does it, costs one conversion.

use crate::http_client;
use crate::packets::probe;
use crate::program::{command, start, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::{H264_FLV, LONG_AVI};
use crate::server::Server;
use std::time::Duration;

/// A conversion must have started by then, a killed one must have been noticed.
const LIMIT: Duration = Duration::from_secs(15);

#[test]
fn a_killed_worker_ends_its_viewer_cleanly_and_the_next_play_works() {
    let mut server = Server::start();
    let url = server.rtmp_url(LONG_AVI);
    let player = start(command(
        "ffmpeg",
        &["-v", "error", "-rtmp_buffer", "3600000", "-i", &url, "-c", "copy", "-f", "null", "-"],
    ));
    let mut waiting = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
    waiting.wait_for("a keyframe", LIMIT, |message| message.is_keyframe().then_some(()));
    waiting.seek(88_000);
    // Both, or the later one rightly gets a conversion of its own, and all of the film.
    wait_until("both play", LIMIT, || server.log().matches(" playing ").count() == 2);
    assert!(server.kill_workers() > 0);
    // ffmpeg may call what it got a success or not; it must not hang.
    player.finish(LIMIT);
    // The one that waits for a seek hears of it in some way: an end, an error, or the nearest picture.
    waiting.wait_for("an end of the waiting", LIMIT, |message| {
        let code = message.status()?;
        [
            "NetStream.Play.Stop",
            "NetStream.Play.Failed",
            "NetStream.Play.StreamNotFound",
            "NetStream.Seek.Notify",
        ]
        .contains(&code.as_str())
        .then_some(())
    });
    server.must_be_well();

    let mut next = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
    next.wait_for("a keyframe of the next play", LIMIT, |message| message.is_keyframe().then_some(()));
    assert!(!probe(&server.rtmp_url(H264_FLV)).is_empty());
}

#[test]
fn a_killed_worker_ends_http_too() {
    let mut server = Server::start();
    let server_address = server.http;
    let target = format!("/flv/{}", crate::server::encoded(LONG_AVI));
    let reader = std::thread::spawn(move || {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        // Cut off or ended: both are ends.
        let _ = http_client::send(server_address, request.as_bytes(), usize::MAX);
    });
    wait_until("there is a worker", LIMIT, || !server.workers().is_empty());
    // Not before it has begun to write.
    std::thread::sleep(Duration::from_secs(1));
    server.kill_workers();
    wait_until("the request has ended", LIMIT, || reader.is_finished());
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
