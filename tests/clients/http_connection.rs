//! Connections of HTTP clients, where the server's HTTP library and bodies that own the socket take turns.

use crate::http_client::get;
use crate::program::{succeed, wait_until};
use crate::samples::{H264_FLV, LONG_AVI, path_of};
use crate::server::{Server, encoded};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// A connection on which answers are read one after the other.
struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.http).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self { stream, received: Vec::new() }
    }

    fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// Receives until there are so many bytes.
    #[track_caller]
    fn receive(&mut self, len: usize) {
        let mut block = [0; 65_536];
        while self.received.len() < len {
            let read = self.stream.read(&mut block).unwrap();
            assert!(read > 0, "the connection ended after {} of {len} bytes", self.received.len());
            self.received.extend_from_slice(&block[..read]);
        }
    }

    /// The next answer's head, and its body by `Content-Length`.
    #[track_caller]
    fn answer(&mut self, has_body: bool) -> (String, Vec<u8>) {
        let head = self.head();
        let length = head
            .to_ascii_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ").and_then(|value| value.parse().ok()))
            .unwrap_or_else(|| panic!("no length: {head}"));
        let length = if has_body { length } else { 0 };
        self.receive(length);
        let rest = self.received.split_off(length);
        (head, std::mem::replace(&mut self.received, rest))
    }

    #[track_caller]
    fn head(&mut self) -> String {
        let end = loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.receive(self.received.len() + 1);
        };
        let rest = self.received.split_off(end);
        String::from_utf8(std::mem::replace(&mut self.received, rest)).unwrap()
    }

    /// What comes until the server closes.
    fn rest(mut self) -> Vec<u8> {
        // A reset says as much as an end.
        let _ = self.stream.read_to_end(&mut self.received);
        self.received
    }
}

fn film() -> String {
    format!("/flv/{}", encoded(H264_FLV))
}

#[test]
fn requests_sent_at_once_are_answered_in_order_whoever_has_the_socket() {
    let server = Server::start();
    let whole = get(server.http, &film()).body;
    let target = film();
    let mut connection = Connection::open(&server);
    connection.send(&format!(
        "GET {target} HTTP/1.1\r\nHost: x\r\nRange: bytes=5-1004\r\n\r\n\
         GET /api/v1/streams HTTP/1.1\r\nHost: x\r\n\r\n\
         GET {target} HTTP/1.1\r\nHost: x\r\n\r\n\
         HEAD {target} HTTP/1.1\r\nHost: x\r\n\r\n\
         GET {target} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\n\r\n\
         GET {target} HTTP/1.1\r\nHost: x\r\nRange: bytes=-7\r\nConnection: close\r\n\r\n"
    ));
    assert!(connection.answer(true).1 == whole[5..1005]);
    assert_eq!(connection.answer(true).1, b"{\"streams\":[]}");
    assert!(connection.answer(true).1 == whole);
    let (head, _) = connection.answer(false);
    assert!(head.contains(&format!("content-length: {}\r\n", whole.len())), "{head}");
    assert!(connection.answer(true).1 == whole[..10]);
    let (head, body) = connection.answer(true);
    assert!(body == whole[whole.len() - 7..] && head.contains("connection: close\r\n"), "{head}");
    assert!(connection.rest().is_empty());
}

