//! The forms in which clients name one and the same file.

use crate::packets::probe;
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::{AWKWARD_MP4, H264_MP4, JAPANESE_MP4};
use crate::server::{Server, encoded};

/// Whether `name` on the application `app` plays.
#[track_caller]
fn plays(server: &Server, app: &str, name: &str) -> bool {
    let mut client = RtmpClient::play(server.rtmp, app, name);
    client.wait_for(&format!("an answer to play {name:?} on {app:?}"), SOON, |message| {
        match message.status()?.as_str() {
            "NetStream.Play.Start" => Some(true),
            "NetStream.Play.StreamNotFound" | "NetStream.Play.Failed" => Some(false),
            _ => None,
        }
    })
}

#[test]
fn every_form_that_clients_send_finds_the_file() {
    let server = Server::start();
    let awkward = encoded(AWKWARD_MP4);
    let japanese = encoded(JAPANESE_MP4);
    let table = [
        ("ffmpeg takes .flv off", "vod", "Flash Era/H264"),
        ("as it is called", "vod", "Flash Era/H264.flv"),
        ("FMS's prefix", "vod", "flv:Flash Era/H264"),
        ("a folder in the app", "vod/Flash Era", "H264"),
        ("a folder in the app, percent-encoded", "vod/Flash%20Era", "H264.flv"),
        ("ffmpeg adds mp4: and keeps the extension", "vod", "mp4:Films/Big Test (H.264).mp4"),
        ("librtmp adds mp4: and takes the extension off", "vod", "mp4:Films/Big Test (H.264)"),
        ("the same with the folder in the app", "vod/Films", "mp4:Big Test (H.264)"),
        ("percent-encoded", "vod", "Films/Big%20Test%20%28H.264%29.mp4"),
        ("with a prefix", "vod", "mp4:Films/Big%20Test%20%28H.264%29.mp4"),
        ("a token behind it", "vod", "Films/Big Test (H.264).mp4?token=1"),
        ("the 2007 player", "wii", "/Films/Old Tape.avi"),
        ("the 2007 player without an app", "", "/Films/Old Tape.avi"),
        ("no app but a folder", "Films", "Old Tape.avi"),
        ("the default instance", "vod/_definst_", "Films/Old Tape.avi"),
        ("any file of that stem", "vod", "Films/Old Tape"),
        ("umlauts", "vod", "Films/Zwölf Bären.mkv"),
        ("Japanese", "vod", JAPANESE_MP4),
        ("Japanese, percent-encoded", "vod", &japanese),
        ("Japanese in the app", "vod/日本語", "mp4:テスト.mp4"),
        ("a folder plays what is first in it", "vod", "Films"),
        ("a name like a query and a fragment", "vod", AWKWARD_MP4),
        ("the same, percent-encoded", "vod", &awkward),
    ];
    for (form, app, name) in table {
        assert!(plays(&server, app, name), "{form}: {name:?} on {app:?} was not found");
    }
}

#[test]
fn names_of_nothing_are_not_found() {
    let server = Server::start();
    for (app, name) in
        [("vod", "nothing"), ("vod", "mp4:nothing"), ("vod", ""), ("vod", "/"), ("", "?"), ("vod", "mp4:")]
    {
        assert!(!plays(&server, app, name), "{name:?} on {app:?} plays something");
    }
}

#[test]
fn ffmpeg_finds_files_by_their_urls() {
    let server = Server::start();
    let paths = [
        // Without its extension, with it, and with a space: ffmpeg leaves the encoding to the server.
        "Flash%20Era/H264",
        "Flash%20Era/H264.flv",
        &encoded(H264_MP4),
        // Not everybody encodes.
        JAPANESE_MP4,
        &encoded(AWKWARD_MP4),
        // The file's extension is not the stream's name: "mp4:" is put before it.
        "mp4:Films/Same%20in%20Matroska.mkv",
    ];
    for path in paths {
        let packets = probe(&format!("rtmp://{}/vod/{path}", server.rtmp));
        assert!(packets.iter().any(|packet| packet.video), "{path}");
    }
}
