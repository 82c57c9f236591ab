//! One viewer, and what it notices.

use crate::demux::Seen;
use crate::stamp::{self, Stamp};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A silence that a person would notice.
pub(crate) const STALL_NS: u64 = 500_000_000;

/// What all viewers of a run share.
#[derive(Default)]
pub(crate) struct Window {
    /// Only what happens now counts.
    pub(crate) open: Cell<bool>,
    /// When it began and ended.
    pub(crate) began: Cell<u64>,
    pub(crate) ended: Cell<u64>,
    /// Publish to viewer, in ns, of every frame in the window.
    pub(crate) latencies: RefCell<Vec<u64>>,
}

impl Window {
    pub(crate) fn open(&self) {
        self.began.set(stamp::now());
        self.open.set(true);
    }

    pub(crate) fn close(&self) {
        self.ended.set(stamp::now());
        self.open.set(false);
    }
}

/// One viewer's notes.
pub(crate) struct Viewer {
    window: Rc<Window>,
    /// When it began to connect.
    pub(crate) connecting: u64,
    /// From connect to the last byte of the first keyframe.
    pub(crate) first_key: Option<u64>,
    /// Of sound and picture, in the window.
    pub(crate) bytes: u64,
    last_media: u64,
    stalls: u64,
    last_number: Option<u64>,
    /// Frame numbers skipped, and not rising, since it joined.
    pub(crate) lost: u64,
    pub(crate) disordered: u64,
    /// The last timestamps of sound and picture, and how often one was lower than the one before.
    last_ms: [Option<u32>; 2],
    pub(crate) backwards: u64,
    /// Why it got no further.
    pub(crate) failure: Option<String>,
    pub(crate) refused: bool,
}

impl Viewer {
    pub(crate) fn new(window: Rc<Window>) -> Self {
        Self {
            window,
            connecting: stamp::now(),
            first_key: None,
            bytes: 0,
            last_media: 0,
            stalls: 0,
            last_number: None,
            lost: 0,
            disordered: 0,
            last_ms: [None; 2],
            backwards: 0,
            failure: None,
            refused: false,
        }
    }

    /// A message has arrived.
    pub(crate) fn note(&mut self, seen: &Seen<'_>) {
        if !seen.is_media() {
            return;
        }
        let now = stamp::now();
        if self.window.open.get() {
            self.bytes += seen.len as u64;
            if self.last_media > 0 && now - self.last_media.max(self.window.began.get()) > STALL_NS {
                self.stalls += 1;
            }
        }
        self.last_media = now;
        // Sequence headers may come again at any time, with any.
        if seen.head.get(1) == Some(&0) {
            return;
        }
        let last_ms = &mut self.last_ms[usize::from(seen.kind == 9)];
        if last_ms.replace(seen.ms).is_some_and(|last| seen.ms < last) {
            self.backwards += 1;
        }
        if seen.is_keyframe() && self.first_key.is_none() {
            self.first_key = Some(now - self.connecting);
        }
        if seen.is_frame()
            && let Some(stamp) = Stamp::find(seen.head)
        {
            if self.window.open.get() {
                self.window.latencies.borrow_mut().push(now.saturating_sub(stamp.ns));
            }
            if let Some(last) = self.last_number {
                self.lost += stamp.number.saturating_sub(last + 1);
                self.disordered += u64::from(stamp.number <= last);
            }
            self.last_number = Some(stamp.number);
        }
    }

    /// A seek: earlier times may follow.
    pub(crate) fn forget_times(&mut self) {
        self.last_ms = [None; 2];
    }

    /// Silences in the window, the one at its end included.
    pub(crate) fn stalls(&self) -> u64 {
        let (began, ended) = (self.window.began.get(), self.window.ended.get());
        let silent = ended.saturating_sub(self.last_media.max(began)) > STALL_NS;
        self.stalls + u64::from(silent)
    }

    /// Whether it plays when the window ends.
    pub(crate) fn alive(&self) -> bool {
        self.failure.is_none() && self.bytes > 0
    }
}
