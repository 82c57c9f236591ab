//! The server under a service manager: sockets that listen already, and what it tells in return. The test is
//! the manager, by systemd's protocols (`sd_listen_fds(3)`, `sd_notify(3)`).

use crate::http_client;
use crate::program::{succeed, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::{H264_FLV, NOBODY, library, server_program, we_are_root};
use crate::server::{folder_for_server, server_command};
use rustix::process::{Pid, Signal, kill_process};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A debug build on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Gives the program after it what it has as input and output as its descriptors 3 and 4, and says so; the
/// manager has to name the process, which only the process itself knows.
const AS_SERVICE: &str = r#"exec 3<&0 4<&1 </dev/null >&2; LISTEN_PID=$$; export LISTEN_PID; exec "$@""#;

struct Service {
    server: Child,
    notices: UnixDatagram,
    folder: TempDir,
}

impl Service {
    /// With these two sockets, called so.
    fn start(sockets: [TcpListener; 2], names: &str, watchdog: Option<Duration>) -> Self {
        let folder = folder_for_server();
        let path = folder.path().join("notices");
        let notices = UnixDatagram::bind(&path).unwrap();
        if we_are_root() {
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        notices.set_read_timeout(Some(LIMIT)).unwrap();
        let mut command = server_command(Path::new("sh"));
        command.args(["-c", AS_SERVICE, "sh"]).arg(server_program()).arg("--library").arg(library());
        // Ports that nobody may have: the sockets count, not these.
        command.args(["--http", "127.0.0.1:1", "--rtmp", "127.0.0.1:2"]);
        command.arg("--data").arg(folder.path().join("data"));
        command
            .env("LISTEN_FDS", "2")
            .env("LISTEN_FDNAMES", names)
            .env("NOTIFY_SOCKET", &path)
            .env("JOURNAL_STREAM", "8:1");
        if let Some(watchdog) = watchdog {
            command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        }
        let [first, second] = sockets.map(OwnedFd::from).map(Stdio::from);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let server = command.stdin(first).stdout(second).stderr(log).spawn().unwrap();
        Self { server, notices, folder }
    }

    /// The next thing it tells.
    #[track_caller]
    fn notice(&self) -> String {
        let mut notice = [0; 4096];
        let length = self.notices.recv(&mut notice).expect("the server tells its manager nothing");
        String::from_utf8_lossy(&notice[..length]).trim_end().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.server), signal).unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn it_serves_on_the_sockets_given_and_says_when() {
    let ((rtmp, rtmp_address), (http, http_address)) = (listening(), listening());
    // A caller who comes before the server waits and is served.
    let early = std::thread::spawn(move || http_client::get(http_address, "/"));
    let mut service = Service::start([rtmp, http], "rtmp:http", None);
    assert_eq!(service.notice(), "READY=1");
    assert_eq!(early.join().unwrap().status, 200);
    let mut player = RtmpClient::play(rtmp_address, "vod", H264_FLV);
    player.wait_status("NetStream.Play.Start", SOON);
    service.signal(Signal::TERM);
    assert_eq!(service.notice(), "STOPPING=1");
    wait_until("the server has ended", LIMIT, || service.server.try_wait().unwrap().is_some());
}

#[test]
fn the_watchdog_is_fed_while_it_answers_and_no_longer() {
    let ((rtmp, _), (http, _)) = (listening(), listening());
    let watchdog = Duration::from_secs(3);
    let service = Service::start([http, rtmp], "http:rtmp", Some(watchdog));
    let mut fed = 0;
    while fed < 3 {
        let notice = service.notice();
        match notice.as_str() {
            "WATCHDOG=1" => fed += 1,
            other => assert_eq!(other, "READY=1"),
        }
    }
    // One that hangs tells nothing: a manager would end it after the three seconds.
    service.signal(Signal::STOP);
    service.notices.set_read_timeout(Some(watchdog)).unwrap();
    let mut notice = [0; 64];
    // What was told before it hung.
    while service.notices.recv(&mut notice).is_ok() {
        fed += 1;
        assert!(fed < 10, "a server that is stopped tells that it is alive");
    }
    service.signal(Signal::CONT);
    service.notices.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(service.notice(), "WATCHDOG=1");
}

#[test]
fn a_socket_for_nothing_is_refused_by_name() {
    let ((rtmp, _), (http, _)) = (listening(), listening());
    let mut service = Service::start([http, rtmp], "http:ftp", None);
    wait_until("the server has refused", LIMIT, || service.server.try_wait().unwrap().is_some());
    assert_eq!(service.server.wait().unwrap().code(), Some(78));
    let log = std::fs::read_to_string(service.folder.path().join("log")).unwrap();
    assert!(log.contains("\"ftp\"") && log.contains("FileDescriptorName="), "{log}");
}

#[test]
fn the_journal_gets_levels_and_whole_lines() {
    let ((rtmp, _), (http, address)) = (listening(), listening());
    let mut service = Service::start([http, rtmp], "http:rtmp", None);
    assert_eq!(service.notice(), "READY=1");
    assert_eq!(http_client::get(address, "/flv/nothing%20there.mp4").status, 404);
    service.signal(Signal::TERM);
    wait_until("the server has ended", LIMIT, || service.server.try_wait().unwrap().is_some());
    let log = std::fs::read_to_string(service.folder.path().join("log")).unwrap();
    let refusal = log.lines().find(|line| line.contains("status=404")).expect(&log);
    assert!(refusal.starts_with("<6>refused peer=") && refusal.contains("nothing%20there.mp4"), "{refusal}");
}

/// What systemd itself makes of our units.
#[test]
fn the_units_are_sound_and_their_score_is_below_two() {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("rootfs-overlay/usr/lib/systemd/system");
    let unit = units.join("wiidiaserver.service");
    let arguments = ["security", "--offline=true", "--threshold=20", unit.to_str().unwrap()];
    let analysis = succeed("systemd-analyze", &arguments, LIMIT);
    let told = String::from_utf8_lossy(&analysis.stdout).into_owned();
    assert!(told.contains("Overall exposure level"), "{told}");
}
