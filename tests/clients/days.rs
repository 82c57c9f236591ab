//! Fifty days of a live stream in a minute: milliseconds past 24 bits, where RTMP's chunks and FLV's tags begin to write them
//! in two pieces, past 31, where careless players count backwards, and past 32, where they start over.

use crate::hls_listed::lanes;
use crate::http_client::get;
use crate::program::wait_until;
use crate::rtmp_client::RtmpClient;
use crate::rtmp_message::Message;
use crate::server::{Server, folder_for_server};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Between two pictures: as much as a stream believes to be no jump, and a little less.
const STEP: u32 = 9_900;

/// Past 2^32 milliseconds, by an hour.
const PICTURES: u64 = ((1u64 << 32) + 3_600_000) / STEP as u64;

/// Between two keyframes.
const GOP: u64 = 1000;

/// Sent at a time: well within the two groups of pictures that are kept for viewers.
const LUMP: u64 = 700;

/// Of fragmented MP4 in a millisecond.
const TICKS: u64 = 90;

/// Without a picture for so long, something is wrong.
const LIMIT: Duration = Duration::from_secs(60);

/// Baseline, 16x16.
const HEADER: &[u8] = &[
    0x17, 0, 0, 0, 0, 1, 66, 0xc0, 10, 0xff, 0xe1, 0, 8, 0x67, 0x42, 0xc0, 0x0a, 0xda, 0x79, 0xe4, 0x40, 1,
    0, 4, 0x68, 0xce, 0x3c, 0x80,
];
const KEYFRAME: &[u8] = &[0x17, 1, 0, 0, 0, 0, 0, 0, 2, 0x65, 0x88];
const PICTURE: &[u8] = &[0x27, 1, 0, 0, 0, 0, 0, 0, 2, 0x41, 0x9a];

/// A message of pictures (5.3.1.1, 5.3.1.3): what 24 bits cannot hold stands behind.
fn chunk(ms: u32, body: &[u8]) -> Vec<u8> {
    let short = ms.min(0xff_ffff).to_be_bytes();
    let mut bytes = vec![4, short[1], short[2], short[3], 0, 0, body.len() as u8, 9, 1, 0, 0, 0];
    if ms >= 0xff_ffff {
        bytes.extend(ms.to_be_bytes());
    }
    bytes.extend(body);
    bytes
}

/// What a viewer has seen: pictures, one `STEP` after the other.
#[derive(Default)]
struct Seen(AtomicU64);

impl Seen {
    #[track_caller]
    fn picture(&self, ms: u32) {
        let number = self.0.load(Ordering::Relaxed);
        let expected = (number * u64::from(STEP)) as u32;
        assert_eq!(ms, expected, "picture {number}");
        self.0.store(number + 1, Ordering::Relaxed);
    }

    /// A fragment of a film that began at a time, and goes on where the one before ended.
    #[track_caller]
    fn fragment(&self, began: u64, start: u64, end: u64) {
        let number = self.0.load(Ordering::Relaxed);
        let step = u64::from(STEP) * TICKS;
        assert_eq!(start - began, number * step, "picture {number}");
        assert_eq!((end - start) % step, 0);
        self.0.store(number + (end - start) / step, Ordering::Relaxed);
    }

    fn all(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= PICTURES
    }
}

fn watch_rtmp(server: SocketAddr, seen: &Seen) {
    let mut viewer = RtmpClient::play(server, "live", "days");
    while !seen.all() {
        let ms = viewer.wait_for("a picture", LIMIT, |message| match message {
            Message::Video(picture) if picture.body.get(1) == Some(&1) => Some(picture.ms),
            _ => None,
        });
        seen.picture(ms);
    }
}

fn watch_http(server: SocketAddr, seen: &Seen) {
    let mut socket = TcpStream::connect(server).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(b"GET /live/days.flv HTTP/1.0\r\n\r\n").unwrap();
    let mut flv = BufReader::new(socket);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert!(flv.read_line(&mut line).unwrap() > 0);
    }
    flv.read_exact(&mut [0; 13]).unwrap();
    while !seen.all() {
        let mut head = [0; 11];
        flv.read_exact(&mut head).unwrap();
        let [kind, a, b, c, low_a, low_b, low_c, high, ..] = head;
        let mut body = vec![0; u32::from_be_bytes([0, a, b, c]) as usize + 4];
        flv.read_exact(&mut body).unwrap();
        if kind == 9 && body[1] == 1 {
            seen.picture(u32::from_be_bytes([high, low_a, low_b, low_c]));
        }
    }
}

/// Watches fragmented MP4, whose times have 64 bits and go on.
fn watch_mp4(server: SocketAddr, seen: &Seen) {
    let mut socket = TcpStream::connect(server).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(b"GET /live/days.mp4 HTTP/1.0\r\n\r\n").unwrap();
    let mut mp4 = BufReader::new(socket);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert!(mp4.read_line(&mut line).unwrap() > 0);
    }
    let mut began = None;
    while !seen.all() {
        let mut size = [0; 4];
        mp4.read_exact(&mut size).unwrap();
        let mut fragment = size.to_vec();
        fragment.resize(u32::from_be_bytes(size) as usize, 0);
        mp4.read_exact(&mut fragment[4..]).unwrap();
        if &fragment[4..8] == b"moof" {
            let (start, end) = lanes(&fragment).0[0].unwrap();
            seen.fragment(*began.get_or_insert(start), start, end);
        }
    }
}

