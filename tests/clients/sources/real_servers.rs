//! With servers that not every machine has: `scripts/test-sources`.

use super::{LIMIT, OUTAGE, Watching, figures, port, soon, viewers_survive, with_source};
use crate::http_client::get_with;
use crate::program::{Running, command, start, wait_until};
use crate::samples::{H264_MP4, path_of};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

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
    // As a station's own program tells Icecast what it plays; "admin:hackme".
    let song = "/admin/metadata?mount=/radio&mode=updinfo&song=Somebody%20-%20A%20song";
    assert_eq!(get_with(address, song, "Authorization: Basic YWRtaW46aGFja21l\r\n").status, 200);
    wait_until("its title is known", LIMIT, || figures(&server, "radio")["title"] == "Somebody - A song");
    sending.clear();
    std::thread::sleep(OUTAGE);
    let before = listener.bytes();
    sending.extend(icecast(address, folder.path()));
    let back = Instant::now();
    wait_until("it is heard again", soon(), || listener.bytes() > before + 5_000);
    println!("radio: the listener went on {:.1} s after the station was back", back.elapsed().as_secs_f32());
}
