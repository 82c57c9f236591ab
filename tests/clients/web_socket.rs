//! Live streams over WebSocket, spoken by hand.

use crate::http_client::{get_with, send};
use crate::live::{figures, publish};
use crate::packets::{lane, probe};
use crate::program::wait_until;
use crate::rtmp_client::RtmpClient;
use crate::server::Server;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

/// Of RFC 6455 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

fn request(target: &str, headers: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: wiidia.lan:8080\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{headers}\r\n"
    )
}

/// A frame as clients send it.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut frame = vec![first];
    match payload.len() {
        len @ ..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    frame
}

struct WebSocket(TcpStream);

impl WebSocket {
    #[track_caller]
    fn open(server: &Server, target: &str, behind: &[u8]) -> Self {
        let mut stream = TcpStream::connect(server.http).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // What is sent with the request must not get lost.
        stream.write_all(&[request(target, "").as_bytes(), behind].concat()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains(&format!("sec-websocket-accept: {ACCEPT}\r\n")), "{head}");
        Self(stream)
    }

    fn send(&mut self, first: u8, payload: &[u8]) {
        self.0.write_all(&masked(first, payload)).unwrap();
    }

    /// The next frame's opcode and payload.
    fn next(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head)?;
        assert_eq!(head[0] & 0xf0, 0x80, "whole messages, no extension");
        let len = match head[1] {
            126 => {
                let mut len = [0; 2];
                self.0.read_exact(&mut len)?;
                u64::from(u16::from_be_bytes(len))
            }
            127 => {
                let mut len = [0; 8];
                self.0.read_exact(&mut len)?;
                u64::from_be_bytes(len)
            }
            len => u64::from(len), // servers do not mask
        };
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        self.0.read_exact(&mut payload)?;
        Ok((head[0] & 0x0f, payload))
    }

    /// The next frame that is no media.
    #[track_caller]
    fn next_control(&mut self) -> (u8, Vec<u8>) {
        loop {
            let frame = self.next().unwrap();
            if frame.0 != BINARY {
                return frame;
            }
        }
    }

    /// The code it is closed with; behind that comes nothing.
    #[track_caller]
    fn closed(mut self) -> u16 {
        let (opcode, payload) = loop {
            let frame = self.next_control();
            if frame.0 != PONG {
                break frame;
            }
        };
        assert_eq!(opcode, CLOSE);
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty());
        u16::from_be_bytes(*payload.first_chunk().unwrap())
    }
}

