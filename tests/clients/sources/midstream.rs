//! Sources that become another film in the middle: another size, another rate of the sound, other codecs.

use super::{LIMIT, figures, port};
use crate::program::{Running, command, start, succeed, wait_until};
use crate::samples;
use crate::server::Server;
use crate::site::{Says, Site};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wiidiaserver::flv::TagKind;

/// Watches over HTTP into a file, as it comes: until the server ends it, or the test does.
struct Raw {
    file: PathBuf,
    socket: TcpStream,
    thread: std::thread::JoinHandle<()>,
}

impl Raw {
    fn watch(server: SocketAddr, name: &str, folder: &Path) -> Self {
        let file = folder.join(format!("{name}.flv"));
        let mut socket = TcpStream::connect(server).unwrap();
        write!(socket, "GET /live/{name}.flv HTTP/1.0\r\n\r\n").unwrap();
        let (mut from, mut to) = (socket.try_clone().unwrap(), std::fs::File::create(&file).unwrap());
        let thread = std::thread::spawn(move || {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                from.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            assert!(
                head.starts_with(b"HTTP/1.1 200") || head.starts_with(b"HTTP/1.0 200"),
                "{}",
                String::from_utf8_lossy(&head)
            );
            let _ = std::io::copy(&mut from, &mut to);
        });
        Self { file, socket, thread }
    }

    /// What has come so far.
    fn seen(&self) -> Seen {
        Seen::read(&std::fs::read(&self.file).unwrap_or_default())
    }

    fn end(self) -> (Seen, PathBuf) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        self.thread.join().unwrap();
        (Seen::read(&std::fs::read(&self.file).unwrap()), self.file)
    }
}

/// What the tags of a stream say.
#[derive(Debug, Default)]
struct Seen {
    /// Each configuration of the picture's decoder that differs from the one before, and how many pictures came with it.
    films: Vec<(Vec<u8>, usize)>,
    /// Times that step back, by lane.
    back: Vec<(TagKind, u32, u32)>,
}

impl Seen {
    fn read(flv: &[u8]) -> Self {
        let mut seen = Self::default();
        let mut last = [None::<u32>; 2];
        let mut rest = flv.get(13..).unwrap_or_default();
        while rest.len() >= 11 {
            let size = u32::from_be_bytes([0, rest[1], rest[2], rest[3]]) as usize;
            let ms = u32::from_be_bytes([rest[7], rest[4], rest[5], rest[6]]);
            let Some(body) = rest.get(11..11 + size) else { break };
            if let (8 | 9, [_, packet, ..]) = (rest[0], body) {
                let picture = rest[0] == 9;
                match (picture, packet) {
                    (true, 0) if seen.films.last().is_none_or(|(config, _)| config != body) => {
                        seen.films.push((body.to_vec(), 0));
                    }
                    (true, 1) => seen.films.last_mut().unwrap().1 += 1,
                    _ => {}
                }
                let last = &mut last[usize::from(picture)];
                if let Some(before) = last.filter(|before| *before > ms) {
                    seen.back.push((if picture { TagKind::Video } else { TagKind::Audio }, before, ms));
                }
                *last = Some(ms);
            }
            rest = rest.get(11 + size + 4..).unwrap_or_default();
        }
        seen
    }

    /// Enough pictures of so many films, one after the other.
    fn films(&self) -> usize {
        self.films.iter().filter(|(_, pictures)| *pictures >= 50).count()
    }
}

/// Films of six seconds, as MPEG-TS.
fn film(folder: &Path, name: &str, size: &str, codecs: &str) -> String {
    let file = folder.join(name).to_str().unwrap().to_owned();
    let picture = format!("testsrc2=s={size}:r=25:d=6");
    let mut arguments =
        vec!["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", "sine=d=6"];
    arguments.extend(codecs.split_whitespace());
    arguments.extend(["-g", "25", "-bf", "0", "-pix_fmt", "yuv420p", "-f", "mpegts", &file]);
    succeed("ffmpeg", &arguments, LIMIT);
    file
}

