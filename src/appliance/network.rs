//! The box's network: what networkd says of it, and a wish for another address, checked where it is made, here and again
//! where root does it.

use super::bus::Service;
use super::privileged::Verb;
use super::trial::Trial;
use super::{Appliance, SystemError};
use crate::limits::{MAX_NAME_SERVERS, NETWORK_TRIAL};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;
use utoipa::ToSchema;

const NETWORKD: Service = Service {
    name: "org.freedesktop.network1",
    path: "/org/freedesktop/network1",
    interface: "org.freedesktop.network1.Manager",
};

/// A socket of the network, as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Interface {
    /// As the kernel names it.
    pub name: String,
    /// `ether`, `wlan` …
    pub kind: String,
    /// `routable`, `degraded`, `no-carrier`, `off` …
    pub state: String,
    /// Its addresses with their length.
    pub addresses: Vec<String>,
}

/// What somebody wants a socket to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WantedNetwork)]
pub struct Wish {
    /// Which.
    pub interface: String,
    /// How it gets its address.
    #[serde(flatten)]
    pub addressing: Addressing,
}

/// How a socket gets its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Addressing {
    /// By the router.
    Dhcp,
    /// By hand.
    Static {
        /// With its length: `192.168.1.20/24`.
        address: String,
        /// The router.
        #[serde(default)]
        #[schema(value_type = Option<String>)]
        gateway: Option<IpAddr>,
        /// Name servers.
        #[serde(default)]
        #[schema(value_type = Vec<String>)]
        dns: Vec<IpAddr>,
    },
}

/// What is wrong with a wish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No name that the kernel would give.
    #[error("\"{0}\" is no socket of the network; choose one of those listed, such as eth0")]
    Interface(String),
    /// Not an address with a length.
    #[error("\"{0}\" is no address with its length; write for example 192.168.1.20/24")]
    Address(String),
    /// An address that no machine can have.
    #[error("{0} can't be a machine's address; choose one between the network's first and last")]
    NoMachine(IpAddr),
    /// A router that cannot be reached.
    #[error("the router {gateway} is not in the network {network}; it has to be reached without another one")]
    Gateway {
        /// The router.
        gateway: IpAddr,
        /// The address with its length.
        network: String,
    },
    /// More than [`MAX_NAME_SERVERS`].
    #[error("{0} name servers are too many, expected at most {MAX_NAME_SERVERS}")]
    NameServers(usize),
    /// No trial to confirm.
    #[error("no new address is on trial; it may have gone back already")]
    NoTrial,
}

impl Wish {
    /// Checks it, without a look at the machine.
    ///
    /// # Errors
    /// What to change.
    pub fn check(&self) -> Result<(), NetworkError> {
        check_interface(&self.interface)?;
        let Addressing::Static { address, gateway, dns } = &self.addressing else { return Ok(()) };
        let (ip, bits) = address_with_length(address)?;
        if let Some(gateway) = gateway
            && (*gateway == ip || !same_network(ip, *gateway, bits))
        {
            return Err(NetworkError::Gateway { gateway: *gateway, network: address.clone() });
        }
        if dns.len() > MAX_NAME_SERVERS {
            return Err(NetworkError::NameServers(dns.len()));
        }
        Ok(())
    }

    /// As `systemd.network(5)` reads it; only of a wish that was checked.
    pub fn to_networkd(&self) -> String {
        let mut text = format!(
            "# Made on the server's page; confirmed there, or taken back.\n[Match]\nName={}\n\n[Link]\nRequiredForOnline=no\n\n[Network]\nLinkLocalAddressing=ipv6\nMulticastDNS=no\nLLMNR=no\n",
            self.interface
        );
        // Writing to a string can't fail.
        match &self.addressing {
            Addressing::Dhcp => text.push_str(
                "DHCP=yes\n\n[DHCPv4]\nClientIdentifier=mac\nSendHostname=yes\nUseHostname=no\nUseNTP=yes\n",
            ),
            Addressing::Static { address, gateway, dns } => {
                let _ = writeln!(text, "Address={address}");
                if let Some(gateway) = gateway {
                    let _ = writeln!(text, "Gateway={gateway}");
                }
                for server in dns {
                    let _ = writeln!(text, "DNS={server}");
                }
            }
        }
        text
    }
}

/// A name that the kernel would give (15 bytes), and no path.
pub(super) fn check_interface(name: &str) -> Result<(), NetworkError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.@".contains(&b);
    let good = (1..=15).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('.');
    if good { Ok(()) } else { Err(NetworkError::Interface(name.chars().take(40).collect())) }
}

