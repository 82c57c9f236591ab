//! HTTPS: TLS in front of the HTTP port. What comes in is handed on over loopback, so that everything behind is as it is
//! without: files go past hyper to the socket, live viewers to their writers. Who really calls stays known by the port that the
//! inner connection comes from.
//!
//! ```text
//!  browser ── TLS ──▶ 8443: this ── loopback, from port p ──▶ HTTP port ── Proxied: p is the browser's ──▶ guard
//! ```

use super::accept::{Acceptor, Shutdown};
use super::{App, Certificates};
use crate::limits::{HTTP_HEADER_TIMEOUT, MAX_HTTP_CONNECTIONS, MAX_HTTP_CONNECTIONS_PER_ADDRESS};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Where HTTPS is served, and by which certificate.
pub struct Https {
    /// The socket.
    pub listener: TcpListener,
    /// What it shows.
    pub certificates: Certificates,
}

/// Who is behind connections from this very server.
#[derive(Debug, Default)]
pub(super) struct Proxied(Mutex<HashMap<SocketAddr, SocketAddr>>);

impl Proxied {
    fn known(&self) -> MutexGuard<'_, HashMap<SocketAddr, SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who really calls.
    pub(super) fn caller(&self, peer: SocketAddr) -> SocketAddr {
        if !peer.ip().is_loopback() {
            return peer;
        }
        self.known().get(&peer).copied().unwrap_or(peer)
    }
}

/// An entry of [`Proxied`], until dropped.
struct Known<'a>(&'a Proxied, SocketAddr);

impl Drop for Known<'_> {
    fn drop(&mut self) {
        self.0.known().remove(&self.1);
    }
}

/// Serves until the server ends; `http` is where HTTP listens.
pub(super) async fn serve(https: Https, http: SocketAddr, app: Arc<App>, shutdown: Shutdown) {
    let places = (MAX_HTTP_CONNECTIONS, MAX_HTTP_CONNECTIONS_PER_ADDRESS);
    let Https { listener, certificates } = https;
    let certificates = Arc::new(certificates);
    let mut acceptor = Acceptor::new(listener, places, app.connections.https.clone(), shutdown);
    while let Some((socket, peer, place)) = acceptor.accept().await {
        let (app, certificates) = (app.clone(), certificates.clone());
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(certificates.current().await);
            let shaking = tokio::time::timeout(HTTP_HEADER_TIMEOUT, acceptor.accept(socket));
            let Ok(Ok(mut outside)) = shaking.await else {
                tracing::debug!(%peer, "no TLS handshake");
                return;
            };
            place.connected();
            if let Err(error) = hand_on(&mut outside, peer, http, &app.proxied).await {
                tracing::debug!(%peer, %error, "https connection ended");
            }
        });
    }
}

async fn hand_on(
    outside: &mut tokio_rustls::server::TlsStream<TcpStream>,
    peer: SocketAddr,
    http: SocketAddr,
    proxied: &Proxied,
) -> io::Result<()> {
    // Known before it calls, because the other side may accept at once.
    let (socket, loopback) = match http.ip() {
        IpAddr::V4(ip) => {
            (TcpSocket::new_v4()?, IpAddr::V4(if ip.is_unspecified() { Ipv4Addr::LOCALHOST } else { ip }))
        }
        IpAddr::V6(ip) => {
            (TcpSocket::new_v6()?, IpAddr::V6(if ip.is_unspecified() { Ipv6Addr::LOCALHOST } else { ip }))
        }
    };
    socket.bind(SocketAddr::new(loopback, 0))?;
    let from = socket.local_addr()?;
    proxied.known().insert(from, peer);
    let _known = Known(proxied, from);
    let mut inside = socket.connect(SocketAddr::new(loopback, http.port())).await?;
    inside.set_nodelay(true)?;
    copy_bidirectional(outside, &mut inside).await.map(drop)
}
