//! Live streams recorded into the library, and watched while they are.

use crate::http_client::{Answer, get, get_beginning, send};
use crate::packets::{decodes, lane, never_backwards, probe, probe_with};
use crate::program::{Running, command, start, succeed, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::{H264_FLV, path_of};
use crate::server::{Server, encoded, folder_for_server};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

/// A library of its own with a folder for recordings, and the server over it.
struct House {
    library: TempDir,
    configuration: String,
}

impl House {
    fn new(streams: &str, more: &str) -> Self {
        let library = folder_for_server();
        let folder = library.path().join("Recordings");
        let configuration = format!(
            "[record]\nfolder = \"{}\"\nstreams = {streams}\nkeep_free_mb = 1\n{more}\n",
            folder.display()
        );
        Self { library, configuration }
    }

    #[track_caller]
    fn start(&self) -> Server {
        Server::configured(self.library.path(), &self.configuration)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.library.path().join("Recordings")).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    #[track_caller]
    fn only_file(&self) -> String {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].to_str().unwrap().to_owned()
    }
}

/// ffmpeg sends a film in real time, over and over.
fn publish(server: &Server, url: &str) -> Running {
    let source = path_of(H264_FLV);
    let url = format!("rtmp://{}/{url}", server.rtmp);
    start(command(
        "ffmpeg",
        &["-v", "error", "-re", "-stream_loop", "-1", "-i", &source, "-c", "copy", "-f", "flv", &url],
    ))
}

/// What the server says of the latest recording of a stream.
fn report(server: &Server, stream: &str) -> Value {
    let answer = get(server.http, &format!("/api/v1/recordings/{}", encoded(stream)));
    if answer.status == 200 { answer.json() } else { Value::Null }
}

#[track_caller]
fn wait_for_seconds(server: &Server, stream: &str, seconds: f64) -> String {
    wait_until("so much is recorded", LIMIT, || report(server, stream)["duration"].as_f64() >= Some(seconds));
    report(server, stream)["path"].as_str().unwrap().to_owned()
}

#[track_caller]
fn request(server: &Server, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}",
        server.http
    );
    send(server.http, request.as_bytes(), usize::MAX).unwrap()
}

const JSON: &str = "Content-Type: application/json\r\n";

/// A picture of a stream that no decoder ever sees.
fn picture(key: bool) -> [u8; 200] {
    let mut body = [9; 200];
    (body[0], body[1]) = (if key { 0x17 } else { 0x27 }, 1);
    body
}

const AVC_HEADER: [u8; 6] = [0x17, 0, 0, 0, 0, 1];

/// Sends `K i i i …`, a GOP of ten a second.
fn send_seconds(publisher: &mut RtmpClient, seconds: std::ops::Range<u32>) {
    publisher.send_video_at(seconds.start * 1000, &AVC_HEADER);
    for n in seconds.start * 10..seconds.end * 10 {
        publisher.send_video_at(n * 100, &picture(n % 10 == 0));
    }
}

/// Ends what stream 1 publishes, as clients do.
fn close_stream(publisher: &mut RtmpClient) {
    publisher.send_command(1, "closeStream", 0.0, &[amf_null()]);
}

fn amf_null() -> wiidiaserver::amf0::Value {
    wiidiaserver::amf0::Value::Null
}

