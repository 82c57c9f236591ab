//! Who is answered, when, and how much.

use super::search::Search;
use super::words::{EVERYBODY, HOLDS, Identity};
use crate::limits::{MAX_SSDP_ANSWERS_A_SECOND, MAX_SSDP_PENDING, SSDP_FIRST_ANNOUNCEMENTS, SSDP_REPEAT};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

/// A network that this machine is in: its own address there, and how many leading bits all addresses of it share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Home {
    /// Our address.
    pub address: Ipv4Addr,
    /// 0 to 32.
    pub bits: u32,
}

impl Home {
    fn has(self, address: Ipv4Addr) -> bool {
        (u32::from(self.address) ^ u32::from(address)).leading_zeros() >= self.bits.min(32)
    }
}

/// A datagram to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// From this address of ours, so by its network.
    pub from: Ipv4Addr,
    /// To whom.
    pub to: SocketAddrV4,
    /// What.
    pub text: String,
}

/// What is to be sent, and when.
#[derive(Debug)]
struct Pending {
    due: Instant,
    transmit: Transmit,
}

/// The state of it all. After each `handle_…`, take what [`poll_transmit`](Self::poll_transmit) gives until it gives nothing,
/// then come again at [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Responder {
    identity: Identity,
    homes: Vec<Home>,
    pending: Vec<Pending>,
    /// Announced anew then, in all networks.
    announce: Instant,
    /// Answers in the second that began then.
    second: Instant,
    answered: u32,
}

impl Responder {
    /// Of a machine that is in no network yet.
    pub fn new(identity: Identity, now: Instant) -> Self {
        let announce = now + Duration::from_secs(HOLDS / 2);
        Self { identity, homes: Vec::new(), pending: Vec::new(), announce, second: now, answered: 0 }
    }

    /// The networks that the machine is in now. New ones hear of it at once, and again shortly after: datagrams get lost.
    pub fn handle_homes(&mut self, now: Instant, homes: &[Home]) {
        let known = std::mem::replace(&mut self.homes, homes.to_vec());
        for home in homes.iter().filter(|home| !known.contains(home)) {
            for turn in 0..SSDP_FIRST_ANNOUNCEMENTS {
                self.announce_in(*home, now + SSDP_REPEAT * turn);
            }
        }
        // What was to leave by an address that is gone.
        self.pending.retain(|pending| homes.iter().any(|home| home.address == pending.transmit.from));
    }

    /// A datagram came. `chance` is any number: answers of all devices of a network are not to come at once.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddrV4, datagram: &[u8], chance: u64) {
        let Some(home) = self.homes.iter().copied().find(|home| home.has(*from.ip())) else { return };
        // Our own, those that nobody can have, and whole networks.
        if *from.ip() == home.address || from.port() == 0 || is_nobody(*from.ip(), home) {
            return;
        }
        let Ok(search) = Search::parse(datagram) else { return };
        let wait = search.wait.as_millis() as u64;
        for (number, name) in self.identity.answers(&search.target).iter().enumerate() {
            if self.pending.len() >= MAX_SSDP_PENDING || !self.may_answer(now) {
                return;
            }
            let text = self.identity.found(home.address, name);
            // Apart from each other by some milliseconds, for receivers with small buffers.
            let due = now + Duration::from_millis(chance % (wait + 1) + 10 * number as u64);
            self.pending.push(Pending { due, transmit: Transmit { from: home.address, to: from, text } });
        }
    }

    /// The server ends: everybody hears so.
    pub fn handle_end(&mut self, now: Instant) {
        self.pending.clear();
        for home in self.homes.clone() {
            for name in self.identity.names() {
                let text = self.identity.byebye(&name);
                self.pending.push(Pending {
                    due: now,
                    transmit: Transmit { from: home.address, to: everybody(), text },
                });
            }
        }
    }

    /// What is to be sent now.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if now >= self.announce {
            self.announce = now + Duration::from_secs(HOLDS / 2);
            for home in self.homes.clone() {
                self.announce_in(home, now);
            }
        }
        let due = self.pending.iter().position(|pending| pending.due <= now)?;
        Some(self.pending.swap_remove(due).transmit)
    }

    /// When to come again.
    pub fn poll_timeout(&self) -> Instant {
        self.pending.iter().map(|pending| pending.due).fold(self.announce, Instant::min)
    }

    fn announce_in(&mut self, home: Home, due: Instant) {
        for name in self.identity.names() {
            let text = self.identity.alive(home.address, &name);
            self.pending
                .push(Pending { due, transmit: Transmit { from: home.address, to: everybody(), text } });
        }
    }

    /// Whether one more answer fits into this second.
    fn may_answer(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            self.second = now;
            self.answered = 0;
        }
        self.answered += 1;
        self.answered <= MAX_SSDP_ANSWERS_A_SECOND
    }
}

/// The group that everybody listens to.
fn everybody() -> SocketAddrV4 {
    #[allow(clippy::unwrap_used)] // it is a constant, which a test parses
    EVERYBODY.parse().unwrap()
}