#[test]
fn a_live_stream_comes_as_messages_that_make_an_flv() {
    let mut server = Server::start();
    let _publisher = publish(&server, "cam");
    for target in ["/live/cam.flv", "/live/cam"] {
        let mut socket = WebSocket::open(&server, target, b"");
        let (mut flv, until) = (Vec::new(), Instant::now() + Duration::from_secs(3));
        while Instant::now() < until {
            let (opcode, payload) = socket.next().unwrap();
            assert_eq!(opcode, BINARY);
            flv.extend(payload);
        }
        assert!(flv.starts_with(b"FLV\x01\x05"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("got.flv");
        std::fs::write(&file, flv).unwrap();
        let packets = probe(file.to_str().unwrap());
        let (pictures, sound) = (lane(&packets, true), lane(&packets, false));
        assert!(pictures[0].key && pictures.len() > 60 && sound.len() > 100, "{target}");
        for lane in [&pictures, &sound] {
            assert!(lane.windows(2).all(|two| two[0].dts < two[1].dts), "{target}: times go on");
        }
    }
    wait_until("they are gone", LIMIT, || figures(&server, "cam")["viewers"] == 0);
    server.must_be_well();
}

#[test]
fn pings_are_answered_words_ignored_and_a_close_is_echoed() {
    let server = Server::start();
    let _publisher = publish(&server, "cam");
    let mut socket = WebSocket::open(&server, "/live/cam.flv", &masked(0x80 | PING, b"early"));
    assert_eq!(socket.next_control(), (PONG, b"early".to_vec()));
    socket.send(0x81, b"{\"type\":\"keep-alive\"}");
    socket.send(0x80 | PING, &[7; 125]);
    assert_eq!(socket.next_control(), (PONG, vec![7; 125]));
    socket.send(0x80 | CLOSE, b"\x0f\xa0seen enough");
    assert_eq!(socket.closed(), 4000);
    let mut socket = WebSocket::open(&server, "/live/cam.flv", b"");
    socket.send(0x80 | CLOSE, b"");
    assert_eq!(socket.closed(), 1000);
    wait_until("they are gone", LIMIT, || figures(&server, "cam")["viewers"] == 0);
}

#[test]
fn what_breaks_the_protocol_is_closed_with_the_right_code() {
    let mut server = Server::start();
    let _publisher = publish(&server, "cam");
    for (bytes, code) in [
        (vec![0x81, 0x01, b'x'], 1002),
        (vec![0xf1, 0x80], 1002),
        (masked(0x83, b"x"), 1002),
        (vec![0x89, 0xfe, 0, 126], 1002),
        (masked(0x88, b"\x00\x01"), 1002),
        (masked(0x88, b"\x03\xe8\xff\xfe"), 1007),
        (masked(0x82, &[0; 5000]), 1009),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), 1002),
        (masked(0x80 | PING, &[0; 100]).repeat(300), 1008),
    ] {
        let mut socket = WebSocket::open(&server, "/live/cam.flv", b"");
        socket.0.write_all(&bytes).unwrap();
        assert_eq!(socket.closed(), code, "{:x?}", &bytes[..bytes.len().min(8)]);
    }
    wait_until("they are gone", LIMIT, || figures(&server, "cam")["viewers"] == 0);
    server.must_be_well();
}

#[test]
fn who_never_reads_and_never_stops_talking_is_gone_soon() {
    let mut server = Server::start();
    let _publisher = publish(&server, "cam");
    let sockets: Vec<WebSocket> = (0..20).map(|_| WebSocket::open(&server, "/live/cam.flv", b"")).collect();
    for socket in &sockets {
        // The end comes while this is written.
        let _ = (&socket.0).write_all(&masked(0x82, b"la la la").repeat(100_000));
    }
    wait_until("they are gone", LIMIT, || figures(&server, "cam")["viewers"] == 0);
    server.must_be_well();
}

#[test]
fn the_end_of_the_server_is_told() {
    let mut server = Server::start();
    let _publisher = publish(&server, "cam");
    let socket = WebSocket::open(&server, "/live/cam.flv", b"");
    server.terminate();
    assert_eq!(socket.closed(), 1001);
    assert!(server.ended(LIMIT).success());
}

#[test]
fn handshakes_that_are_none_are_refused() {
    let server = Server::start();
    let _publisher = publish(&server, "cam");
    let answer = |target: &str, from: &str, to: &str, headers: &str| {
        let request = request(target, &format!("{headers}Connection: close\r\n")).replace(from, to);
        send(server.http, request.as_bytes(), usize::MAX).unwrap()
    };
    let old = answer("/live/cam.flv", "Version: 13", "Version: 8", "");
    assert_eq!((old.status, old.header("sec-websocket-version")), (426, "13"), "{}", old.text());
    assert_eq!(answer("/live/cam.flv", KEY, "c2hvcnQ=", "").status, 400);
    assert_eq!(answer("/live/nothing.flv", "", "", "").status, 404);
    for foreign in ["http://evil.example", "null", "http://wiidia.lan.evil.example:8080"] {
        let refused = answer("/live/cam.flv", "", "", &format!("Origin: {foreign}\r\n"));
        assert_eq!(refused.status, 403, "{foreign}");
    }
    // Without the wish for a WebSocket, only the FLV has an address; others have no WebSocket.
    assert_eq!(get_with(server.http, "/live/cam", "").status, 404);
    assert_eq!(answer("/api/v1/streams", "", "", "").status, 200);
    assert_eq!(figures(&server, "cam")["viewers"], 0);
}