#[test]
fn a_stream_can_be_watched_from_its_start_while_it_is_recorded_and_the_end_is_told() {
    let house = House::new("[\"cam*\"]", "");
    let mut server = house.start();
    let _publisher = publish(&server, "live/cam%201");
    let path = wait_for_seconds(&server, "cam%201", 5.0);

    let listed = get(server.http, "/api/v1/library/Recordings").json();
    assert!(listed["entries"][0]["duration"].as_f64() >= Some(5.0), "{listed}");
    let media = get(server.http, &format!("/api/v1/media/{path}")).json();
    assert!(media["duration"].as_f64() >= Some(5.0) && media["complete"] == false, "{media}");

    // A seek within what there is: over RTMP by ffmpeg, over HTTP by the page's way.
    let url = format!("rtmp://{}/vod/{path}", server.rtmp);
    let first = &lane(&probe_with(&["-read_intervals", "4%+1"], &url), true)[0];
    assert!(first.key && (1.9..=4.1).contains(&first.pts), "begins at {:.3}", first.pts);
    let moving = get_beginning(server.http, &format!("/fmp4/{path}?start=2"), 100_000);
    assert_eq!((moving.status, moving.header("content-type")), (200, "video/mp4"));

    // From the start over what there is to the edge, and on.
    let edge = report(&server, "cam%201")["duration"].as_f64().unwrap();
    let mut viewer = RtmpClient::connect(server.rtmp, "vod");
    viewer.create_stream();
    let name = format!("Recordings/{}", report(&server, "cam%201")["name"].as_str().unwrap());
    viewer.send_play(&name);
    viewer.set_buffer_length(3_600_000);
    let mut times = Vec::new();
    viewer.wait_for("what is new", LIMIT, |message| {
        times.extend(message.is_keyframe().then(|| message.media_ms()).flatten());
        message.media_ms().is_some_and(|ms| f64::from(ms) > (edge + 2.0) * 1000.0).then_some(())
    });
    assert!(times[0] == 0 && times.len() >= 3, "keyframes at {times:?}");
    let flv = std::thread::spawn({
        let (http, address) = (server.http, format!("/flv/{path}"));
        move || get(http, &address)
    });
    let moving = std::thread::spawn({
        let (http, address) = (server.http, format!("/fmp4/{path}"));
        move || get(http, &address)
    });

    let stopped = request(&server, "DELETE", "/api/v1/recordings/cam%25201", "", "");
    assert_eq!(stopped.status, 200, "{}", stopped.text());
    viewer.wait_status("NetStream.Play.Stop", SOON);
    wait_until("the file is whole", LIMIT, || report(&server, "cam%201")["state"] == "ended");
    // Chunked bodies that came to their regular end.
    assert!(flv.join().unwrap().body.len() > 100_000 && moving.join().unwrap().body.len() > 100_000);

    let file = house.only_file();
    decodes(&[], &file);
    let packets = probe(&file);
    let (pictures, sound) = (lane(&packets, true), lane(&packets, false));
    assert!(pictures[0].key && pictures[0].dts < 0.001 && !sound.is_empty());
    never_backwards("pictures", &pictures);
    never_backwards("sound", &sound);
    let long = report(&server, "cam%201")["duration"].as_f64().unwrap();
    let said = succeed(
        "ffprobe",
        &["-v", "error", "-of", "csv=p=0", "-show_entries", "format=duration", &file],
        LIMIT,
    );
    let said: f64 = String::from_utf8(said.stdout).unwrap().trim().parse().unwrap();
    assert!(
        (said - long).abs() < 0.01 && (pictures[pictures.len() - 1].dts - long).abs() < 0.1,
        "{said} {long}"
    );
    server.must_be_well();
}

#[test]
fn what_gstreamer_publishes_is_recorded_and_gstreamer_plays_it() {
    let house = House::new("[\"*\"]", "");
    let server = house.start();
    let pipeline = format!(
        "videotestsrc is-live=true num-buffers=75 ! video/x-raw,width=320,height=180,framerate=25/1 ! x264enc \
         tune=zerolatency key-int-max=25 ! h264parse ! flvmux streamable=true name=m ! rtmp2sink \
         location=rtmp://{}/live/gst audiotestsrc is-live=true num-buffers=130 ! avenc_aac ! aacparse ! m.",
        server.rtmp
    );
    let arguments: Vec<&str> = ["-q"].into_iter().chain(pipeline.split_whitespace()).collect();
    succeed("gst-launch-1.0", &arguments, LIMIT);
    wait_for_seconds(&server, "gst", 2.0);
    assert_eq!(request(&server, "DELETE", "/api/v1/recordings/gst", "", "").status, 200);
    wait_until("the file is whole", LIMIT, || report(&server, "gst")["state"] == "ended");
    let file = house.only_file();
    // On a busy machine its live sound comes in bursts, so its times are not looked at closely.
    let packets = probe(&file);
    let pictures = lane(&packets, true);
    assert!(pictures[0].key && pictures.len() > 50 && lane(&packets, false).len() > 50);
    never_backwards("pictures", &pictures);
    let location = format!("location={file}");
    let play = [
        "-q",
        "filesrc",
        &location,
        "!",
        "flvdemux",
        "name=d",
        "d.video",
        "!",
        "queue",
        "!",
        "h264parse",
        "!",
        "avdec_h264",
        "!",
        "fakesink",
        "d.audio",
        "!",
        "queue",
        "!",
        "fakesink",
    ];
    succeed("gst-launch-1.0", &play, LIMIT);
}

