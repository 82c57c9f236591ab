//! When a tag goes on air: pure.
//!
//! What is pulled comes in lumps: a film as fast as the network carries it, HLS a segment at a time, a radio its
//! burst at the beginning. Each tag waits for its time, counted from the first one. What comes too late goes out at
//! once and everything after it is that much later, so that a source with segments of four seconds settles behind
//! the longest gap between two of them.

use crate::time::MediaTime;
use std::time::{Duration, Instant};

/// Our clock counts this much faster than the media: a sender whose clock is a little fast must not pile up what
/// it sends (crystals are right to 50 millionths).
const FASTER: f64 = 1.0 / 10_000.0;

/// Spreads what comes in lumps.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    /// A time and when it went on air.
    anchor: Option<(MediaTime, Instant)>,
}

impl Pacer {
    /// How long a tag of `time` waits at `now`.
    pub(super) fn wait(&mut self, time: MediaTime, now: Instant) -> Duration {
        let (began, at) = *self.anchor.get_or_insert((time, now));
        // Modulo 2^32; the other lane may be a little earlier.
        let ahead_ms = time.as_millis().wrapping_sub(began.as_millis()) as i32;
        let Ok(ahead_ms) = u32::try_from(ahead_ms) else { return Duration::ZERO };
        let due = at + Duration::from_millis(ahead_ms.into()).mul_f64(1.0 - FASTER);
        if due <= now {
            self.anchor = Some((time, now));
        } else if ahead_ms > REANCHOR_MS {
            // Well before 31 bits of milliseconds are over.
            self.anchor = Some((time, due));
        }
        due.saturating_duration_since(now)
    }
}

/// An hour.
const REANCHOR_MS: u32 = 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u32) -> MediaTime {
        MediaTime::from_millis(ms)
    }

    #[test]
    fn a_lump_is_spread_and_what_is_late_moves_the_rest() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut pacer = Pacer::default();
        assert_eq!(pacer.wait(ms(5000), start), Duration::ZERO);
        let wait = pacer.wait(ms(6000), start).as_millis();
        assert!((995..=1000).contains(&wait), "{wait}");
        assert_eq!(pacer.wait(ms(4990), after(10)), Duration::ZERO, "the other lane, a little earlier");
        // Due at 1.5 s, came at 3 s: the next frame is due a frame later.
        assert_eq!(pacer.wait(ms(6500), after(3000)), Duration::ZERO);
        let wait = pacer.wait(ms(6540), after(3000)).as_millis();
        assert!((35..=40).contains(&wait), "{wait}");
    }

    #[test]
    fn days_and_the_wrap_of_32_bits_change_nothing() {
        let mut now = Instant::now();
        let mut pacer = Pacer::default();
        let mut time = u32::MAX - 2 * 24 * 3_600_000;
        for _ in 0..4 * 24 * 60 {
            let wait = pacer.wait(ms(time), now);
            assert!(wait <= Duration::from_secs(60), "{wait:?}");
            now += wait;
            time = time.wrapping_add(60_000);
        }
    }
}
