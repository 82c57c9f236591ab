//! Fifty days of a live stream in a minute: milliseconds past 24 bits, where RTMP's chunks and FLV's tags begin to write them
//! in two pieces, past 31, where careless players count backwards, and past 32, where they start over.

use crate::http_client::get;
use crate::rtmp_client::RtmpClient;
use crate::rtmp_message::Message;
use crate::server::Server;
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

#[test]
fn fifty_days_of_a_stream_have_no_step_but_its_pictures() {
    let mut server = Server::start();
    let mut encoder = RtmpClient::connect(server.rtmp, "live");
    encoder.publish("days");
    let mut socket = encoder.socket().try_clone().unwrap();
    socket.write_all(&[chunk(0, HEADER), chunk(0, KEYFRAME)].concat()).unwrap();
    let seen = [(); 2].map(|()| Arc::new(Seen::default()));
    let watch: [fn(SocketAddr, &Seen); 2] = [watch_rtmp, watch_http];
    let viewers: Vec<_> = (0..2)
        .map(|n| {
            let (seen, server) = (seen[n].clone(), [server.rtmp, server.http][n]);
            std::thread::spawn(move || watch[n](server, &seen))
        })
        .collect();
    let mut sent = 1;
    let mut moved = Instant::now();
    while sent < PICTURES {
        // Both have seen what there is: nobody is so slow that pictures are left out.
        if seen.iter().any(|seen| seen.0.load(Ordering::Relaxed) < sent) {
            assert!(
                moved.elapsed() < LIMIT && viewers.iter().all(|viewer| !viewer.is_finished()),
                "at {sent}"
            );
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
    for viewer in viewers {
        viewer.join().unwrap();
    }
    let stream = get(server.http, "/api/v1/streams").text();
    assert!(stream.contains("\"lost_records\":0"), "{stream}");
    server.must_be_well();
}