#[test]
fn a_server_that_is_killed_leaves_recordings_that_play_from_end_to_end_after_the_next_start() {
    let house = House::new("[\"cam\"]", "");
    // Anywhere in a GOP, in a write, before the first one.
    for (round, wait) in [1, 700, 1830, 2970].into_iter().enumerate() {
        let server = house.start();
        let publisher = publish(&server, "live/cam");
        wait_until("it is recorded", LIMIT, || report(&server, "cam")["files"] == 1);
        std::thread::sleep(Duration::from_millis(wait));
        server.kill_at_once();
        drop(publisher);
        let files = house.files();
        assert!(files.len() <= round + 1, "{files:?}");
        // Its names have seconds.
        std::thread::sleep(Duration::from_secs(1));
    }
    // One that was cut in the middle of a tag, whatever the kills left.
    let last = house.files().pop().unwrap();
    let len = std::fs::metadata(&last).unwrap().len();
    std::fs::File::options().write(true).open(&last).unwrap().set_len(len - 7).unwrap();
    let server = house.start();
    let is_marked = |file: &PathBuf| std::fs::read(file).is_ok_and(|bytes| bytes[54] == 1);
    wait_until("all are repaired", LIMIT, || !house.files().iter().any(is_marked));
    let files = house.files();
    assert!(files.len() >= 3, "{files:?}\n{}", server.log());
    for file in &files {
        let file = file.to_str().unwrap();
        decodes(&[], file);
        let packets = lane(&probe(file), true);
        assert!(packets[0].key, "{file}");
        never_backwards(file, &packets);
        // By the index of its head.
        let from = packets.last().unwrap().pts / 2.0;
        let sought = probe_with(&["-read_intervals", &format!("{from}%+#1")], file);
        assert!(sought.iter().all(|packet| packet.pts <= from + 0.1), "{file}: a seek to {from}");
        decodes(&["-ss", &format!("{from}")], file);
        let name =
            format!("Recordings/{}", std::path::Path::new(file).file_name().unwrap().to_str().unwrap());
        decodes(&["-rtmp_buffer", "3600000"], &server.rtmp_url(&name));
    }
}

#[test]
fn a_publisher_that_reconnects_goes_on_in_the_same_recording() {
    let house = House::new("[\"cam\"]", "[live]\ngrace_seconds = 60");
    let server = house.start();
    drop(publish_until(&server, 2.0));
    let publisher = publish_until(&server, 4.5);
    assert_eq!(report(&server, "cam")["files"], 1);
    drop(publisher);
    server.terminate();
    wait_until("it is finished", LIMIT, || server.log().contains("recording ended"));
    let packets = lane(&probe(&house.only_file()), true);
    assert!(
        packets.windows(2).all(|two| two[0].dts < two[1].dts && two[1].dts - two[0].dts < 0.5),
        "times go on"
    );
}

#[track_caller]
fn publish_until(server: &Server, seconds: f64) -> Running {
    let publisher = publish(server, "live/cam");
    wait_for_seconds(server, "cam", seconds);
    publisher
}

#[test]
fn the_grace_time_is_what_the_configuration_says() {
    let house = House::new("[\"cam\"]", "[live]\ngrace_seconds = 0");
    let server = house.start();
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish("cam");
    send_seconds(&mut publisher, 0..2);
    wait_for_seconds(&server, "cam", 1.9);
    let mut viewer = RtmpClient::play(server.rtmp, "live", "cam");
    viewer.wait_status("NetStream.Play.Start", SOON);
    drop(publisher);
    viewer.wait_status("NetStream.Play.Stop", SOON);
    wait_until("the recording has ended", SOON, || report(&server, "cam")["state"] == "ended");
}

