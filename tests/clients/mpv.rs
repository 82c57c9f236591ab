//! mpv, played by hand: it shows and sounds nothing, and takes commands on a socket.

use crate::program::{Running, command, start, wait_until};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// A running mpv, killed when dropped.
pub(crate) struct Mpv {
    _running: Running,
    _folder: tempfile::TempDir,
    socket: BufReader<UnixStream>,
}

impl Mpv {
    #[track_caller]
    pub(crate) fn start(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mpv");
        let ipc = format!("--input-ipc-server={}", path.display());
        let options =
            ["--no-config", "--no-terminal", "--vo=null", "--ao=null", "--keep-open=yes", &ipc, url];
        let running = start(command("mpv", &options));
        let mut socket = None;
        wait_until("mpv listens", LIMIT, || {
            socket = UnixStream::connect(&path).ok();
            socket.is_some()
        });
        let socket = socket.unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Self { _running: running, _folder: folder, socket: BufReader::new(socket) }
    }

    /// Gives a command, a JSON array; returns the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: &str) -> serde_json::Value {
        let line = format!("{{\"command\":{command},\"request_id\":7}}\n");
        self.socket.get_mut().write_all(line.as_bytes()).unwrap();
        loop {
            let mut answer = String::new();
            self.socket.read_line(&mut answer).unwrap();
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
            // Others are events.
            if answer["request_id"] == 7 {
                return answer;
            }
        }
    }

    /// Where it plays, in seconds; nothing before it does.
    #[track_caller]
    pub(crate) fn time(&mut self) -> Option<f64> {
        self.ask(r#"["get_property","time-pos"]"#)["data"].as_f64()
    }

    /// Waits until it is where it should be.
    #[track_caller]
    pub(crate) fn wait_time(&mut self, what: &str, there: impl Fn(f64) -> bool) {
        wait_until(what, LIMIT, || self.time().is_some_and(&there));
    }
}
