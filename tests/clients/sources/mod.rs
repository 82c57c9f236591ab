//! Live sources on the network: real servers send, are killed and come back; ffmpeg watches over RTMP and HTTP.
//!
//! What needs no more than ffmpeg and nginx-rtmp runs always. nginx's HLS, Icecast and GStreamer's RTSP server are for
//! `scripts/test-sources`, which also holds the five seconds within which viewers go on.

mod changes;
mod mean;
mod midstream;
mod radio;
mod real_servers;
mod rtmp;
mod together;

use crate::http_client::get;
use crate::packets::{decodes, lane, probe};
use crate::program::{Running, command, start, wait_until};
use crate::samples::{self, H264_MP4, path_of};
use crate::server::{Server, free_address};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
fn viewers_survive<T>(name: &str, url: &str, send: impl Fn() -> T) {
    let folder = tempfile::tempdir().unwrap();
    let mut sending = Some(send());
    let mut server = with_source(name, url);
    let viewers =
        [format!("rtmp://{}/live/{name}", server.rtmp), format!("http://{}/live/{name}.flv", server.http)]
            .map(|url| Watching::new(url, folder.path()));
    wait_until("both see something", LIMIT, || viewers.iter().all(|viewer| viewer.bytes() > 50_000));

    sending.take();
    std::thread::sleep(OUTAGE);
    let before = viewers.each_ref().map(Watching::bytes);
    let _sending = send();
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