#[test]
fn a_publisher_can_ask_to_be_recorded_and_to_be_recorded_on() {
    let house = House::new("[]", "");
    let server = house.start();
    for (mode, from, files) in [("record", 0, 1), ("append", 40, 1), ("APPEND", 90, 1), ("live", 0, 1)] {
        let mut publisher = RtmpClient::connect(server.rtmp, "live");
        publisher.publish_as("show", mode);
        if mode == "live" {
            send_seconds(&mut publisher, 0..1);
            wait_until("the stream is there", SOON, || {
                let streams = get(server.http, "/api/v1/streams").json();
                streams["streams"][0]["on_air"] == true
            });
        } else {
            publisher.wait_status("NetStream.Record.Start", SOON);
            send_seconds(&mut publisher, from..from + 2);
            close_stream(&mut publisher);
            publisher.wait_status("NetStream.Record.Stop", SOON);
            wait_until("it is whole", SOON, || report(&server, "show")["state"] == "ended");
        }
        assert_eq!(house.files().len(), files, "{mode}");
    }
    let packets = lane(&probe(&house.only_file()), true);
    assert_eq!(packets.len(), 60, "three times twenty pictures in one file");
    assert!(packets.windows(2).all(|two| two[0].dts < two[1].dts && two[1].dts - two[0].dts < 0.2));

    // Another one recorded anew is another file.
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish_as("show", "record");
    publisher.wait_status("NetStream.Record.Start", SOON);
    send_seconds(&mut publisher, 0..1);
    wait_until("there are two", SOON, || house.files().len() == 2);
}

#[test]
fn without_a_folder_a_publisher_is_told_and_is_live_all_the_same() {
    let server = Server::start();
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish_as("show", "record");
    let status = publisher.wait_status("NetStream.Record.NoAccess", SOON);
    assert!(status.get("description").unwrap().as_str().unwrap().contains("[record] folder"), "{status:?}");
    send_seconds(&mut publisher, 0..1);
    let mut viewer = RtmpClient::play(server.rtmp, "live", "show");
    viewer.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    let refused = request(&server, "POST", "/api/v1/recordings", JSON, "{\"stream\":\"show\"}");
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("[record] folder"), "{}", refused.text());
    assert!(get(server.http, "/api/v1/recordings").json()["folder"].is_null());
}

#[test]
fn recordings_are_started_and_stopped_by_the_api_but_not_by_other_sites() {
    let house = House::new("[]", "");
    let server = house.start();
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish("house/cam");
    send_seconds(&mut publisher, 0..2);
    let body = "{\"stream\":\"house/cam\"}";
    let own = format!("{JSON}Origin: http://{}\r\n", server.http);
    for (method, target, headers, body, status) in [
        ("POST", "/api/v1/recordings", "", body, 415),
        ("POST", "/api/v1/recordings", "Content-Type: text/plain\r\n", body, 415),
        ("POST", "/api/v1/recordings", &format!("{JSON}Origin: http://evil.example\r\n"), body, 403),
        ("POST", "/api/v1/recordings", &format!("{JSON}Origin: null\r\n"), body, 403),
        ("POST", "/api/v1/recordings", JSON, "{\"stream\":1}", 400),
        ("POST", "/api/v1/recordings", JSON, "{\"strm\":\"house/cam\"}", 400),
        ("POST", "/api/v1/recordings", JSON, "{\"stream\":\"nobody\"}", 404),
        ("POST", "/api/v1/recordings", JSON, &" ".repeat(5000), 413),
        ("PUT", "/api/v1/recordings", JSON, body, 405),
        ("DELETE", "/api/v1/recordings", "", "", 405),
        ("DELETE", "/api/v1/recordings/house%2Fcam", "", "", 404),
        ("POST", "/api/v1/recordings", &own, body, 201),
        // It goes on as it is.
        ("POST", "/api/v1/recordings", JSON, body, 201),
        ("DELETE", "/api/v1/recordings/house%2Fcam", "Origin: http://evil.example\r\n", "", 403),
    ] {
        let answer = request(&server, method, target, headers, body);
        assert_eq!(answer.status, status, "{method} {target} {headers:?}: {}", answer.text());
        if status == 405 {
            assert!(
                ["GET, HEAD, POST, OPTIONS", "GET, HEAD, DELETE, OPTIONS"].contains(&answer.header("allow"))
            );
        }
    }
    send_seconds(&mut publisher, 2..4);
    wait_for_seconds(&server, "house/cam", 2.5);
    let stopped = request(&server, "DELETE", "/api/v1/recordings/house%2Fcam", "", "");
    assert_eq!((stopped.status, &stopped.json()["by"]), (200, &"api".into()));
    wait_until("it is whole", SOON, || report(&server, "house/cam")["state"] == "ended");
    assert!(house.only_file().contains("/house-cam 20"));
    let all = get(server.http, "/api/v1/recordings").json();
    assert_eq!(
        (&all["folder"], all["recordings"].as_array().unwrap().len()),
        (&"Recordings".into(), 1),
        "{all}"
    );
}

