//! Whether the server really serves: it calls itself as a viewer would, and only then tells the service
//! manager that it is alive. A server that hangs is started anew.

use super::connections::Tally;
use crate::limits::{HEALTH_CHECKS_PER_WATCHDOG, HEALTH_TIMEOUT, MAX_HTTP_CONNECTIONS, MAX_RTMP_CONNECTIONS};
use crate::service::notice;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A listener, as it is asked.
pub(super) struct Probe {
    address: SocketAddr,
    question: Question,
    tally: Arc<Tally>,
    /// Connections it has places for.
    places: usize,
    /// A header that lets us look, also where viewers need a password.
    pass: String,
}

#[derive(Clone, Copy)]
enum Question {
    /// A request whose answer goes through streams and their locks.
    Http,
    /// RTMP's handshake, "RTMP specification 1.0", 5.2.
    Rtmp,
}

impl Probe {
    pub(super) fn http(listening: SocketAddr, tally: Arc<Tally>, token: Option<&str>) -> Self {
        let address = own(listening);
        let pass = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        Self { address, question: Question::Http, tally, places: MAX_HTTP_CONNECTIONS, pass }
    }

    pub(super) fn rtmp(listening: SocketAddr, tally: Arc<Tally>) -> Self {
        let address = own(listening);
        let pass = String::new();
        Self { address, question: Question::Rtmp, tally, places: MAX_RTMP_CONNECTIONS, pass }
    }

    /// Whether all places are taken, so that our own call would wait as others do: it serves more than ever.
    fn is_full(&self) -> bool {
        let figures = self.tally.figures();
        figures.handshaking + figures.connected >= self.places
    }

    /// Asks, and waits for the answer.
    async fn ask(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.address).await?;
        match self.question {
            Question::Http => {
                let request = format!(
                    "HEAD /api/v1/streams HTTP/1.1\r\nhost: {}\r\n{}connection: close\r\n\r\n",
                    self.address, self.pass
                );
                stream.write_all(request.as_bytes()).await?;
                let mut answer = [0; HTTP_OK.len()];
                stream.read_exact(&mut answer).await?;
                expect(answer == HTTP_OK)?;
                // What is left unread would make the kernel send a reset.
                tokio::io::copy(&mut stream.take(MOST_HEAD), &mut tokio::io::sink()).await?;
            }
            Question::Rtmp => {
                let mut ours = [0; 1 + RTMP_PACKET];
                ours[0] = RTMP_VERSION;
                stream.write_all(&ours).await?;
                let mut theirs = [0; 1 + 2 * RTMP_PACKET];
                stream.read_exact(&mut theirs).await?;
                expect(theirs[0] == RTMP_VERSION)?;
            }
        }
        Ok(())
    }

    /// Whether it answers, or is too busy to.
    async fn serves(&self) -> bool {
        if self.is_full() {
            return true;
        }
        let reason = match tokio::time::timeout(HEALTH_TIMEOUT, self.ask()).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", HEALTH_TIMEOUT.as_secs()),
        };
        // Filled up while we waited.
        if self.is_full() {
            return true;
        }
        tracing::error!(protocol = self.tally.protocol, address = %self.address, reason, "the server does not serve");
        false
    }
}

const HTTP_OK: [u8; 12] = *b"HTTP/1.1 200";
/// Bytes of an answer's head, and more.
const MOST_HEAD: u64 = 16 * 1024;
const RTMP_VERSION: u8 = 3;
/// C1, C2, S1, S2.
const RTMP_PACKET: usize = 1536;

fn expect(right: bool) -> io::Result<()> {
    if right { Ok(()) } else { Err(io::Error::other("a wrong answer")) }
}

/// Where we reach what listens there.
fn own(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

/// Asks all of them, again and again, and tells the service manager while they answer. `watchdog` is how often
/// it wants to hear of us.
pub(super) async fn watch(probes: Vec<Probe>, watchdog: Duration) {
    let mut tick = tokio::time::interval(watchdog / HEALTH_CHECKS_PER_WATCHDOG);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if futures_util::future::join_all(probes.iter().map(Probe::serves))
            .await
            .into_iter()
            .all(|serves| serves)
        {
            notice::alive();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn probes_of(answer: &'static [u8]) -> (Probe, Probe) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut peer, _) = listener.accept().await.unwrap();
                let mut asked = [0; 4096];
                let _ = peer.read(&mut asked).await;
                let _ = peer.write_all(answer).await;
            }
        });
        let tally = || Arc::new(Tally::new("test"));
        (Probe::http(address, tally(), None), Probe::rtmp(address, tally()))
    }

    #[tokio::test]
    async fn only_a_right_answer_counts() {
        let (http, rtmp) = probes_of(b"HTTP/1.1 200 OK\r\n\r\n").await;
        assert!(http.serves().await);
        assert!(!rtmp.serves().await);
        let (http, rtmp) = probes_of(b"HTTP/1.1 500 Internal Server Error\r\n\r\n").await;
        assert!(!http.serves().await && !rtmp.serves().await);
        let (http, rtmp) = probes_of(b"").await;
        assert!(!http.serves().await && !rtmp.serves().await);
    }

    #[tokio::test]
    async fn nobody_listening_is_no_service_and_being_full_is() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let tally = Arc::new(Tally::new("test"));
        let mut probe = Probe::http(address, tally.clone(), None);
        assert!(!probe.serves().await);
        probe.places = 1;
        let _viewer = tally.enter();
        assert!(probe.serves().await);
    }

    #[test]
    fn every_address_is_asked_where_it_can_be_reached() {
        let own = |address: &str| own(address.parse().unwrap()).to_string();
        assert_eq!(own("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(own("[::]:1935"), "[::1]:1935");
        assert_eq!(own("192.168.1.20:8080"), "192.168.1.20:8080");
    }
}
