//! Looks a name up, checks where it leads, and connects there.

use super::address::{Exception, is_public};
use super::trust::client_config;
use crate::limits::{MAX_WEB_ADDRESSES, WEB_ADDRESS_TIMEOUT, WEB_CONNECT_TIMEOUT};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where a connection may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The owner wrote the address: a machine of the home is what cameras and disks are.
    Anywhere,
    /// A page, a server of the internet or a viewer brought it: the internet, and what the owner made an exception for.
    Public,
}

/// Makes connections, or refuses to.
#[derive(Default)]
pub struct Door {
    exceptions: Vec<Exception>,
    /// Made at the first address with TLS: reading the system's authorities takes a while.
    tls: OnceLock<Arc<ClientConfig>>,
}

/// Why there is no connection. The texts are shown to people.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// It is not for pages and viewers.
    #[error(
        "\"{host}\" is an address of this home's network or of this machine, where addresses from pages may not lead; \
         the owner can allow it with allow = [\"{address}\"] in [web], or add it as a source"
    )]
    Refused {
        /// As written.
        host: String,
        /// What it leads to.
        address: IpAddr,
    },
    /// Nobody knows the name.
    #[error("nobody knows a server \"{host}\"; is the address right, and is this machine on the internet?")]
    Unknown {
        /// As written.
        host: String,
        /// What the resolver said.
        #[source]
        reason: io::Error,
    },
    /// It is there and does not answer, or is not there.
    #[error("no connection to \"{host}\", port {port}: {reason}")]
    NoConnection {
        /// As written.
        host: String,
        /// The port.
        port: u16,
        /// What the system said.
        reason: io::Error,
    },
    /// It cannot prove its name.
    #[error("\"{host}\" cannot prove that it is \"{host}\": {reason}")]
    Tls {
        /// As written.
        host: String,
        /// What rustls said.
        reason: io::Error,
    },
    /// Nothing to check certificates by.
    #[error(
        "the certificate of \"{0}\" can't be checked: no authorities are installed; install ca-certificates"
    )]
    NoAuthorities(String),
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("exceptions", &self.exceptions).finish_non_exhaustive()
    }
}

impl Door {
    /// A door through which, beside the internet, `exceptions` can be reached by everybody.
    pub fn new(exceptions: Vec<Exception>) -> Self {
        Self { exceptions, tls: OnceLock::new() }
    }

    fn lets_pass(&self, address: SocketAddr, reach: Reach) -> bool {
        reach == Reach::Anywhere
            || is_of_the_internet(address)
            || self.exceptions.iter().any(|exception| exception.holds(address.ip(), address.port()))
    }

    /// How far what the owner's address leads to may go. What stands at an address of the internet was not written by the owner: what it
    /// names and sends on to are addresses of the internet as well.
    pub async fn reach_of_owners(&self, host: &str, port: u16) -> Reach {
        let looking = tokio::time::timeout(WEB_CONNECT_TIMEOUT, lookup(host, port));
        match looking.await {
            Ok(Ok(addresses)) if !addresses.is_empty() => {
                let out = addresses.into_iter().all(is_of_the_internet);
                if out { Reach::Public } else { Reach::Anywhere }
            }
            // Whoever connects says what is wrong.
            _ => Reach::Anywhere,
        }
    }

