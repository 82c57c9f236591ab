//! How much faster or slower a sound card's clock is than the pipeline's: pure.
//!
//! A card's crystal is right to some 100 millionths, which is nine seconds a day: sound would drift off the picture. So
//! what comes out of it is stretched by as much as it is off, by [`Stretch`](super::stretch::Stretch), which nobody
//! hears.
//!
//! Each buffer tells when it was taken out of the card, by the pipeline's clock: late by as much as this process had to
//! wait for its turn, never early. So of each [`WINDOW`] the earliest one counts. A controller (proportional and
//! integral) then brings the difference to zero within some minutes; until then it is a few milliseconds.

use std::time::Duration;

/// Over which the earliest buffer is looked for.
const WINDOW: Duration = Duration::from_secs(2);

/// Of a difference, how much is made good in a second: a fiftieth. More would be heard as a change of pitch.
const PROPORTION: f64 = 0.02;

/// Of a difference that stays, how much is added to the correction in a second: critically damped with the above.
const INTEGRAL: f64 = PROPORTION * PROPORTION / 4.0;

/// Largest correction. Cards are off by a tenth of that at most.
const MOST: f64 = 0.001;

/// A difference this large is no drift: samples were lost, or the machine slept. Sound begins anew there.
const LOST: f64 = 0.08;

/// What to do about what was seen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Advice {
    /// Make so many samples of one.
    Stretch(f64),
    /// Go on at the time of the buffer.
    BeginAnew,
}

/// Follows one card.
#[derive(Debug, Default)]
pub(super) struct Drift {
    /// When the window began, and the least difference in it.
    window: Option<(f64, f64)>,
    integral: f64,
    correction: f64,
}

impl Drift {
    /// `placed`: the time in seconds at which the next sample lies in what was put out so far; `taken`: the time at
    /// which it was taken out of the card, as far as the buffer tells.
    pub(super) fn observe(&mut self, placed: f64, taken: f64) -> Advice {
        let difference = taken - placed;
        let (began, least) = self.window.get_or_insert((taken, difference));
        *least = least.min(difference);
        let length = taken - *began;
        if length < 0.0 || difference.abs() > 1.0 {
            // Seconds: no need to wait for the window's end.
            return self.begin_anew();
        }
        if length >= WINDOW.as_secs_f64() {
            // What was taken out late at the beginning is made good as well.
            let off = *least;
            self.window = None;
            if off.abs() > LOST {
                return self.begin_anew();
            }
            self.integral = (self.integral + INTEGRAL * length * off).clamp(-MOST, MOST);
            self.correction = (PROPORTION * off + self.integral).clamp(-MOST, MOST);
        }
        Advice::Stretch(1.0 + self.correction)
    }

    /// The card is still as fast as it was.
    fn begin_anew(&mut self) -> Advice {
        *self = Self { integral: self.integral, correction: self.integral, ..Self::default() };
        Advice::BeginAnew
    }

    #[cfg(test)]
    /// How much the card was found to be off, in millionths.
    pub(super) fn millionths(&self) -> i64 {
        (self.integral * 1e6).round() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A card that is off by `off`, read every 20 ms and up to `jitter` seconds late, for so many seconds. Returns the
    /// worst difference after the first quarter of an hour, the worst of all, and the controller.
    fn run(off: f64, jitter: f64, seconds: f64) -> (f64, f64, Drift) {
        let mut drift = Drift::default();
        let (mut placed, mut now, mut state) = (0.0, 0.0, 12345u64);
        let (mut late, mut ever) = (0.0f64, 0.0f64);
        while now < seconds {
            // 960 samples of its 48 kHz take the card this long; the buffer tells when the first one came.
            let first = now;
            now += 0.02 / (1.0 + off);
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let waited = jitter * (state >> 40) as f64 / (1u64 << 24) as f64;
            match drift.observe(placed, first + waited) {
                Advice::Stretch(ratio) => placed += 0.02 * ratio,
                Advice::BeginAnew => panic!("nothing was lost, at {now}"),
            }
            let difference = (now - placed).abs();
            ever = ever.max(difference);
            if now > 900.0 {
                late = late.max(difference);
            }
        }
        (late, ever, drift)
    }

    #[test]
    fn a_card_that_is_off_stays_together_with_the_picture_for_hours() {
        for off in [0.0, 50e-6, -100e-6, 300e-6, -300e-6] {
            let (late, ever, drift) = run(off, 0.015, 4.0 * 3600.0);
            assert!(late < 0.003, "{off}: {late} s apart");
            assert!(ever < 0.02, "{off}: {ever} s apart at the beginning");
            // A card that is fast gives too many samples: fewer have to come out.
            let found = drift.millionths() as f64 / 1e6;
            assert!((found + off).abs() < 15e-6, "{off}: found {found}");
        }
    }

    #[test]
    fn lost_samples_are_no_drift() {
        let mut drift = Drift::default();
        let mut placed = 0.0;
        for n in 0..1000 {
            let Advice::Stretch(ratio) = drift.observe(placed, f64::from(n) * 0.02) else { panic!("{n}") };
            placed += 0.02 * ratio;
        }
        let gap = 0.5;
        let mut anew = false;
        for n in 1000..1300 {
            match drift.observe(placed, f64::from(n) * 0.02 + gap) {
                Advice::Stretch(ratio) => placed += 0.02 * ratio,
                Advice::BeginAnew => {
                    anew = true;
                    placed = f64::from(n) * 0.02 + gap + 0.02;
                }
            }
        }
        assert!(anew);
        assert!((placed - (26.0 + gap)).abs() < 0.05, "{placed}");
        assert_eq!(drift.observe(placed, placed + 30.0), Advice::BeginAnew, "the machine slept");
        assert_eq!(drift.observe(60.0, 60.0), Advice::Stretch(1.0 + drift.correction));
        assert_eq!(drift.observe(60.02, 0.0), Advice::BeginAnew, "and clocks that step back end nothing");
    }
}
