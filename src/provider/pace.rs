//! Whether a conversion that encodes keeps up with those who watch it. Pure.

use crate::limits::{PACE_EASY, PACE_LONG, PACE_NEEDED, PACE_WINDOW};
use crate::time::MediaTime;
use std::time::{Duration, Instant};

/// How fast one conversion goes, from its first frame on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    begun: (Instant, MediaTime),
    window: (Instant, MediaTime),
}

impl Pace {
    pub(super) fn begin(now: Instant, at: MediaTime) -> Self {
        Self { begun: (now, at), window: (now, at) }
    }

    /// The conversion has come to `reached`. The speed of a window that is over, if it was too slow.
    pub(super) fn look(&mut self, now: Instant, reached: MediaTime) -> Option<f64> {
        if now.saturating_duration_since(self.window.0) < PACE_WINDOW {
            return None;
        }
        let speed = speed(self.window, (now, reached));
        self.window = (now, reached);
        Some(speed).filter(|speed| *speed < PACE_NEEDED)
    }

    /// A long conversion, which was easy all in all.
    pub(super) fn was_easy(&self, now: Instant, reached: MediaTime) -> bool {
        now.saturating_duration_since(self.begun.0) >= PACE_LONG
            && speed(self.begun, (now, reached)) > PACE_EASY
    }
}

/// Media time by the clock.
fn speed((begun, from): (Instant, MediaTime), (now, to): (Instant, MediaTime)) -> f64 {
    let made = Duration::from_millis(to.saturating_millis_since(from).into());
    made.as_secs_f64() / now.saturating_duration_since(begun).as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts of a conversion looked at four times a second, whose speed in each second is given.
    fn verdicts(speeds: &[f64]) -> (Vec<Option<f64>>, bool) {
        let begun = Instant::now();
        let mut pace = Pace::begin(begun, MediaTime::ZERO);
        let (mut verdicts, mut reached, mut now) = (Vec::new(), 0.0, begun);
        for speed in speeds {
            for _ in 0..4 {
                now += Duration::from_millis(250);
                reached += speed * 250.0;
                verdicts.push(pace.look(now, MediaTime::from_millis(reached as u32)));
            }
        }
        (verdicts, pace.was_easy(now, MediaTime::from_millis(reached as u32)))
    }

    #[test]
    fn a_conversion_slower_than_real_time_falls_behind_once_in_each_window() {
        let (verdicts, easy) = verdicts(&[0.5; 30]);
        assert_eq!(verdicts.iter().flatten().count(), 3);
        assert!(verdicts.iter().flatten().all(|speed| (speed - 0.5).abs() < 0.01) && !easy);
    }

    #[test]
    fn a_hard_moment_is_not_falling_behind() {
        let mut speeds = [1.5; 30];
        speeds[3..6].fill(0.1);
        assert_eq!(verdicts(&speeds).0.iter().flatten().count(), 0);
    }

    #[test]
    fn only_a_long_and_fast_conversion_was_easy() {
        assert!(verdicts(&[3.5; 61]).1);
        assert!(!verdicts(&[9.0; 59]).1);
        assert!(!verdicts(&[2.5; 300]).1);
    }
}
