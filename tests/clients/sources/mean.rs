//! Servers that mean harm, or are broken: what they send costs their source, and nobody else.

use super::{LIMIT, figures, port, sender};
use crate::http_client::{get, request};
use crate::program::wait_until;
use crate::samples;
use crate::server::Server;
use serde_json::json;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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

/// Requests after a playlist, and bytes of it that went out.
static ASKED: AtomicUsize = AtomicUsize::new(0);
static POURED: AtomicUsize = AtomicUsize::new(0);

fn playlist_that_counts(mut socket: TcpStream) -> io::Result<()> {
    request_of(&mut socket)?;
    ASKED.fetch_add(1, Ordering::Relaxed);
    socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n\r\n#EXTM3U\n#EXT-X-TARGETDURATION:5\n")?;
    let lump = b"#EXTINF:5.0,\nsegment.ts\n".repeat(1000);
    for _ in 0..10_000 {
        socket.write_all(&lump)?;
        POURED.fetch_add(lump.len(), Ordering::Relaxed);
    }
    Ok(())
}

#[test]
fn of_a_playlist_without_end_no_more_is_read_than_a_playlist_has() {
    let url = format!("http://{}/x.m3u8", listen(playlist_that_counts));
    let text = format!(
        "[[source]]\nname = \"endless\"\nurl = \"{url}\"\nslate = false\nstart_timeout_seconds = 10\nstop_delay_seconds = 0\n"
    );
    let mut server = Server::configured(samples::library(), &text);
    let http = server.http;
    let watching = std::thread::spawn(move || get(http, "/live/endless.flv").status);
    let mut most = 0;
    while !watching.is_finished() {
        most = server.workers().into_iter().map(resident_mb).max().unwrap_or(0).max(most);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(watching.join().unwrap(), 404);
    let (asked, poured) = (ASKED.load(Ordering::Relaxed), POURED.load(Ordering::Relaxed));
    // 8 MB are read; what is in the buffers of sockets is not read by anybody.
    assert!(asked > 0 && poured < asked * (20 << 20), "{poured} bytes in {asked} answers");
    assert!(most < 200, "its receiver had {most} MB");
    server.must_be_well();
}

/// What a process has in memory.
fn resident_mb(process: u32) -> u64 {
    // A receiver may have ended meanwhile.
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

fn silent(socket: TcpStream) -> io::Result<()> {
    std::thread::sleep(LIMIT);
    drop(socket);
    Ok(())
}

/// One byte a second: never too little to be given up by who waits for any byte, never enough for a picture.
fn trickle(mut socket: TcpStream) -> io::Result<()> {
    request_of(&mut socket)?;
    socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")?;
    for _ in 0..120 {
        socket.write_all(&[0x47])?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

#[test]
fn fifty_viewers_of_what_never_starts_wait_for_one_receiver_and_are_all_told() {
    let addresses = [("silent", listen(silent)), ("trickle", listen(trickle))];
    let text: String = addresses
        .iter()
        .map(|(name, address)| {
            format!(
                "[[source]]\nname = \"{name}\"\nurl = \"http://{address}/x.ts\"\nslate = false\nstart_timeout_seconds = 6\nstop_delay_seconds = 0\n"
            )
        })
        .collect();
    let mut server = Server::configured(samples::library(), &text);
    let before = server.descriptors();
    for (name, _) in &addresses {
        let address = format!("/live/{name}.flv");
        let viewers: Vec<_> = (0..50)
            .map(|_| {
                let (http, address) = (server.http, address.clone());
                std::thread::spawn(move || get(http, &address))
            })
            .collect();
        wait_until("a receiver tries", LIMIT, || !server.workers().is_empty());
        while viewers.iter().any(|viewer| !viewer.is_finished()) {
            assert!(server.workers().len() <= 1, "{name}: {:?}", server.workers());
            std::thread::sleep(Duration::from_millis(100));
        }
        for viewer in viewers {
            let answer = viewer.join().unwrap();
            assert_eq!(answer.status, 404, "{name}: {}", answer.text());
        }
        wait_until("it rests", LIMIT, || {
            figures(&server, name)["state"] == "idle" && server.workers().is_empty()
        });
    }
    wait_until("nothing is held", LIMIT, || server.descriptors() <= before + 4);
    server.must_be_well();
}

#[test]
fn sources_that_come_and_go_while_they_are_watched_leave_nothing() {
    let mut server = Server::configured(samples::library(), "[live]\ngrace_seconds = 1\n");
    let url = format!("udp://{}", port());
    let _sender = sender("mpegts", &format!("{url}?pkt_size=1316"));
    let source = json!({"name": "tv", "url": url, "stop_delay_seconds": 0}).to_string();
    let before = server.descriptors();
    for round in 0..8 {
        assert_eq!(request(server.http, "POST", "/api/v1/sources", &source).status, 201, "{round}");
        let viewers: Vec<_> = (0..5)
            .map(|_| {
                let http = server.http;
                std::thread::spawn(move || get(http, "/live/tv.flv"))
            })
            .collect();
        // Sometimes before it is on air, sometimes after.
        if round % 2 == 0 {
            wait_until("it is on air", LIMIT, || figures(&server, "tv")["state"] == "on_air");
        }
        assert_eq!(request(server.http, "DELETE", "/api/v1/sources/tv", "").status, 200, "{round}");
        for viewer in viewers {
            // The stream has ended for them, before or after the first picture, or there is none.
            let answer = viewer.join().unwrap();
            assert!([200, 404, 504].contains(&answer.status), "{}: {}", answer.status, answer.text());
        }
        assert_eq!(get(server.http, "/api/v1/sources/tv").status, 404, "{round}");
    }
    wait_until("nothing of it is left", LIMIT, || {
        server.workers().is_empty() && server.descriptors() <= before + 4
    });
    server.must_be_well();
}
