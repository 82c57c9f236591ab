//! Live streams as fragmented MP4, as the page watches them.

use crate::http_client::{get, get_beginning};
use crate::live::{figures, publish};
use crate::packets::{lane, probe};
use crate::program::{Running, command, start, succeed, wait_until};
use crate::server::Server;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// ffmpeg publishes a test picture and a sound in these codecs; either may be empty.
fn publish_as(server: &Server, key: &str, picture: &str, sound: &str) -> Running {
    let url = format!("rtmp://{}/live/{key}", server.rtmp);
    let mut arguments = vec!["-v", "error", "-re"];
    if !picture.is_empty() {
        arguments.extend(["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25"]);
    }
    if !sound.is_empty() {
        arguments.extend(["-f", "lavfi", "-i", "sine=sample_rate=44100"]);
    }
    arguments.extend(picture.split_whitespace().chain(sound.split_whitespace()));
    arguments.extend(["-f", "flv", &url]);
    let publisher = start(command("ffmpeg", &arguments));
    wait_until("the stream is on air", LIMIT, || figures(server, key)["bytes_in"].as_u64() > Some(20_000));
    publisher
}

const H264: &str = "-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p";

#[test]
fn ffmpeg_reads_a_live_stream_as_mp4_and_its_viewer_is_counted() {
    let mut server = Server::start();
    let _publisher = publish(&server, "cam");
    let head = get_beginning(server.http, "/live/cam.mp4", 2000);
    assert_eq!(head.status, 200);
    let mime = head.header("content-type");
    assert!(mime.starts_with("video/mp4; codecs=\"avc1.") && mime.ends_with(",mp4a.40.2\""), "{mime}");
    assert_eq!(&head.body[4..8], b"ftyp");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.mp4").to_str().unwrap().to_owned();
    let url = format!("http://{}/live/cam.mp4", server.http);
    succeed("ffmpeg", &["-v", "error", "-i", &url, "-t", "3", "-c", "copy", &file], LIMIT);
    let packets = probe(&file);
    let (pictures, sound) = (lane(&packets, true), lane(&packets, false));
    assert!(pictures[0].key, "it begins with a keyframe");
    assert!(pictures.len() > 60 && sound.len() > 100, "{} and {}", pictures.len(), sound.len());
    for lane in [&pictures, &sound] {
        assert!(lane.windows(2).all(|two| two[1].dts > two[0].dts && two[1].dts - two[0].dts < 0.2));
    }

    let viewer = start(command("ffmpeg", &["-v", "quiet", "-i", &url, "-f", "null", "-"]));
    wait_until("the viewer is counted", LIMIT, || {
        figures(&server, "cam")["viewers_by_protocol"]["http-mp4"] == 1
    });
    drop(viewer);
    wait_until("it is not counted any more", LIMIT, || figures(&server, "cam")["viewers"] == 0);
    server.must_be_well();
}

#[test]
fn a_picture_without_sound_and_a_sound_without_picture_begin_at_once() {
    let server = Server::start();
    let _silent = publish_as(&server, "silent", H264, "");
    let _radio = publish_as(&server, "radio", "", "-c:a aac");
    for (key, expected) in
        [("silent", "video/mp4; codecs=\"avc1."), ("radio", "audio/mp4; codecs=\"mp4a.40.2\"")]
    {
        wait_until("both have been on air for a while", LIMIT, || {
            figures(&server, key)["on_air_for"].as_f64() > Some(3.0)
        });
        let begun = std::time::Instant::now();
        let head = get_beginning(server.http, &format!("/live/{key}.mp4"), 1000);
        assert!(head.header("content-type").starts_with(expected), "{key}: {}", head.header("content-type"));
        // The other lane would be waited for for four seconds of media.
        assert!(begun.elapsed() < Duration::from_millis(3500), "{key}: after {:?}", begun.elapsed());
    }
}

#[test]
fn what_browsers_cannot_play_is_refused_in_words_and_their_sound_left_out() {
    let server = Server::start();
    let _flash = publish_as(&server, "flash", "-c:v flv -g 25", "-c:a libmp3lame");
    let refused = get(server.http, "/live/flash.mp4");
    assert_eq!(refused.status, 415, "{}", refused.text());
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("Sorenson H.263") && detail.contains("/live/flash.flv"), "{detail}");

    let _mixed = publish_as(&server, "mixed", H264, "-c:a libmp3lame");
    let head = get_beginning(server.http, "/live/mixed.mp4", 1000);
    assert!(!head.header("content-type").contains("mp4a"), "{}", head.header("content-type"));

    let missing = get(server.http, "/live/nobody.mp4");
    assert_eq!(missing.status, 404, "{}", missing.text());
}