fn films(folder: &Path) -> [String; 3] {
    let h264 = "-c:v libx264 -preset ultrafast -c:a aac -ar";
    [
        film(folder, "small.ts", "320x180", &format!("{h264} 48000")),
        film(folder, "large.ts", "640x360", &format!("{h264} 44100")),
        // Neither passes: what was passed on is encoded from now on.
        film(folder, "old.ts", "352x288", "-c:v mpeg2video -b:v 1M -c:a mp2 -ar 48000"),
    ]
}

#[track_caller]
fn all_is_well(name: &str, viewer: Raw) {
    let (seen, file) = viewer.end();
    assert!(seen.back.is_empty(), "{name}: {:?}", seen.back);
    // Each picture with the configuration that it was made with: a decoder has nothing to complain of.
    let decoded = succeed("ffmpeg", &["-v", "error", "-i", file.to_str().unwrap(), "-f", "null", "-"], LIMIT);
    let complaints: Vec<&str> =
        decoded.stderr.lines().filter(|line| !line.contains("Packet mismatch")).collect();
    assert!(complaints.is_empty(), "{name}: {complaints:?}");
}

#[test]
fn a_sender_that_becomes_another_one_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let films = films(folder.path());
    let address = format!("udp://{}", port());
    let send = |film: &str| -> Running {
        let to = format!("{address}?pkt_size=1316");
        let arguments = [
            "-v",
            "error",
            "-re",
            "-stream_loop",
            "-1",
            "-i",
            film,
            "-map",
            "0",
            "-c",
            "copy",
            "-f",
            "mpegts",
            &to,
        ];
        start(command("ffmpeg", &arguments))
    };
    let mut server =
        Server::configured(samples::library(), &format!("[[source]]\nname = \"udp\"\nurl = \"{address}\"\n"));
    let mut sender = send(&films[0]);
    let viewer = Raw::watch(server.http, "udp", folder.path());
    for (number, film) in films.iter().enumerate() {
        if number > 0 {
            // Without a pause in which the source would be given up.
            drop(sender);
            sender = send(film);
        }
        wait_until(&format!("film {number} is seen"), LIMIT, || viewer.seen().films() > number);
    }
    assert_eq!(figures(&server, "udp")["state"], "on_air");
    drop(sender);
    all_is_well("udp", viewer);
    server.must_be_well();
}

#[test]
fn an_endless_answer_and_a_playlist_that_become_another_film_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let films = films(folder.path()).map(|file| std::fs::read(file).unwrap());
    // One after the other in one answer, as a multiplexer at a station does; MPEG-2 behind H.264 in the last two.
    let answer = Arc::new(films.concat());
    let listener = TcpListener::bind(port()).unwrap();
    let endless = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let _ = socket.read(&mut [0; 4096]);
                let head = "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n";
                // Who hangs up has had enough. Then there is nothing more, and the line stays open.
                if socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(&answer)).is_ok() {
                    std::thread::sleep(Duration::from_secs(60));
                }
            });
        }
    });
    let site = Site::open();
    let mut list = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:0\n".to_owned();
    for (number, film) in films.iter().enumerate() {
        site.says(&format!("/{number}.ts"), Says::Whole("video/mp2t", Arc::new(film.clone())));
        if number > 0 {
            list += "#EXT-X-DISCONTINUITY\n";
        }
        list += &format!("#EXTINF:6.0,\n{number}.ts\n");
    }
    site.page("/live.m3u8", "application/vnd.apple.mpegurl", &(list + "#EXT-X-ENDLIST\n"));
    let text = format!(
        "[[source]]\nname = \"http\"\nurl = \"http://{endless}/tv.ts\"\n[[source]]\nname = \"hls\"\nurl = \"{}\"\n",
        site.url("/live.m3u8")
    );
    let mut server = Server::configured(samples::library(), &text);
    for name in ["http", "hls"] {
        let viewer = Raw::watch(server.http, name, folder.path());
        wait_until(&format!("{name}: all films are seen"), LIMIT, || viewer.seen().films() >= 3);
        all_is_well(name, viewer);
    }
    server.must_be_well();
}
