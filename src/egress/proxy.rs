//! A door for another program: an HTTP proxy on a port of this machine's loopback, through which it reaches what a
//! [`Door`] lets it reach.
//!
//! ```text
//!  CONNECT host:443 HTTP/1.1                   200, then bytes both ways
//!  GET http://host:80/path HTTP/1.1            the same request without "http://host:80", to that host
//! ```
//!
//! Each run of a program gets a proxy of its own, which ends with it: nothing is left listening, and what a proxy lets
//! pass cannot be mixed up with what another one may.

use super::door::{Door, EgressError, Reach};
use crate::limits::{EGRESS_COPY, EGRESS_IDLE, MAX_EGRESS_CONNECTIONS, MAX_EGRESS_HEAD, WEB_READ_TIMEOUT};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

/// A proxy, until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    task: AbortHandle,
}

impl Proxy {
    /// Opens a proxy to what `door` lets pass within `reach`.
    ///
    /// # Errors
    /// When there is no port for it.
    pub async fn open(door: Arc<Door>, reach: Reach) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move { serve(&listener, &door, reach).await }).abort_handle();
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: &TcpListener, door: &Arc<Door>, reach: Reach) {
    let places = Arc::new(Semaphore::new(MAX_EGRESS_CONNECTIONS));
    // Dropped with the proxy, and with it all connections.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let client = match listener.accept().await {
            Ok((client, _)) => client,
            Err(error) => {
                tracing::debug!(%error, "a proxy takes no connections");
                tokio::time::sleep(WEB_READ_TIMEOUT / 10).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let door = door.clone();
        connections.spawn(async move {
            if let Err(error) = connection(client, &door, reach).await {
                tracing::debug!(%error, "a connection through a proxy ended");
            }
            drop(place);
        });
    }
}

async fn connection(mut client: TcpStream, door: &Door, reach: Reach) -> io::Result<()> {
    let Some(buffer) = read_head(&mut client).await? else {
        return refuse(&mut client, "431 Request Header Fields Too Large", "").await;
    };
    let Some((request, rest)) = Request::read(&buffer) else {
        return refuse(&mut client, "400 Bad Request", "expected CONNECT or an http:// address").await;
    };
    let mut server = match door.connect(request.host, request.port, reach).await {
        Ok(server) => server,
        Err(error) => {
            let status = match error {
                EgressError::Refused { .. } => "403 Forbidden",
                _ => "502 Bad Gateway",
            };
            return refuse(&mut client, status, &error.to_string()).await;
        }
    };
    match request.head {
        None => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?,
        Some(head) => server.write_all(&head).await?,
    }
    server.write_all(rest).await?;
    copy_both(client, server).await
}

/// Everything up to and with the empty line behind the head, and what came with it. `None` when it is too long.
async fn read_head(client: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = Vec::new();
    loop {
        let reading = tokio::time::timeout(WEB_READ_TIMEOUT, client.read_buf(&mut buffer));
        if reading.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if head_len(&buffer).is_some() {
            return Ok(Some(buffer));
        }
        if buffer.len() > MAX_EGRESS_HEAD {
            return Ok(None);
        }
    }
}

fn head_len(buffer: &[u8]) -> Option<usize> {
    buffer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

async fn refuse(client: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}

/// What a client of a proxy asks for.
#[derive(Debug, PartialEq, Eq)]
struct Request<'a> {
    host: &'a str,
    port: u16,
    /// The head for the server; `None` with `CONNECT`.
    head: Option<Vec<u8>>,
}

impl<'a> Request<'a> {
    /// Reads a head; what stands behind it comes second.
    fn read(buffer: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = buffer.split_at(head_len(buffer)?);
        let head = std::str::from_utf8(head).ok()?;
        let (first, headers) = head.split_once("\r\n")?;
        let mut words = first.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if method == "CONNECT" {
            let (host, port) = authority(target, None)?;
            return Some((Self { host, port, head: None }, rest));
        }
        let target =
            target.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://")).map(|_| &target[7..])?;
        let end = target.find(['/', '?']).unwrap_or(target.len());
        let (host, port) = authority(&target[..end], Some(80))?;
        let path = if target[end..].starts_with('/') { "" } else { "/" };
        let mut for_server = format!("{method} {path}{} {version}\r\n", &target[end..]);
        for line in headers.split("\r\n").filter(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or_default().trim();
            // One request a connection: the next one may be for another server.
            let ours = ["connection", "proxy-connection", "proxy-authorization", "keep-alive"];
            if !ours.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
                for_server.push_str(line);
                for_server.push_str("\r\n");
            }
        }
        for_server.push_str("Connection: close\r\n\r\n");
        Some((Self { host, port, head: Some(for_server.into_bytes()) }, rest))
    }
}

