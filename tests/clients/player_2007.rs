//! What the player of 2007 asks for, over real sockets, with its own SWF in the owner's `www` folder; and our own SWF
//! in its place.

use crate::http_client::{get, get_with};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::library;
use crate::server::{Server, folder_for_server};
use std::fs;
use std::path::Path;
use std::time::Duration;
use wiidiaserver::amf0::Value;

/// What Flash Player 7 says that it takes: Sorenson H.263 and VP6 are not beyond it, H.264 is.
const FLASH_7: u32 = 0x7c;

fn with_www(folder: &Path) -> Server {
    Server::configured(library(), &format!("[http]\nwww = {folder:?}\n"))
}

fn put(folder: &Path, name: &str, content: &[u8]) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

#[test]
fn an_original_player_takes_its_old_place() {
    let folder = folder_for_server();
    let www = folder.path();
    put(www, "wiidiaplayer.html", b"<html>the page of 2007</html>");
    put(www, "wiidiaplayer.swf", b"FWS\x07 the movie of 2007");
    put(www, "images/a b.png", b"\x89PNG");
    put(www, "about/index.html", b"about");
    let mut server = with_www(www);

    let page = get(server.http, "/wiidiaplayer.html");
    assert_eq!((page.status, page.text().as_str()), (200, "<html>the page of 2007</html>"));
    assert_eq!(page.header("Content-Type"), "text/html; charset=utf-8");
    // Its script stands in the page.
    assert!(page.header("Content-Security-Policy").contains("script-src 'self' 'unsafe-inline'"));
    let movie = get(server.http, "/wiidiaplayer.swf");
    assert_eq!(movie.body, b"FWS\x07 the movie of 2007");
    assert_eq!(movie.header("Content-Type"), "application/x-shockwave-flash");
    assert_eq!(movie.header("Content-Length"), movie.body.len().to_string());
    let known = format!("If-None-Match: {}\r\n", movie.header("ETag"));
    assert_eq!(get_with(server.http, "/wiidiaplayer.swf", &known).status, 304);
    let part = get_with(server.http, "/wiidiaplayer.swf", "Range: bytes=4-7\r\n");
    assert_eq!((part.status, part.body.as_slice()), (206, &b" the"[..]));
    assert_eq!(get_with(server.http, "/wiidiaplayer.swf", "Range: bytes=400-\r\n").status, 416);
    assert_eq!(get(server.http, "/images/a%20b.png").header("Content-Type"), "image/png");
    assert_eq!(get(server.http, "/about/").text(), "about");
    // What is the server's own stays it.
    put(www, "api/v1/streams", b"mine");
    assert!(get(server.http, "/api/v1/streams").json()["streams"].is_array());
    server.must_be_well();
}

#[test]
fn nothing_leads_out_of_the_owners_pages() {
    let folder = folder_for_server();
    let www = folder.path().join("www");
    put(&www, "x.txt", b"x");
    put(folder.path(), "secret.txt", b"secret");
    std::os::unix::fs::symlink("../secret.txt", www.join("out.txt")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", www.join("passwd")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, www.join("pipe"), rustix::fs::FileType::Fifo, 0o644.into(), 0)
        .unwrap();
    let mut server = with_www(&www);
    assert_eq!(get(server.http, "/x.txt").text(), "x");
    for address in [
        "/out.txt",
        "/passwd",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/pipe",
        "/x.txt%00",
        "/nothing.txt",
    ] {
        let answer = get(server.http, address);
        assert!((400..500).contains(&answer.status), "{address}: {}", answer.status);
        assert!(!answer.text().contains("secret\n") && !answer.text().contains("root:"), "{address}");
    }
    server.must_be_well();
}

#[test]
fn a_folder_that_is_not_there_is_said_at_the_start() {
    let output = crate::server::server_command(crate::samples::server_program())
        .args(["--library", library().to_str().unwrap(), "--config"])
        .arg({
            let file = folder_for_server().keep().join("c.toml");
            fs::write(&file, "[http]\nwww = \"/nowhere/at/all\"\n").unwrap();
            file
        })
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("c.toml:2") && said.contains("/nowhere/at/all"),
        "{said}"
    );
}

#[test]
fn our_own_movie_is_there_without_any_folder() {
    let server = Server::start();
    let movie = get(server.http, "/wiidiaplayer.swf");
    assert_eq!((movie.status, &movie.body[..4]), (200, &b"FWS\x07"[..]));
    let page = get_with(server.http, "/wiidiaplayer.html?via=http", "").text();
    let (host, port) = (server.http.ip(), server.http.port());
    let variables = format!("SERVER={host}&amp;PORT={port}&amp;RTMPPORT={}&amp;VIA=http", server.rtmp.port());
    assert!(page.contains(&variables), "{page}");
    assert!(!page.contains("<script"), "no Ruffle, no script");
    let odd = get_with(server.http, "/wiidiaplayer.html", "Host: a\"><script>\r\n");
    assert!(!odd.text().contains("<script"), "{}", odd.text());
    // What it asks for where there is no RTMP.
    let info = get(server.http, "/getinfo/Films/Old%20Tape.avi?target=11").text();
    let value = |key: &str| -> f64 {
        let found = info.split('&').find_map(|pair| pair.strip_prefix(&format!("{key}=")));
        found.unwrap().parse().unwrap()
    };
    assert!((value("totallength") - 12.0).abs() < 0.5 && value("availablelength") >= 0.0, "{info}");
    assert_eq!(get(server.http, "/getinfo/nothing.avi").status, 404);
}

#[test]
fn the_requests_of_2007_are_answered() {
    let mut server = Server::start();
    assert!(get(server.http, "/getdir//").text().starts_with("result=%7B%22aDir%22"));
    assert_eq!(get(server.http, "/feedback/player%20started").status, 200);
    let policy = get_with(server.http, "/crossdomain.xml", "").text();
    assert!(policy.contains(&format!("<allow-access-from domain=\"{}\"/>", server.http.ip())), "{policy}");

    // connect, createStream, play by a path that begins with a slash, pause with null, seek in milliseconds.
    let mut player = RtmpClient::connect_as(server.rtmp, "", &[], FLASH_7);
    player.create_stream();
    player.send_play("/Films/Old Tape.avi");
    player.wait_status("NetStream.Play.Start", SOON);
    let info = player.wait_status("Server.Media.Info", Duration::from_secs(20));
    let number = |key: &str| info.get(key).and_then(Value::as_f64).unwrap();
    assert!((number("totallength") - 12.0).abs() < 0.5, "{info:?}");
    assert!(number("availablelength") >= 0.0);
    assert_eq!(info.get("level").unwrap().as_str().unwrap(), "status");
    player.send_command(1, "pause", 0.0, &[Value::Null, Value::Null, Value::Number(1000.0)]);
    player.wait_status("NetStream.Pause.Notify", SOON);
    player.send_command(1, "pause", 0.0, &[Value::Null, Value::Null, Value::Number(1000.0)]);
    player.wait_status("NetStream.Unpause.Notify", SOON);
    // A call that nobody knows ends nothing; then to the end of the film.
    player.send_command(1, "seekprogress", 0.0, &[Value::Null, Value::Number(9000.0)]);
    player.set_buffer_length(60_000);
    player.seek(9000);
    // From this Flash makes `NetStream.Buffer.Flush` and, when it has played what it has, `NetStream.Buffer.Empty`.
    player.wait_status("NetStream.Play.Stop", Duration::from_secs(30));
    server.must_be_well();
}
