//! How long a viewer's task lets records gather before it writes them.
//!
//! Every write costs a system call and a TCP segment per viewer, whatever is in it: gathering 40 ms
//! of a 30 fps stream halves the work of a server with many viewers (docs/performance.md). A few
//! viewers get every frame at once.

use crate::limits::{GATHER_FROM_VIEWERS, GATHER_MOST, GATHER_MOST_VIEWERS};
use std::time::Duration;

/// The time to gather for, with so many viewers of a stream.
pub fn gather_time(viewers: usize) -> Duration {
    let above = viewers.saturating_sub(GATHER_FROM_VIEWERS);
    let range = GATHER_MOST_VIEWERS - GATHER_FROM_VIEWERS;
    GATHER_MOST.mul_f64(above.min(range) as f64 / range as f64)
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
}
