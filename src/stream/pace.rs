//! How long a viewer's task lets records gather before it writes them.
//!
//! Every write costs a system call and a TCP segment per viewer, whatever is in it: gathering 40 ms
//! of a 30 fps stream halves the work of a server with many viewers (docs/performance.md). A few
//! viewers get every frame at once.

use crate::limits::{GATHER_FROM_VIEWERS, GATHER_MOST, GATHER_MOST_VIEWERS};
use std::time::{Duration, Instant};

/// The time to gather for, with so many viewers of a stream.
pub(super) fn gather_time(viewers: usize) -> Duration {
    let above = viewers.saturating_sub(GATHER_FROM_VIEWERS);
    let range = GATHER_MOST_VIEWERS - GATHER_FROM_VIEWERS;
    GATHER_MOST.mul_f64(above.min(range) as f64 / range as f64)
}

/// When what gathers from `now` on is written: at the same moments for all viewers of a stream that
/// began at `epoch`, so that one waking of the server serves them all. `None`: at once.
pub(super) fn next_writing(epoch: Instant, now: Instant, viewers: usize) -> Option<Instant> {
    let gather = gather_time(viewers);
    if gather.is_zero() {
        return None;
    }
    let since = now.saturating_duration_since(epoch).as_nanos();
    let into = (since % gather.as_nanos()) as u64; // less than 40 ms of nanoseconds
    Some(now + gather - Duration::from_nanos(into))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_viewers_wait_for_nothing_and_many_for_no_longer_than_the_bound() {
        assert_eq!(gather_time(1), Duration::ZERO);
        assert_eq!(gather_time(GATHER_FROM_VIEWERS), Duration::ZERO);
        assert!(gather_time(40) > Duration::ZERO && gather_time(40) < GATHER_MOST);
        assert_eq!(gather_time(100_000), GATHER_MOST);
    }

    #[test]
    fn all_viewers_are_written_to_at_the_same_moments() {
        let epoch = Instant::now();
        assert_eq!(next_writing(epoch, epoch, 1), None);
        let at = |ms| {
            next_writing(epoch, epoch + Duration::from_millis(ms), 1000).map(|due| (due - epoch).as_millis())
        };
        assert_eq!(
            [at(0), at(1), at(39), at(40), at(95)],
            [Some(40), Some(40), Some(40), Some(80), Some(120)]
        );
    }
}
