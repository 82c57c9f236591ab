//! Streams from and to other servers: Debian's nginx-rtmp, another one of ours, and those that mean harm.

use crate::http_client::{get, get_beginning};
use crate::live::{figures, records_well};
use crate::nginx::Nginx;
use crate::packets::{lane, probe};
use crate::program::{Running, command, start, succeed, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::rtmp_stub;
use crate::samples::{self, H264_FLV, path_of};
use crate::server::Server;
use crate::tls::Authority;
use serde_json::Value;
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;
use wiidiaserver::amf0::{self, Properties};

const LIMIT: Duration = Duration::from_secs(40);
/// For what comes after back-offs.
const LONG: Duration = Duration::from_secs(120);

/// ffmpeg sends a film in real time, over and over.
fn publish(url: &str) -> Running {
    publish_at(url, "1")
}

fn publish_at(url: &str, speed: &str) -> Running {
    let source = path_of(H264_FLV);
    let options = ["-v", "error", "-readrate", speed, "-stream_loop", "-1", "-i", &source];
    start(command("ffmpeg", &[&options[..], &["-c", "copy", "-f", "flv", url]].concat()))
}

fn server(configuration: &str) -> Server {
    Server::configured(samples::library(), configuration)
}

fn live_url(server: &Server, name: &str) -> String {
    format!("rtmp://{}/live/{name}", server.rtmp)
}

/// The only relay of a server, as `/api/v1/relays` shows it.
fn relay(server: &Server) -> Value {
    let relays = get(server.http, "/api/v1/relays").json();
    let relays = relays["relays"].as_array().unwrap();
    assert_eq!(relays.len(), 1, "{relays:?}");
    relays[0].clone()
}

#[track_caller]
fn wait_state(server: &Server, state: &str, limit: Duration) {
    wait_until(&format!("the relay is {state}"), limit, || relay(server)["state"] == state);
}

/// Waits until the relay has failed, and says why.
#[track_caller]
fn failure(server: &Server) -> String {
    wait_until("the relay has failed", LONG, || relay(server)["reason"].is_string());
    relay(server)["reason"].as_str().unwrap().to_owned()
}

/// What the packets of one kind hold, in hashes: of a file, or of some seconds of a stream.
#[track_caller]
fn hashes(url: &str, kind: &str, seconds: Option<u32>) -> Vec<String> {
    let interval = format!("%+{}", seconds.unwrap_or(3600));
    let arguments = [
        "-v",
        "error",
        "-read_intervals",
        &interval,
        "-select_streams",
        kind,
        "-show_packets",
        "-show_data_hash",
        "md5",
        "-show_entries",
        "packet=data_hash",
        "-of",
        "csv=p=0",
        url,
    ];
    let output = succeed("ffprobe", &arguments, LIMIT).stdout;
    let hashes: Vec<String> = String::from_utf8_lossy(&output).lines().map(str::to_owned).collect();
    assert!(!hashes.is_empty(), "no packets at {url}");
    hashes
}

/// What comes from there is the film that is published, picture by picture and sound by sound: nothing
/// changed, lost or twice.
#[track_caller]
fn is_the_film(url: &str) {
    let film = path_of(H264_FLV);
    for kind in ["v", "a"] {
        let (got, film) = (hashes(url, kind, Some(4)), hashes(&film, kind, None));
        // nginx-rtmp begins in the middle of a group of pictures.
        assert!(got.len() > 30, "{url}: {} packets", got.len());
        // It is sent over and over.
        let film = [film.clone(), film].concat();
        assert!(film.windows(got.len()).any(|part| part == got), "{url}: other packets ({kind})");
    }
}

#[test]
fn a_stream_is_pushed_to_nginx_and_comes_back_when_nginx_does() {
    let mut nginx = Nginx::start();
    let server = server(&format!("[[relay.push]]\nstream = \"cam\"\nurl = \"{}\"\n", nginx.url("copy")));
    assert_eq!(relay(&server)["state"], "idle", "nobody publishes yet");
    let _publisher = publish(&live_url(&server, "cam"));
    wait_state(&server, "running", LIMIT);
    is_the_film(&nginx.url("copy"));
    assert!(relay(&server)["bytes"].as_u64() > Some(10_000));
    nginx.kill();
    let reason = failure(&server);
    assert!(reason.contains("connection") || reason.contains("can't be reached"), "{reason}");
    nginx.start_again();
    wait_state(&server, "running", LONG);
    assert_eq!(relay(&server)["reason"], Value::Null);
    is_the_film(&nginx.url("copy"));
    assert_eq!(figures(&server, "cam")["lost_records"], 0, "nobody here lost anything");
    let metrics = get(server.http, "/metrics").text();
    assert!(
        metrics.contains("wiidia_relay_running{direction=\"push\",rule=\"1\",stream=\"cam\""),
        "{metrics}"
    );
}

#[test]
fn ffmpeg_takes_a_push_as_well() {
    let address = crate::server::free_address();
    let url = format!("rtmp://{address}/live/x");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.flv").to_str().unwrap().to_owned();
    let listening = start(command(
        "ffmpeg",
        &["-v", "error", "-listen", "1", "-i", &url, "-t", "3", "-c", "copy", &file],
    ));
    let server = server(&format!("[[relay.push]]\nstream = \"cam\"\nurl = \"{url}\"\n"));
    let _publisher = publish(&live_url(&server, "cam"));
    assert!(listening.finish(LIMIT).status.success());
    let (got, film) = (hashes(&file, "v", None), hashes(&path_of(H264_FLV), "v", None));
    assert!(got.len() > 60 && film.windows(got.len()).any(|part| part == got), "{} packets", got.len());
}

#[test]
fn a_push_ends_with_its_stream_and_begins_again_with_it() {
    let nginx = Nginx::start();
    let server = server(&format!("[[relay.push]]\nstream = \"c*\"\nurl = \"{}\"\n", nginx.url("{stream}-2")));
    let publisher = publish(&live_url(&server, "cam"));
    wait_state(&server, "running", LIMIT);
    is_the_film(&nginx.url("cam-2"));
    drop(publisher);
    wait_state(&server, "idle", LIMIT);
    let _publisher = publish(&live_url(&server, "cam"));
    wait_state(&server, "running", LIMIT);
    is_the_film(&nginx.url("cam-2"));
}

#[test]
fn a_stream_of_nginx_is_fetched_for_the_first_viewer_and_left_after_the_last() {
    let nginx = Nginx::start();
    let _publisher = publish(&nginx.url("src"));
    let server = server(&format!("[[relay.pull]]\nname = \"door\"\nurl = \"{}\"\n", nginx.url("src")));
    assert_eq!(relay(&server)["state"], "idle");
    // The first one waits over RTMP …
    is_the_film(&live_url(&server, "door"));
    wait_state(&server, "idle", LIMIT);
    // … or over HTTP.
    let beginning = get_beginning(server.http, "/live/door.flv", 50_000);
    assert_eq!((beginning.status, beginning.body.starts_with(b"FLV")), (200, true));
    assert_eq!(relay(&server)["state"], "running");
    assert_eq!(relay(&server)["on_demand"], true);
    wait_state(&server, "idle", LIMIT);
    // nginx has no memory: the first picture that it sends is mostly none that could be decoded.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.flv").to_str().unwrap().to_owned();
    let url = live_url(&server, "door");
    succeed("rtmpdump", &["-q", "--live", "--stop", "5", "-r", &url, "-o", &file], LIMIT);
    assert!(lane(&probe(&file), true)[0].key, "the first picture is a keyframe");
    assert_eq!(relay(&server)["failures"], 0);
}

#[test]
fn a_stream_that_is_always_pulled_comes_back_when_nginx_does_and_its_viewers_stay() {
    let mut nginx = Nginx::start();
    let configuration = "[[relay.pull]]\nname = \"door\"\nmode = \"always\"\n";
    let server = server(&format!("{configuration}url = \"{}\"\n", nginx.url("src")));
    // nginx plays what nobody publishes: that is no failure, and nothing on air.
    wait_state(&server, "connected", LIMIT);
    assert!(figures(&server, "door").is_null());
    let publisher = publish(&nginx.url("src"));
    wait_state(&server, "running", LIMIT);
    is_the_film(&live_url(&server, "door"));
    let mut viewer = RtmpClient::play(server.rtmp, "live", "door");
    viewer.wait_for("media", SOON, |message| message.media_ms().map(|_| ()));
    nginx.kill();
    drop(publisher);
    viewer.wait_status("NetStream.Play.UnpublishNotify", LIMIT);
    nginx.start_again();
    let _publisher = publish(&nginx.url("src"));
    viewer.wait_for("media", LONG, |message| message.media_ms().map(|_| ()));
}

#[test]
fn what_is_wrong_is_told_to_viewers_and_in_the_list_without_the_key() {
    let nginx = Nginx::start();
    let closed = crate::server::free_address();
    let target = server("[live]\nsecret = \"right\"\n");
    for (configuration, expected) in [
        // nginx closes the connection when it has no such application.
        (
            format!("[[relay.pull]]\nname = \"x\"\nurl = \"rtmp://{}/nowhere/open-sesame\"\n", nginx.rtmp),
            "the server closed the connection",
        ),
        (
            format!("[[relay.pull]]\nname = \"x\"\nurl = \"rtmp://{closed}/live/open-sesame\"\n"),
            "can't be reached",
        ),
        (
            "[[relay.pull]]\nname = \"x\"\nurl = \"rtmp://no-such-host.invalid/live/open-sesame\"\n"
                .to_owned(),
            "the name \"no-such-host.invalid\" can't be found",
        ),
        (
            format!("[[relay.pull]]\nname = \"x\"\nurl = \"rtmp://{}/live/open-sesame\"\n", target.rtmp),
            "nobody publishes",
        ),
    ] {
        let server = server(&configuration);
        let mut viewer = RtmpClient::connect(server.rtmp, "live");
        viewer.create_stream();
        viewer.send_play("x");
        let info = viewer.wait_status("NetStream.Play.StreamNotFound", LIMIT);
        let told = info.get("description").and_then(|text| text.as_str()).unwrap().into_owned();
        assert!(told.contains(expected), "{told}");
        assert!(failure(&server).contains(expected));
        assert_ne!(relay(&server)["state"], "running");
        // Not even where the other server repeats it.
        assert!(!server.log().contains("open-sesame") && !relay(&server).to_string().contains("open-sesame"));
    }
    let pushes = server(&format!(
        "[[relay.push]]\nstream = \"*\"\nurl = \"rtmp://{}/live/{{stream}}?key=open-sesame\"\n",
        target.rtmp
    ));
    let _publisher = publish(&live_url(&pushes, "cam"));
    let reason = failure(&pushes);
    assert!(reason.contains("NetStream.Publish.Denied the stream key lacks the right secret"), "{reason}");
    assert!(!pushes.log().contains("open-sesame") && !relay(&pushes).to_string().contains("open-sesame"));
}

#[test]
fn two_servers_relay_to_each_other_over_tls() {
    let authority = Authority::new();
    let (rtmps, tls) = authority.rtmps();
    let far = server(&tls);
    let ca = format!("[relay]\nca = '{}'\n", authority.ca().display());
    let port = rtmps.port();
    let pusher = server(&format!(
        "{ca}[[relay.push]]\nstream = \"cam\"\nurl = \"rtmps://localhost:{port}/live/far\"\n"
    ));
    let puller = server(&format!(
        "{ca}[[relay.pull]]\nname = \"back\"\nurl = \"rtmps://127.0.0.1:{port}/live/far\"\n"
    ));
    let _publisher = publish(&live_url(&pusher, "cam"));
    wait_state(&pusher, "running", LIMIT);
    is_the_film(&live_url(&puller, "back"));
    // Who does not know the authority does not believe it.
    let stranger = server(&format!(
        "[[relay.pull]]\nname = \"back\"\nmode = \"always\"\nurl = \"rtmps://localhost:{port}/live/far\"\n"
    ));
    let reason = failure(&stranger);
    assert!(reason.contains("TLS with localhost failed") || reason.contains("no certificates"), "{reason}");
    assert!(reason.contains("[relay]"), "{reason}");
    wait_until("it says when it tries again", LIMIT, || {
        relay(&stranger)["state"] == "waiting" && relay(&stranger)["next_try_seconds"].is_number()
    });
    // Nor does anybody believe a certificate of another name, or a server without TLS.
    let wrong = server(&format!(
        "{ca}[[relay.pull]]\nname = \"back\"\nmode = \"always\"\nurl = \"rtmps://[::ffff:127.0.0.1]:{port}/live/far\"\n"
    ));
    assert!(failure(&wrong).contains("certificate not valid for name"), "{}", failure(&wrong));
    let plain = server(&format!(
        "{ca}[[relay.pull]]\nname = \"back\"\nmode = \"always\"\nurl = \"rtmps://localhost:{}/live/far\"\n",
        far.rtmp.port()
    ));
    assert!(failure(&plain).contains("TLS with localhost failed"), "{}", failure(&plain));
}

#[test]
fn a_stream_is_not_relayed_to_itself() {
    let address = crate::server::free_address();
    let mut server = Server::configured_with(
        samples::library(),
        &format!("[[relay.push]]\nstream = \"*\"\nurl = \"rtmp://{address}/live/{{stream}}\"\n"),
        Some(address),
    );
    let _publisher = publish(&live_url(&server, "cam"));
    assert!(failure(&server).contains("can't be relayed to itself"));
    records_well(&live_url(&server, "cam"));
    server.must_be_well();
}

#[test]
fn two_servers_that_push_to_each_other_do_not_take_the_stream_from_its_encoder() {
    let (near, far) = (crate::server::free_address(), crate::server::free_address());
    let pushing = |to| format!("[[relay.push]]\nstream = \"*\"\nurl = \"rtmp://{to}/live/{{stream}}\"\n");
    let library = samples::library();
    let near = Server::configured_with(library, &pushing(far), Some(near));
    let far = Server::configured_with(library, &pushing(near.rtmp), Some(far));
    let _publisher = publish(&live_url(&near, "cam"));
    wait_state(&near, "running", LONG);
    assert!(failure(&far).contains("in a circle"), "{}", failure(&far));
    is_the_film(&live_url(&near, "cam"));
    is_the_film(&live_url(&far, "cam"));
}

#[test]
fn two_servers_that_pull_from_each_other_find_no_source_and_say_so() {
    let (near, far) = (crate::server::free_address(), crate::server::free_address());
    let pulling = |from| format!("[[relay.pull]]\nname = \"x\"\nurl = \"rtmp://{from}/live/x\"\n");
    let library = samples::library();
    let mut near = Server::configured_with(library, &pulling(far), Some(near));
    let mut far = Server::configured_with(library, &pulling(near.rtmp), Some(far));
    let mut viewer = RtmpClient::play(near.rtmp, "live", "x");
    viewer.wait_status("NetStream.Play.StreamNotFound", LIMIT);
    wait_state(&near, "idle", LIMIT);
    wait_state(&far, "idle", LIMIT);
    near.must_be_well();
    far.must_be_well();
}

/// What a server says that lets itself be published to.
fn welcome() -> Vec<Vec<u8>> {
    let started = rtmp_stub::status("status", "NetStream.Publish.Start").into_object();
    vec![
        rtmp_stub::command(0, "_result", 1.0, rtmp_stub::status("status", "ok").into_object()),
        rtmp_stub::command(0, "_result", 4.0, 1.0.into()),
        rtmp_stub::command(1, "onStatus", 0.0, started),
    ]
}

/// An Enhanced RTMP publisher of HEVC: a sequence header, then a keyframe with composition time zero.
fn publish_hevc(server: &Server) -> RtmpClient {
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish("cam");
    publisher.send_video(&[0x90, b'h', b'v', b'c', b'1', 1, 2, 3]);
    publisher.send_video(&[0x91, b'h', b'v', b'c', b'1', 0, 0, 0, 9, 9]);
    publisher
}

/// What came, once it holds these bytes; whatever came within [`LIMIT`] if it never does.
fn receives(mut socket: TcpStream, awaited: &[u8]) -> Vec<u8> {
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let (mut all, mut block) = (Vec::new(), [0; 4096]);
    while !all.windows(awaited.len()).any(|part| part == awaited) {
        match socket.read(&mut block) {
            Ok(0) | Err(_) => break,
            Ok(len) => all.extend(&block[..len]),
        }
    }
    all
}

fn says(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_codec_that_a_server_does_not_announce_is_not_pushed_and_the_reason_names_it() {
    let (address, stub) = rtmp_stub::serve(welcome(), |socket| receives(socket, b"publish"));
    let server = server(&format!("[[relay.push]]\nstream = \"cam\"\nurl = \"rtmp://{address}/live/x\"\n"));
    let _publisher = publish_hevc(&server);
    let reason = failure(&server);
    assert!(reason.starts_with("the stream has HEVC, which the server has not said it takes"), "{reason}");
    assert_eq!(relay(&server)["bytes"], 0);
    let heard = stub.join().unwrap();
    assert!(says(&heard, b"fourCcList") && !says(&heard, b"publish"), "nothing was begun there");
}

#[test]
fn a_codec_that_comes_later_ends_a_push_to_a_server_that_does_not_announce_it() {
    let (address, stub) = rtmp_stub::serve(welcome(), |socket| receives(socket, b"\x91hvc1"));
    let server = server(&format!("[[relay.push]]\nstream = \"cam\"\nurl = \"rtmp://{address}/live/x\"\n"));
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish("cam");
    publisher.send_video(&[0x17, 1, 0, 0, 0, 9]);
    wait_state(&server, "running", LIMIT);
    publisher.send_video(&[0x91, b'h', b'v', b'c', b'1', 0, 0, 0, 9, 9]);
    assert!(failure(&server).starts_with("the stream has HEVC"), "{}", failure(&server));
    // In `connect`'s fourCcList it is said behind a length; a picture begins with 0x91.
    assert!(!says(&stub.join().unwrap(), b"\x91hvc1"));
}

#[test]
fn a_codec_is_pushed_to_a_server_that_announces_it_or_is_said_to_take_it() {
    let announcing = |place: usize| {
        let codecs = amf0::Value::StrictArray(vec!["av01".into(), "hvc1".into()]);
        let lists = Properties::new().with("fourCcList", codecs);
        let status = rtmp_stub::status("status", "ok");
        // Among the properties, or in the information object.
        let (properties, info) = match place {
            2 => (lists.into_object(), status.into_object()),
            _ => (
                amf0::Value::Null,
                status
                    .with("fourCcList", lists.into_object().get("fourCcList").unwrap().clone())
                    .into_object(),
            ),
        };
        let mut messages = welcome();
        messages[0] = rtmp_stub::message(0, &["_result".into(), 1.0.into(), properties, info]);
        messages
    };
    for (messages, more) in [(announcing(2), ""), (announcing(3), ""), (welcome(), "any_codec = true\n")] {
        let (address, stub) = rtmp_stub::serve(messages, |socket| receives(socket, b"\x91hvc1"));
        let rule = format!("[[relay.push]]\nstream = \"cam\"\nurl = \"rtmp://{address}/live/x\"\n{more}");
        let server = server(&rule);
        let _publisher = publish_hevc(&server);
        let heard = stub.join().unwrap();
        assert!(says(&heard, b"\x90hvc1\x01\x02\x03") && says(&heard, b"\x91hvc1"), "{more}");
        assert_eq!(relay(&server)["bytes"].as_u64(), Some(10), "the keyframe");
    }
}

#[test]
fn a_server_that_is_slow_loses_pictures_and_goes_on() {
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (address, stub) = rtmp_stub::serve(welcome(), move |mut socket| {
        wait.recv().unwrap();
        std::io::copy(&mut socket, &mut std::io::sink()).unwrap();
    });
    let server = server(&format!("[[relay.push]]\nstream = \"cam\"\nurl = \"rtmp://{address}/live/x\"\n"));
    let publisher = publish_at(&live_url(&server, "cam"), "100");
    wait_state(&server, "running", LIMIT);
    let bytes = || relay(&server)["bytes"].as_u64().unwrap();
    let mut last = 0;
    wait_until("it takes no more", LIMIT, || {
        std::thread::sleep(Duration::from_millis(500));
        std::mem::replace(&mut last, bytes()) == bytes()
    });
    go_on.send(()).unwrap();
    wait_until("it lost some", LIMIT, || relay(&server)["lost_records"].as_u64() > Some(100));
    wait_until("it goes on", LIMIT, || bytes() > last + 1_000_000);
    assert_eq!(relay(&server)["failures"], 0);
    drop(publisher);
    wait_state(&server, "idle", LIMIT);
    stub.join().unwrap();
}

#[test]
fn a_server_that_takes_nothing_is_left() {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let (address, stub) = rtmp_stub::serve(welcome(), move |_socket| {
        // Its end.
        let _ = wait.recv();
    });
    let server = server(&format!("[[relay.push]]\nstream = \"cam\"\nurl = \"rtmp://{address}/live/x\"\n"));
    // Fifty times as fast as real time: what the kernel keeps for a slow peer is soon full.
    let _publisher = publish_at(&live_url(&server, "cam"), "50");
    wait_state(&server, "running", LIMIT);
    let before = figures(&server, "cam")["bytes_in"].as_u64();
    assert!(failure(&server).contains("has taken nothing"), "{}", failure(&server));
    assert!(figures(&server, "cam")["bytes_in"].as_u64() > before.map(|bytes| bytes + 1_000_000));
    drop(done);
    stub.join().unwrap();
}

#[test]
fn a_redirect_is_followed_and_a_circle_is_left() {
    let far = server("");
    let _publisher = publish(&live_url(&far, "cam"));
    wait_until("the stream is on air", LIMIT, || figures(&far, "cam")["on_air"] == true);
    let redirect = |to: &str| {
        let ex = wiidiaserver::amf0::Properties::new().with("code", 302.0).with("redirect", to).into_object();
        let info = rtmp_stub::status("error", "NetConnection.Connect.Rejected").with("ex", ex);
        vec![rtmp_stub::command(0, "_error", 1.0, info.into_object())]
    };
    let (address, stub) = rtmp_stub::serve(redirect(&format!("rtmp://{}/live", far.rtmp)), drop);
    let near = server(&format!("[[relay.pull]]\nname = \"door\"\nurl = \"rtmp://{address}/any/cam\"\n"));
    records_well(&live_url(&near, "door"));
    stub.join().unwrap();
    // One that sends us somewhere that is no RTMP at all.
    let (address, stub) = rtmp_stub::serve(redirect("file:///etc/passwd"), drop);
    let near = server(&format!(
        "[[relay.pull]]\nname = \"door\"\nmode = \"always\"\nurl = \"rtmp://{address}/any/cam\"\n"
    ));
    assert!(failure(&near).contains("sent us to an address that can't be used"), "{}", failure(&near));
    stub.join().unwrap();
}
