//! Files that come from outside, by clients that are slow, break off and come again.

use crate::http_client::{Answer, get, request, request_with, send};
use crate::program::{succeed, wait_until};
use crate::samples::{H264_MP4, path_of};
use crate::server::{Server, folder_for_server};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

/// A library with a folder that takes files, and one that does not.
fn house() -> (TempDir, Server) {
    let folder = folder_for_server();
    for name in ["Inbox", "Films"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        if crate::samples::we_are_root() {
            let nobody = Some(crate::samples::NOBODY);
            std::os::unix::fs::chown(folder.path().join(name), nobody, nobody).unwrap();
        }
    }
    let configuration = format!(
        "[upload]\nfolders = [\"{}\"]\nlargest_mb = 50\nkeep_free_mb = 1\n",
        folder.path().join("Inbox").display()
    );
    let server = Server::configured(folder.path(), &configuration);
    (folder, server)
}

fn put(server: &Server, target: &str, headers: &str, body: &str) -> Answer {
    request_with(server.http, "PUT", target, headers, body)
}

fn parts(folder: &TempDir) -> Vec<PathBuf> {
    let parts = std::fs::read_dir(folder.path().join("Inbox/.uploads"));
    parts.map_or(Vec::new(), |parts| parts.map(|part| part.unwrap().path()).collect())
}

