//! OBS Studio, as it was captured: what it sent, when it sent it (`tests/fixtures/README.md`).

use crate::http_client::get;
use crate::packets::{lane, never_backwards, probe};
use crate::program::{command, start, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::H264_FLV;
use crate::server::Server;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

/// C0, C1 and C2; S0, S1 and S2.
const HANDSHAKE: usize = 1 + 1536 + 1536;

/// What OBS sent with each write, and how long after it connected.
fn pieces() -> Vec<(Duration, Vec<u8>)> {
    let mut sent = &include_bytes!("../fixtures/obs-29.0.2-publish.c2s")[..];
    let lines = include_str!("../fixtures/obs-29.0.2-publish.pieces").lines();
    let pieces: Vec<_> = lines
        .map(|line| {
            let (ms, bytes) = line.split_once(' ').unwrap();
            let piece = sent.split_off(..bytes.parse().unwrap()).unwrap().to_vec();
            (Duration::from_millis(ms.parse().unwrap()), piece)
        })
        .collect();
    assert!(sent.is_empty());
    pieces
}

/// Does again what OBS did, in its own time, up to a moment; then the connection ends without a word unless OBS
/// has said goodbye.
fn obs(server: SocketAddr, until: Duration) -> JoinHandle<()> {
    let run = move || {
        let begun = Instant::now();
        let mut socket = TcpStream::connect(server).unwrap();
        socket.set_nodelay(true).unwrap();
        let mut answers = socket.try_clone().unwrap();
        for (n, (at, piece)) in pieces().into_iter().take_while(|(at, _)| *at < until).enumerate() {
            std::thread::sleep(at.saturating_sub(begun.elapsed()));
            socket.write_all(&piece).unwrap();
            if n == 0 {
                answers.read_exact(&mut [0; HANDSHAKE]).unwrap();
                let mut answers = answers.try_clone().unwrap();
                // Ends with the connection.
                std::thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
            }
        }
        let _ = socket.shutdown(std::net::Shutdown::Both);
    };
    std::thread::spawn(run)
}

const WHOLE: Duration = Duration::from_secs(60);

fn on_air(server: &Server) -> bool {
    let streams = get(server.http, "/api/v1/streams").json();
    streams["streams"].as_array().unwrap().iter().any(|stream| stream["on_air"] == true)
}

#[test]
fn what_obs_publishes_is_watched_to_its_end_over_rtmp_and_http() {
    let mut server = Server::start();
    let publisher = obs(server.rtmp, WHOLE);
    wait_until("OBS is on air", LIMIT, || on_air(&server));
    let folder = tempfile::tempdir().unwrap();
    let (rtmp, http) =
        (format!("rtmp://{}/live/cam", server.rtmp), format!("http://{}/live/cam.flv", server.http));
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let viewers: Vec<_> = [(&rtmp, file("rtmp.flv")), (&http, file("http.flv"))]
        .into_iter()
        .map(|(url, file)| {
            let record = ["-v", "error", "-xerror", "-i", url, "-t", "3", "-c", "copy", "-f", "flv", &file];
            (start(command("ffmpeg", &record)), file.clone())
        })
        .collect();
    for (viewer, file) in viewers {
        let ended = viewer.finish(LIMIT);
        assert!(ended.status.success() && ended.stderr.is_empty(), "{}", ended.stderr);
        let packets = probe(&file);
        let (pictures, sound) = (lane(&packets, true), lane(&packets, false));
        assert!(
            pictures[0].key && pictures.len() > 75 && sound.len() > 110,
            "{} {}",
            pictures.len(),
            sound.len()
        );
        never_backwards("pictures", &pictures);
        crate::packets::decodes(&[], &file);
    }
    publisher.join().unwrap();
    wait_until("OBS's goodbye has taken it off air", SOON, || !on_air(&server));
    assert!(!server.log().contains("rtmp connection closed"), "{}", server.log());
    server.must_be_well();
}

#[test]
fn an_obs_that_loses_its_connection_and_reconnects_finds_its_viewers_there() {
    let server = Server::start();
    let first = obs(server.rtmp, Duration::from_millis(1500));
    wait_until("OBS is on air", LIMIT, || on_air(&server));
    let mut viewer = RtmpClient::play(server.rtmp, "live", "cam");
    viewer.wait_status("NetStream.Play.UnpublishNotify", SOON);
    first.join().unwrap();
    let again = obs(server.rtmp, Duration::from_millis(1500));
    viewer.wait_status("NetStream.Play.PublishNotify", SOON);
    let came = viewer.collect_until("a keyframe", SOON, |message| message.is_keyframe());
    let headers = came.iter().filter(|message| message.is_sequence_header()).count();
    assert!(headers >= 2, "the headers of sound and picture come again: {came:?}");
    again.join().unwrap();
    // Something else plays as before.
    assert!(!probe(&server.rtmp_url(H264_FLV)).is_empty());
}
