//! Live sources on the network: real servers send, are killed and come back; ffmpeg watches over RTMP and HTTP.
//!
//! What needs no more than ffmpeg runs always. nginx, Icecast and GStreamer's RTSP server are for
//! `scripts/test-sources`, which also holds the five seconds within which viewers go on.

use crate::http_client::{get, request};
use crate::packets::{decodes, lane, probe};
use crate::program::{Running, command, start, wait_until};
use crate::rtmp_client::RtmpClient;
use crate::rtmp_message::Message;
use crate::samples::{self, H264_MP4, path_of};
use crate::server::{Server, free_address};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use wiidiaserver::amf0::Value as Amf;

const LIMIT: Duration = Duration::from_secs(60);

/// How long a server stays away.
const OUTAGE: Duration = Duration::from_secs(4);

/// Viewers go on this soon after their source is back. On a busy machine the tests allow more, unless told not to.
fn soon() -> Duration {
    let seconds = std::env::var("WIIDIA_SOURCES_SOON").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(30))
}

fn with_source(name: &str, url: &str) -> Server {
    Server::configured(samples::library(), &format!("[[source]]\nname = \"{name}\"\nurl = \"{url}\"\n"))
}

/// What `/api/v1/sources` says of one.
fn figures(server: &Server, name: &str) -> Value {
    get(server.http, &format!("/api/v1/sources/{name}")).json()
}

/// ffmpeg sends a film in real time, over and over.
fn sender(format: &str, url: &str) -> Running {
    sender_from("0", format, url)
}

/// … whose clock begins at so many seconds.
fn sender_from(clock: &str, format: &str, url: &str) -> Running {
    let film = path_of(H264_MP4);
    let mut arguments = vec!["-v", "error", "-re", "-stream_loop", "-1", "-i", &film, "-c", "copy"];
    if format != "flv" {
        arguments.extend(["-bsf:v", "h264_mp4toannexb"]);
    }
    arguments.extend(["-output_ts_offset", clock, "-f", format]);
    if url.starts_with("http:") {
        arguments.extend(["-listen", "1"]);
    }
    arguments.push(url);
    start(command("ffmpeg", &arguments))
}

/// Watches until it is dropped.
struct Watching {
    url: String,
    file: PathBuf,
    viewer: Running,
}

impl Watching {
    fn new(url: String, folder: &Path) -> Self {
        let name = if url.starts_with("rtmp") { "rtmp.flv" } else { "http.flv" };
        let file = folder.join(name);
        let arguments = ["-v", "error", "-i", &url, "-c", "copy", "-flush_packets", "1", "-f", "flv", "-y"];
        let mut viewer = command("ffmpeg", &arguments);
        viewer.arg(&file);
        Self { viewer: start(viewer), url, file }
    }

    fn bytes(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len())
    }
}

/// Both kinds of viewer watch; the source goes away and comes back; they see one film, whose times never
/// step back, and forward by no more than the outage.
#[track_caller]
fn viewers_survive(name: &str, url: &str, send: impl Fn() -> Vec<Running>) {
    let folder = tempfile::tempdir().unwrap();
    let mut sending = send();
    let mut server = with_source(name, url);
    let viewers =
        [format!("rtmp://{}/live/{name}", server.rtmp), format!("http://{}/live/{name}.flv", server.http)]
            .map(|url| Watching::new(url, folder.path()));
    wait_until("both see something", LIMIT, || viewers.iter().all(|viewer| viewer.bytes() > 50_000));

    sending.clear();
    std::thread::sleep(OUTAGE);
    let before = viewers.each_ref().map(Watching::bytes);
    sending.extend(send());
    let back = Instant::now();
    let grow = |viewer: usize, more: u64| viewers[viewer].bytes() > before[viewer] + more;
    wait_until("both go on", soon(), || grow(0, 10_000) && grow(1, 10_000));
    println!("{name}: both viewers went on {:.1} s after the source was back", back.elapsed().as_secs_f32());
    wait_until("both see more", LIMIT, || grow(0, 100_000) && grow(1, 100_000));
    let told = figures(&server, name);
    assert_eq!(told["state"], "on_air", "{told}");
    assert!(told["restarts"].as_u64() <= Some(12), "{told}");

    for viewer in viewers {
        let Watching { url, file, viewer } = viewer;
        drop(viewer);
        let file = file.to_str().unwrap();
        let packets = probe(file);
        for lane in [lane(&packets, true), lane(&packets, false)] {
            assert!(lane.len() > 50, "{url}");
            for two in lane.windows(2) {
                let step = two[1].dts - two[0].dts;
                assert!(
                    step > 0.0 && step < OUTAGE.as_secs_f64() + 3.0,
                    "{url}: a step of {step} s at {}",
                    two[0].dts
                );
            }
        }
        let (pictures, sound) = (lane(&packets, true), lane(&packets, false));
        let apart = (pictures.last().unwrap().dts - sound.last().unwrap().dts).abs();
        assert!(apart < 1.5, "{url}: sound and picture end {apart} s apart");
        decodes(&[], file);
    }
    server.must_be_well();
    wait_until("the source rests", LIMIT, || figures(&server, name)["state"] == "idle");
    wait_until("no worker is left", LIMIT, || server.workers().is_empty());
}