fn contents(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn curl_sends_a_film_and_it_plays() {
    let (folder, server) = house();
    let target = format!("http://{}/api/v1/upload/Inbox/Big%20Test.mp4", server.http);
    let sent = ["-sSf", "-T", &path_of(H264_MP4), "-w", "%{http_code}", "-o", "/dev/null", &target];
    assert_eq!(String::from_utf8_lossy(&succeed("curl", &sent, LIMIT).stdout), "201");
    assert_eq!(
        std::fs::read(folder.path().join("Inbox/Big Test.mp4")).unwrap(),
        std::fs::read(path_of(H264_MP4)).unwrap()
    );
    assert!(parts(&folder).is_empty());
    let probe = [
        "-v",
        "error",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
        &server.http_url("flv", "Inbox/Big Test.mp4"),
    ];
    let found = String::from_utf8_lossy(&succeed("ffprobe", &probe, LIMIT).stdout).into_owned();
    assert!(found.contains("h264"), "{found}");
}

#[test]
fn a_client_that_breaks_off_goes_on_where_it_was() {
    let (folder, mut server) = house();
    let target = "/api/v1/upload/Inbox/film.avi";
    assert_eq!(get(server.http, target).status, 404);
    // Half of it, then the cable is pulled.
    let mut socket = TcpStream::connect(server.http).unwrap();
    let head =
        format!("PUT {target}?size=10 HTTP/1.1\r\nHost: {}\r\nContent-Length: 10\r\n\r\n01234", server.http);
    socket.write_all(head.as_bytes()).unwrap();
    wait_until("five bytes have come", LIMIT, || {
        let answer = get(server.http, target);
        answer.status == 200 && answer.json()["received"] == 5
    });
    assert_eq!(put(&server, target, "", "x").status, 409, "somebody sends it at this moment");
    drop(socket);
    wait_until("the server has noticed", LIMIT, || {
        put(&server, &format!("{target}?offset=7&size=10"), "", "xxx").status == 409
    });
    assert!(!folder.path().join("Inbox/film.avi").exists());
    // … and the power fails.
    server.restart_after_kill();
    assert_eq!(get(server.http, target).json()["received"], 5);
    let more = put(&server, &format!("{target}?offset=5&size=10"), "", "56");
    assert_eq!((more.status, &more.json()["received"]), (202, &7.into()));
    let last = put(&server, &format!("{target}?offset=7&size=10"), "", "789");
    assert_eq!(last.status, 201, "{}", last.text());
    assert_eq!((&last.json()["path"], &last.json()["size"]), (&"Inbox/film.avi".into(), &10.into()));
    assert_eq!(contents(&folder.path().join("Inbox/film.avi")), "0123456789");
    assert!(parts(&folder).is_empty());
}

#[test]
fn nothing_is_replaced_unless_it_was_meant() {
    let (folder, server) = house();
    let target = "/api/v1/upload/Inbox/a.mp3";
    assert_eq!(put(&server, target, "", "first").status, 201);
    assert_eq!(put(&server, target, "", "second").status, 409);
    let tag = get(server.http, "/download/Inbox/a.mp3").header("etag").to_owned();
    assert_eq!(get(server.http, "/api/v1/files/Inbox/a.mp3").header("etag"), tag);
    for (headers, query, status) in [
        ("If-Match: \"other\"\r\n".to_owned(), "", 412),
        (format!("If-Match: {tag}\r\n"), "", 200),
        (format!("If-Match: {tag}\r\n"), "", 412),
        (String::new(), "?replace=1", 200),
        (String::new(), "?replace=0", 409),
        ("Origin: http://evil.example\r\n".to_owned(), "?replace=1", 403),
    ] {
        let answer = put(&server, &format!("{target}{query}"), &headers, "other");
        assert_eq!(answer.status, status, "{headers}{query}: {}", answer.text());
    }
    assert_eq!(contents(&folder.path().join("Inbox/a.mp3")), "other");
    assert!(parts(&folder).is_empty());
}

#[test]
fn what_may_not_come_does_not_and_leaves_nothing() {
    let (folder, mut server) = house();
    for (target, status) in [
        ("/api/v1/upload/Films/a.avi", 403),
        ("/api/v1/upload/", 403),
        ("/api/v1/upload/Inbox/../Films/a.avi", 400),
        ("/api/v1/upload/Inbox/..%2f..%2fa.avi", 400),
        ("/api/v1/upload/Inbox/a.exe", 415),
        ("/api/v1/upload/Inbox/.a.avi", 400),
        ("/api/v1/upload/Inbox/none/a.avi", 404),
        ("/api/v1/upload/Inbox/a.avi?size=60000000", 413),
        ("/api/v1/upload/Inbox/a.avi?offset=5", 409),
        ("/api/v1/upload/Inbox/a.avi?size=0", 409),
        ("/api/v1/upload/Inbox/a.avi?size=x", 400),
    ] {
        let answer = put(&server, target, "", "text");
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
        assert!(!answer.json()["detail"].as_str().unwrap_or_default().is_empty());
    }
    // A body of unknown length, and one that is longer than it says.
    let chunked = |size: &str, body: &str| {
        let head = format!(
            "PUT /api/v1/upload/Inbox/b.avi{size} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{body}",
            server.http
        );
        send(server.http, head.as_bytes(), usize::MAX).unwrap().status
    };
    assert_eq!(chunked("", "3\r\nabc\r\n0\r\n\r\n"), 411);
    assert_eq!(chunked("?size=2", "3\r\nabc\r\n0\r\n\r\n"), 409);
    assert_eq!(chunked("?size=3", "3\r\nabc\r\n0\r\n\r\n"), 201);
    assert!(std::fs::read_dir(folder.path().join("Films")).unwrap().next().is_none());
    request(server.http, "DELETE", "/api/v1/upload/Inbox/a.avi", "");
    assert!(
        parts(&folder).iter().all(|part| std::fs::metadata(part).unwrap().len() == 0),
        "{:?}",
        parts(&folder)
    );
    server.must_be_well();
    let off = Server::over(folder.path());
    assert_eq!(put(&off, "/api/v1/upload/Inbox/c.avi", "", "x").status, 403);
    assert!(get(off.http, "/api/v1/uploads").json()["folders"].as_array().unwrap().is_empty());
}

#[test]
fn files_are_renamed_and_deleted_only_where_files_are_taken() {
    let (folder, server) = house();
    std::fs::write(folder.path().join("Films/own.avi"), "own").unwrap();
    let change =
        |path: &str, body: &str| request(server.http, "POST", &format!("/api/v1/files/{path}"), body).status;
    assert_eq!(change("Inbox/Tapes", r#"{"make_folder":true}"#), 201);
    assert_eq!(put(&server, "/api/v1/upload/Inbox/a.avi", "", "x").status, 201);
    assert_eq!(change("Inbox/a.avi", r#"{"move_to":"Inbox/Tapes/b%20c.avi"}"#), 200);
    assert_eq!(contents(&folder.path().join("Inbox/Tapes/b c.avi")), "x");
    for (path, body, status) in [
        ("Films/own.avi", r#"{"move_to":"Inbox/own.avi"}"#, 403),
        ("Inbox/Tapes/b%20c.avi", r#"{"move_to":"Films/own.avi"}"#, 403),
        ("Inbox/Tapes/b%20c.avi", r#"{"move_to":"../own.avi"}"#, 400),
        ("Inbox/gone.avi", r#"{"move_to":"Inbox/x.avi"}"#, 404),
        ("Inbox/Tapes", r#"{"make_folder":true}"#, 409),
        ("Inbox/Tapes", r#"{"make_folder":false}"#, 400),
        ("Inbox/Tapes", r#"{"erase":true}"#, 400),
    ] {
        assert_eq!(change(path, body), status, "{path} {body}");
    }
    let delete = |path: &str| request(server.http, "DELETE", &format!("/api/v1/files/{path}"), "").status;
    assert_eq!(delete("Inbox/Tapes"), 409);
    assert_eq!(delete("Films/own.avi"), 403);
    assert_eq!(
        (delete("Inbox/Tapes/b%20c.avi"), delete("Inbox/Tapes"), delete("Inbox/Tapes")),
        (204, 204, 404)
    );
    assert_eq!(contents(&folder.path().join("Films/own.avi")), "own");
}

#[test]
fn many_who_send_nothing_keep_nobody_out_for_long_and_leave_no_files() {
    let (folder, server) = house();
    let mut slow = Vec::new();
    for n in 0..12 {
        let mut socket = TcpStream::connect(server.http).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let target = format!("/api/v1/upload/Inbox/{n}.avi");
        write!(socket, "PUT {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000\r\n\r\nx", server.http)
            .unwrap();
        slow.push(socket);
    }
    // Eight have a place, the others are told so at once.
    let mut refused = 0;
    for socket in &mut slow {
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut answer = [0; 12];
        if socket.read_exact(&mut answer).is_ok() {
            assert_eq!(&answer, b"HTTP/1.1 503");
            refused += 1;
        }
    }
    assert_eq!(refused, 4);
    drop(slow);
    wait_until("their places are free", LIMIT, || {
        put(&server, "/api/v1/upload/Inbox/next.avi", "", "x").status == 201
    });
    assert_eq!(parts(&folder).len(), 8, "what broke off may go on");
}