#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    if !crate::samples::we_are_root() {
        eprintln!("not shown: only root can mount a small disk");
        return;
    }
    let house = House::new("[\"cam\"]", "");
    let house =
        House { configuration: house.configuration.replace("keep_free_mb = 1", "keep_free_mb = 0"), ..house };
    let folder = house.library.path().join("Recordings");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    succeed("mount", &["-t", "tmpfs", "-o", "size=1m,mode=777", "none", folder], LIMIT);
    let _mounted = Mounted(folder.to_owned());
    let mut server = house.start();
    let _publisher = publish(&server, "live/cam");
    wait_until("the disk is full", LIMIT, || report(&server, "cam")["state"] == "failed");
    let said = report(&server, "cam");
    assert!(said["error"].as_str().unwrap().starts_with("the disk is full"), "{said}");
    decodes(&[], &house.only_file());
    assert!(std::fs::read(house.only_file()).unwrap()[54] == 0, "the file is finished");
    let mut viewer = RtmpClient::play(server.rtmp, "live", "cam");
    viewer.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    server.must_be_well();
    drop(server);
}

/// A mounted folder, until dropped.
struct Mounted(String);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").args(["-l", &self.0]).status();
    }
}

#[test]
fn a_folder_that_the_server_may_not_write_is_refused_at_the_start() {
    let library = tempfile::tempdir().unwrap();
    let folder = library.path().join("Recordings");
    std::fs::create_dir(&folder).unwrap();
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o555);
    std::fs::set_permissions(&folder, readable).unwrap();
    std::fs::set_permissions(library.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder_for_server();
    let file = data.path().join("config.toml");
    std::fs::write(&file, format!("[record]\nfolder = \"{}\"\n", folder.display())).unwrap();
    let mut server = crate::server::server_command(crate::samples::server_program());
    server.arg("--config").arg(&file).arg("--library").arg(library.path()).arg("--data").arg(data.path());
    server.args(["--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0"]);
    let ended = start(server).finish(LIMIT);
    assert_eq!(ended.status.code(), Some(78));
    assert!(
        ended.stderr.contains("nothing can be recorded into") && ended.stderr.contains("sudo install -d"),
        "{}",
        ended.stderr
    );
}

#[test]
fn each_application_has_its_own_secret_and_none_is_a_way_around_it() {
    let house = House::new("[]", "[live]\nsecret = \"one\"\napps = { studio = \"two\", open = \"\" }");
    let server = house.start();
    for (app, name, code) in [
        ("live", "cam?key=one", "NetStream.Publish.Start"),
        ("live", "cam2?key=two", "NetStream.Publish.Denied"),
        ("studio", "cam?key=two", "NetStream.Publish.Start"),
        ("studio", "cam2?key=one", "NetStream.Publish.Denied"),
        ("live", "studio/cam3?key=one", "NetStream.Publish.Denied"),
        ("live/studio", "cam3?key=one", "NetStream.Publish.Denied"),
        ("open", "cam", "NetStream.Publish.Start"),
        ("elsewhere", "cam", "NetStream.Publish.Denied"),
    ] {
        let mut publisher = RtmpClient::connect(server.rtmp, app);
        publisher.create_stream();
        let arguments = [amf_null(), name.into(), "live".into()];
        publisher.send_command(1, "publish", 0.0, &arguments);
        publisher.wait_status(code, SOON);
    }
    let streams = get(server.http, "/api/v1/streams").json();
    let names: Vec<&str> = streams["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stream| stream["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["cam", "open/cam", "studio/cam"]);
    let mut publisher = RtmpClient::connect(server.rtmp, "studio");
    publisher.publish("cam?key=two");
    send_seconds(&mut publisher, 0..1);
    for (app, name) in [("studio", "cam"), ("live", "studio/cam")] {
        let mut viewer = RtmpClient::play(server.rtmp, app, name);
        viewer.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    }
    assert!(!server.log().contains("key="), "secrets stay out of the log");
}
