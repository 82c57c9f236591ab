//! Sources while they are watched, added, changed and removed: who starts them, what is refused, what is told.

use super::{LIMIT, Watching, figures, port, sender, with_source};
use crate::http_client::{get, request};
use crate::program::wait_until;
use crate::rtmp_client::RtmpClient;
use crate::rtmp_message::Message;
use crate::samples;
use crate::server::Server;
use serde_json::json;
use std::time::{Duration, Instant};
use wiidiaserver::amf0::Value as Amf;

#[test]
fn fifty_viewers_at_once_start_one_source_and_it_ends_after_the_last() {
    let url = format!("udp://{}", port());
    let _sender = sender("mpegts", &format!("{url}?pkt_size=1316"));
    let text = format!("[[source]]\nname = \"tv\"\nurl = \"{url}\"\nstop_delay_seconds = 1\n");
    let server = Server::configured(samples::library(), &text);
    assert_eq!(figures(&server, "tv")["state"], "idle");
    assert!(server.workers().is_empty(), "nobody watches");
    let rtmp = server.rtmp;
    let viewers: Vec<_> = (0..50)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = RtmpClient::play(rtmp, "live", "tv");
                client.wait_for("a picture", LIMIT, |message| {
                    matches!(message, Message::Video(_)).then_some(())
                });
                client
            })
        })
        .collect();
    let viewers: Vec<_> = viewers.into_iter().map(|viewer| viewer.join().unwrap()).collect();
    let told = figures(&server, "tv");
    assert_eq!(
        (&told["state"], &told["restarts"], &told["viewers"]),
        (&json!("on_air"), &json!(0), &json!(50))
    );
    assert_eq!(server.workers().len(), 1);
    drop(viewers);
    wait_until("it rests", LIMIT, || {
        figures(&server, "tv")["state"] == "idle" && server.workers().is_empty()
    });
}

#[test]
fn a_source_that_is_not_there_is_told_to_whoever_wants_to_watch_it() {
    let text =
        format!("[[source]]\nname = \"gone\"\nurl = \"http://{}/x\"\nstart_timeout_seconds = 12\n", port());
    let server = Server::configured(samples::library(), &text);
    let answer = get(server.http, "/live/gone.flv");
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("there is no connection to it"), "{}", answer.text());
    // Nobody takes its place meanwhile.
    let mut encoder = RtmpClient::connect(server.rtmp, "live");
    encoder.create_stream();
    encoder.send_command(1, "publish", 0.0, &[Amf::Null, "gone".into(), "live".into()]);
    encoder.wait_status("NetStream.Publish.BadName", LIMIT);
    let metrics = get(server.http, "/metrics").text();
    for line in [
        "wiidia_refusals_total{protocol=\"rtmp\",reason=\"publish_in_use\"} 1",
        "wiidia_source_on_air{source=\"gone\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "no {line} in {metrics}");
    }
    let told = figures(&server, "gone");
    assert!(told["failures"].as_u64() > Some(0), "{told}");
    wait_until("it is not tried any more", LIMIT, || figures(&server, "gone")["state"] == "idle");
}

#[test]
fn what_is_no_media_is_told_at_once() {
    let mut server = Server::start();
    // The server's own page.
    let source = json!({ "name": "page", "url": format!("http://{}/", server.http) });
    assert_eq!(request(server.http, "POST", "/api/v1/sources", &source.to_string()).status, 201);
    let began = Instant::now();
    let answer = get(server.http, "/live/page.flv");
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("neither video nor sound"), "{}", answer.text());
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    server.must_be_well();
}

