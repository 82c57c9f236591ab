//! No request leaves the library, however it is written.

use crate::http_client;
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::{H264_FLV, path_of};
use crate::server::Server;
use std::path::PathBuf;

/// What must never be seen: the name and the content of what lies outside.
const SECRET: &str = "keep-this-secret";

/// A library with a secret beside it, and links that lead there.
struct Trap {
    folder: tempfile::TempDir,
}

impl Trap {
    fn lay() -> Self {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        // Readable for the server's user: what protects it must be the server.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let (library, outside) = (folder.path().join("library"), folder.path().join("outside"));
        for new in [&library, &outside, &library.join("films")] {
            std::fs::create_dir(new).unwrap();
        }
        std::fs::copy(path_of(H264_FLV), library.join("films/inside.flv")).unwrap();
        std::fs::copy(path_of(H264_FLV), outside.join(format!("{SECRET}.flv"))).unwrap();
        std::fs::write(outside.join(format!("{SECRET}.txt")), SECRET).unwrap();
        symlink(&outside, library.join("out")).unwrap();
        symlink("../outside", library.join("out-relative")).unwrap();
        symlink(outside.join(format!("{SECRET}.flv")), library.join("out.flv")).unwrap();
        symlink("/", library.join("films/root")).unwrap();
        symlink("films/inside.flv", library.join("in.flv")).unwrap();
        Self { folder }
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("library")
    }

    /// Ways out, as they stand in a request: to the folder and to the file.
    fn ways_out(&self) -> Vec<String> {
        let absolute = self.folder.path().join("outside").to_str().unwrap().to_owned();
        let mut ways: Vec<String> = [
            "../outside",
            "films/../../outside",
            "./../outside",
            "..//outside",
            "%2e%2e/outside",
            "%2E%2E/outside",
            ".%2e/outside",
            "..%2foutside",
            "%2e%2e%2foutside",
            "films%2f..%2f..%2foutside",
            "%252e%252e%252foutside",
            "..%252foutside",
            "%2e%2e%5coutside",
            "..\\outside",
            "....//outside",
            "%c0%ae%c0%ae/outside",
            "..%c0%afoutside",
            "..%00/outside",
            "films%00/../../outside",
            "out",
            "out-relative",
            "films/../out",
            "films/root/etc",
        ]
        .map(str::to_owned)
        .to_vec();
        ways.push(absolute.clone());
        ways.push(format!("films/root{absolute}"));
        ways.push(absolute.replace('/', "%2f"));
        ways
    }
}

#[test]
fn no_http_request_leaves_the_library() {
    let trap = Trap::lay();
    let mut server = Server::over(&trap.library());
    for base in ["/api/v1/library/", "/api/v1/media/", "/flv/", "/fmp4/", "/getdir/"] {
        for way in trap.ways_out() {
            for path in
                [way.clone(), format!("{way}/"), format!("{way}/{SECRET}.flv"), format!("{way}/{SECRET}.txt")]
            {
                let target = format!("{base}{path}");
                let answer = http_client::get(server.http, &target);
                assert!(
                    (400..500).contains(&answer.status),
                    "GET {target}: {} {}",
                    answer.status,
                    answer.text()
                );
                // A refusal may repeat what was asked for; of a folder it was not asked to name, only that.
                assert!(
                    path.contains(SECRET) || !answer.text().contains(SECRET),
                    "GET {target}: {}",
                    answer.text()
                );
                assert!(answer.body.len() < 2000, "GET {target}: a refusal of {} bytes", answer.body.len());
            }
        }
        for file in ["out.flv", "%00", "films/inside.flv%00", "films/inside.flv%00.txt"] {
            let answer = http_client::get(server.http, &format!("{base}{file}"));
            assert!((400..500).contains(&answer.status), "GET {base}{file}: {}", answer.status);
        }
    }
    server.must_be_well();
}

#[test]
fn request_lines_that_are_not_even_paths_are_refused() {
    let trap = Trap::lay();
    let mut server = Server::over(&trap.library());
    let absolute = trap.folder.path().join("outside");
    for target in [
        "../outside",
        "/../outside",
        "/%2e%2e/outside",
        "/assets/../../outside",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "file:///etc/passwd",
        absolute.to_str().unwrap(),
        "*",
        "/api/v1/library/\u{1}",
        "/flv/\\..\\..",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        // Closing without a word is a refusal as well.
        if let Ok(answer) = http_client::send(server.http, request.as_bytes(), usize::MAX) {
            assert!((400..500).contains(&answer.status), "GET {target}: {} {}", answer.status, answer.text());
            assert!(!answer.text().contains(SECRET), "GET {target}");
        }
    }
    server.must_be_well();
}

#[test]
fn no_listing_shows_what_a_link_leads_out_to_and_inner_links_work() {
    let trap = Trap::lay();
    let server = Server::over(&trap.library());
    let listing = http_client::get(server.http, "/api/v1/library/").json();
    let names: Vec<&str> =
        listing["entries"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["films", "in.flv"]);
    assert_eq!(http_client::get(server.http, "/flv/in.flv").status, 200);
}

#[test]
fn no_rtmp_play_leaves_the_library() {
    let trap = Trap::lay();
    let mut server = Server::over(&trap.library());
    for way in trap.ways_out() {
        for name in [format!("{way}/{SECRET}.flv"), format!("/{way}/{SECRET}"), format!("flv:{way}/{SECRET}")]
        {
            refuses_play(&server, "vod", &name);
        }
        refuses_play(&server, &format!("vod/{way}"), SECRET);
        refuses_play(&server, &way, &format!("{SECRET}.flv"));
    }
    refuses_play(&server, "vod", "out.flv");
    refuses_play(&server, "vod", "out");
    refuses_play(&server, "vod", "films/inside.flv\0");
    server.must_be_well();
}

#[test]
fn no_rtmp_listing_leaves_the_library() {
    let trap = Trap::lay();
    let server = Server::over(&trap.library());
    for way in trap.ways_out() {
        let mut client = RtmpClient::connect(server.rtmp, "vod");
        let answer = client.call("getDir", &[way.as_str().into()]);
        assert!(!format!("{answer:?}").contains(SECRET), "getDir({way:?}): {answer:?}");
    }
}

#[track_caller]
fn refuses_play(server: &Server, app: &str, name: &str) {
    let mut client = RtmpClient::play(server.rtmp, app, name);
    let code = client.wait_for("an answer to play", SOON, |message| {
        message.status().filter(|code| code != "NetStream.Play.Reset")
    });
    assert!(
        ["NetStream.Play.StreamNotFound", "NetStream.Play.Failed"].contains(&code.as_str()),
        "play({name:?}) on {app:?}: {code}"
    );
}