    /// A connection to a server, whose name may be an address. It leads to an address that was checked, and to no other.
    ///
    /// # Errors
    /// When it must not be, or cannot be made.
    pub async fn connect(&self, host: &str, port: u16, reach: Reach) -> Result<TcpStream, EgressError> {
        let failed = |reason| EgressError::NoConnection { host: host.to_owned(), port, reason };
        match tokio::time::timeout(WEB_CONNECT_TIMEOUT, self.reach(host, port, reach)).await {
            Ok(connected) => connected,
            Err(_) => Err(failed(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"))),
        }
    }

    async fn reach(&self, host: &str, port: u16, reach: Reach) -> Result<TcpStream, EgressError> {
        let unknown = |reason| EgressError::Unknown { host: host.to_owned(), reason };
        let addresses = lookup(host, port).await.map_err(unknown)?;
        let refused = addresses.iter().find(|address| !self.lets_pass(**address, reach));
        let allowed = addresses.iter().filter(|address| self.lets_pass(**address, reach));
        let mut last = None;
        for address in allowed.take(MAX_WEB_ADDRESSES) {
            match tokio::time::timeout(WEB_ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // What is sent are requests.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => last = Some(error),
                Err(_) => last = Some(io::Error::new(io::ErrorKind::TimedOut, "it does not answer")),
            }
        }
        let host = host.to_owned();
        match (last, refused) {
            (None, Some(address)) => {
                tracing::info!(host, %address, "an address from outside leads inside: refused");
                Err(EgressError::Refused { host, address: address.ip() })
            }
            (last, _) => {
                let none = || io::Error::new(io::ErrorKind::AddrNotAvailable, "its name leads to no address");
                Err(EgressError::NoConnection { host, port, reason: last.unwrap_or_else(none) })
            }
        }
    }

    /// The same with TLS: the server has proved its name.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), or when it cannot.
    pub async fn connect_tls(
        self: &Arc<Self>,
        host: &str,
        port: u16,
        reach: Reach,
    ) -> Result<TlsStream<TcpStream>, EgressError> {
        let tls = |reason| EgressError::Tls { host: host.to_owned(), reason };
        let name = host.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(name.to_owned()).map_err(|error| tls(io::Error::other(error)))?;
        let tcp = self.connect(host, port, reach).await?;
        let door = self.clone();
        let config = tokio::task::spawn_blocking(move || door.tls()).await;
        let config = config.ok().flatten().ok_or_else(|| EgressError::NoAuthorities(host.to_owned()))?;
        let handshake = TlsConnector::from(config).connect(name, tcp);
        match tokio::time::timeout(WEB_CONNECT_TIMEOUT, handshake).await {
            Ok(result) => result.map_err(tls),
            Err(_) => Err(tls(io::Error::new(io::ErrorKind::TimedOut, "its handshake takes too long"))),
        }
    }

    fn tls(&self) -> Option<Arc<ClientConfig>> {
        if let Some(config) = self.tls.get() {
            return Some(config.clone());
        }
        // None is not kept: authorities may be installed while we run.
        let config = client_config(&[])?;
        Some(self.tls.get_or_init(|| config).clone())
    }
}

/// Where a name, or an address with or without brackets, leads.
async fn lookup(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let name = host.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(host);
    Ok(tokio::net::lookup_host((name, port)).await?.collect())
}

/// Public, and of no machine of this home: with IPv6 all of them have public addresses.
fn is_of_the_internet(address: SocketAddr) -> bool {
    is_public(address.ip()) && !own_address_towards(address).is_some_and(|own| is_of_home(own, address.ip()))
}

/// From which of this machine's addresses a connection would come. Nothing is sent.
fn own_address_towards(address: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr =
        if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    // Port 0 is no address to connect to.
    socket.connect((address.ip(), address.port().max(1))).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// This machine itself, or one of the /56 that providers give to a home (RFC 6177): the router, printers, other networks of the house.
fn is_of_home(own: IpAddr, other: IpAddr) -> bool {
    match (own, other) {
        (IpAddr::V6(own), IpAddr::V6(other)) => (u128::from(own) ^ u128::from(other)) >> (128 - 56) == 0,
        (own, other) => own == other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[test]
    fn a_home_is_what_its_provider_gave_it_and_no_more() {
        for (own, other, expected) in [
            ("93.184.216.34", "93.184.216.34", true),
            ("93.184.216.34", "93.184.216.35", false),
            ("2a02:1:2:300::2", "2a02:1:2:300::1", true),
            ("2a02:1:2:300::2", "2a02:1:2:3ff::1", true),
            ("2a02:1:2:300::2", "2a02:1:2:400::1", false),
            ("2a02:1:2:300::2", "93.184.216.34", false),
        ] {
            assert_eq!(is_of_home(own.parse().unwrap(), other.parse().unwrap()), expected, "{own} {other}");
        }
    }

    #[tokio::test]
    async fn names_and_spellings_that_lead_inside_are_refused_and_exceptions_hold_for_their_port() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, other) = (listener.local_addr().unwrap(), other.local_addr().unwrap());
        let door = Door::new(vec![address.to_string().parse().unwrap()]);
        for host in
            ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0", "0.0.0.0", "[::1]", "::1"]
        {
            match door.connect(host, other.port(), Reach::Public).await {
                Err(EgressError::Refused { .. } | EgressError::Unknown { .. }) => {}
                other => panic!("{host}: {other:?}"),
            }
        }
        assert!(door.connect("127.0.0.1", other.port(), Reach::Anywhere).await.is_ok(), "an owner's address");
        assert!(door.connect("127.0.0.1", address.port(), Reach::Public).await.is_ok(), "an exception");
        let mapped = door.connect("[::ffff:127.0.0.1]", other.port(), Reach::Public).await;
        assert!(matches!(mapped, Err(EgressError::Refused { .. })), "{mapped:?}");
    }

    #[tokio::test]
    async fn what_is_not_there_is_told_with_what_to_look_at() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let error = Door::default().connect("127.0.0.1", gone.port(), Reach::Anywhere).await.unwrap_err();
        assert!(error.to_string().starts_with("no connection to \"127.0.0.1\""), "{error}");
        let error = Door::default().connect("nowhere.invalid", 80, Reach::Public).await.unwrap_err();
        assert!(matches!(error, EgressError::Unknown { .. }), "{error}");
    }
}
