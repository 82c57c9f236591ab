//! One timeline out of what publishers send: pure.
//!
//! Encoders restart, clocks jump, timestamps wrap at 32 bits. Viewers must never see it: a player
//! that gets a time two hours later waits for two hours, and one that gets an earlier time throws
//! everything away.

use crate::flv::TagKind;
use crate::limits::{LIVE_MAX_STEP, LIVE_MAX_STEP_BACK};
use crate::time::MediaTime;

/// Maps a publisher's times onto a timeline that never jumps.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Added to the publisher's time, modulo 2^32.
    offset: u32,
    /// The largest time given out; its low 32 bits are what viewers got.
    last: Option<i64>,
    /// The largest that each lane got, and what of that other publishers had given.
    lanes: [Lane; 2],
    /// The next tag is another publisher's first.
    begins: bool,
    mended: u64,
}

/// Sound, or pictures.
#[derive(Debug, Default)]
struct Lane {
    last: Option<i64>,
    /// Nothing of the present publisher is to be before this.
    floor: Option<i64>,
}

impl Timeline {
    /// Another publisher takes over: whatever its clock says, it goes on where the last one was.
    pub(super) fn begin_again(&mut self) {
        self.begins = true;
        for lane in &mut self.lanes {
            lane.floor = lane.last;
        }
    }

    /// The time for a tag of `kind` that the publisher says is at `time`.
    pub(super) fn place(&mut self, kind: TagKind, time: MediaTime) -> MediaTime {
        let mut placed = self.placed(time);
        let lane = match kind {
            TagKind::Video => Some(&mut self.lanes[0]),
            TagKind::Audio => Some(&mut self.lanes[1]),
            TagKind::Script => None,
        };
        if let Some(lane) = lane {
            // A publisher whose second lane begins before its first one: all of it moves, or this lane would step back
            // behind what the publisher before had given.
            if let Some(floor) = lane.floor.filter(|floor| placed < *floor) {
                let later = floor + FRAME_MS - placed;
                self.offset = self.offset.wrapping_add(later as u32);
                placed += later;
            }
            lane.last = lane.last.max(Some(placed));
        }
        // What comes after the very first tag may be a little before it: there is nothing before zero.
        let placed = placed.max(0);
        self.last = self.last.max(Some(placed));
        MediaTime::from_millis(placed as u32)
    }

    /// On the timeline of all lanes.
    fn placed(&mut self, time: MediaTime) -> i64 {
        let placed = time.as_millis().wrapping_add(self.offset);
        let Some(last) = self.last else {
            // Whatever the encoder's clock says, the stream begins at zero.
            self.offset = time.as_millis().wrapping_neg();
            self.last = Some(0);
            self.begins = false;
            return 0;
        };
        // As a signed distance: sound and picture are interleaved, so small steps back are normal.
        let step = placed.wrapping_sub(last as u32) as i32;
        let back = -(LIVE_MAX_STEP_BACK.as_millis() as i64);
        let on = LIVE_MAX_STEP.as_millis() as i64;
        let begins = std::mem::take(&mut self.begins);
        let placed = if !begins && (back..=on).contains(&i64::from(step)) {
            last + i64::from(step)
        } else {
            self.mended += u64::from(!begins);
            // Go on where the stream was, a frame later.
            let next = last + FRAME_MS;
            self.offset = (next as u32).wrapping_sub(time.as_millis());
            next
        };
        self.last = Some(last.max(placed));
        placed
    }

    /// The largest time given out; `None` before there is one.
    pub(super) fn now(&self) -> Option<MediaTime> {
        self.last.map(|last| MediaTime::from_millis(last as u32))
    }

    /// Jumps that were mended so far.
    pub(super) fn mended(&self) -> u64 {
        self.mended
    }
}

