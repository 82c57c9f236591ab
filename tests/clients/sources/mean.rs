//! Servers that mean harm, or are broken: what they send costs their source, and nobody else.

use super::{LIMIT, figures, port};
use crate::http_client::{get, request};
use crate::program::wait_until;
use crate::server::Server;
use serde_json::json;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Does the same to everybody who connects.
fn listen(does: fn(TcpStream) -> io::Result<()>) -> String {
    let listener = TcpListener::bind(port()).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            // Who hangs up has had enough.
            std::thread::spawn(move || does(socket));
        }
    });
    address.to_string()
}

fn request_of(socket: &mut TcpStream) -> io::Result<String> {
    let mut text = [0; 4096];
    let len = socket.read(&mut text)?;
    Ok(String::from_utf8_lossy(&text[..len]).into_owned())
}

/// The same again and again, up to 64 MB: for ever as far as anybody waits, and no more than this machine has.
fn pour(socket: &mut TcpStream, head: &str, again: &[u8]) -> io::Result<()> {
    request_of(socket)?;
    socket.write_all(head.as_bytes())?;
    let lump = again.repeat((64 << 10) / again.len().max(1) + 1);
    for _ in 0..1024 {
        socket.write_all(&lump)?;
    }
    std::thread::sleep(LIMIT);
    Ok(())
}

fn headers(mut socket: TcpStream) -> io::Result<()> {
    pour(&mut socket, "HTTP/1.1 200 OK\r\n", b"X-Word: and another word\r\n")
}

fn one_header(mut socket: TcpStream) -> io::Result<()> {
    pour(&mut socket, "HTTP/1.1 200 OK\r\nX-Word: ", b"word")
}

fn noise(mut socket: TcpStream) -> io::Result<()> {
    // Whatever a demuxer makes of it, it is no picture.
    let noise: Vec<u8> = (0u32..4096).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    pour(&mut socket, "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n", &noise)
}

fn playlist(mut socket: TcpStream) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n\r\n#EXTM3U\n#EXT-X-TARGETDURATION:5\n";
    pour(&mut socket, head, b"#EXTINF:5.0,\nsegment.ts\n")
}

fn circle(mut socket: TcpStream) -> io::Result<()> {
    request_of(&mut socket)?;
    socket.write_all(
        b"HTTP/1.1 302 Found\r\nLocation: /again.ts\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    )
}

fn mute_camera(mut socket: TcpStream) -> io::Result<()> {
    const SDP: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
        m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:1\r\n";
    loop {
        let asked = request_of(&mut socket)?;
        let number =
            asked.lines().find(|line| line.to_ascii_lowercase().starts_with("cseq")).unwrap_or("CSeq: 1");
        match asked.split(' ').next() {
            Some("OPTIONS") => {
                write!(socket, "RTSP/1.0 200 OK\r\n{number}\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n")?
            }
            Some("DESCRIBE") => write!(
                socket,
                "RTSP/1.0 200 OK\r\n{number}\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
                SDP.len()
            )?,
            Some("") | None => return Ok(()),
            Some(_) => std::thread::sleep(LIMIT),
        }
    }
}

fn other_protocol(mut socket: TcpStream) -> io::Result<()> {
    pour(&mut socket, "SSH-2.0-OpenSSH_9.2p1\r\n", b"\xff\x00\x13\x37")
}

#[test]
fn whatever_servers_send_costs_their_source_and_nobody_else() {
    let mut server = Server::start();
    let sources = [
        ("headers", format!("http://{}/x.ts", listen(headers))),
        ("one-header", format!("http://{}/x.ts", listen(one_header))),
        ("noise", format!("http://{}/x.ts", listen(noise))),
        ("playlist", format!("http://{}/x.m3u8", listen(playlist))),
        ("circle", format!("http://{}/x.ts", listen(circle))),
        ("mute-camera", format!("rtsp://{}/x", listen(mute_camera))),
        ("not-rtmp", format!("rtmp://{}/live/x", listen(other_protocol))),
    ];
    for (name, url) in &sources {
        let source = json!({
            "name": name, "url": url, "slate": false, "start_timeout_seconds": 8, "stop_delay_seconds": 0
        });
        let source = source.to_string();
        assert_eq!(request(server.http, "POST", "/api/v1/sources", &source).status, 201, "{name}");
    }
    // Two at a time: their receivers need memory, and this machine has others to serve.
    for two in sources.chunks(2) {
        std::thread::scope(|scope| {
            for (name, _) in two {
                let address = format!("/live/{name}.flv");
                let http = server.http;
                scope.spawn(move || assert_eq!(get(http, &address).status, 404, "{name}"));
            }
        });
        for (name, _) in two {
            wait_until("it rests", LIMIT, || figures(&server, name)["state"] == "idle");
        }
    }
    wait_until("no receiver is left", LIMIT, || server.workers().is_empty());
    assert!(resident_mb(server.id()) < 400, "{} MB", resident_mb(server.id()));
    server.must_be_well();
}

/// What a process has in memory.
fn resident_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