fn port() -> SocketAddr {
    free_address()
}

#[test]
fn viewers_survive_a_sender_of_udp() {
    let url = format!("udp://{}", port());
    viewers_survive("udp", &url, || vec![sender("mpegts", &format!("{url}?pkt_size=1316"))]);
}

#[test]
fn viewers_survive_a_server_of_endless_http() {
    let url = format!("http://{}/tv.ts", port());
    viewers_survive("http", &url, || vec![sender("mpegts", &url)]);
}

#[test]
fn viewers_survive_a_server_of_srt() {
    let address = port();
    let (ours, its) = (
        format!("srt://{address}?mode=caller&passphrase=0123456789"),
        format!("srt://{address}?mode=listener&passphrase=0123456789"),
    );
    viewers_survive("srt", &ours, || vec![sender("mpegts", &its)]);
}

#[test]
fn the_end_of_the_33_bits_of_mpeg_ts_is_no_hole_for_viewers() {
    // 2^33 ticks of 90 kHz are 95,443.7 s: some seconds from now.
    const CLOCK: &str = "95437";
    let [pushed, pulled] = [format!("udp://{}", port()), format!("http://{}/tv.ts", port())];
    let _senders = [
        sender_from(CLOCK, "mpegts", &format!("{pushed}?pkt_size=1316")),
        sender_from(CLOCK, "mpegts", &pulled),
    ];
    let text = format!(
        "[[source]]\nname = \"pushed\"\nurl = \"{pushed}\"\n[[source]]\nname = \"pulled\"\nurl = \"{pulled}\"\n"
    );
    let server = Server::configured(samples::library(), &text);
    let folder = tempfile::tempdir().unwrap();
    let watch = |name: &str| {
        let file = folder.path().join(name).to_str().unwrap().to_owned();
        let url = format!("http://{}/live/{name}.flv", server.http);
        let arguments = ["-v", "error", "-i", &url, "-t", "12", "-c", "copy", "-f", "flv", "-y", &file];
        (start(command("ffmpeg", &arguments)), file)
    };
    for (viewer, file) in [watch("pushed"), watch("pulled")] {
        viewer.finish(LIMIT);
        let packets = probe(&file);
        for lane in [lane(&packets, true), lane(&packets, false)] {
            assert!(lane.last().unwrap().dts - lane[0].dts > 10.0, "{file}");
            assert!(
                lane.windows(2).all(|two| two[1].dts > two[0].dts && two[1].dts - two[0].dts < 0.6),
                "{file}"
            );
        }
        decodes(&[], &file);
    }
    for name in ["pushed", "pulled"] {
        assert_eq!(figures(&server, name)["restarts"], 0, "{name}");
    }
}

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

// ---- With servers that not every machine has: scripts/test-sources ---------------------------------------------

/// The folder that `scripts/test-sources` has prepared: nginx.conf, icecast.xml, rtsp-server.
fn servers() -> PathBuf {
    PathBuf::from(std::env::var("WIIDIA_SOURCES_SERVERS").expect("run scripts/test-sources"))
}

fn rtsp_server(address: SocketAddr, options: &[&str]) -> Vec<Running> {
    let mut server = Command::new("/usr/bin/python3");
    server.arg(servers().join("rtsp-server")).arg(address.port().to_string()).args(options);
    vec![start(server)]
}