#[test]
fn sources_are_added_changed_and_removed_and_outlive_the_server() {
    let [one, two] = [0, 1].map(|_| format!("udp://{}", port()));
    let _senders = [&one, &two].map(|url| sender("mpegts", &format!("{url}?pkt_size=1316")));
    let mut server = with_source("of-file", &one);
    let body = |name: &str, url: &str| json!({ "name": name, "url": url, "mode": "always" }).to_string();
    let ask = |server: &Server, method: &str, path: &str, body: &str| {
        request(server.http, method, &format!("/api/v1/sources{path}"), body)
    };
    assert_eq!(ask(&server, "POST", "", &body("tv", &one)).status, 201);
    wait_until("it runs", LIMIT, || figures(&server, "tv")["state"] == "on_air");
    let folder = tempfile::tempdir().unwrap();
    let viewer = Watching::new(format!("http://{}/live/tv.flv", server.http), folder.path());
    wait_until("it is seen", LIMIT, || viewer.bytes() > 50_000);

    // Refused, and the old one goes on.
    for (method, path, text, status) in [
        ("POST", "", body("tv", &one), 409),
        ("POST", "", body("a b", &one), 400),
        ("POST", "", body("x", "file:///etc/passwd"), 400),
        ("POST", "", "{".to_owned(), 400),
        ("POST", "", "x".repeat(20_000), 413),
        ("PUT", "/tv", body("tv", "gopher://x"), 400),
        ("PUT", "/tv", body("other", &one), 400),
        ("PUT", "/nothing", body("nothing", &one), 404),
        ("PUT", "/of-file", body("of-file", &two), 409),
        ("DELETE", "/of-file", String::new(), 409),
        ("DELETE", "/nothing", String::new(), 404),
        ("POST", "/tv", body("tv", &one), 405),
    ] {
        let answer = ask(&server, method, path, &text);
        assert_eq!(answer.status, status, "{method} {path} {text:.80}: {}", answer.text());
    }
    let told = figures(&server, "tv");
    assert_eq!((&told["state"], &told["restarts"]), (&json!("on_air"), &json!(0)), "{told}");

    // Another address, and the viewer stays.
    assert_eq!(ask(&server, "PUT", "/tv", &body("tv", &two)).status, 200);
    wait_until("it runs again", LIMIT, || {
        let told = figures(&server, "tv");
        told["state"] == "on_air" && told["restarts"] == 1
    });
    let before = viewer.bytes();
    wait_until("the viewer goes on", LIMIT, || viewer.bytes() > before + 50_000);

    server.restart();
    assert_eq!(figures(&server, "tv")["url"], two);
    wait_until("it runs by itself", LIMIT, || figures(&server, "tv")["state"] == "on_air");
    assert_eq!(ask(&server, "DELETE", "/tv", "").status, 200);
    assert_eq!(get(server.http, "/api/v1/sources/tv").status, 404);
    wait_until("its worker ends", LIMIT, || server.workers().is_empty());
    server.must_be_well();
}

#[test]
fn other_sites_pages_change_nothing() {
    let server = Server::start();
    let source = json!({ "name": "x", "url": "http://192.0.2.1/" }).to_string();
    for headers in [
        "Content-Type: text/plain\r\n",
        "Content-Type: application/json\r\nOrigin: https://evil.example\r\n",
        "Content-Type: application/json\r\nSec-Fetch-Site: cross-site\r\n",
    ] {
        let answer =
            crate::http_client::request_with(server.http, "POST", "/api/v1/sources", headers, &source);
        assert!(matches!(answer.status, 403 | 415), "{headers}: {}", answer.status);
    }
    assert_eq!(get(server.http, "/api/v1/sources").json(), json!({ "sources": [] }));
}