/// On air with its first picture.
fn begin(server: &Server) -> RtmpClient {
    let mut encoder = RtmpClient::connect(server.rtmp, "live");
    encoder.publish("days");
    let mut socket = encoder.socket().try_clone().unwrap();
    socket.write_all(&[chunk(0, HEADER), chunk(0, KEYFRAME)].concat()).unwrap();
    encoder
}

/// Sends all other pictures, some at a time, whenever `ready` says that those sent so far were seen: nobody is so slow that pictures
/// are left out.
#[track_caller]
fn send_all(encoder: &mut RtmpClient, mut ready: impl FnMut(u64) -> bool) {
    let mut socket = encoder.socket().try_clone().unwrap();
    let mut sent = 1;
    let mut moved = Instant::now();
    while sent < PICTURES {
        if !ready(sent) {
            assert!(moved.elapsed() < LIMIT, "at picture {sent}");
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        moved = Instant::now();
        let lump = sent..(sent + LUMP).min(PICTURES);
        sent = lump.end;
        // Modulo 2^32 is what clocks of encoders do.
        let picture = |n: u64| if n.is_multiple_of(GOP) { KEYFRAME } else { PICTURE };
        let bytes: Vec<u8> = lump.flat_map(|n| chunk((n * u64::from(STEP)) as u32, picture(n))).collect();
        socket.write_all(&bytes).unwrap();
    }
}

/// Watches in a thread of its own.
fn viewer(watch: fn(SocketAddr, &Seen), server: SocketAddr) -> (Arc<Seen>, std::thread::JoinHandle<()>) {
    let seen = Arc::new(Seen::default());
    let told = seen.clone();
    (seen, std::thread::spawn(move || watch(server, &told)))
}

#[test]
fn fifty_days_of_a_stream_have_no_step_but_its_pictures() {
    let mut server = Server::start();
    let mut encoder = begin(&server);
    let viewers = [viewer(watch_rtmp, server.rtmp), viewer(watch_http, server.http)];
    send_all(&mut encoder, |sent| {
        assert!(viewers.iter().all(|(_, thread)| !thread.is_finished()), "at {sent}");
        viewers.iter().all(|(seen, _)| seen.0.load(Ordering::Relaxed) >= sent)
    });
    for (_, viewer) in viewers {
        viewer.join().unwrap();
    }
    let stream = get(server.http, "/api/v1/streams").text();
    assert!(stream.contains("\"lost_records\":0"), "{stream}");
    server.must_be_well();
}

#[test]
fn fifty_days_have_no_step_in_mp4_and_their_recordings_begin_anew_each_day() {
    let library = folder_for_server();
    let folder = library.path().join("Recordings");
    let text = format!(
        "[record]\nfolder = \"{}\"\nstreams = [\"days\"]\nkeep_free_mb = 1\nsplit_minutes = 1440\n",
        folder.display()
    );
    let mut server = Server::configured(library.path(), &text);
    let mut encoder = begin(&server);
    let (seen, watching) = viewer(watch_mp4, server.http);
    send_all(&mut encoder, |sent| {
        assert!(!watching.is_finished(), "at {sent}");
        // A picture comes when the next one says how long it lasts.
        seen.0.load(Ordering::Relaxed) + 2 >= sent
    });
    drop(encoder);
    watching.join().unwrap();

    wait_until("the last recording has ended", LIMIT, || {
        let told = get(server.http, "/api/v1/recordings").text();
        told.contains("\"days\"") && !told.contains("\"state\":\"recording\"")
    });
    server.terminate();
    server.ended(LIMIT);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort_by_key(|file| std::fs::metadata(file).unwrap().modified().unwrap());
    assert!(files.len() > 40, "{files:?}");
    let mut pictures = 0;
    for file in &files {
        let flv = std::fs::read(file).unwrap();
        let mut rest = &flv[13..];
        let mut expected = 0u32;
        while rest.len() >= 11 {
            let size = u32::from_be_bytes([0, rest[1], rest[2], rest[3]]) as usize;
            let ms = u32::from_be_bytes([rest[7], rest[4], rest[5], rest[6]]);
            if rest[0] == 9 && rest[12] == 1 {
                assert_eq!(rest[11] == 0x17, (pictures + u64::from(expected / STEP)).is_multiple_of(GOP));
                assert_eq!(ms, expected, "{}", file.display());
                expected += STEP;
            }
            rest = &rest[11 + size + 4..];
        }
        pictures += u64::from(expected / STEP);
        assert!(expected < 100_000_000, "{} is longer than a day and a group of pictures", file.display());
    }
    assert_eq!(pictures, PICTURES, "all of it was recorded");
}
