//! A radio that says between its sound what is played (SHOUTcast's metadata, which Icecast sends as well).

use super::{LIMIT, figures};
use crate::http_client::get_beginning;
use crate::program::{succeed, wait_until};
use crate::rtmp_client::RtmpClient;
use crate::samples;
use crate::server::Server;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Bytes of sound between two titles.
const INTERVAL: usize = 4000;

/// A station that plays a tone, and says that it is a song.
struct Station {
    address: SocketAddr,
    title: Arc<Mutex<String>>,
}

impl Station {
    fn open() -> Self {
        let tone = [
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "sine=440:d=20",
            "-c:a",
            "libmp3lame",
            "-b:a",
            "64k",
            "-f",
            "mp3",
            "-",
        ];
        let sound = succeed("ffmpeg", &tone, LIMIT).stdout;
        assert!(sound.len() > 100_000);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let station = Self { address: listener.local_addr().unwrap(), title: Arc::default() };
        let title = station.title.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let (sound, title) = (sound.clone(), title.clone());
                // Who hangs up has heard enough.
                std::thread::spawn(move || play(socket, &sound, &title));
            }
        });
        station
    }

    fn says(&self, title: &str) {
        title.clone_into(&mut self.title.lock().unwrap());
    }
}

fn play(mut socket: TcpStream, sound: &[u8], title: &Mutex<String>) -> io::Result<()> {
    let mut wants_titles = false;
    for line in BufReader::new(socket.try_clone()?).lines() {
        let line = line?.to_ascii_lowercase();
        wants_titles |= line.starts_with("icy-metadata: 1");
        if line.is_empty() {
            break;
        }
    }
    assert!(wants_titles, "nobody asked for titles");
    write!(
        socket,
        "HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\nicy-name: Radio X\r\nicy-metaint: {INTERVAL}\r\n\r\n"
    )?;
    let mut said = String::new();
    for piece in sound.chunks_exact(INTERVAL).cycle() {
        socket.write_all(piece)?;
        let title = title.lock().unwrap().clone();
        if title == said {
            socket.write_all(&[0])?;
        } else {
            let mut text = format!("StreamTitle='{title}';").into_bytes();
            text.resize(text.len().next_multiple_of(16), 0);
            socket.write_all(&[(text.len() / 16) as u8])?;
            socket.write_all(&text)?;
            said = title;
        }
        // Twice as fast as it is heard: 64 kbit a second are 8000 bytes.
        std::thread::sleep(Duration::from_millis(250));
    }
    Ok(())
}

#[test]
fn what_a_radio_plays_is_told_to_listeners_and_to_the_page() {
    let station = Station::open();
    station.says("Erste Allgemeine Verunsicherung - Küss die Hand");
    let text = format!(
        "[[source]]\nname = \"radio\"\nurl = \"http://{}/radio\"\nstart_timeout_seconds = 120\nslate = false\n",
        station.address
    );
    let server = Server::configured(samples::library(), &text);
    let mut listener = RtmpClient::play(server.rtmp, "live", "radio");
    let says = |what: &str| {
        let told = figures(&server, "radio");
        told["title"] == what && told["station"] == "Radio X"
    };
    // GStreamer looks through its plug-ins first, and this machine may have other things to do.
    wait_until("the title is known", 2 * LIMIT, || says("Erste Allgemeine Verunsicherung - Küss die Hand"));
    station.says("Another one");
    wait_until("the next title is known", LIMIT, || says("Another one"));
    // Who listens is told when it changes …
    listener.wait_for("the title", LIMIT, |message| {
        let text = format!("{message:?}");
        (text.contains("onMetaData") && text.contains("Another one")).then_some(())
    });
    // … and who comes later, at the beginning.
    let later = get_beginning(server.http, "/live/radio.flv", 2000);
    assert!(later.body.windows(11).any(|bytes| bytes == b"Another one"), "{:?}", later.body);
    assert_eq!(figures(&server, "radio")["restarts"], 0);
}
