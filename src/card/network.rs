//! `network.toml` of the card: how the box reaches the network when its page can't be reached.
//!
//! ```toml
//! [cable]                        # without it, the router gives an address
//! address = "192.168.1.20/24"
//! router = "192.168.1.1"
//! dns = ["192.168.1.1"]
//!
//! [wifi]
//! name = "Home"
//! password = "correct horse"     # without it, the network is open
//! country = "DE"
//! ```

use crate::appliance::{Addressing, NetworkError, WifiError, WifiNetwork, Wish};
use serde::Deserialize;
use std::net::IpAddr;

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardNetwork {
    cable: Option<Cable>,
    wifi: Option<WifiNetwork>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cable {
    /// With its length; without one, the router gives it. To take back what an earlier file said.
    address: Option<String>,
    router: Option<IpAddr>,
    #[serde(default)]
    dns: Vec<IpAddr>,
}

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardNetworkError {
    /// No TOML, or keys that mean nothing.
    #[error("{0}")]
    Toml(String),
    /// Neither part.
    #[error("it has neither [cable] nor [wifi], so it says nothing")]
    Empty,
    /// A router or name servers without an address.
    #[error("[cable] has a router or name servers, and no address = \"192.168.1.20/24\"")]
    NoAddress,
    /// The cable's address.
    #[error("[cable]: {0}")]
    Address(#[from] NetworkError),
    /// The radio's.
    #[error("[wifi] {0}")]
    Wifi(#[from] WifiError),
}

/// Every cable's socket, whatever the kernel calls it.
const CABLES: &str = "e*";

impl CardNetwork {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// What to change.
    pub fn parse(text: &str) -> Result<Self, CardNetworkError> {
        let parsed: Self = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            CardNetworkError::Toml(format!("line {line}: {}", error.message()))
        })?;
        if parsed.cable.is_none() && parsed.wifi.is_none() {
            return Err(CardNetworkError::Empty);
        }
        if let Some(cable) = &parsed.cable {
            cable.check()?;
        }
        if let Some(wifi) = &parsed.wifi {
            wifi.check()?;
        }
        Ok(parsed)
    }

    /// As `systemd.network(5)` reads it.
    pub fn to_networkd(&self) -> String {
        let Some(cable) = &self.cable else { return String::new() };
        let made = cable.wish(CABLES).to_networkd();
        // Its first line says that the page has made it.
        let settings = made.split_once('\n').map_or("", |(_, settings)| settings);
        format!("# Made of network.toml on the card.\n{settings}")
    }

    /// As `wpa_supplicant.conf(5)` reads it.
    pub fn to_wpa_supplicant(&self) -> String {
        self.wifi.as_ref().map(|wifi| wifi.to_wpa_supplicant("network.toml on the card")).unwrap_or_default()
    }
}

impl Cable {
    fn wish(&self, interface: &str) -> Wish {
        let addressing = match &self.address {
            Some(address) => {
                Addressing::Static { address: address.clone(), gateway: self.router, dns: self.dns.clone() }
            }
            None => Addressing::Dhcp,
        };
        Wish { interface: interface.to_owned(), addressing }
    }

    fn check(&self) -> Result<(), CardNetworkError> {
        if self.address.is_none() && (self.router.is_some() || !self.dns.is_empty()) {
            return Err(CardNetworkError::NoAddress);
        }
        // A pattern is no name of one socket; any name will do for the rest.
        Ok(self.wish("eth0").check()?)
    }
}
