//! Capture devices as sources, with stand-ins in place of devices: a file is a device, removing it pulls the plug, and
//! GStreamer's test picture comes out of it. Real V4L2 nodes are for `scripts/test-capture`.

use crate::http_client::{get, request};
use crate::packets::{decodes, lane, probe};
use crate::program::{Running, command, start, wait_until};
use crate::rtmp_client::RtmpClient;
use crate::rtmp_message::Message;
use crate::server::{Server, folder_for_server, free_address};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(90);

/// A device as its file describes it, with sound when `sound`.
fn device(fourcc: &str, sound: bool) -> Value {
    let audio = json!([{ "id": "hw:CARD=Stick,DEV=0", "card": 7, "device": 0, "name": "Stick" }]);
    json!({
        "id": "usb-Maker_Stick-video-index0",
        "name": "Stick",
        "node": "",
        "driver": "",
        "formats": [{
            "fourcc": fourcc,
            "description": fourcc,
            "sizes": [
                { "width": 320, "height": 240, "rates": [[15, 1]] },
                { "width": 160, "height": 120, "rates": [[15, 1]] },
            ],
        }],
        "inputs": [
            { "name": "Composite", "selected": true, "no_signal": false, "standards": ["PAL"] },
            { "name": "S-Video", "selected": false, "no_signal": true },
        ],
        "controls": [
            { "name": "brightness", "label": "Brightness", "kind": "number", "minimum": 0, "maximum": 255,
              "step": 1, "default": 128, "value": 128, "read_only": false, "inactive": false },
        ],
        "audio": if sound { audio } else { json!([]) },
    })
}

fn plug_in(folder: &Path, device: &Value) {
    // Whole or not at all, as a node is.
    std::fs::write(folder.join("video0.new"), device.to_string()).unwrap();
    std::fs::rename(folder.join("video0.new"), folder.join("video0.json")).unwrap();
}

fn unplug(folder: &Path) {
    std::fs::remove_file(folder.join("video0.json")).unwrap();
}

/// A server with one source "stick" of whatever is plugged in.
fn server(folder: &TempDir, more: &str) -> Server {
    let text = format!("[[source]]\nname = \"stick\"\ndevice = \"auto\"\nstop_delay_seconds = 1\n{more}");
    Server::with_stand_ins(folder.path(), &text)
}

fn figures(server: &Server) -> Value {
    get(server.http, "/api/v1/sources/stick").json()
}

fn devices(server: &Server) -> Vec<Value> {
    get(server.http, "/api/v1/devices").json()["devices"].as_array().unwrap().clone()
}

/// ffmpeg watches over HTTP, into a file.
struct Watching {
    file: String,
    _folder: TempDir,
    viewer: Running,
}

impl Watching {
    fn new(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("got.flv").to_str().unwrap().to_owned();
        let url = format!("http://{}/live/stick.flv", server.http);
        let arguments =
            ["-v", "error", "-i", &url, "-c", "copy", "-flush_packets", "1", "-f", "flv", "-y", &file];
        Self { viewer: start(command("ffmpeg", &arguments)), file, _folder: folder }
    }

    fn bytes(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len())
    }

    /// It is decoded, and its times never step back.
    #[track_caller]
    fn saw_well(self) {
        drop(self.viewer);
        decodes(&[], &self.file);
        let packets = probe(&self.file);
        for lane in [lane(&packets, true), lane(&packets, false)] {
            assert!(lane.len() > 20, "{}", lane.len());
            assert!(lane.windows(2).all(|two| two[1].dts > two[0].dts), "times go on");
        }
    }
}