#[test]
#[ignore = "needs GStreamer's RTSP server: scripts/test-sources"]
fn viewers_survive_a_camera_over_rtsp() {
    let address = port();
    let url = format!("rtsp://{address}/cam");
    viewers_survive("rtsp-udp", &url, || rtsp_server(address, &[]));
}

#[test]
#[ignore = "needs GStreamer's RTSP server: scripts/test-sources"]
fn viewers_survive_a_camera_with_tcp_only_and_a_password() {
    let address = port();
    let url = format!("rtsp://ada:sword%20fish@{address}/cam");
    viewers_survive("rtsp-tcp", &url, || rtsp_server(address, &["tcp", "auth"]));
}

#[test]
#[ignore = "needs nginx: scripts/test-sources"]
fn viewers_survive_hls_of_nginx_behind_a_password() {
    let address = port();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(folder.path(), None, None).unwrap();
    let list = folder.path().join("live.m3u8");
    let url = format!("http://ada:sword%20fish@{address}/live.m3u8");
    // The encoder goes on while nginx is away, as a station's does.
    let film = path_of(H264_MP4);
    let mut encoder =
        command("ffmpeg", &["-v", "error", "-re", "-stream_loop", "-1", "-i", &film, "-c", "copy"]);
    encoder
        .args(["-f", "hls", "-hls_time", "2", "-hls_list_size", "5", "-hls_flags", "delete_segments"])
        .arg(&list);
    let _encoder = start(encoder);
    wait_until("three segments are there", LIMIT, || {
        std::fs::read_to_string(&list).is_ok_and(|text| text.matches(".ts").count() >= 3)
    });
    viewers_survive("hls", &url, || nginx(address, folder.path()));
}

fn nginx(address: SocketAddr, root: &Path) -> Vec<Running> {
    let state = root.join("nginx");
    std::fs::create_dir_all(&state).unwrap();
    let text = std::fs::read_to_string(servers().join("nginx.conf")).unwrap();
    let text = text.replace("ADDRESS", &address.to_string()).replace("STATE", state.to_str().unwrap());
    let text = text.replace("ROOT", root.to_str().unwrap()).replace("SERVERS", servers().to_str().unwrap());
    let file = state.join("nginx.conf");
    std::fs::write(&file, text).unwrap();
    let mut server = command("nginx", &["-c"]);
    server.arg(&file);
    let server = start(server);
    wait_until("nginx listens", LIMIT, || std::net::TcpStream::connect(address).is_ok());
    vec![server]
}

fn icecast(address: SocketAddr, folder: &Path) -> Vec<Running> {
    let text = std::fs::read_to_string(servers().join("icecast.xml")).unwrap();
    let text = text.replace("PORT", &address.port().to_string()).replace("LOGS", folder.to_str().unwrap());
    let file = folder.join("icecast.xml");
    std::fs::write(&file, text).unwrap();
    let mut server = command("icecast2", &["-c"]);
    server.arg(&file);
    let server = start(server);
    wait_until("Icecast listens", LIMIT, || std::net::TcpStream::connect(address).is_ok());
    let film = path_of(H264_MP4);
    let url = format!("icecast://source:hackme@{address}/radio");
    let arguments = ["-v", "error", "-re", "-stream_loop", "-1", "-i", &film, "-vn", "-c:a", "libmp3lame"];
    let mut station = command("ffmpeg", &arguments);
    station.args(["-content_type", "audio/mpeg", "-f", "mp3", &url]);
    vec![start(station), server]
}

#[test]
#[ignore = "needs Icecast: scripts/test-sources"]
fn listeners_survive_a_radio() {
    let address = port();
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let mut sending = icecast(address, folder.path());
    let server = with_source("radio", &format!("http://{address}/radio"));
    let listener = Watching::new(format!("rtmp://{}/live/radio", server.rtmp), folder.path());
    wait_until("it is heard", LIMIT, || listener.bytes() > 30_000);
    sending.clear();
    std::thread::sleep(OUTAGE);
    let before = listener.bytes();
    sending.extend(icecast(address, folder.path()));
    let back = Instant::now();
    wait_until("it is heard again", soon(), || listener.bytes() > before + 5_000);
    println!("radio: the listener went on {:.1} s after the station was back", back.elapsed().as_secs_f32());
}