fn address_with_length(text: &str) -> Result<(IpAddr, u32), NetworkError> {
    let wrong = || NetworkError::Address(text.chars().take(60).collect());
    let (ip, bits) = text.split_once('/').ok_or_else(wrong)?;
    let ip: IpAddr = ip.parse().map_err(|_| wrong())?;
    let bits: u32 = bits.parse().ok().filter(|_| !bits.starts_with('+')).ok_or_else(wrong)?;
    let most = if ip.is_ipv4() { 30 } else { 126 };
    if !(8..=most).contains(&bits) {
        return Err(wrong());
    }
    let is_edge = match ip {
        IpAddr::V4(v4) => {
            let host = u32::from(v4) & (u32::MAX >> bits);
            host == 0 || host == u32::MAX >> bits
        }
        IpAddr::V6(v6) => u128::from(v6) & (u128::MAX >> bits) == 0,
    };
    if is_edge || ip.is_loopback() || ip.is_multicast() || ip.is_unspecified() {
        return Err(NetworkError::NoMachine(ip));
    }
    Ok((ip, bits))
}

fn same_network(one: IpAddr, other: IpAddr, bits: u32) -> bool {
    match (one, other) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros() >= bits,
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            b.is_unicast_link_local() || (u128::from(a) ^ u128::from(b)).leading_zeros() >= bits
        }
        _ => false,
    }
}

/// What `Describe` of networkd says, as far as people want to know it.
fn interfaces(described: &str) -> Vec<Interface> {
    let all: Value = serde_json::from_str(described).unwrap_or_default();
    let list = all["Interfaces"].as_array().cloned().unwrap_or_default();
    let interface = |one: &Value| {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let addresses = one["Addresses"].as_array().cloned().unwrap_or_default();
        let addresses = addresses.iter().filter_map(|address| {
            let bytes: Vec<u8> = serde_json::from_value(address["Address"].clone()).ok()?;
            let ip = match <[u8; 4]>::try_from(&bytes[..]) {
                Ok(v4) => IpAddr::V4(Ipv4Addr::from(v4)),
                Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(&bytes[..]).ok()?)),
            };
            Some(format!("{ip}/{}", address["PrefixLength"].as_u64()?))
        });
        Interface {
            name: text("Name"),
            kind: text("Type"),
            state: text("OperationalState"),
            addresses: addresses.collect(),
        }
    };
    list.iter().map(interface).filter(|interface| interface.kind != "loopback").collect()
}

impl Appliance {
    /// The sockets as they are.
    ///
    /// # Errors
    /// No box, or networkd does not answer.
    pub async fn interfaces(&self) -> Result<Vec<Interface>, SystemError> {
        let described: String = self.call(&NETWORKD, "Describe", &()).await?;
        Ok(interfaces(&described))
    }

    /// Seconds that a new address is still on trial.
    pub async fn trial(&self) -> Option<u64> {
        self.trial.lock().await.as_ref().map(|trial| trial.left(Instant::now()).as_secs())
    }

    /// Gives a socket another address, on trial: unless it is kept within [`NETWORK_TRIAL`], the one before comes back,
    /// also when the power goes meanwhile.
    ///
    /// # Errors
    /// The wish is wrong, or the system does not let us.
    pub async fn try_network(&self, wish: Wish) -> Result<(), SystemError> {
        self.must_be_here()?;
        wish.check()?;
        let mut trial = self.trial.lock().await;
        // Two at once: the first is taken back before, so that what comes back is what somebody has confirmed.
        if let Some(before) = trial.take() {
            self.ask(&Verb::NetworkRevert { interface: before.interface().to_owned() }).await?;
        }
        let begun = Trial::begin(&wish.interface, Instant::now() + NETWORK_TRIAL);
        begun.keep(&self.kept).map_err(|error| {
            SystemError::Failed(format!("the trial can't be written down ({error}); make room on the disk"))
        })?;
        let asked = self.ask(&Verb::Network { wish }).await;
        match asked {
            Ok(()) => {
                *trial = Some(begun);
                Ok(())
            }
            Err(error) => {
                let _ = self.kept.remove();
                Err(error)
            }
        }
    }

    /// Keeps the address that is on trial.
    ///
    /// # Errors
    /// There is none.
    pub async fn keep_network(&self) -> Result<(), SystemError> {
        self.must_be_here()?;
        let mut trial = self.trial.lock().await;
        let running = trial.as_ref().ok_or(NetworkError::NoTrial)?;
        self.ask(&Verb::NetworkKeep { interface: running.interface().to_owned() }).await?;
        *trial = None;
        let _ = self.kept.remove();
        Ok(())
    }

    /// Goes back to the address before.
    ///
    /// # Errors
    /// There is no trial, or the privileged part does not answer.
    pub async fn revert_network(&self) -> Result<(), SystemError> {
        self.must_be_here()?;
        let mut trial = self.trial.lock().await;
        let running = trial.as_ref().ok_or(NetworkError::NoTrial)?;
        self.ask(&Verb::NetworkRevert { interface: running.interface().to_owned() }).await?;
        *trial = None;
        let _ = self.kept.remove();
        Ok(())
    }

