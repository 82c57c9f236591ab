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

use crate::appliance::{Addressing, NetworkError, Wish};
use serde::Deserialize;
use std::fmt::Write;
use std::net::IpAddr;

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardNetwork {
    cable: Option<Cable>,
    wifi: Option<Wifi>,
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

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wifi {
    name: String,
    password: Option<String>,
    /// ISO 3166, two letters: what the radio may do there.
    country: Option<String>,
    /// It does not say its name by itself.
    #[serde(default)]
    hidden: bool,
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
    /// IEEE 802.11: 1 to 32 bytes.
    #[error("[wifi] name has {0} bytes, expected 1 to 32")]
    Name(usize),
    /// WPA: 8 to 63 characters of ASCII, or the key itself.
    #[error(
        "[wifi] password has to be 8 to 63 letters, digits and signs without umlauts, or 64 hexadecimal digits"
    )]
    Password,
    /// No country.
    #[error("[wifi] country is \"{0}\", expected two letters, such as \"DE\"")]
    Country(String),
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
        self.wifi.as_ref().map(Wifi::to_wpa_supplicant).unwrap_or_default()
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

impl Wifi {
    fn check(&self) -> Result<(), CardNetworkError> {
        if !(1..=32).contains(&self.name.len()) {
            return Err(CardNetworkError::Name(self.name.len()));
        }
        if let Some(password) = &self.password {
            let printable = password.bytes().all(|b| (b' '..=b'~').contains(&b));
            let good = is_key(password) || printable && (8..=63).contains(&password.len());
            if !good {
                return Err(CardNetworkError::Password);
            }
        }
        match &self.country {
            Some(country) if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_alphabetic()) => {
                Err(CardNetworkError::Country(country.chars().take(40).collect()))
            }
            _ => Ok(()),
        }
    }

    fn to_wpa_supplicant(&self) -> String {
        let mut text = "# Made of network.toml on the card.\n".to_owned();
        // Writing to a string can't fail.
        if let Some(country) = &self.country {
            let _ = writeln!(text, "country={}", country.to_ascii_uppercase());
        }
        text.push_str("network={\n\tssid=");
        // As hexadecimal digits, so that no letter of a name means anything.
        self.name.bytes().for_each(|byte| {
            let _ = write!(text, "{byte:02x}");
        });
        text.push('\n');
        if self.hidden {
            text.push_str("\tscan_ssid=1\n");
        }
        match &self.password {
            None => text.push_str("\tkey_mgmt=NONE\n"),
            Some(key) if is_key(key) => {
                let _ = writeln!(text, "\tkey_mgmt=WPA-PSK WPA-PSK-SHA256\n\tpsk={key}\n\tieee80211w=1");
            }
            // WPA3 where there is, WPA2 elsewhere. What is in quotes ends at the line's last one.
            Some(password) => {
                let _ = writeln!(
                    text,
                    "\tkey_mgmt=WPA-PSK WPA-PSK-SHA256 SAE\n\tpsk=\"{password}\"\n\tieee80211w=1"
                );
            }
        }
        text.push_str("}\n");
        text
    }
}

/// The key itself instead of what it is made of.
fn is_key(password: &str) -> bool {
    password.len() == 64 && password.bytes().all(|b| b.is_ascii_hexdigit())
}