#[test]
fn devices_are_listed_turned_and_noticed_when_they_come_and_go() {
    let folder = folder_for_server();
    let mut server = server(&folder, "");
    assert_eq!(devices(&server), Vec::<Value>::new());
    plug_in(folder.path(), &device("YUYV", true));
    wait_until("it is there", LIMIT, || devices(&server).len() == 1);
    let found = &devices(&server)[0];
    assert_eq!((&found["id"], &found["name"]), (&json!("usb-Maker_Stick-video-index0"), &json!("Stick")));
    assert_eq!(found["inputs"][1]["no_signal"], true);
    let turn =
        |body: &str, id: &str| request(server.http, "PUT", &format!("/api/v1/devices/{id}/controls"), body);
    let turned = turn(r#"{"brightness": 200}"#, "usb-Maker_Stick-video-index0");
    assert_eq!(turned.status, 200, "{}", turned.text());
    assert_eq!(turned.json()["controls"][0]["value"], 200);
    for (body, id, status, words) in [
        (r#"{"brightness": 999}"#, "usb-Maker_Stick-video-index0", 400, "from 0 to 255"),
        (r#"{"contrast": 1}"#, "usb-Maker_Stick-video-index0", 400, "choose one of: brightness"),
        (r#"{"brightness": 1}"#, "usb-Other-video-index0", 404, "not plugged in"),
        ("[]", "usb-Maker_Stick-video-index0", 400, "brightness"),
    ] {
        let refused = turn(body, id);
        assert_eq!(refused.status, status, "{body}: {}", refused.text());
        assert!(refused.text().contains(words), "{body}: {}", refused.text());
    }
    unplug(folder.path());
    wait_until("it has gone", LIMIT, || devices(&server).is_empty());
    server.must_be_well();
}

#[test]
fn two_viewers_share_a_capture_and_stay_while_it_is_unplugged_and_plugged_in_again() {
    let folder = folder_for_server();
    plug_in(folder.path(), &device("YUYV", true));
    let mut server = server(&folder, "size = \"320x240\"\n");
    let mut rtmp = RtmpClient::play(server.rtmp, "live", "stick");
    let watching = Watching::new(&server);
    wait_until("it is on air", LIMIT, || figures(&server)["state"] == "on_air");
    wait_until("it is seen", LIMIT, || watching.bytes() > 20_000);
    let told = figures(&server);
    assert_eq!(
        (&told["kind"], &told["device"], &told["url"]),
        (&json!("capture"), &json!("auto"), &Value::Null)
    );
    assert_eq!(told["captured"]["id"], "usb-Maker_Stick-video-index0");
    assert!(told["captured"]["mode"].as_str().unwrap().contains("YUY2 320x240"), "{told}");
    assert_eq!((&told["video"]["passthrough"], &told["viewers"]), (&json!(false), &json!(2)), "{told}");
    assert!(told["audio"].is_object(), "{told}");
    assert_eq!(server.workers().len(), 1, "one capture serves both");
    // Three headers at least: of its own pictures, of the slate, and of its own again.
    let header = |message: &Message| match message {
        Message::Video(video) if video.body.get(1) == Some(&0) => Some(video.body.clone()),
        _ => None,
    };
    // Who was quick may have seen the slate first: that header is the same.
    let first = rtmp.wait_for("a sequence header", LIMIT, header);

    unplug(folder.path());
    wait_until("it says that there is no signal", LIMIT, || {
        let told = figures(&server);
        told["state"] != "on_air" && told["shows_slate"] == true
    });
    wait_until("it says why", LIMIT, || {
        figures(&server)["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("no capture device is plugged in"))
    });
    let before = watching.bytes();
    wait_until("viewers see the slate", LIMIT, || watching.bytes() > before + 2_000);
    assert_eq!(figures(&server)["viewers"], 2);

    plug_in(folder.path(), &device("YUYV", true));
    wait_until("it is back by itself", LIMIT, || figures(&server)["state"] == "on_air");
    let before = watching.bytes();
    wait_until("viewers go on", LIMIT, || watching.bytes() > before + 20_000);
    for what in ["the slate's header", "the header of what is back"] {
        assert_eq!(rtmp.wait_for(what, LIMIT, header), first, "{what}: the same parameters");
    }
    watching.saw_well();
    drop(rtmp);
    wait_until("the source rests", LIMIT, || figures(&server)["state"] == "idle");
    wait_until("no worker is left", LIMIT, || server.workers().is_empty());
    server.must_be_well();
}

#[test]
fn whoever_comes_before_the_device_sees_a_slate_and_then_the_device() {
    let folder = folder_for_server();
    let server = server(&folder, "");
    let watching = Watching::new(&server);
    wait_until("the slate is seen", LIMIT, || watching.bytes() > 5_000);
    let told = figures(&server);
    assert_eq!((&told["shows_slate"], &told["viewers"]), (&json!(true), &json!(1)), "{told}");
    let tile = get(server.http, "/live/stick.jpg");
    assert_eq!((tile.status, tile.header("content-type")), (200, "image/jpeg"), "{}", tile.text());
    // Without sound: a browser that has heard silence goes on hearing it.
    plug_in(folder.path(), &device("MJPG", false));
    wait_until("it is on air", LIMIT, || figures(&server)["state"] == "on_air");
    assert_eq!(figures(&server)["audio"], Value::Null);
    let before = watching.bytes();
    wait_until("it is seen", LIMIT, || watching.bytes() > before + 30_000);
    drop(watching.viewer);
    decodes(&[], &watching.file);
    let packets = probe(&watching.file);
    let (pictures, sound) = (lane(&packets, true), lane(&packets, false));
    let apart = (pictures.last().unwrap().dts - sound.last().unwrap().dts).abs();
    assert!(apart < 1.0, "silence ends {apart} s apart from the picture");
}

#[test]
fn h264_of_a_device_passes_as_it_is() {
    let folder = folder_for_server();
    plug_in(folder.path(), &device("H264", true));
    let server = server(&folder, "");
    let watching = Watching::new(&server);
    wait_until("it is on air", LIMIT, || figures(&server)["state"] == "on_air");
    let told = figures(&server);
    assert_eq!(told["video"]["passthrough"], true, "{told}");
    wait_until("it is seen", LIMIT, || watching.bytes() > 30_000);
    watching.saw_well();
}

#[test]
fn controls_are_changed_while_pictures_go_on_and_the_rest_starts_it_anew() {
    let folder = folder_for_server();
    plug_in(folder.path(), &device("YUYV", true));
    let server = Server::with_stand_ins(folder.path(), "");
    let mut source = json!({ "name": "stick", "device": "usb-Maker_Stick-video-index0", "size": "160x120" });
    assert_eq!(request(server.http, "POST", "/api/v1/sources", &source.to_string()).status, 201);
    let watching = Watching::new(&server);
    wait_until("it is on air", LIMIT, || figures(&server)["state"] == "on_air");
    wait_until("it is seen", LIMIT, || watching.bytes() > 10_000);
    source["controls"] = json!({ "brightness": 77 });
    let put = |source: &Value| request(server.http, "PUT", "/api/v1/sources/stick", &source.to_string());
    assert_eq!(put(&source).status, 200);
    wait_until("it is turned", LIMIT, || devices(&server)[0]["controls"][0]["value"] == 77);
    assert_eq!((&figures(&server)["state"], &figures(&server)["restarts"]), (&json!("on_air"), &json!(0)));
    assert_eq!(figures(&server)["settings"]["controls"]["brightness"], 77);
    // Another size is another beginning.
    source["size"] = json!("320x240");
    assert_eq!(put(&source).status, 200);
    wait_until("it runs in the new size", LIMIT, || {
        let told = figures(&server);
        told["state"] == "on_air" && told["video"]["width"] == 320
    });
    // What cannot be is refused before anything changes, or told where it is looked for.
    assert_eq!(put(&json!({ "name": "stick", "device": "auto", "size": "big" })).status, 400);
    assert_eq!(put(&json!({ "name": "stick", "device": "auto", "url": "http://h/" })).status, 400);
    source["size"] = json!("640x480");
    assert_eq!(put(&source).status, 200);
    wait_until("it says which sizes there are", LIMIT, || {
        let told = figures(&server);
        told["reason"].as_str().is_some_and(|reason| reason.contains("320x240, 160x120"))
    });
}

#[test]
fn a_device_that_must_not_be_used_says_what_to_do() {
    let folder = folder_for_server();
    let mut locked = device("YUYV", true);
    locked["problem"] =
        json!("the server may not use it; add the user that it runs as to the group \"video\"");
    plug_in(folder.path(), &locked);
    let server = server(&folder, "");
    let watching = Watching::new(&server);
    wait_until("the slate is seen", LIMIT, || watching.bytes() > 5_000);
    let told = figures(&server);
    assert!(told["reason"].as_str().is_some_and(|reason| reason.contains("group \"video\"")), "{told}");
    assert!(server.log().contains("group"), "{}", server.log());
}

#[test]
fn a_camera_that_takes_long_to_start_is_waited_for_behind_a_slate_but_not_for_ever() {
    // It accepts and says nothing.
    let address = free_address();
    let listener = TcpListener::bind(address).unwrap();
    let silent = std::thread::spawn(move || listener.incoming().take(2).flatten().collect::<Vec<_>>());
    let text = |name: &str, slate: bool| {
        format!(
            "[[source]]\nname = \"{name}\"\nurl = \"http://{address}/tv.ts\"\nstart_timeout_seconds = 7\nslate = {slate}\n"
        )
    };
    let server = Server::configured(
        crate::samples::library(),
        &format!("{}{}", text("stick", true), text("plain", false)),
    );
    let began = Instant::now();
    let watching = Watching::new(&server);
    let plain = get(server.http, "/live/plain.flv");
    assert_eq!(plain.status, 404, "without a slate it is told");
    wait_until("the slate is seen", LIMIT, || watching.bytes() > 2_000);
    wait_until("it is over", LIMIT, || figures(&server)["shows_slate"] == false);
    assert!(began.elapsed() >= Duration::from_secs(7), "{:?}", began.elapsed());
    drop(watching);
    drop(server);
    // One more connection, should one of the two have been enough for both.
    let _ = std::net::TcpStream::connect(address);
    let _ = std::net::TcpStream::connect(address);
    silent.join().unwrap();
}
