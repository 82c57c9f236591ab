//! Whether anything comes out of the pipeline.

use super::super::silence::{self, Silence};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long no access unit went out.
pub(super) struct Progress {
    pub(super) units: u64,
    silence: Silence,
}

impl Progress {
    pub(super) fn begin(units: u64) -> Self {
        Self { units, silence: Silence::since(Instant::now()) }
    }

    /// To be called at each tick.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        // Reading the counts of a dozen threads takes a tenth of a millisecond.
        if now.saturating_duration_since(self.silence.began()) >= silence::WORTH_ASKING {
            self.silence.look(now, silence::waited_for_processor(Path::new("/proc/self")));
        }
    }

    /// How long this process could have put something out and did not.
    pub(super) fn waited(&self) -> Duration {
        self.silence.own()
    }

    /// Longer than `most`, also by the clock if that is much longer.
    pub(super) fn is_missing_for(&self, most: Duration) -> bool {
        self.silence.exceeds(most)
    }
}