#[test]
fn a_request_that_comes_in_the_middle_of_a_film_is_answered_behind_it() {
    let server = Server::start();
    let whole = get(server.http, &film()).body;
    let mut connection = Connection::open(&server);
    connection.send(&format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", film()));
    connection.receive(50_000);
    for piece in ["GET /api/v1/str", "eams HTTP/1.1\r\nHost", ": x\r\n", "Connection: close\r\n\r\n"] {
        connection.send(piece);
        connection.receive(connection.received.len() + 10_000);
    }
    assert!(connection.answer(true).1 == whole);
    assert_eq!(connection.answer(true).1, b"{\"streams\":[]}");
    assert!(connection.rest().is_empty());
}

#[test]
fn http_1_0_gets_the_film_and_the_end_of_the_connection_unless_it_asks_for_more() {
    let server = Server::start();
    let whole = get(server.http, &film()).body;
    let mut connection = Connection::open(&server);
    connection.send(&format!("GET {} HTTP/1.0\r\n\r\n", film()));
    assert!(connection.answer(true).1 == whole);
    assert!(connection.rest().is_empty());

    let mut connection = Connection::open(&server);
    connection.send(&format!("GET {} HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", film()));
    let (head, body) = connection.answer(true);
    assert!(body == whole && head.contains("connection: keep-alive\r\n"), "{head}");
    connection.send("GET /api/v1/streams HTTP/1.0\r\n\r\n");
    assert_eq!(connection.answer(true).1, b"{\"streams\":[]}");

    // A film that grows has no length: its end is the connection's.
    let mut connection = Connection::open(&server);
    connection
        .send(&format!("GET /flv/{}?start=1 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", encoded(LONG_AVI)));
    let head = connection.head();
    assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
    connection.receive(3);
    assert!(connection.received.starts_with(b"FLV"));
}

#[test]
fn the_body_of_a_request_is_not_taken_for_the_next_one() {
    let server = Server::start();
    let hidden = "GET /api/v1/streams HTTP/1.1\r\nHost: x\r\n\r\n";
    for framing in [format!("Content-Length: {}", hidden.len()), "Transfer-Encoding: chunked".to_owned()] {
        let mut connection = Connection::open(&server);
        let range = "Range: bytes=0-9";
        connection
            .send(&format!("GET {} HTTP/1.1\r\nHost: x\r\n{range}\r\n{framing}\r\n\r\n{hidden}", film()));
        let (head, body) = connection.answer(true);
        assert!(body.starts_with(b"FLV") && head.contains("connection: close\r\n"), "{head}");
        assert!(connection.rest().is_empty(), "{framing}");
    }
}

#[test]
fn who_leaves_or_sends_too_much_in_the_middle_of_a_film_is_forgotten() {
    let mut server = Server::start();
    get(server.http, &film());
    let before = server.descriptors();
    let begin = || {
        let mut connection = Connection::open(&server);
        connection.send(&format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", film()));
        connection.receive(1000);
        connection
    };
    // Leaves; says that it leaves and stays; talks.
    let gone: Vec<Connection> = (0..5).map(|_| begin()).collect();
    let half: Vec<Connection> = (0..5).map(|_| begin()).collect();
    let talking: Vec<Connection> = (0..5).map(|_| begin()).collect();
    drop(gone);
    half.iter().for_each(|connection| connection.stream.shutdown(Shutdown::Write).unwrap());
    for connection in &talking {
        // The end comes while this is written, or behind it.
        let _ = (&connection.stream).write_all(&[b'x'; 200_000]);
    }
    wait_until("they are gone", LIMIT, || server.descriptors() <= before);
    server.must_be_well();
}

#[test]
fn a_film_that_gets_shorter_while_it_is_sent_ends_that_connection_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("film.flv");
    // More than fits into the sockets' buffers.
    let (source, copy) = (path_of(H264_FLV), file.to_str().unwrap());
    succeed("ffmpeg", &["-v", "error", "-stream_loop", "60", "-i", &source, "-c", "copy", copy], LIMIT);
    std::os::unix::fs::chown(folder.path(), Some(crate::samples::NOBODY), None).ok();
    let mut server = Server::over(folder.path());
    let length = get(server.http, "/flv/film.flv").body.len();
    let mut connection = Connection::open(&server);
    connection.send("GET /flv/film.flv HTTP/1.1\r\nHost: x\r\n\r\n");
    connection.receive(1000);
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(100_000).unwrap();
    let received = connection.rest().len();
    assert!(received < length, "{received} of {length} bytes");
    server.must_be_well();
}
