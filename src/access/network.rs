//! Who is in the same network as this machine: whom its routes reach without anybody in between, and addresses that
//! exist in homes alone. What a router lets in from outside has another sender's address.

use crate::limits::MAX_ROUTES;
use data_encoding::HEXLOWER_PERMISSIVE;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The networks that this machine is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// Leading bits that all its addresses share.
    bits: u32,
}

impl Networks {
    /// As the kernel's tables have them now.
    pub fn of_this_machine() -> Self {
        let read = |path| {
            let mut text = String::new();
            // A table of this size has 64 KB; without one, only a home's own addresses are near.
            let _ = File::open(path).map(|file| file.take(MAX_ROUTES as u64 * 160).read_to_string(&mut text));
            text
        };
        Self::parse(&read("/proc/net/route"), &read("/proc/net/ipv6_route"))
    }

    /// From the texts of `/proc/net/route` and `/proc/net/ipv6_route`; lines that cannot be read are left out.
    pub fn parse(route: &str, ipv6_route: &str) -> Self {
        let v4 = route.lines().take(MAX_ROUTES).filter_map(v4_route);
        let v6 = ipv6_route.lines().take(MAX_ROUTES).filter_map(v6_route);
        Self(v4.chain(v6).collect())
    }

    /// Whether somebody calls from this very machine or its network.
    pub fn reach(&self, address: IpAddr) -> bool {
        is_of_homes(address) || self.0.iter().any(|network| network.has(address.to_canonical()))
    }
}

impl Network {
    fn has(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = u32::from(network) ^ u32::from(address);
                differing.leading_zeros() >= self.bits
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = u128::from(network) ^ u128::from(address);
                differing.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

/// Addresses that no router of the internet carries: this machine's own, private ones (RFC 1918, RFC 4193), those of
/// one cable (RFC 3927, RFC 4291). Those behind a provider's own translation (RFC 6598) are other people's.
fn is_of_homes(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, numbers in hexadecimal, addresses in the machine's order
/// of bytes.
fn v4_route(line: &str) -> Option<Network> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let destination = u32::from_str_radix(fields.next()?, 16).ok()?;
    let gateway = u32::from_str_radix(fields.next()?, 16).ok()?;
    let mask = u32::from_str_radix(fields.nth(4)?, 16).ok()?;
    let bits = u32::from_be_bytes(mask.to_ne_bytes()).leading_ones();
    let address = Ipv4Addr::from(destination.to_ne_bytes());
    // Eight bits or fewer are no home's network, but what a tunnel to all the internet would have.
    (gateway == 0 && bits > 8).then_some(Network { address: address.into(), bits })
}

/// `destination bits source bits next-hop metric references uses flags device`, all in hexadecimal.
fn v6_route(line: &str) -> Option<Network> {
    let mut fields = line.split_ascii_whitespace();
    let address: [u8; 16] = HEXLOWER_PERMISSIVE.decode(fields.next()?.as_bytes()).ok()?.try_into().ok()?;
    let bits = u32::from_str_radix(fields.next()?, 16).ok()?;
    let hop = fields.nth(2)?;
    let near = hop.bytes().all(|byte| byte == b'0');
    (near && (33..=128).contains(&bits)).then_some(Network { address: Ipv6Addr::from(address).into(), bits })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ROUTE: &str = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
eth0\t007100CB\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
eth0\t00020AC6\t017100CB\t0003\t0\t0\t100\t00FFFFFF\t0\t0\t0
";
    const ROUTE6: &str = "\
20010db8000100000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
20010db8000200000000000000000000 40 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000100 00000001 00000000 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
";

    #[test]
    fn those_without_a_router_between_are_near() {
        // The tables are written in the order of bytes of the machines that the tests run on.
        let networks = Networks::parse(ROUTE, ROUTE6);
        for (address, near) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("192.168.7.7", true),
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("169.254.1.1", true),
            ("100.64.0.1", false),
            ("fe80::1", true),
            ("fd00::1", true),
            ("2001:db8:1::5", true),
            ("2001:db8:2::5", false),
            ("2001:db8:3::5", false),
            ("203.0.113.77", true),
            ("203.0.114.77", false),
            ("198.10.2.5", false),
            ("8.8.8.8", false),
            ("::ffff:8.8.8.8", false),
        ] {
            assert_eq!(networks.reach(address.parse().unwrap()), near, "{address}");
        }
    }

    #[test]
    fn tables_cut_anywhere_are_read_as_far_as_they_go() {
        for cut in 0..ROUTE.len() {
            assert!(!Networks::parse(&ROUTE[..cut], "").reach("8.8.8.8".parse().unwrap()), "{cut}");
        }
        for cut in 0..ROUTE6.len() {
            assert!(!Networks::parse("", &ROUTE6[..cut]).reach("2001:db8:2::5".parse().unwrap()), "{cut}");
        }
    }

    #[test]
    fn this_machine_reaches_itself() {
        assert!(Networks::of_this_machine().reach("127.0.0.1".parse().unwrap()));
    }
}
