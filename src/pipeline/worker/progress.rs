//! Whether anything comes out of the pipeline.

use crate::limits;
use std::time::{Duration, Instant};

/// How long no access unit went out.
pub(super) struct Progress {
    pub(super) units: u64,
    pub(super) waited: Duration,
    looked: Instant,
}

impl Progress {
    pub(super) fn begin(units: u64) -> Self {
        Self { units, waited: Duration::ZERO, looked: Instant::now() }
    }

    /// Time that passes between two looks counts, but no more than a few ticks: on a machine so busy that this
    /// thread is kept waiting, the others of this process are as well, and wait for nothing in the file.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        self.waited += now.saturating_duration_since(self.looked).min(3 * limits::WORKER_TICK);
        self.looked = now;
    }
}