#[test]
fn passwords_are_nowhere_to_be_seen() {
    let address = port();
    let url = format!("http://ada:swordfish@{address}/tv.ts?token=marlinspike");
    let server = with_source("tv", &url);
    let sender = sender("mpegts", &format!("http://{address}/tv.ts"));
    let folder = tempfile::tempdir().unwrap();
    let viewer = Watching::new(format!("http://{}/live/tv.flv", server.http), folder.path());
    wait_until("it is seen", LIMIT, || viewer.bytes() > 50_000);
    let mut seen = String::new();
    for worker in server.workers() {
        for what in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{worker}/{what}")).unwrap_or_default();
            seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    assert!(seen.contains("worker"), "{seen}");
    drop(sender);
    wait_until("it has failed", LIMIT, || figures(&server, "tv")["failures"].as_u64() > Some(1));
    for path in ["/api/v1/sources", "/metrics", "/api/v1/streams"] {
        seen.push_str(&get(server.http, path).text());
    }
    seen.push_str(&server.log());
    assert!(!seen.contains("swordfish") && !seen.contains("marlinspike"), "{seen}");
}

#[test]
fn a_worker_that_dies_is_replaced_while_viewers_watch() {
    let url = format!("udp://{}", port());
    let _sender = sender("mpegts", &format!("{url}?pkt_size=1316"));
    let server = with_source("tv", &url);
    let folder = tempfile::tempdir().unwrap();
    let viewer = Watching::new(format!("rtmp://{}/live/tv", server.rtmp), folder.path());
    wait_until("it is seen", LIMIT, || viewer.bytes() > 50_000);
    for _ in 0..3 {
        let before = viewer.bytes();
        assert_eq!(server.kill_workers(), 1);
        wait_until("it goes on", LIMIT, || viewer.bytes() > before + 100_000);
    }
    let told = figures(&server, "tv");
    assert_eq!((&told["state"], &told["restarts"]), (&json!("on_air"), &json!(3)), "{told}");
    assert_eq!(server.workers().len(), 1, "and none is left over");
}

#[test]
fn a_viewer_who_leaves_before_anything_comes_leaves_nothing_behind() {
    let text = format!("[[source]]\nname = \"tv\"\nurl = \"udp://{}\"\nstop_delay_seconds = 0\n", port());
    let server = Server::configured(samples::library(), &text);
    for _ in 0..3 {
        let viewer = RtmpClient::play(server.rtmp, "live", "tv");
        wait_until("it starts", LIMIT, || server.workers().len() == 1);
        drop(viewer);
        wait_until("it rests", LIMIT, || {
            figures(&server, "tv")["state"] == "idle" && server.workers().is_empty()
        });
    }
}

#[test]
fn a_source_that_is_removed_ends_for_its_viewers() {
    let url = format!("udp://{}", port());
    let _sender = sender("mpegts", &format!("{url}?pkt_size=1316"));
    let mut server = Server::configured(samples::library(), "[live]\ngrace_seconds = 1\n");
    let source = json!({ "name": "tv", "url": url }).to_string();
    assert_eq!(request(server.http, "POST", "/api/v1/sources", &source).status, 201);
    let mut viewer = RtmpClient::play(server.rtmp, "live", "tv");
    viewer.wait_for("a picture", LIMIT, |message| matches!(message, Message::Video(_)).then_some(()));
    assert_eq!(request(server.http, "DELETE", "/api/v1/sources/tv", "").status, 200);
    viewer.wait_status("NetStream.Play.UnpublishNotify", LIMIT);
    wait_until("its worker ends", LIMIT, || server.workers().is_empty());
    server.must_be_well();
}

#[test]
fn a_damaged_list_of_sources_keeps_what_can_be_read() {
    let mut server = Server::start();
    for name in ["one", "two", "three"] {
        let source = json!({ "name": name, "url": format!("udp://{}", port()) }).to_string();
        assert_eq!(request(server.http, "POST", "/api/v1/sources", &source).status, 201);
    }
    let file = server.data().join("sources.json");
    server.restart_after(|| {
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("\"two\"", "\"two")).unwrap();
    });
    assert_eq!(figures(&server, "one")["state"], "idle");
    assert_eq!(figures(&server, "three")["state"], "idle");
    assert_eq!(get(server.http, "/api/v1/sources/two").status, 404);
    assert!(file.with_extension("json.unreadable").exists());
    assert!(server.log().contains("the list of sources is damaged"), "{}", server.log());
}