/// Reads FLV tags behind the file header, and checks that each is whole: their times.
#[track_caller]
fn times(flv: &[u8]) -> Vec<u32> {
    let mut rest = &flv[13..];
    let mut times = Vec::new();
    while let Some(head) = rest.first_chunk::<11>() {
        let len = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let Some(end) = rest.get(11 + len..11 + len + 4) else { break };
        assert_eq!(end, ((11 + len) as u32).to_be_bytes(), "the tag at {} has another length", times.len());
        times.push(u32::from_be_bytes([head[7], head[4], head[5], head[6]]));
        rest = &rest[11 + len + 4..];
    }
    times
}

#[test]
fn a_viewer_that_sleeps_loses_whole_gops_and_goes_on_with_whole_messages() {
    let server = Server::start();
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish("big");
    publisher.send_video(&[0x17, 0, 0, 0, 0, 1, 2, 3]);
    let mut keyframe = vec![0; 400_000];
    keyframe[..5].copy_from_slice(&[0x17, 1, 0, 0, 0]);
    publisher.send_video(&keyframe);
    wait_until("it is there", LIMIT, || figures(&server, "big")["bytes_in"].as_u64() > Some(400_000));
    let mut socket = WebSocket::open(&server, "/live/big.flv", b"");
    let mut http = TcpStream::connect(server.http).unwrap();
    http.write_all(b"GET /live/big.flv HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    wait_until("both watch", LIMIT, || figures(&server, "big")["viewers"] == 2);
    // More than fits into the sockets of those who do not read.
    let sent = 100;
    (1..sent).for_each(|_| publisher.send_video(&keyframe));
    wait_until("all is there", LIMIT, || figures(&server, "big")["bytes_in"].as_u64() > Some(sent * 400_000));
    // They wake up. What was lost is lost, the rest comes as if nothing had happened.
    let mut flv = Vec::new();
    socket.0.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    while let Ok((_, payload)) = socket.next() {
        flv.extend(payload);
    }
    let seen = times(&flv).len() as u64;
    assert!(seen > 2 && seen < sent, "{seen} of {sent}");
    http.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut bytes = Vec::new();
    // Ends with the time-out.
    let _ = http.read_to_end(&mut bytes);
    let (flv, ended) = crate::http_client::body_of(&bytes);
    assert!(!ended, "a live stream has no end");
    let seen = times(&flv).len() as u64;
    assert!(seen > 2 && seen < sent, "{seen} of {sent}");
    assert!(figures(&server, "big")["lost_records"].as_u64() > Some(0));
}

#[test]
fn viewers_that_wait_for_a_keyframe_that_does_not_come_cost_nothing() {
    let mut server = Server::start();
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish("gop");
    let mut picture = vec![0; 400_000];
    picture[..5].copy_from_slice(&[0x17, 1, 0, 0, 0]);
    publisher.send_video(&picture);
    wait_until("it is there", LIMIT, || figures(&server, "gop")["bytes_in"].as_u64() > Some(300_000));
    // As many as the server has threads, and some.
    let count = std::thread::available_parallelism().unwrap().get() + 2;
    let mut viewers: Vec<TcpStream> = (0..count)
        .map(|_| {
            let mut stream = TcpStream::connect(server.http).unwrap();
            stream.write_all(b"GET /live/gop.flv HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            stream
        })
        .collect();
    wait_until("all watch", LIMIT, || figures(&server, "gop")["viewers"] == count);
    // A GOP that is longer than what is kept: the viewers' places are gone, and there is no other.
    picture[0] = 0x27;
    (0..60).for_each(|_| publisher.send_video(&picture));
    wait_until("all is there", LIMIT, || figures(&server, "gop")["bytes_in"].as_u64() > Some(60 * 400_000));
    for viewer in &mut viewers {
        viewer.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        // Ends with the time-out.
        let _ = viewer.read_to_end(&mut Vec::new());
    }
    server.must_be_well();
    picture[0] = 0x17;
    publisher.send_video(&picture);
    for viewer in &mut viewers {
        viewer.set_read_timeout(Some(LIMIT)).unwrap();
        viewer.read_exact(&mut [0; 100_000]).unwrap();
    }
    server.must_be_well();
}
