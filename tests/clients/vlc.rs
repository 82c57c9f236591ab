//! VLC, given the playlists that the page offers it, and told by its remote control where to go.

use crate::program::{Running, start, wait_until};
use crate::samples::{H264_MP4, LONG_AVI};
use crate::server::{Server, encoded, folder_for_server, free_address, server_command};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// It answers within milliseconds, or has nothing to say.
const ANSWER: Duration = Duration::from_millis(400);

/// A running VLC, killed when dropped.
struct Vlc {
    _running: Running,
    _home: tempfile::TempDir,
    socket: RefCell<TcpStream>,
}

impl Vlc {
    #[track_caller]
    fn start(url: &str) -> Self {
        let home = folder_for_server();
        let listens = free_address();
        // It refuses root, as our server does.
        let mut command = server_command(Path::new("cvlc"));
        command.env("HOME", home.path()).args(["--quiet", "--vout=dummy", "--aout=dummy", "--intf=rc"]);
        command.arg(format!("--rc-host={listens}")).arg(url);
        let running = start(command);
        let mut socket = None;
        wait_until("VLC listens", LIMIT, || {
            socket = TcpStream::connect(listens).ok();
            socket.is_some()
        });
        let socket = socket.unwrap();
        socket.set_read_timeout(Some(ANSWER)).unwrap();
        Self { _running: running, _home: home, socket: RefCell::new(socket) }
    }

    /// Gives a command; returns the number in the answer, if there is one.
    fn ask(&self, command: &str) -> Option<u32> {
        let socket = &mut *self.socket.borrow_mut();
        socket.write_all(format!("{command}\n").as_bytes()).unwrap();
        let mut said = Vec::new();
        let mut some = [0; 1024];
        // Until it says nothing more.
        while let Ok(len @ 1..) = socket.read(&mut some) {
            said.extend_from_slice(&some[..len]);
        }
        let said = String::from_utf8_lossy(&said).replace('>', " ");
        said.split_whitespace().rev().find_map(|word| word.parse().ok())
    }

    /// Waits until it plays at such a second.
    #[track_caller]
    fn wait_time(&self, what: &str, there: impl Fn(u32) -> bool) {
        wait_until(what, LIMIT, || self.ask("get_time").is_some_and(&there));
    }
}

#[test]
fn vlc_plays_a_playlists_film_and_goes_ahead_of_the_conversion_and_back() {
    let server = Server::start();
    let vlc = Vlc::start(&format!("http://{}/m3u/{}.m3u8", server.http, encoded(LONG_AVI)));
    vlc.wait_time("the film plays", |time| (1..60).contains(&time));
    assert_eq!(vlc.ask("get_length"), Some(90));
    vlc.ask("seek 70");
    vlc.wait_time("it goes on from there", |time| (72..89).contains(&time));
    vlc.ask("seek 5");
    vlc.wait_time("it goes on from the place before", |time| (7..40).contains(&time));
}

#[test]
fn vlc_plays_sounds_and_films_of_every_kind_of_playlist() {
    let server = Server::start();
    for file in ["Music/Ein Lied.mp3", H264_MP4] {
        for kind in ["", "?as=http", "?as=rtmp", "?as=file"] {
            let vlc = Vlc::start(&format!("http://{}/m3u/{}.m3u8{kind}", server.http, encoded(file)));
            vlc.wait_time(&format!("{file}, {kind}"), |time| time >= 1);
        }
    }
}
