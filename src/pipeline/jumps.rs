//! Jumps in a live source's times: pure.
//!
//! ```text
//!  in    video  95441.2  95441.3 │  0.0   0.1        33 bits of an MPEG-TS are over; both lanes jump,
//!        audio  95441.2  95441.3  95441.4 │  0.1     one after the other, by the same amount
//!  out   video     10.0     10.1 │ 10.2  10.3
//!        audio     10.0     10.1    10.2  │ 10.3
//! ```
//!
//! A jump seen in one lane gives a new shift. The other lane uses the old one until its own jump comes, which the
//! new shift then explains: sound and picture stay as far apart as they were.

use crate::limits::{LIVE_GAP, LIVE_OVERLAP};

const GAP_NS: i64 = LIVE_GAP.as_nanos() as i64;
const OVERLAP_NS: i64 = LIVE_OVERLAP.as_nanos() as i64;
/// A frame, put between what was before a jump and what comes after.
const FRAME_NS: i64 = 40_000_000;

/// Maps the times of two lanes onto one timeline without jumps.
#[derive(Debug, Default)]
pub(super) struct Mender {
    /// Added to times; the one before is kept for the lane that has not jumped yet.
    shifts: [i64; 2],
    /// The largest time given out, in each lane.
    last: [Option<i64>; 2],
    jumps: u64,
}

impl Mender {
    /// What to add to the times of a unit of `lane` whose decoding time is `dts_ns`.
    pub(super) fn shift(&mut self, lane: usize, dts_ns: i64) -> i64 {
        let newest = self.last.iter().flatten().copied().max();
        // A lane that begins is compared with the other one.
        let Some(before) = self.last[lane].or(newest) else {
            self.last[lane] = Some(dts_ns);
            return 0;
        };
        // On a machine that hardly manages, a lane may begin seconds behind the other one: its times are right all the same.
        let back_ns = if self.last[lane].is_some() { OVERLAP_NS } else { GAP_NS };
        let fits = |shift: i64| {
            let step = dts_ns.saturating_add(shift).saturating_sub(before);
            (-back_ns..=GAP_NS).contains(&step).then_some((step.unsigned_abs(), shift))
        };
        let shift = match self.shifts.into_iter().filter_map(fits).min() {
            Some((_, shift)) => shift,
            None => {
                self.jumps += 1;
                let next = newest.unwrap_or(before).saturating_add(FRAME_NS);
                self.shifts = [next.saturating_sub(dts_ns), self.shifts[0]];
                self.shifts[0]
            }
        };
        let placed = dts_ns.saturating_add(shift);
        self.last[lane] = Some(self.last[lane].map_or(placed, |last| last.max(placed)));
        shift
    }

    /// Jumps mended so far.
    pub(super) fn jumps(&self) -> u64 {
        self.jumps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;

    fn placed(mender: &mut Mender, units: &[(usize, i64)]) -> Vec<i64> {
        units.iter().map(|&(lane, ms)| ms + mender.shift(lane, ms * MS) / MS).collect()
    }

    #[test]
    fn steady_times_stay_as_they_are() {
        let mut mender = Mender::default();
        let units = [(0, 500), (1, 480), (0, 540), (1, 503), (0, 9000), (1, 9010)];
        assert_eq!(placed(&mut mender, &units), units.map(|(_, ms)| ms));
        assert_eq!(mender.jumps(), 0);
    }

    #[test]
    fn a_lane_that_begins_seconds_behind_the_other_is_as_far_from_it_as_it_says() {
        let mut mender = Mender::default();
        let units = [(0, 0), (0, 40), (0, 2400), (1, 10), (1, 31), (0, 2440), (1, 2430)];
        assert_eq!(placed(&mut mender, &units), units.map(|(_, ms)| ms));
        assert_eq!(mender.jumps(), 0);
    }

    #[test]
    fn both_lanes_of_a_wrap_keep_their_distance_although_they_jump_one_after_the_other() {
        let mut mender = Mender::default();
        let wrap = 95_443_718;
        let units =
            [(0, wrap - 40), (1, wrap - 30), (0, 0), (1, wrap - 7), (0, 40), (1, 16), (0, 80), (1, 39)];
        let out = placed(&mut mender, &units);
        assert_eq!(mender.jumps(), 1);
        // Where the picture went on is a guess of some milliseconds; the sound went with it.
        let shift = out[2];
        assert_eq!(out[5], 16 + shift);
        assert_eq!(out[7], 39 + shift);
        assert!((wrap..wrap + 40).contains(&shift), "{shift}");
    }

    #[test]
    fn a_camera_that_starts_over_and_one_that_jumps_ahead_go_on() {
        let mut mender = Mender::default();
        assert_eq!(
            placed(&mut mender, &[(0, 90_000), (0, 90_040), (0, 0), (0, 40)]),
            [90_000, 90_040, 90_080, 90_120]
        );
        assert_eq!(placed(&mut mender, &[(0, 7_000_000), (0, 7_000_040)]), [90_160, 90_200]);
        assert_eq!(mender.jumps(), 2);
    }

    proptest! {
        #[test]
        fn no_lane_ever_steps_further_than_the_bounds(
            units in prop::collection::vec((0usize..2, prop_oneof![any::<i64>(), 0i64..20_000_000_000]), 1..200)
        ) {
            let mut mender = Mender::default();
            let mut last: [Option<i64>; 2] = [None, None];
            for (lane, dts) in units {
                let at = dts.saturating_add(mender.shift(lane, dts));
                if let Some(last) = last[lane] && last.unsigned_abs() < 1 << 62 && dts.unsigned_abs() < 1 << 62 {
                    prop_assert!(at >= last - OVERLAP_NS, "{last} {at}");
                }
                last[lane] = Some(last[lane].map_or(at, |last: i64| last.max(at)));
            }
        }
    }
}
