//! The last seconds of a live stream, for viewers who join and viewers who are a little late: pure.
//!
//! ```text
//!  first                  keyframe                      next
//!    ▼                       ▼                            ▼
//!    K ─ i ─ a ─ i ─ a ─ i ─ K ─ a ─ i ─ a ─ i ─ a ─ i ─ (…)
//!    └── the GOP before ────┘└── the GOP a viewer joins ─┘
//! ```
//!
//! Records have numbers that never repeat. Memory is bounded by records and bytes, whatever a
//! publisher sends; when that costs the last keyframe, nobody can join until the next one.

use super::{Keyframe, Record};
use crate::flv::TagKind;
use crate::limits::{LIVE_RING_BYTES, LIVE_RING_RECORDS};
use std::collections::VecDeque;
use std::sync::Arc;

/// The records of a stream from some number on.
#[derive(Debug, Default)]
pub(super) struct Ring {
    records: VecDeque<Arc<Record>>,
    /// Number of the first one.
    first: u64,
    /// Numbers of the keyframes that are here.
    keyframes: VecDeque<u64>,
    /// How many there have ever been.
    keyframes_ever: u64,
    bytes: usize,
    /// What a viewer needs first: metadata, then a sequence header of each kind.
    preface: [Option<Arc<Record>>; 3],
    has_video: bool,
}

/// Where a record belongs in the preface.
fn preface_place(record: &Record) -> Option<usize> {
    match record.tag().kind {
        // Texts and cue points are of their moment: who joins later needs what was said of the whole stream.
        TagKind::Script => record.tag().is_metadata().then_some(0),
        TagKind::Video if record.tag().is_sequence_header() => Some(1),
        TagKind::Audio if record.tag().is_sequence_header() => Some(2),
        TagKind::Video | TagKind::Audio => None,
    }
}

impl Ring {
    /// Adds a record behind the others.
    pub(super) fn push(&mut self, record: Arc<Record>) {
        if let Some(place) = preface_place(&record) {
            self.preface[place] = Some(record.clone());
        }
        let number = self.next();
        if record.tag().is_keyframe() {
            self.keyframes.push_back(number);
            self.keyframes_ever += 1;
            self.has_video = true;
        }
        self.has_video |= record.tag().kind == TagKind::Video;
        self.bytes += record.len();
        self.records.push_back(record);
        self.prune();
    }

    /// Drops what lies before the GOP before the last one, and more when the bounds say so.
    fn prune(&mut self) {
        let keep = self.keyframes.iter().rev().nth(1).copied().unwrap_or(self.first);
        while self.first < keep || self.records.len() > LIVE_RING_RECORDS || self.bytes > LIVE_RING_BYTES {
            let Some(dropped) = self.records.pop_front() else { break };
            self.bytes -= dropped.len();
            self.first += 1;
            if self.keyframes.front().is_some_and(|number| *number < self.first) {
                self.keyframes.pop_front();
            }
        }
    }

