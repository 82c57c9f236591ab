//! How fast a producer works, for honest estimates.

use crate::limits::{SPEED_SAMPLE_STEP, SPEED_SAMPLES};
use crate::time::MediaTime;
use std::time::{Duration, Instant};

/// The last few seconds of a producer's progress.
#[derive(Debug, Default)]
pub(super) struct Speed {
    samples: heapless::Deque<(Instant, MediaTime), SPEED_SAMPLES>,
    /// Seconds per millisecond of media before the last pause.
    before_pause: Option<f64>,
}

impl Speed {
    /// The reel now goes to `available`.
    pub(super) fn advance(&mut self, available: MediaTime, now: Instant) {
        if self.samples.back().is_some_and(|(at, _)| now.duration_since(*at) < SPEED_SAMPLE_STEP) {
            return;
        }
        if self.samples.is_full() {
            self.samples.pop_front();
        }
        // There is room: a full deque has just lost its oldest sample.
        let _ = self.samples.push_back((now, available));
    }

    /// The producer is held back from now on: what went before says nothing about what follows.
    pub(super) fn pause(&mut self) {
        self.before_pause = self.measured().or(self.before_pause);
        self.samples.clear();
    }

    fn measured(&self) -> Option<f64> {
        let ((start, from), (end, to)) = (self.samples.front()?, self.samples.back()?);
        let (elapsed, made) = (end.duration_since(*start), to.saturating_millis_since(*from));
        (made > 0 && elapsed >= SPEED_SAMPLE_STEP).then(|| elapsed.as_secs_f64() / f64::from(made))
    }

    /// How long from `now` until `target` is there.
    pub(super) fn until(&self, available: MediaTime, target: MediaTime, now: Instant) -> Option<Duration> {
        let missing = f64::from(target.saturating_millis_since(available));
        let since_first = self.samples.front().and_then(|(start, from)| {
            let (elapsed, made) = (now.duration_since(*start), available.saturating_millis_since(*from));
            (made > 0 && elapsed >= SPEED_SAMPLE_STEP).then(|| elapsed.as_secs_f64() / f64::from(made))
        });
        let per_ms = since_first.or(self.before_pause)?;
        Duration::try_from_secs_f64(per_ms * missing).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u32) -> MediaTime {
        MediaTime::from_millis(ms)
    }

    #[test]
    fn an_estimate_follows_the_measured_speed() {
        let start = Instant::now();
        let mut speed = Speed::default();
        assert_eq!(speed.until(ms(0), ms(1000), start), None);
        // Twice real time for four seconds.
        for tick in 0..=16u32 {
            speed.advance(ms(tick * 500), start + Duration::from_millis(u64::from(tick) * 250));
        }
        let now = start + Duration::from_secs(4);
        let eta = speed.until(ms(8000), ms(28_000), now).map(|d| d.as_millis());
        assert_eq!(eta, Some(10_000));
    }

    #[test]
    fn a_producer_that_was_held_back_is_measured_anew() {
        let start = Instant::now();
        let mut speed = Speed::default();
        speed.advance(ms(0), start);
        speed.advance(ms(5000), start + Duration::from_secs(1));
        speed.pause();
        // No sample, so the speed from before is all there is; the pause itself does not count.
        let eta = speed.until(ms(5000), ms(9000), start + Duration::from_secs(60));
        assert_eq!(eta.map(|eta| eta.as_millis()), Some(800));
    }
}
