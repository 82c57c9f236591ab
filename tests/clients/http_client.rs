//! HTTP by hand: requests exactly as written, so that no client library tidies a path up.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// An answer may take this long in all. Conversions of the samples take less.
const LIMIT: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON: {error}\nstatus {}: {}", self.status, self.text()))
    }
}

/// GET; `target` goes on the wire as it is.
#[track_caller]
pub(crate) fn get(server: SocketAddr, target: &str) -> Answer {
    get_with(server, target, "")
}

/// GET with more header lines, each ended by CR LF.
#[track_caller]
pub(crate) fn get_with(server: SocketAddr, target: &str, headers: &str) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n{headers}\r\n");
    send(server, request.as_bytes(), usize::MAX)
        .unwrap_or_else(|error| panic!("GET {target} on {server}: {error}"))
}

/// Another method, with a body of JSON.
#[track_caller]
pub(crate) fn request(server: SocketAddr, method: &str, target: &str, body: &str) -> Answer {
    request_with(server, method, target, "Content-Type: application/json\r\n", body)
}

/// Another method, with these header lines, each ended by CR LF, and a body.
#[track_caller]
pub(crate) fn request_with(
    server: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> Answer {
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    send(server, request.as_bytes(), usize::MAX)
        .unwrap_or_else(|error| panic!("{method} {target} on {server}: {error}"))
}

/// GET of something long or endless: at least `enough` bytes of the body if there are so many, in the
/// server's own framing.
#[track_caller]
pub(crate) fn get_beginning(server: SocketAddr, target: &str, enough: usize) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    send(server, request.as_bytes(), enough)
        .unwrap_or_else(|error| panic!("GET {target} on {server}: {error}"))
}

/// GET that may fail because nobody listens yet.
pub(crate) fn try_get(server: SocketAddr, target: &str) -> Option<Answer> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    send(server, request.as_bytes(), usize::MAX).ok()
}

/// Sends bytes, reads an answer.
pub(crate) fn send(server: SocketAddr, request: &[u8], enough: usize) -> std::io::Result<Answer> {
    exchange(server, request, enough, LIMIT, LIMIT)
}

/// The same, for an answer that may take this long to begin.
pub(crate) fn send_within(server: SocketAddr, request: &[u8], limit: Duration) -> std::io::Result<Answer> {
    exchange(server, request, usize::MAX, limit, limit)
}

fn exchange(
    server: SocketAddr,
    request: &[u8],
    enough: usize,
    limit: Duration,
    silence: Duration,
) -> std::io::Result<Answer> {
    let until = Instant::now() + limit;
    let mut stream = TcpStream::connect_timeout(&server, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(silence))?;
    stream.write_all(request)?;
    let mut received = Vec::new();
    let mut buffer = [0; 65536];
    loop {
        let head = head_length(&received);
        if head.is_some_and(|head| received.len() - head >= enough) {
            break;
        }
        if Instant::now() > until {
            return Err(std::io::Error::other(format!(
                "no end after {limit:?} and {} bytes",
                received.len()
            )));
        }
        match stream.read(&mut buffer)? {
            0 => break,
            read => received.extend_from_slice(&buffer[..read]),
        }
    }
    let parsed = parse(&received, enough == usize::MAX);
    parsed.ok_or_else(|| {
        std::io::Error::other(format!("no whole HTTP answer: {:?}", String::from_utf8_lossy(&received)))
    })
}

fn head_length(received: &[u8]) -> Option<usize> {
    received.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn parse(received: &[u8], whole: bool) -> Option<Answer> {
    let head_length = head_length(received)?;
    let head = String::from_utf8_lossy(&received[..head_length]);
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: received[head_length..].to_vec() };
    if answer.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
        let (body, ended) = unchunk(&answer.body);
        if whole && !ended {
            return None;
        }
        answer.body = body;
    } else if whole
        && answer.header("content-length").parse().is_ok_and(|length: usize| length != answer.body.len())
    {
        return None;
    }
    Some(answer)
}

/// The body in a chunked answer's bytes, and whether its end is there.
pub(crate) fn body_of(received: &[u8]) -> (Vec<u8>, bool) {
    unchunk(&received[head_length(received).unwrap_or(received.len())..])
}

/// RFC 9112 7.1. Also says whether the last chunk was there.
fn unchunk(mut input: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(line) = input.windows(2).position(|two| two == b"\r\n") else { return (body, false) };
        let Some(size) =
            std::str::from_utf8(&input[..line]).ok().and_then(|s| usize::from_str_radix(s, 16).ok())
        else {
            return (body, false);
        };
        input = &input[line + 2..];
        if size == 0 {
            return (body, true);
        }
        body.extend_from_slice(&input[..size.min(input.len())]);
        let Some(rest) = input.get(size + 2..) else { return (body, false) };
        input = rest;
    }
}
