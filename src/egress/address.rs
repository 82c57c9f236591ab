//! Which addresses are of the internet, and of nothing nearer: pure.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// IPv4 networks that are not the internet (RFC 6890 and the IANA registry it began).
const NOT_PUBLIC_V4: [([u8; 4], u8); 16] = [
    ([0, 0, 0, 0], 8),       // this network; Linux takes 0.0.0.0 for itself
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // behind a provider's NAT
    ([127, 0, 0, 0], 8),     // this machine
    ([169, 254, 0, 0], 16),  // link-local, and the metadata servers of clouds
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 31, 196, 0], 24), // AS112
    ([192, 52, 193, 0], 24), // AMT
    ([192, 88, 99, 0], 24),  // 6to4 relays
    ([192, 168, 0, 0], 16),  // private
    ([192, 175, 48, 0], 24), // AS112
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
];

/// What of 2000::/3 is not the internet, or is another address in disguise.
const NOT_PUBLIC_V6: [([u16; 2], u8); 5] = [
    ([0x2001, 0x0000], 23), // protocol assignments, Teredo and ORCHID among them
    ([0x2001, 0x0db8], 32), // documentation
    ([0x2002, 0x0000], 16), // 6to4: an IPv4 address inside
    ([0x2620, 0x004f], 32), // AS112 (2620:4f:8000::/48)
    ([0x3fff, 0x0000], 20), // documentation
];

/// True for an address of the internet alone. Multicast, IPv4 in IPv6 (mapped, compatible, NAT64, 6to4, Teredo) and
/// what nobody has been given yet are not.
///
/// ```
/// use wiidiaserver::egress::is_public;
/// assert!(is_public("93.184.216.34".parse().unwrap()));
/// assert!(!is_public("::ffff:93.184.216.34".parse().unwrap()), "written so that it is overlooked");
/// ```
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let number = u32::from(address);
    let within = |(network, length): &([u8; 4], u8)| {
        (number ^ u32::from_be_bytes(*network)) >> (32 - u32::from(*length)) == 0
    };
    // From 224.0.0.0 on: multicast, reserved, broadcast.
    address.octets()[0] < 224 && !NOT_PUBLIC_V4.iter().any(within)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let number = u32::from(first) << 16 | u32::from(second);
    let within = |([first, second], length): &([u16; 2], u8)| {
        (number ^ (u32::from(*first) << 16 | u32::from(*second))) >> (32 - u32::from(*length)) == 0
    };
    // Only 2000::/3 is given out for the internet.
    first & 0xe000 == 0x2000 && !NOT_PUBLIC_V6.iter().any(within)
}

/// An address, or a network, that may be reached although it is not public: the owner said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception {
    network: IpAddr,
    length: u8,
    port: Option<u16>,
}

/// Why a text is no [`Exception`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no address; write for example 192.168.1.30, 192.168.1.30:8096 or 192.168.1.0/24")]
pub struct ExceptionError(String);

impl Exception {
    /// Whether a connection to this address and port is meant.
    pub fn holds(&self, address: IpAddr, port: u16) -> bool {
        let within = match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.length);
                (u32::from(network) ^ u32::from(address)).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.length);
                (u128::from(network) ^ u128::from(address)).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        };
        within && self.port.is_none_or(|only| only == port)
    }
}

impl FromStr for Exception {
    type Err = ExceptionError;

    fn from_str(text: &str) -> Result<Self, ExceptionError> {
        let wrong = || ExceptionError(text.chars().take(60).collect());
        if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
            let length = if socket.is_ipv4() { 32 } else { 128 };
            return Ok(Self { network: socket.ip(), length, port: Some(socket.port()) });
        }
        let (network, length) = text.split_once('/').map_or((text, None), |(net, len)| (net, Some(len)));
        let network: IpAddr = network.parse().map_err(|_| wrong())?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(most), |length| length.parse().map_err(|_| wrong()))?;
        if length > most {
            return Err(wrong());
        }
        Ok(Self { network, length, port: None })
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.length == if self.network.is_ipv4() { 32 } else { 128 };
        match (self.port, whole) {
            (Some(port), _) => write!(f, "{}", std::net::SocketAddr::new(self.network, port)),
            (None, true) => write!(f, "{}", self.network),
            (None, false) => write!(f, "{}/{}", self.network, self.length),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_internet_is_public() {
        for (address, expected) in [
            ("1.1.1.1", true),
            ("93.184.216.34", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("172.15.255.255", true),
            ("172.32.0.0", true),
            ("198.17.255.255", true),
            ("223.255.255.255", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.170", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("239.255.255.250", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("2a00:1450:4001::1", true),
            ("2001:470::1", true),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", false),
            ("::8.8.8.8", false),
            ("::7f00:1", false),
            ("64:ff9b::8.8.8.8", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", false),
            ("2001:10::1", false),
            ("2001:20::1", false),
            ("2001:1ff:ffff::1", false),
            ("2001:200::1", true),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("2002:808:808::1", false),
            ("3fff::1", false),
            ("3fff:fff::1", false),
            ("4000::1", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fd12:3456:789a::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
            ("ff0e::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn exceptions_are_read_and_mean_no_more_than_they_say() {
        for (text, within, without) in [
            ("192.168.1.30", &["192.168.1.30:1", "192.168.1.30:80"][..], &["192.168.1.31:80"][..]),
            ("127.0.0.1:8932", &["127.0.0.1:8932"], &["127.0.0.1:8933", "127.0.0.2:8932"]),
            ("10.0.0.0/8", &["10.0.0.1:1", "10.255.255.255:1"], &["11.0.0.1:1", "[::a00:1]:1"]),
            ("0.0.0.0/0", &["127.0.0.1:1"], &["[::1]:1"]),
            ("[::1]:80", &["[::1]:80"], &["[::1]:81"]),
            ("fd00::/8", &["[fd00::1]:1"], &["[fc00::1]:1"]),
            ("::/0", &["[::1]:1"], &["127.0.0.1:1"]),
        ] {
            let exception: Exception = text.parse().unwrap();
            assert_eq!(exception.to_string(), text);
            let holds = |address: &&str| {
                let address: std::net::SocketAddr = address.parse().unwrap();
                exception.holds(address.ip(), address.port())
            };
            assert!(within.iter().all(holds), "{text}");
            assert!(!without.iter().any(holds), "{text}");
        }
        for wrong in
            ["", "nas", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8:80", "1.2.3", "::1/129", "10.0.0.1:0x50"]
        {
            let error = wrong.parse::<Exception>().unwrap_err();
            assert!(error.to_string().contains("192.168.1.0/24"), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_the_standard_library_calls_private_is_never_public(bytes: [u8; 4], more: [u8; 16]) {
            let address = Ipv4Addr::from(bytes);
            if address.is_private() || address.is_loopback() || address.is_link_local() || address.is_multicast()
                || address.is_broadcast() || address.is_documentation() || address.is_unspecified()
            {
                prop_assert!(!is_public(address.into()));
            }
            prop_assert!(!is_public(address.to_ipv6_mapped().into()));
            prop_assert!(!is_public(address.to_ipv6_compatible().into()));
            let address = Ipv6Addr::from(more);
            if address.is_loopback() || address.is_multicast() || address.is_unicast_link_local()
                || address.is_unique_local() || address.to_ipv4_mapped().is_some()
            {
                prop_assert!(!is_public(address.into()));
            }
        }
    }
}
