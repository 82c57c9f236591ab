//! How long to wait before the next attempt: pure.

use std::time::Duration;

/// Doubles with every failure, up to a bound.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure, from `first` to `most`. Half of it is left to chance (`random` may be any number),
    /// so that all that wait for a server which comes back do not ask at the same moment.
    pub(crate) fn next_within(&mut self, first: Duration, most: Duration, random: u64) -> Duration {
        let doubled = first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let half = doubled.min(most) / 2;
        half + half.mul_f64(random as f64 / u64::MAX as f64)
    }

    /// It went well.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(1);
    const MOST: Duration = Duration::from_secs(60);

    #[test]
    fn waits_double_up_to_the_bound_and_begin_again_after_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<f32> =
            (0..8).map(|_| backoff.next_within(FIRST, MOST, u64::MAX).as_secs_f32()).collect();
        assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
        backoff.reset();
        assert_eq!(backoff.next_within(FIRST, MOST, 0), FIRST / 2);
        for _ in 0..100_000 {
            assert!(backoff.next_within(FIRST, MOST, u64::MAX) <= MOST);
        }
    }
}
