//! How often somebody may guess a password: a few times at once, then slowly; the same for all together, for whoever
//! has many addresses. Pure: the time is an argument.

use crate::limits::{
    GUESS_INTERVAL, GUESS_INTERVAL_IN_ALL, GUESSES_IN_ALL, GUESSES_PER_ADDRESS, MAX_GUESSING_ADDRESSES,
};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// A bucket that runs empty by guesses and fills by time: the moment at which it would be full.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// Takes one of `most`, or says how long until there is one.
    fn take(&mut self, most: u32, interval: Duration, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.max(now);
        let after = full_at + interval;
        let wait = after.saturating_duration_since(now).saturating_sub(interval * most);
        if wait > Duration::ZERO {
            return Err(wait);
        }
        self.full_at = after;
        Ok(())
    }
}

/// The guesses of everybody.
#[derive(Debug)]
pub(super) struct Guesses {
    all: Bucket,
    of_address: HashMap<IpAddr, Bucket>,
}

impl Guesses {
    /// Nobody has guessed yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { all: Bucket { full_at: now }, of_address: HashMap::new() }
    }

    /// Whether that address may guess now, which counts as a guess; else how long until it may.
    ///
    /// # Errors
    /// The time until the next guess.
    pub(super) fn guess(&mut self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let address = network_of(address);
        if !self.of_address.contains_key(&address) && self.of_address.len() >= MAX_GUESSING_ADDRESSES {
            self.forget(now);
        }
        let bucket = self.of_address.entry(address).or_insert(Bucket { full_at: now });
        let mut mine = *bucket;
        mine.take(GUESSES_PER_ADDRESS, GUESS_INTERVAL, now)?;
        self.all.take(GUESSES_IN_ALL, GUESS_INTERVAL_IN_ALL, now)?;
        *bucket = mine;
        Ok(())
    }

    /// It was right: those before it were slips.
    pub(super) fn right(&mut self, address: IpAddr, now: Instant) {
        if self.of_address.remove(&network_of(address)).is_some() {
            self.all.full_at = now.max(self.all.full_at - GUESS_INTERVAL_IN_ALL);
        }
    }

    /// Makes room: those that have all their guesses again, else the one that has the most.
    fn forget(&mut self, now: Instant) {
        self.of_address.retain(|_, bucket| bucket.full_at > now);
        if self.of_address.len() >= MAX_GUESSING_ADDRESSES
            && let Some(address) =
                self.of_address.iter().min_by_key(|(_, bucket)| bucket.full_at).map(|(address, _)| *address)
        {
            self.of_address.remove(&address);
        }
    }
}

/// Whoever has one address of IPv6 has all 2^64 of its network.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_a_few_guesses_and_then_one_every_half_minute() {
        let start = Instant::now();
        let mut guesses = Guesses::new(start);
        let me = address("192.168.1.5");
        for _ in 0..GUESSES_PER_ADDRESS {
            assert_eq!(guesses.guess(me, start), Ok(()));
        }
        assert_eq!(guesses.guess(me, start), Err(GUESS_INTERVAL));
        assert_eq!(guesses.guess(address("192.168.1.6"), start), Ok(()), "others are not held up");
        let later = start + GUESS_INTERVAL - Duration::from_secs(1);
        assert_eq!(guesses.guess(me, later), Err(Duration::from_secs(1)));
        assert_eq!(guesses.guess(me, start + GUESS_INTERVAL), Ok(()));
        assert_eq!(guesses.guess(me, start + GUESS_INTERVAL), Err(GUESS_INTERVAL));
        // A day of guessing.
        let mut right = 0;
        for second in 0..24 * 3600u64 {
            right += usize::from(guesses.guess(me, start + Duration::from_secs(60 + second)).is_ok());
        }
        assert!(right < 3000, "{right}");
    }

    #[test]
    fn many_addresses_share_what_all_have() {
        let start = Instant::now();
        let mut guesses = Guesses::new(start);
        let allowed = (0..20_000u32)
            .filter(|n| guesses.guess(IpAddr::V4((0x0a00_0000 + n).into()), start).is_ok())
            .count();
        assert_eq!(allowed as u32, GUESSES_IN_ALL);
        assert!(guesses.of_address.len() <= MAX_GUESSING_ADDRESSES);
        let later = start + GUESS_INTERVAL_IN_ALL;
        assert_eq!(guesses.guess(address("10.9.9.9"), later), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_who_guesses() {
        let start = Instant::now();
        let mut guesses = Guesses::new(start);
        for n in 0..GUESSES_PER_ADDRESS {
            assert_eq!(guesses.guess(address(&format!("2001:db8::{n:x}")), start), Ok(()));
        }
        assert!(guesses.guess(address("2001:db8::ffff"), start).is_err());
        assert!(guesses.guess(address("2001:db8:0:1::1"), start).is_ok());
        for _ in 0..GUESSES_PER_ADDRESS {
            let _ = guesses.guess(address("::ffff:192.168.1.9"), start);
        }
        assert!(guesses.guess(address("192.168.1.9"), start).is_err(), "the same machine");
    }

    #[test]
    fn who_was_right_starts_anew() {
        let start = Instant::now();
        let mut guesses = Guesses::new(start);
        let me = address("192.168.1.5");
        for _ in 0..10 * GUESSES_IN_ALL {
            assert_eq!(guesses.guess(me, start), Ok(()));
            guesses.right(me, start);
        }
    }
}