    /// Ends trials whose time is over: at the start one that the power has cut short, later those that nobody kept.
    pub async fn tend(&self) {
        if !self.here {
            return;
        }
        self.tend_bundle().await;
        let mut trial = self.trial.lock().await;
        if trial.is_none() {
            *trial = Trial::kept(&self.kept, Instant::now());
        }
        let Some(due) = trial.as_ref().filter(|trial| trial.is_over(Instant::now())) else { return };
        let interface = due.interface().to_owned();
        match self.ask(&Verb::NetworkRevert { interface }).await {
            Ok(()) => {
                tracing::warn!("nobody kept the new address, so the one before is back");
                *trial = None;
                let _ = self.kept.remove();
            }
            Err(error) => {
                tracing::error!(%error, "the address before can't be brought back; it is tried again")
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn wish(json: &str) -> Result<Wish, String> {
        let wish: Wish = serde_json::from_str(json).map_err(|error| error.to_string())?;
        wish.check().map_err(|error| error.to_string())?;
        Ok(wish)
    }

    #[test]
    fn wishes_become_what_networkd_reads() {
        let dhcp = wish(r#"{"interface":"eth0","mode":"dhcp"}"#).unwrap().to_networkd();
        assert!(dhcp.contains("Name=eth0\n") && dhcp.contains("DHCP=yes"), "{dhcp}");
        let fixed = r#"{"interface":"enp1s0","mode":"static","address":"192.168.1.20/24","gateway":"192.168.1.1","dns":["192.168.1.1","9.9.9.9"]}"#;
        let fixed = wish(fixed).unwrap().to_networkd();
        let lines = "Address=192.168.1.20/24\nGateway=192.168.1.1\nDNS=192.168.1.1\nDNS=9.9.9.9\n";
        assert!(fixed.ends_with(lines) && !fixed.contains("DHCP"), "{fixed}");
        assert!(
            wish(r#"{"interface":"eth0","mode":"static","address":"fd00::20/64","gateway":"fe80::1"}"#)
                .is_ok()
        );
    }

    #[test]
    fn wishes_that_would_cut_the_box_off_are_refused_in_words() {
        let fixed = |rest: &str| format!(r#"{{"interface":"eth0","mode":"static",{rest}}}"#);
        for (json, words) in [
            (r#"{"interface":"../x","mode":"dhcp"}"#.to_owned(), "no socket"),
            (r#"{"interface":"","mode":"dhcp"}"#.to_owned(), "no socket"),
            (r#"{"interface":"eth0\nName=*","mode":"dhcp"}"#.to_owned(), "no socket"),
            (r#"{"interface":"eth0","mode":"magic"}"#.to_owned(), "magic"),
            (fixed(r#""address":"192.168.1.20""#), "with its length"),
            (fixed(r#""address":"192.168.1.20/33""#), "with its length"),
            (fixed(r#""address":"192.168.1.20/24\nDNS=1.1.1.1""#), "with its length"),
            (fixed(r#""address":"192.168.1.0/24""#), "can't be a machine's"),
            (fixed(r#""address":"192.168.1.255/24""#), "can't be a machine's"),
            (fixed(r#""address":"127.0.0.1/8""#), "can't be a machine's"),
            (fixed(r#""address":"224.0.0.5/24""#), "can't be a machine's"),
            (fixed(r#""address":"192.168.1.20/24","gateway":"192.168.2.1""#), "not in the network"),
            (fixed(r#""address":"192.168.1.20/24","gateway":"192.168.1.20""#), "not in the network"),
            (fixed(r#""address":"192.168.1.20/24","gateway":"fe80::1""#), "not in the network"),
            (
                fixed(r#""address":"192.168.1.20/24","dns":["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]"#),
                "too many",
            ),
            (fixed(r#""address":"192.168.1.20/24","dns":["router"]"#), ""),
        ] {
            let refused = wish(&json).unwrap_err();
            assert!(refused.contains(words), "{json}: {refused}");
        }
    }

    #[test]
    fn what_networkd_says_is_read_and_cut_texts_are_nothing() {
        let text = r#"{"Interfaces":[{"Name":"lo","Type":"loopback","OperationalState":"carrier"},
            {"Name":"eth0","Type":"ether","OperationalState":"routable","Addresses":[
              {"Family":2,"Address":[192,168,1,20],"PrefixLength":24},{"Address":[1,2],"PrefixLength":3},
              {"Address":[254,128,0,0,0,0,0,0,0,0,0,0,0,0,0,1],"PrefixLength":64}]}]}"#;
        let found = interfaces(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].addresses, ["192.168.1.20/24", "fe80::1/64"]);
        for cut in 0..text.len() {
            let _ = interfaces(&text[..cut]);
        }
    }
}