    /// Number of the record that will come next.
    pub(super) fn next(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Where a viewer starts: the last keyframe; the newest record of a stream of sound alone.
    pub(super) fn entry(&self) -> Option<u64> {
        match self.keyframes.back() {
            Some(keyframe) => Some(*keyframe),
            None if self.has_video => None,
            // With one record at once: it is what the headers before it belong to.
            None => Some(self.next().saturating_sub(1).max(self.first)),
        }
    }

    /// The last keyframe that is here, with the sequence header of its kind.
    pub(super) fn keyframe(&self) -> Option<Keyframe> {
        let frame = self.from(*self.keyframes.back()?)?.next()?;
        let header = self.preface[1].as_ref().map(|record| record.tag().clone());
        Some(Keyframe { header, frame: frame.tag().clone() })
    }

    /// A picture has come, or its header.
    pub(super) fn has_video(&self) -> bool {
        self.has_video
    }

    /// Keyframes that the stream had before `number`.
    pub(super) fn keyframes_before(&self, number: u64) -> u64 {
        let from_there = self.keyframes.iter().rev().take_while(|keyframe| **keyframe >= number).count();
        self.keyframes_ever - from_there as u64
    }

    /// What a viewer needs before the records from its entry on.
    pub(super) fn preface(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.preface.iter().flatten()
    }

    /// The records from `number` on; `None` when they are no longer here.
    pub(super) fn from(&self, number: u64) -> Option<impl Iterator<Item = &Arc<Record>>> {
        let skip = usize::try_from(number.checked_sub(self.first)?).ok()?;
        Some(self.records.iter().skip(skip))
    }

    /// Forgets everything: another publisher begins.
    pub(super) fn clear(&mut self) {
        let (first, keyframes_ever) = (self.next(), self.keyframes_ever);
        *self = Self { first, keyframes_ever, ..Self::default() };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::flv::Tag;
    use crate::time::MediaTime;
    use proptest::prelude::*;

    fn record(kind: TagKind, body: &[u8], ms: u32) -> Arc<Record> {
        let tag =
            Tag { kind, timestamp: MediaTime::from_millis(ms), body: bytes::Bytes::copy_from_slice(body) };
        Arc::new(Record::new(tag, std::time::Instant::now()))
    }

    fn picture(key: bool, len: usize) -> Arc<Record> {
        let mut body = vec![if key { 0x17 } else { 0x27 }, 1, 0, 0, 0];
        body.resize(len.max(5), 0);
        record(TagKind::Video, &body, 0)
    }

    #[test]
    fn a_viewer_joins_at_the_last_keyframe_and_the_gop_before_it_stays() {
        let mut ring = Ring::default();
        // K i i  K i i  K i
        for key in [true, false, false, true, false, false, true, false] {
            ring.push(picture(key, 10));
        }
        assert_eq!(ring.entry(), Some(6));
        assert!(ring.from(2).is_none());
        assert_eq!(ring.from(3).unwrap().count(), 5);
        assert_eq!(ring.from(8).unwrap().count(), 0);
    }

    #[test]
    fn who_joins_a_sound_without_picture_gets_its_newest_record() {
        let mut ring = Ring::default();
        assert_eq!(ring.entry(), Some(0), "and waits for the first one");
        for _ in 0..5 {
            ring.push(record(TagKind::Audio, &[0xaf, 1, 1], 0));
        }
        assert_eq!(ring.from(ring.entry().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_gop_beyond_the_bounds_costs_its_keyframe_not_the_memory() {
        let mut ring = Ring::default();
        ring.push(picture(true, 10));
        for _ in 0..LIVE_RING_RECORDS {
            ring.push(picture(false, 10));
        }
        assert_eq!(ring.entry(), None, "nobody can join in the middle of a GOP");
        ring.push(picture(true, 10));
        assert!(ring.entry().is_some());
    }

    #[test]
    fn the_preface_has_the_latest_of_each_kind_in_order() {
        let mut ring = Ring::default();
        ring.push(record(TagKind::Audio, &[0xaf, 0, 1], 0));
        ring.push(record(TagKind::Video, &[0x17, 0, 0, 0, 0, 1], 0));
        ring.push(record(TagKind::Script, b"\x02\x00\x0aonMetaData\x01", 0));
        ring.push(record(TagKind::Script, b"\x02\x00\x0aonMetaData\x02", 0));
        ring.push(record(TagKind::Video, &[0x17, 0, 0, 0, 0, 2], 5));
        assert_eq!(
            preface_ends(&ring),
            [(TagKind::Script, Some(2)), (TagKind::Video, Some(2)), (TagKind::Audio, Some(1))]
        );
    }

    fn preface_ends(ring: &Ring) -> Vec<(TagKind, Option<u8>)> {
        ring.preface().map(|r| (r.tag().kind, r.tag().body.last().copied())).collect()
    }

    #[test]
    fn texts_and_cue_points_take_nothing_from_those_who_join_later() {
        let mut ring = Ring::default();
        for body in [&b"\x02\x00\x0aonTextData\x07"[..], b"\x02\x00\x0aonMetaData\x01"] {
            ring.push(record(TagKind::Script, body, 0));
        }
        for body in
            [&b"\x02\x00\x0aonTextData\x08"[..], b"\x02\x00\x0aonCuePoint\x09", b"\x02\x00\x0fonMetaD", b""]
        {
            ring.push(record(TagKind::Script, body, 0));
        }
        assert_eq!(preface_ends(&ring), [(TagKind::Script, Some(1))]);
    }

    proptest! {
        #[test]
        fn the_bounds_hold_and_every_entry_is_a_keyframe(
            frames in prop::collection::vec((any::<bool>(), 5usize..3000), 0..400),
        ) {
            let mut ring = Ring::default();
            for (key, len) in frames {
                ring.push(picture(key, len));
                prop_assert!(ring.bytes <= LIVE_RING_BYTES && ring.records.len() <= LIVE_RING_RECORDS);
                if let Some(entry) = ring.entry() {
                    prop_assert!(ring.from(entry).unwrap().next().unwrap().tag().is_keyframe());
                }
            }
        }
    }
}
