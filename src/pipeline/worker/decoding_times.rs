//! Decoding times for containers that only have presentation times (Matroska).
//!
//! The n-th smallest presentation time, a few frames later, is the n-th frame's decoding time:
//!
//! ```text
//!  decoded   I0  P3  B1  B2  P6  B4      presentation times of what follows a frame in decoding
//!  DTS −4    0   1   2 …                 order are never smaller than its decoding time
//! ```
//!
//! h264timestamper 1.22 (plugins-bad) is made for this, but starts over at each segment event, and
//! matroskademux sends a second one after two frames: the decoding times stepped back there.

/// How many frames later. Encoders show a picture at most this many frames after those that were
/// decoded before it: x264 goes to 2, hardware encoders with a pyramid of B-frames to 3. More only
/// makes the times earlier; with less, times would step back.
const REORDERED_FRAMES: usize = 4;

/// A frame's duration where the parser does not know it.
const USUAL_DURATION_NS: i64 = 40_000_000;

/// Makes decoding times from presentation times in decoding order.
#[derive(Debug, Default)]
pub(super) struct DecodingTimes {
    /// The largest presentation times so far, ascending; at most one more than are reordered.
    window: Vec<i64>,
    first_ns: Option<i64>,
}

impl DecodingTimes {
    /// The decoding time of the next frame: never after `pts_ns`, and never before the last one
    /// while not more frames are reordered than assumed.
    pub(super) fn next(&mut self, pts_ns: i64, duration_ns: Option<i64>) -> i64 {
        let at = self.window.partition_point(|&pts| pts <= pts_ns);
        self.window.insert(at, pts_ns);
        let first_ns = *self.first_ns.get_or_insert(pts_ns);
        if self.window.len() > REORDERED_FRAMES {
            return self.window.remove(0);
        }
        // Before the first: as if frames of this length had come before.
        let missing = (REORDERED_FRAMES + 1 - self.window.len()) as i64;
        let duration_ns = duration_ns.filter(|&ns| ns > 0).unwrap_or(USUAL_DURATION_NS);
        first_ns.saturating_sub(duration_ns.saturating_mul(missing)).min(pts_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decoding times for presentation times counted in frames of 40 ms.
    fn times(frames: &[i64]) -> Vec<i64> {
        let mut times = DecodingTimes::default();
        frames.iter().map(|frame| times.next(frame * 40, Some(40)) / 40).collect()
    }

    #[test]
    fn decoding_times_grow_and_lie_before_presentation_times() {
        let pyramid = [0, 8, 4, 2, 1, 3, 6, 5, 7, 16, 12, 10, 9, 11, 14, 13, 15];
        let simple = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8];
        let none = [0, 1, 2, 3, 4, 5];
        for frames in [&pyramid[..], &simple, &none] {
            let dts = times(frames);
            assert!(dts.is_sorted_by(|a, b| a < b), "{dts:?}");
            assert!(dts.iter().zip(frames).all(|(dts, pts)| dts <= pts), "{dts:?}");
            assert_eq!(dts[0], -4);
        }
    }

    #[test]
    fn a_first_time_that_is_not_zero_moves_nothing() {
        let late: Vec<i64> = [0, 3, 1, 2, 6, 4, 5].iter().map(|frame| frame + 1000).collect();
        assert_eq!(times(&late), [996, 997, 998, 999, 1000, 1001, 1002]);
    }

    #[test]
    fn pictures_before_the_first_keyframe_do_not_break_it() {
        // An open GOP entered by a seek: two leading pictures.
        let dts = times(&[10, 8, 9, 13, 11, 12, 16, 14, 15]);
        assert!(dts.iter().zip([10, 8, 9, 13, 11, 12]).all(|(dts, pts)| *dts <= pts), "{dts:?}");
    }
}
