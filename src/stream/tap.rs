//! A tap: everything that is published to a stream, for whoever must not lose any of it.
//!
//! A viewer who is late skips what it has missed, as the ring has only the last GOPs. A recording
//! should survive a disk that stands still for some seconds, and it blocks while it writes. So it
//! has a queue of its own: bounded, never waited for by the publisher. What does not fit is lost
//! from there to the next keyframe, so that what is recorded can always be decoded:
//!
//! ```text
//!  K i i i i K i i i i K i i i i K i i
//!  └ queued ┘└ queued ─┘· · · · └ goes on, with the sequence headers that hold
//!                 full ▲  lost
//! ```

use crate::flv::{Tag, TagKind};
use crate::limits::{RECORD_QUEUE_BYTES, RECORD_QUEUE_TAGS, RECORD_WRITE};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What comes out of a tap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tapped {
    /// A tag, with its time on the stream's timeline.
    Tag(Tag),
    /// Another publisher begins; its sequence headers and a keyframe follow.
    Begins,
    /// So many frames are missing here; a keyframe follows.
    Lost(u64),
}

/// The queue between a publisher and a recording.
#[derive(Debug, Default)]
pub struct Tap {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Tapped>,
    bytes: usize,
    has_video: bool,
    /// Frames lost since the queue was full, and the latest metadata and sequence headers among them.
    losing: Option<(u64, [Option<Tag>; 3])>,
    closed: bool,
}

/// Where a tag is kept while frames are lost: metadata and the headers of either kind.
fn place(tag: &Tag) -> Option<usize> {
    match tag.kind {
        TagKind::Script => tag.is_metadata().then_some(0),
        TagKind::Video => tag.is_sequence_header().then_some(1),
        TagKind::Audio => tag.is_sequence_header().then_some(2),
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.bytes >= RECORD_QUEUE_BYTES || self.items.len() >= RECORD_QUEUE_TAGS
    }

    fn add(&mut self, tag: Tag) {
        self.bytes += tag.encoded_len();
        self.items.push_back(Tapped::Tag(tag));
    }

    fn push(&mut self, tag: Tag) {
        self.has_video |= tag.kind == TagKind::Video;
        if self.losing.is_none() && self.is_full() {
            self.losing = Some((0, Default::default()));
        }
        let roomy = self.bytes < RECORD_QUEUE_BYTES / 2 && self.items.len() < RECORD_QUEUE_TAGS / 2;
        let Some((lost, headers)) = &mut self.losing else { return self.add(tag) };
        if let Some(place) = place(&tag) {
            headers[place] = Some(tag);
            return;
        }
        let can_begin = tag.is_keyframe() || !self.has_video;
        if !(roomy && can_begin) {
            *lost += 1;
            return;
        }
        let (lost, headers) = (*lost, std::mem::take(headers));
        self.losing = None;
        if lost > 0 {
            self.items.push_back(Tapped::Lost(lost));
        }
        for header in headers.into_iter().flatten() {
            self.add(Tag { timestamp: tag.timestamp, ..header });
        }
        self.add(tag);
    }
}