/// A frame at 25 frames a second.
const FRAME_MS: i64 = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use TagKind::{Audio as AUDIO, Video as VIDEO};
    use proptest::prelude::*;

    fn placed(times: &[u32]) -> Vec<u32> {
        let mut timeline = Timeline::default();
        times.iter().map(|ms| timeline.place(VIDEO, MediaTime::from_millis(*ms)).as_millis()).collect()
    }

    #[test]
    fn a_steady_publisher_begins_at_zero_and_keeps_its_steps() {
        assert_eq!(placed(&[5000, 5023, 5040, 5035, 5080]), [0, 23, 40, 35, 80]);
    }

    #[test]
    fn what_is_before_the_very_first_tag_comes_with_it() {
        assert_eq!(placed(&[5000, 4980, 4990, 5020]), [0, 0, 0, 20]);
    }

    #[test]
    fn an_encoder_that_starts_over_goes_on_where_it_was() {
        assert_eq!(placed(&[0, 40, 9000, 0, 40]), [0, 40, 9000, 9040, 9080]);
    }

    #[test]
    fn a_jump_of_hours_is_no_jump_for_viewers() {
        assert_eq!(placed(&[0, 40, 7_200_000, 7_200_040]), [0, 40, 80, 120]);
        assert_eq!(placed(&[7_200_000, 7_200_040, 20_000, 20_040]), [0, 40, 80, 120]);
    }

    #[test]
    fn the_wrap_of_32_bits_is_no_jump() {
        let start = u32::MAX - 40;
        assert_eq!(placed(&[start, start + 40, 39, 79]), [0, 40, 80, 120]);
    }

    #[test]
    fn another_publisher_goes_on_behind_the_last_one_and_that_is_no_jump() {
        let mut timeline = Timeline::default();
        let place =
            |timeline: &mut Timeline, ms| timeline.place(VIDEO, MediaTime::from_millis(ms)).as_millis();
        assert_eq!([place(&mut timeline, 0), place(&mut timeline, 2000)], [0, 2000]);
        timeline.begin_again();
        assert_eq!([place(&mut timeline, 0), place(&mut timeline, 40)], [2040, 2080]);
        assert_eq!(timeline.mended(), 0);
    }

    #[test]
    fn a_lane_that_begins_before_the_other_one_does_not_step_back_behind_the_publisher_before() {
        let mut timeline = Timeline::default();
        let mut place = |kind, ms| timeline.place(kind, MediaTime::from_millis(ms)).as_millis();
        assert_eq!(
            [place(VIDEO, 0), place(AUDIO, 0), place(VIDEO, 1000), place(AUDIO, 1010)],
            [0, 0, 1000, 1010]
        );
        timeline.begin_again();
        let mut place = |kind, ms| timeline.place(kind, MediaTime::from_millis(ms)).as_millis();
        assert_eq!(place(AUDIO, 5600), 1050);
        assert_eq!(place(VIDEO, 5000), 1040, "a frame behind the last picture");
        assert_eq!([place(AUDIO, 5623), place(VIDEO, 5040)], [1663, 1080], "as far apart as they were sent");
    }

    proptest! {
        #[test]
        fn no_lane_steps_back_where_one_publisher_follows_another(
            publishers in prop::collection::vec((any::<u32>(), 0u32..2500, any::<bool>(), 1u32..60), 1..8)
        ) {
            let mut timeline = Timeline::default();
            let mut last = [0i64; 2];
            for (start, late, sound_first, frames) in publishers {
                timeline.begin_again();
                // One lane begins `late` before the other, and is sent behind it.
                let (first, second) = if sound_first { (AUDIO, VIDEO) } else { (VIDEO, AUDIO) };
                for n in 0..frames {
                    for (kind, ms) in [(first, start.wrapping_add(late + n * 40)), (second, start.wrapping_add(n * 40))] {
                        let at = i64::from(timeline.place(kind, MediaTime::from_millis(ms)).as_millis());
                        let lane = &mut last[usize::from(kind == AUDIO)];
                        prop_assert!(at >= *lane, "{kind:?} at {at}, behind {lane}");
                        *lane = at;
                    }
                }
            }
        }

        #[test]
        fn whatever_comes_no_step_is_larger_than_the_bounds(times in prop::collection::vec(any::<u32>(), 1..200)) {
            let mut timeline = Timeline::default();
            let mut high = 0i64;
            for ms in times {
                let at = i64::from(timeline.place(VIDEO, MediaTime::from_millis(ms)).as_millis());
                prop_assert!(at - high <= LIVE_MAX_STEP.as_millis() as i64);
                prop_assert!(high - at <= LIVE_MAX_STEP_BACK.as_millis() as i64);
                high = high.max(at);
            }
        }
    }
}
