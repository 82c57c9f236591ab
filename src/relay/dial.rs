//! Finding another server and connecting to it, with TLS when the address says so.

use super::error::RelayError;
use crate::egress::client_config;
use crate::limits::{MAX_RELAY_ADDRESSES, RELAY_ADDRESS_TIMEOUT, RELAY_CONNECT_TIMEOUT};
use crate::rtmp_url::RtmpUrl;
use crate::server::socket::Socket;
use crate::server::{prepare_socket, read_pem};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;

/// Connects to other servers.
#[derive(Default)]
pub(super) struct Dialer {
    /// Certificates of authorities that the owner trusts besides the system's.
    own_authorities: Vec<CertificateDer<'static>>,
    /// Made when the first address with TLS is dialled: reading the system's authorities takes a while.
    tls: OnceLock<Arc<ClientConfig>>,
    /// Ports on which this very server listens for RTMP.
    own_ports: Vec<u16>,
}

/// A connection, before anything was said on it but TLS.
pub(super) struct Dialed {
    pub(super) socket: Socket,
    /// The other end's address.
    pub(super) peer: Option<IpAddr>,
    /// The other end is this very server.
    pub(super) is_self: bool,
}

/// Why an authority's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("[relay] ca: {} has no certificate that could be used ({reason}); expected PEM: lines that begin with BEGIN CERTIFICATE", file.display())]
pub struct AuthorityError {
    file: PathBuf,
    reason: String,
}

impl Dialer {
    pub(super) fn new(ca: Option<&Path>, own_ports: Vec<u16>) -> Result<Self, AuthorityError> {
        let own_authorities = ca.map(authorities).transpose()?.unwrap_or_default();
        Ok(Self { own_authorities, tls: OnceLock::new(), own_ports })
    }

    /// A connection to the address's server.
    pub(super) async fn connect(self: &Arc<Self>, url: &RtmpUrl) -> Result<Dialed, RelayError> {
        let tcp = tokio::time::timeout(RELAY_CONNECT_TIMEOUT, reach(url)).await;
        let tcp =
            tcp.map_err(|_| RelayError::ConnectTimeout { host: url.host.clone(), port: url.port() })??;
        prepare_socket(&tcp);
        let is_self = self.is_self(&tcp);
        let peer = tcp.peer_addr().ok().map(|peer| peer.ip().to_canonical());
        if !url.tls {
            return Ok(Dialed { socket: Socket::Plain(Arc::new(tcp)), peer, is_self });
        }
        let dialer = self.clone();
        let config = tokio::task::spawn_blocking(move || dialer.tls()).await.map_err(io::Error::other)?;
        let config = config.ok_or_else(|| RelayError::NoAuthorities(url.host.clone()))?;
        let failed = |reason: io::Error| {
            let hint = match reason.to_string().contains("UnknownIssuer") {
                true => {
                    "; if the certificate is by an authority of your own, name its file with ca = \"FILE\" in [relay]"
                }
                false => "",
            };
            RelayError::Tls { host: url.host.clone(), reason, hint }
        };
        let name = ServerName::try_from(url.host.clone()).map_err(|error| failed(io::Error::other(error)))?;
        let socket = Socket::connect_tls(tcp, config, name).await.map_err(failed)?;
        Ok(Dialed { socket, peer, is_self })
    }

    /// The other end is a socket of this machine, and one that this server listens on.
    fn is_self(&self, tcp: &TcpStream) -> bool {
        let (Ok(peer), Ok(local)) = (tcp.peer_addr(), tcp.local_addr()) else { return false };
        let is_here = |address: IpAddr| address.is_loopback() || address == local.ip();
        is_here(peer.ip().to_canonical()) && self.own_ports.contains(&peer.port())
    }

    /// Trusts the system's authorities and the owner's. `None` when there are none at all.
    fn tls(&self) -> Option<Arc<ClientConfig>> {
        if let Some(config) = self.tls.get() {
            return Some(config.clone());
        }
        // None is not kept: authorities may be installed while we run.
        let config = client_config(&self.own_authorities)?;
        Some(self.tls.get_or_init(|| config).clone())
    }
}

fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, AuthorityError> {
    let unusable = |reason: String| AuthorityError { file: file.into(), reason };
    let text = read_pem(file).map_err(|error| unusable(error.to_string()))?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in &all {
        roots.add(certificate.clone()).map_err(|error| unusable(error.to_string()))?;
    }
    if all.is_empty() { Err(unusable("there is none in it".to_owned())) } else { Ok(all) }
}

/// The first of the server's addresses that answers.
async fn reach(url: &RtmpUrl) -> Result<TcpStream, RelayError> {
    let (host, port) = (url.host.clone(), url.port());
    let addresses: Vec<SocketAddr> = match tokio::net::lookup_host((&*url.host, port)).await {
        Ok(addresses) => addresses.take(MAX_RELAY_ADDRESSES).collect(),
        Err(reason) => return Err(RelayError::Resolve { host, reason }),
    };
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match tokio::time::timeout(RELAY_ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "it does not answer"),
        }
    }
    Err(RelayError::Connect { host, port, reason: last })
}
