//! What people read when something is wrong with their files or disks, over HTTP and over RTMP.

use crate::http_client::get;
use crate::rtmp_client::{RtmpClient, SOON};
use crate::server::{Server, folder_for_server};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A library of one's own; the server's user may read it.
fn library() -> tempfile::TempDir {
    let folder = folder_for_server();
    let films = folder.path().join("media/Films");
    std::fs::create_dir_all(&films).unwrap();
    std::fs::write(films.join("letter.mp4"), "This is a letter, not a film.\n").unwrap();
    std::fs::write(films.join("secret.mp4"), "x").unwrap();
    std::fs::set_permissions(films.join("secret.mp4"), PermissionsExt::from_mode(0o000)).unwrap();
    for folder in [folder.path(), &folder.path().join("media"), &films] {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    }
    folder
}

/// The sentence that `/api/v1/media` refuses `path` with, and its status.
fn http_refusal(server: &Server, path: &str) -> (u16, String) {
    let answer = get(server.http, &format!("/api/v1/media/{path}"));
    (answer.status, answer.json()["detail"].as_str().unwrap().to_owned())
}

/// The sentence that a player is refused `path` with.
fn rtmp_refusal(server: &Server, path: &str) -> String {
    let mut player = RtmpClient::connect(server.rtmp, "vod");
    player.create_stream();
    player.send_play(path);
    let status = player.wait_status("NetStream.Play.StreamNotFound", SOON);
    assert_eq!(status.get("level").unwrap().as_str().unwrap(), "error");
    status.get("description").unwrap().as_str().unwrap().into_owned()
}

#[test]
fn a_file_that_is_not_there_or_no_media_or_not_readable_is_told_apart() {
    let folder = library();
    let server = Server::over(&folder.path().join("media"));
    for (path, status, over_http, over_rtmp) in [
        (
            "Films/nothing.mp4",
            404,
            "there is no \"Films/nothing.mp4\" in the library; look at the folder's listing for what is there",
            "there is no \"Films/nothing.mp4\" in the library; look at its listing for what is there",
        ),
        (
            "Films/letter.mp4",
            415,
            "\"letter.mp4\" can't be played: this is not a video or sound file",
            "\"letter.mp4\" can't be played: this is not a video or sound file",
        ),
        (
            "Films/secret.mp4",
            403,
            "\"Films/secret.mp4\" may not be read by the server's user; allow it with `chmod o+r` or choose another file",
            "\"Films/secret.mp4\" may not be read by the server's user; allow it with `chmod o+r` or choose another file",
        ),
        (
            "Films",
            404,
            "\"Films\" is a folder; name a file in it",
            // RTMP plays a folder's first file.
            "\"letter.mp4\" can't be played: this is not a video or sound file",
        ),
    ] {
        let (seen, detail) = http_refusal(&server, path);
        assert_eq!(seen, status, "{path}: {detail}");
        assert!(detail.starts_with(over_http), "{path}: {detail}");
        let description = rtmp_refusal(&server, path);
        assert!(description.starts_with(over_rtmp), "{path}: {description}");
    }
}

#[test]
fn a_disk_that_went_away_is_told_and_missed_no_longer_than_it_is_away() {
    let folder = library();
    let (here, away) = (folder.path().join("media"), folder.path().join("away"));
    let mut server = Server::over(&here);
    let list = |server: &Server| get(server.http, "/api/v1/library/");
    assert_eq!(list(&server).status, 200);
    move_folder(&here, &away);
    let answer = list(&server);
    assert_eq!(answer.status, 503);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.ends_with("check that the disk is connected and mounted"), "{detail}");
    let (status, detail) = http_refusal(&server, "Films/letter.mp4");
    assert_eq!(status, 503, "{detail}");
    let description = rtmp_refusal(&server, "Films/letter.mp4");
    assert!(description.ends_with("check that the disk is connected and mounted"), "{description}");
    move_folder(&away, &here);
    assert_eq!(list(&server).status, 200);
    server.must_be_well();
}

fn move_folder(from: &Path, to: &Path) {
    std::fs::rename(from, to).unwrap();
}