/// Addresses that are no machine's: all of a network's, and its own.
fn is_nobody(address: Ipv4Addr, home: Home) -> bool {
    let host = u32::from(address) & u32::MAX.checked_shr(home.bits).unwrap_or(0);
    let all = u32::MAX.checked_shr(home.bits).unwrap_or(0);
    address.is_multicast() || address.is_unspecified() || home.bits < 31 && (host == 0 || host == all)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SEARCH: &[u8] =
        b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 2\r\nST: ssdp:all\r\n\r\n";

    fn home() -> Home {
        Home { address: Ipv4Addr::new(192, 168, 1, 5), bits: 24 }
    }

    fn responder(now: Instant) -> Responder {
        Responder::new(Identity::new([7; 16], 80), now)
    }

    /// One that has said that it is there.
    fn settled(now: Instant) -> Responder {
        let mut responder = responder(now);
        responder.handle_homes(now, &[home()]);
        while responder.poll_transmit(now + Duration::from_secs(60)).is_some() {}
        responder
    }

    fn all(responder: &mut Responder, now: Instant) -> Vec<Transmit> {
        std::iter::from_fn(|| responder.poll_transmit(now)).collect()
    }

    #[test]
    fn the_group_is_an_address() {
        assert!(everybody().ip().is_multicast());
    }

    #[test]
    fn a_new_network_hears_of_it_and_hears_again_before_that_holds_no_more() {
        let now = Instant::now();
        let mut responder = responder(now);
        assert_eq!(responder.poll_transmit(now), None);
        responder.handle_homes(now, &[home()]);
        let first = all(&mut responder, now);
        assert_eq!(first.len(), 3);
        for transmit in &first {
            assert_eq!((transmit.from, transmit.to), (home().address, everybody()));
            assert!(transmit.text.contains("NTS: ssdp:alive\r\n"), "{}", transmit.text);
            assert!(
                transmit.text.contains("LOCATION: http://192.168.1.5:80/device.xml\r\n"),
                "{}",
                transmit.text
            );
            assert!(transmit.text.ends_with("\r\n\r\n"));
        }
        // The same network is not new.
        responder.handle_homes(now, &[home()]);
        assert_eq!(responder.poll_transmit(now), None);
        let mut at = now;
        let mut rounds = 0;
        while at < now + Duration::from_secs(2 * HOLDS) {
            at = responder.poll_timeout();
            rounds += all(&mut responder, at).len() / 3;
        }
        assert!(rounds >= 4, "{rounds}");
    }

    #[test]
    fn a_search_is_answered_within_its_time_to_whoever_asked() {
        let now = Instant::now();
        let asker = "192.168.1.77:50000".parse().unwrap();
        for chance in [0, 1, 1999, 2000, 2001, u64::MAX] {
            let mut responder = settled(now);
            responder.handle_datagram(now, asker, SEARCH, chance);
            let answers = all(&mut responder, now + Duration::from_millis(2020));
            assert_eq!(answers.len(), 3, "{chance}");
            assert!(answers.iter().all(|answer| answer.to == asker && answer.from == home().address));
            assert!(answers.iter().all(|answer| answer.text.starts_with("HTTP/1.1 200 OK\r\n")));
        }
        // Each of the names by itself, and another device's.
        let uuid = Identity::new([7; 16], 80).uuid;
        for (target, answers) in [
            ("upnp:rootdevice".to_owned(), 1),
            ("urn:schemas-upnp-org:device:Basic:1".to_owned(), 1),
            ("urn:schemas-upnp-org:device:MediaServer:1".to_owned(), 0),
            (format!("uuid:{uuid}"), 1),
            ("uuid:07070707-0707-0707-0707-070707070707".to_owned(), 0),
        ] {
            let mut responder = settled(now);
            let datagram = String::from_utf8_lossy(SEARCH).replace("ssdp:all", &target);
            responder.handle_datagram(now, asker, datagram.as_bytes(), 0);
            assert_eq!(all(&mut responder, now + Duration::from_secs(9)).len(), answers, "{target}");
        }
    }

    #[test]
    fn strangers_get_no_answer() {
        let now = Instant::now();
        for from in [
            "203.0.113.9:1900",
            "192.168.2.7:50000",
            "192.168.1.5:1900",
            "192.168.1.0:50000",
            "192.168.1.255:50000",
            "192.168.1.7:0",
            "239.255.255.250:1900",
            "0.0.0.0:68",
        ] {
            let mut responder = settled(now);
            responder.handle_datagram(now, from.parse().unwrap(), SEARCH, 0);
            assert_eq!(all(&mut responder, now + Duration::from_secs(9)), [], "{from}");
        }
        // What is no question gets none either, whoever sends it.
        let mut responder = settled(now);
        for cut in 0..SEARCH.len() {
            responder.handle_datagram(now, "192.168.1.77:50000".parse().unwrap(), &SEARCH[..cut], 0);
        }
        assert_eq!(all(&mut responder, now + Duration::from_secs(9)), []);
    }

    #[test]
    fn whoever_asks_without_end_gets_few_answers_and_costs_no_memory() {
        let mut now = Instant::now();
        let mut responder = settled(now);
        let (mut asked, mut answered) = (0, 0);
        for _ in 0..100_000 {
            now += Duration::from_micros(100);
            asked += SEARCH.len();
            responder.handle_datagram(now, "192.168.1.77:50000".parse().unwrap(), SEARCH, 500);
            assert!(responder.pending.len() <= MAX_SSDP_PENDING);
            answered += all(&mut responder, now).iter().map(|answer| answer.text.len()).sum::<usize>();
        }
        assert!(answered > 0 && answered < asked / 50, "{answered} bytes for {asked}");
    }

    #[test]
    fn the_end_is_said_and_nothing_after_it() {
        let now = Instant::now();
        let mut responder = settled(now);
        responder.handle_datagram(now, "192.168.1.77:50000".parse().unwrap(), SEARCH, 500);
        responder.handle_end(now);
        let said = all(&mut responder, now);
        assert_eq!(said.len(), 3);
        assert!(said.iter().all(|transmit| transmit.text.contains("NTS: ssdp:byebye\r\n")));
        // A network that is gone gets nothing any more.
        let mut responder = settled(now);
        responder.handle_datagram(now, "192.168.1.77:50000".parse().unwrap(), SEARCH, 0);
        responder.handle_homes(now, &[]);
        assert_eq!(responder.poll_transmit(now + Duration::from_secs(3)), None);
    }
}
