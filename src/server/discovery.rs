//! The socket of [`crate::discovery`]: tells the networks of this machine that the server is there, and answers who asks.

use super::accept::Shutdown;
use crate::discovery::{Home, Identity, Responder, Transmit};
use crate::limits::{MAX_SSDP_DATAGRAM, MAX_SSDP_HOMES, SSDP_HOMES_INTERVAL};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::time::MissedTickBehavior;

/// Everybody who wants to know of devices listens here.
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
const PORT: u16 = 1900;
/// Routers between parts of a home's network; the specification's own.
const HOPS: u32 = 2;

/// This machine's number among UPnP devices: the same after every start.
pub(super) fn identity(port: u16) -> Identity {
    static BYTES: OnceLock<[u8; 16]> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| {
        let mut bytes = [0; 16];
        match std::fs::read_to_string("/etc/machine-id") {
            // Not the number itself, which is nobody's business: machine-id(5).
            Ok(id) if !id.trim().is_empty() => {
                let hash = Sha256::digest(format!("wiidiaserver discovery {}", id.trim()));
                bytes.copy_from_slice(&hash[..16]);
            }
            // Another one after every start, which is shown twice for half an hour. 16 bytes come whole (getrandom(2)).
            _ => drop(getrandom(&mut bytes[..], GetRandomFlags::empty())),
        }
        bytes
    });
    Identity::new(*bytes, port)
}

/// Serves until the server ends. `page` is where the page is listened for.
pub(super) async fn serve(page: SocketAddr, mut shutdown: Shutdown) {
    let only = match page.ip() {
        // Nobody else reaches it.
        ip if ip.is_loopback() => return,
        IpAddr::V4(ip) if !ip.is_unspecified() => Some(ip),
        IpAddr::V6(ip) if !ip.is_unspecified() => return,
        _ => None,
    };
    let socket = match open() {
        Ok(socket) => socket,
        Err(error) => {
            tracing::warn!(%error, "Windows' network folder will not show this server: UDP port {PORT} can't be listened to; another program may have it, or set [discovery] ssdp = false");
            return;
        }
    };
    let mut responder = Responder::new(identity(page.port()), Instant::now());
    let mut joined: Vec<Home> = Vec::new();
    let mut look = tokio::time::interval(SSDP_HOMES_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut datagram = [0; MAX_SSDP_DATAGRAM + 1];
    loop {
        while let Some(transmit) = responder.poll_transmit(Instant::now()) {
            send(&socket, &transmit).await;
        }
        tokio::select! {
            () = shutdown.wait() => break,
            () = tokio::time::sleep_until(responder.poll_timeout().into()) => {}
            _ = look.tick() => {
                let homes = homes(only);
                join(&socket, &mut joined, &homes);
                responder.handle_homes(Instant::now(), &homes);
            }
            received = socket.recv_from(&mut datagram) => match received {
                Ok((length, SocketAddr::V4(from))) => {
                    let now = Instant::now();
                    responder.handle_datagram(now, from, &datagram[..length], chance());
                }
                Ok(_) => {}
                // A port that is closed at the other side, a network that went down.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
    responder.handle_end(Instant::now());
    while let Some(transmit) = responder.poll_transmit(Instant::now()) {
        send(&socket, &transmit).await;
    }
}

/// Other programs of this machine may listen as well.
fn open() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.set_multicast_ttl_v4(HOPS)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)).into())?;
    UdpSocket::from_std(socket.into())
}

/// The networks that this machine is in.
fn homes(only: Option<Ipv4Addr>) -> Vec<Home> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let homes = interfaces.into_iter().filter(|interface| !interface.is_loopback()).filter_map(|interface| {
        let if_addrs::IfAddr::V4(v4) = interface.addr else { return None };
        Some(Home { address: v4.ip, bits: u32::from(v4.netmask).leading_ones() })
    });
    homes.filter(|home| only.is_none_or(|only| only == home.address)).take(MAX_SSDP_HOMES).collect()
}

/// Listens to what is said in new networks. The kernel forgets those whose cable was pulled out by itself.
fn join(socket: &UdpSocket, joined: &mut Vec<Home>, homes: &[Home]) {
    joined.retain(|home| homes.contains(home));
    for home in homes {
        if joined.contains(home) {
            continue;
        }
        match socket.join_multicast_v4(GROUP, home.address) {
            // By another address of the same socket of the network.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                tracing::debug!(%error, address = %home.address, "this network's searches are not heard");
            }
            _ => joined.push(*home),
        }
    }
}

/// What does not get out is not sent: datagrams get lost anyway.
async fn send(socket: &UdpSocket, transmit: &Transmit) {
    if transmit.to.ip().is_multicast() {
        let by = socket2::SockRef::from(socket).set_multicast_if_v4(&transmit.from);
        if by.is_err() {
            return;
        }
    }
    if let Err(error) = socket.send_to(transmit.text.as_bytes(), SocketAddr::V4(transmit.to)).await {
        tracing::debug!(%error, to = %transmit.to, "a datagram of SSDP did not get out");
    }
}

/// Any number.
fn chance() -> u64 {
    let mut bytes = [0; 8];
    let _ = getrandom(&mut bytes[..], GetRandomFlags::empty());
    u64::from_ne_bytes(bytes)
}
