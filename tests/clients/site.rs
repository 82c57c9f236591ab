//! A web site under our control: what it says at which address, and what it was asked for.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a site says at one address.
#[derive(Clone)]
pub(crate) enum Says {
    /// A type and a body, of which parts can be had.
    Body(&'static str, Arc<Vec<u8>>),
    /// The same, all or nothing.
    Whole(&'static str, Arc<Vec<u8>>),
    /// Sends on to another address.
    SendsOn(String),
    /// A status.
    Status(u16),
    /// A body that breaks off after so many bytes, each time.
    BreaksOff(&'static str, Arc<Vec<u8>>, usize),
    /// More headers, a beginning, and then nothing for ever.
    Hangs(&'static str),
}

/// A site that runs until it is dropped.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    pages: Mutex<HashMap<String, Says>>,
    asked: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl Site {
    /// A site with nothing on it.
    pub(crate) fn open() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The same, where something listens already.
    pub(crate) fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let for_thread = shared.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                if for_thread.over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = for_thread.clone();
                std::thread::spawn(move || {
                    // Who hangs up does without.
                    let _ = answer(socket, &shared);
                });
            }
        });
        Self { address, shared }
    }

    pub(crate) fn says(&self, path: &str, says: Says) {
        self.shared.pages.lock().unwrap().insert(path.to_owned(), says);
    }

    pub(crate) fn page(&self, path: &str, kind: &'static str, text: &str) {
        self.says(path, Says::Body(kind, Arc::new(text.as_bytes().to_vec())));
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Request lines and ranges so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(mut socket: TcpStream, shared: &Shared) -> std::io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 32 << 10 {
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        Some(line[name.len() + 1..].trim().to_owned())
    };
    let line = head.lines().next().unwrap_or_default();
    let (method, path) = line.split_once(' ').unwrap_or_default();
    let path = path.split(' ').next().unwrap_or_default();
    let range = header("range");
    let noted = range.as_ref().map_or(line.to_owned(), |range| format!("{line} {range}"));
    shared.asked.lock().unwrap().push(noted);
    let says = shared.pages.lock().unwrap().get(path).cloned().unwrap_or(Says::Status(404));
    let mut send = |status: &str, headers: &str, body: &[u8], length: usize| -> std::io::Result<()> {
        let head =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n");
        socket.write_all(head.as_bytes())?;
        if method == "HEAD" {
            return Ok(());
        }
        for piece in body.chunks(16 << 10) {
            socket.write_all(piece)?;
        }
        Ok(())
    };
    match says {
        Says::Body(kind, body) | Says::BreaksOff(kind, body, _) if range.is_some() => {
            let range = range.unwrap_or_default();
            let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap_or_default();
            let from: usize = from.parse().unwrap_or(0);
            let to = to.parse().map_or(body.len(), |to: usize| (to + 1).min(body.len()));
            if from >= to {
                return send("416 Range Not Satisfiable", "", b"", 0);
            }
            let headers = format!(
                "Content-Type: {kind}\r\nAccept-Ranges: bytes\r\nETag: \"1\"\r\nContent-Range: bytes {from}-{}/{}\r\n",
                to - 1,
                body.len()
            );
            let most = match shared.pages.lock().unwrap().get(path) {
                Some(Says::BreaksOff(_, _, most)) => *most,
                _ => usize::MAX,
            };
            send("206 Partial Content", &headers, &body[from..to.min(from.saturating_add(most))], to - from)
        }
        Says::Body(kind, body) => {
            send("200 OK", &format!("Content-Type: {kind}\r\nAccept-Ranges: bytes\r\n"), &body, body.len())
        }
        Says::BreaksOff(kind, body, most) => {
            let headers = format!("Content-Type: {kind}\r\nAccept-Ranges: bytes\r\n");
            send("200 OK", &headers, &body[..most.min(body.len())], body.len())
        }
        Says::Whole(kind, body) => send("200 OK", &format!("Content-Type: {kind}\r\n"), &body, body.len()),
        Says::SendsOn(to) => send("302 Found", &format!("Location: {to}\r\n"), b"", 0),
        Says::Status(status) => send(&format!("{status} Status"), "Content-Type: text/plain\r\n", b"no", 2),
        Says::Hangs(headers) => {
            socket.write_all(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes())?;
            std::thread::sleep(Duration::from_secs(30));
            Ok(())
        }
    }
}