impl Tap {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a tag. Never waits.
    pub(super) fn push(&self, tag: Tag) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.push(tag);
        let is_worth_a_write = state.bytes >= RECORD_WRITE;
        drop(state);
        if is_worth_a_write {
            self.arrived.notify_one();
        }
    }

    /// Another publisher takes over.
    pub(super) fn begin_again(&self) {
        let mut state = self.state();
        if let Some((_, headers)) = &mut state.losing {
            // Those of the publisher before say nothing about this one.
            *headers = Default::default();
        } else if state.items.back() != Some(&Tapped::Begins) {
            state.items.push_back(Tapped::Begins);
        }
    }

    /// Nothing more comes; what is there can still be taken.
    pub fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_all();
    }

    /// Nothing more comes.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Takes what comes within `patience`, or earlier what is worth a write: nobody wakes up for every
    /// frame. `None` when it is closed and empty.
    pub fn take(&self, patience: Duration) -> Option<VecDeque<Tapped>> {
        let state = self.state();
        let waits = |state: &mut State| state.bytes < RECORD_WRITE && !state.closed;
        let (mut state, _) =
            self.arrived.wait_timeout_while(state, patience, waits).unwrap_or_else(PoisonError::into_inner);
        state.bytes = 0;
        let items = std::mem::take(&mut state.items);
        (!items.is_empty() || !state.closed).then_some(items)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::time::MediaTime;

    fn tag(kind: TagKind, ms: u32, body: &[u8]) -> Tag {
        Tag { kind, timestamp: MediaTime::from_millis(ms), body: bytes::Bytes::copy_from_slice(body) }
    }

    fn picture(ms: u32, key: bool, len: usize) -> Tag {
        let mut body = vec![if key { 0x17 } else { 0x27 }, 1, 0, 0, 0];
        body.resize(len.max(5), 0);
        tag(TagKind::Video, ms, &body)
    }

    fn taken(tap: &Tap) -> Vec<Tapped> {
        tap.take(Duration::ZERO).unwrap().into()
    }

    #[test]
    fn what_does_not_fit_is_lost_up_to_a_keyframe_and_the_new_headers_come_before_it() {
        let tap = Tap::default();
        const MB: usize = 1 << 20;
        let full = RECORD_QUEUE_BYTES / MB;
        // K i i i i K i i i i …, a megabyte each
        for n in 0..full as u32 + 12 {
            tap.push(picture(n, n % 5 == 0, MB));
        }
        tap.push(tag(TagKind::Script, 99, b"\x02\x00\x0aonMetaData\x05"));
        tap.push(tag(TagKind::Script, 99, b"\x02\x00\x0aonCuePoint\x05"));
        tap.push(tag(TagKind::Video, 100, &[0x17, 0, 0, 0, 0, 9]));
        let first = taken(&tap);
        assert_eq!(first.len(), full, "as much as fits");
        assert!(first.iter().all(|item| matches!(item, Tapped::Tag(_))));
        tap.push(picture(101, false, 10));
        assert!(taken(&tap).is_empty(), "no picture without its keyframe");
        tap.push(picture(102, true, 10));
        tap.push(picture(103, false, 10));
        let then = taken(&tap);
        // The frames and the cue point.
        assert_eq!(then[0], Tapped::Lost(14));
        assert_eq!(then[1], Tapped::Tag(tag(TagKind::Script, 102, b"\x02\x00\x0aonMetaData\x05")));
        assert_eq!(then[2], Tapped::Tag(tag(TagKind::Video, 102, &[0x17, 0, 0, 0, 0, 9])));
        assert_eq!(then[3..], [Tapped::Tag(picture(102, true, 10)), Tapped::Tag(picture(103, false, 10))]);
    }

    #[test]
    fn many_small_tags_do_not_outgrow_it_either() {
        let tap = Tap::default();
        for n in 0..RECORD_QUEUE_TAGS as u32 + 100 {
            tap.push(tag(TagKind::Audio, n, &[0xaf, 1, 0]));
        }
        assert_eq!(taken(&tap).len(), RECORD_QUEUE_TAGS);
        tap.push(tag(TagKind::Audio, 9, &[0xaf, 1, 0]));
        assert_eq!(taken(&tap)[0], Tapped::Lost(100), "sound alone goes on at once");
    }

    #[test]
    fn a_closed_tap_gives_what_it_has_and_then_nothing() {
        let tap = Tap::default();
        tap.begin_again();
        tap.begin_again();
        tap.push(picture(0, true, 10));
        tap.close();
        assert_eq!(taken(&tap), [Tapped::Begins, Tapped::Tag(picture(0, true, 10))]);
        assert_eq!(tap.take(Duration::from_secs(3600)), None);
    }
}
