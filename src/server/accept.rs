//! Accepting connections, bounded, until the server ends.

use crate::limits::ACCEPT_BACKOFF;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Says when the server ends.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A shutdown, and what triggers it: sending `true`, or dropping it.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (trigger, receiver) = watch::channel(false);
        (trigger, Self(receiver))
    }

    /// Waits until the server ends.
    pub async fn wait(&mut self) {
        // An error means that the trigger is gone, and so is the server.
        let _ = self.0.wait_for(|ending| *ending).await;
    }
}

/// A listener that hands out at most so many connections at a time.
pub(super) struct Acceptor {
    listener: TcpListener,
    places: Arc<Semaphore>,
    per_address: Arc<PerAddress>,
    protocol: &'static str,
    shutdown: Shutdown,
}

/// Held by a connection while it lasts.
pub(super) struct Place {
    _place: OwnedSemaphorePermit,
    address: IpAddr,
    per_address: Arc<PerAddress>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.per_address.leave(self.address);
    }
}

/// How many connections each address has.
struct PerAddress {
    most: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

impl PerAddress {
    fn counts(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, address: IpAddr) -> bool {
        let mut counts = self.counts();
        let count = counts.entry(address).or_default();
        let free = *count < self.most;
        if free {
            *count += 1;
        }
        free
    }

    fn leave(&self, address: IpAddr) {
        let mut counts = self.counts();
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

impl Acceptor {
    /// `most` connections in all, and of one address.
    pub(super) fn new(
        listener: TcpListener,
        most: (usize, usize),
        protocol: &'static str,
        shutdown: Shutdown,
    ) -> Self {
        let per_address = Arc::new(PerAddress { most: most.1, counts: Mutex::default() });
        Self { listener, places: Arc::new(Semaphore::new(most.0)), per_address, protocol, shutdown }
    }

    /// Waits until all connections have ended.
    pub(super) async fn drained(&self, most: usize) {
        let all = u32::try_from(most).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.places.acquire_many(all).await;
    }

    /// The next connection; `None` when the server ends. Waits while all places are taken: the
    /// kernel keeps the callers in its backlog.
    pub(super) async fn accept(&mut self) -> Option<(TcpStream, SocketAddr, Place)> {
        loop {
            let place = tokio::select! {
                place = self.places.clone().acquire_owned() => place.ok()?,
                () = self.shutdown.wait() => return None,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = self.shutdown.wait() => return None,
            };
            match accepted {
                Ok((_, peer)) if !self.per_address.enter(peer.ip()) => {
                    tracing::warn!(protocol = self.protocol, %peer, most = self.per_address.most, "too many connections from one address");
                }
                Ok((socket, peer)) => {
                    prepare(&socket);
                    let per_address = self.per_address.clone();
                    return Some((socket, peer, Place { _place: place, address: peer.ip(), per_address }));
                }
                // Out of descriptors, mostly: it passes when some connection ends.
                Err(error) => {
                    tracing::warn!(protocol = self.protocol, %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_BACKOFF).await;
                }
            }
        }
    }
}

/// Small replies must not wait for Nagle (44 ms on other servers), and a TV that was switched off
/// must be noticed although it is paused.
pub(crate) fn prepare(socket: &TcpStream) {
    use crate::limits::{KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES};
    use rustix::net::sockopt;
    let options = || -> rustix::io::Result<()> {
        sockopt::set_tcp_nodelay(socket, true)?;
        sockopt::set_socket_keepalive(socket, true)?;
        sockopt::set_tcp_keepidle(socket, KEEPALIVE_IDLE)?;
        sockopt::set_tcp_keepintvl(socket, KEEPALIVE_INTERVAL)?;
        sockopt::set_tcp_keepcnt(socket, KEEPALIVE_PROBES)
    };
    if let Err(error) = options() {
        tracing::debug!(%error, "socket options");
    }
}
