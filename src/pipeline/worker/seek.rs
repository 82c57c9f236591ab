//! Going to the start that was asked for.
//!
//! A seek on a pipeline without linked sinks answers yes and does nothing, so it waits until a head
//! is held. It asks for the keyframe at or before the target; demuxers without an index (MPEG-TS)
//! may land behind it all the same, and are then asked for earlier places.

use super::head::{First, Head};
use gst::prelude::*;
use gstreamer as gst;

/// How many seconds before the target to ask for, one try after the other.
const STEP_BACK: [u64; 3] = [0, 10, 30];

/// Where a conversion is to begin, and how far the way there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Seek {
    target_ns: u64,
    tries: usize,
    done: bool,
}

/// What to do with a head that is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// Wait: nothing came yet, or it will be held again at another place.
    Wait,
    /// It is in the right place.
    Arrived,
    /// It cannot go there; it is at the beginning.
    Refused,
}

impl Seek {
    /// Zero is the beginning, where every file is without seeking.
    pub(super) fn to(target_ns: u64) -> Self {
        Self { target_ns, tries: 0, done: target_ns == 0 }
    }

    /// Looks where `head` is held and seeks when that is not the place.
    pub(super) fn advance(&mut self, head: &Head) -> Progress {
        if self.done {
            return Progress::Arrived;
        }
        let Some(first) = head.first() else { return Progress::Wait };
        let exhausted = self.tries >= STEP_BACK.len();
        if exhausted || (self.tries > 0 && self.is_early(head, first)) {
            self.done = true;
            return Progress::Arrived;
        }
        let target_ns = self.target_ns.saturating_sub(STEP_BACK[self.tries] * 1_000_000_000);
        self.tries += 1;
        let event = gst::event::Seek::new(
            1.0,
            gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT | gst::SeekFlags::SNAP_BEFORE,
            gst::SeekType::Set,
            gst::ClockTime::from_nseconds(target_ns),
            gst::SeekType::None,
            gst::ClockTime::NONE,
        );
        if head.demuxer_pad().send_event(event) {
            // The flush let go of the heads; they will be held at the new place.
            return Progress::Wait;
        }
        self.done = true;
        Progress::Refused
    }

    fn is_early(&self, head: &Head, first: First) -> bool {
        let First::Buffer { pts: Some(pts), .. } = first else { return false };
        head.stream_time(pts).is_some_and(|ns| i128::from(ns) <= i128::from(self.target_ns))
    }
}