/// `host:port`, or `host` where a port is usual.
fn authority(text: &str, usual: Option<u16>) -> Option<(&str, u16)> {
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok().filter(|port| *port != 0)?),
        _ => (text, usual?),
    };
    (!host.is_empty()).then_some((host, port))
}

/// Until both sides have ended, or nothing has moved for [`EGRESS_IDLE`].
async fn copy_both(mut client: TcpStream, mut server: TcpStream) -> io::Result<()> {
    let (mut client_read, mut client_write) = client.split();
    let (mut server_read, mut server_write) = server.split();
    let (mut up, mut down) = (vec![0; EGRESS_COPY / 4], vec![0; EGRESS_COPY]);
    let (mut up_open, mut down_open) = (true, true);
    while up_open || down_open {
        tokio::select! {
            read = client_read.read(&mut up), if up_open => match read? {
                0 => { up_open = false; server_write.shutdown().await?; }
                len => within_idle(server_write.write_all(&up[..len])).await?,
            },
            read = server_read.read(&mut down), if down_open => match read? {
                0 => { down_open = false; client_write.shutdown().await?; }
                len => within_idle(client_write.write_all(&down[..len])).await?,
            },
            () = tokio::time::sleep(EGRESS_IDLE) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    Ok(())
}

async fn within_idle(writing: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    tokio::time::timeout(EGRESS_IDLE, writing).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_at_every_cut_or_not_at_all() {
        let whole = b"GET http://u:p@h.example:81/a?b HTTP/1.1\r\nHost: h\r\nProxy-Connection: x\r\n\r\nrest";
        for cut in 0..whole.len() - 4 {
            assert_eq!(Request::read(&whole[..cut]), None, "{cut}");
        }
        let (request, rest) = Request::read(whole).unwrap();
        assert_eq!((request.host, request.port, rest), ("h.example", 81, &b"rest"[..]));
        let head = b"GET /a?b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        assert_eq!(request.head.as_deref(), Some(&head[..]));
        for (text, expected) in [
            ("CONNECT h:443 HTTP/1.1\r\n\r\n", Some(("h", 443))),
            ("CONNECT [::1]:443 HTTP/1.1\r\n\r\n", Some(("[::1]", 443))),
            ("CONNECT h HTTP/1.1\r\n\r\n", None),
            ("CONNECT h:0 HTTP/1.1\r\n\r\n", None),
            ("CONNECT :443 HTTP/1.1\r\n\r\n", None),
            ("GET HTTP://h HTTP/1.0\r\n\r\n", Some(("h", 80))),
            ("GET http://h?x HTTP/1.0\r\n\r\n", Some(("h", 80))),
            ("GET /path HTTP/1.1\r\n\r\n", None),
            ("GET https://h/ HTTP/1.1\r\n\r\n", None),
            ("GET ftp://h/ HTTP/1.1\r\n\r\n", None),
            ("\r\n\r\n", None),
        ] {
            let read = Request::read(text.as_bytes()).map(|(request, _)| (request.host, request.port));
            assert_eq!(read, expected, "{text}");
        }
    }

    /// Answers each connection with what it was asked.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut buffer = [0; 1000];
                let len = socket.read(&mut buffer).await.unwrap();
                socket.write_all(&buffer[..len]).await.unwrap();
            }
        });
        address
    }

    async fn ask(proxy: &Proxy, request: &str) -> String {
        let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn what_is_allowed_passes_both_ways_and_the_rest_is_refused() {
        let (allowed, other) = (echo().await, echo().await);
        let door = Arc::new(Door::new(vec![allowed.to_string().parse().unwrap()]));
        let proxy = Proxy::open(door, Reach::Public).await.unwrap();
        let tunnel = ask(&proxy, &format!("CONNECT {allowed} HTTP/1.1\r\n\r\nhello")).await;
        assert!(tunnel.ends_with("hello") && tunnel.contains(" 200 "), "{tunnel}");
        let plain = ask(&proxy, &format!("GET http://{allowed}/x HTTP/1.1\r\n\r\n")).await;
        assert!(plain.starts_with("GET /x HTTP/1.1\r\n"), "{plain}");
        for request in [
            format!("CONNECT {other} HTTP/1.1\r\n\r\n"),
            format!("CONNECT localhost:{} HTTP/1.1\r\n\r\n", other.port()),
            format!("GET http://{other}/x HTTP/1.1\r\n\r\n"),
        ] {
            let refused = ask(&proxy, &request).await;
            assert!(
                refused.starts_with("HTTP/1.1 403 ") || refused.starts_with("HTTP/1.1 502 "),
                "{refused}"
            );
        }
        assert!(ask(&proxy, "GET / HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
        let address = proxy.address();
        drop(proxy);
        tokio::task::yield_now().await;
        let gone = tokio::time::timeout(std::time::Duration::from_secs(5), async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        });
        assert!(gone.await.is_ok(), "it ends with its owner");
    }
}
