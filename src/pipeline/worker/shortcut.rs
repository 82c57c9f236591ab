//! What stands before a lane's queue, and the way past it: what passes as it is goes from the demuxer's own thread
//! straight to the tap.
//!
//! ```text
//!  demuxer ─▶ gate ─▶ queue ─▶ its thread ─▶ errorignore ─▶ appsink ─▶ tap     until all that was queued is out
//!              └─────────────────────────────────────────────────────▶ tap     from then on
//! ```
//!
//! The queue is there to hold a stream until its lane is decided. Behind it nothing takes time in a lane that passes, and
//! five calls of the kernel for every unit, to wake one thread and let another sleep, were half of what a remux cost.
//!
//! Events still go through the queue: configurations are taken from the pad here, and the end of the stream
//! comes behind the last unit either way.

use super::tap::SharedTap;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Sees all that comes to a queue's sink pad. One probe: for a remux each costs as much as a parser.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Buffers go nowhere.
    pub(super) cut: AtomicBool,
    /// The demuxer has given all that there is.
    pub(super) ended: AtomicBool,
    /// Buffers that went into the queue since the last seek.
    entered: AtomicU64,
    shortcut: Mutex<Option<Shortcut>>,
}

/// A way to the tap of a lane.
#[derive(Debug)]
pub(super) struct Shortcut {
    tap: SharedTap,
    /// What the tap takes.
    wanted: gst::Caps,
    /// The queue is empty, and stays so.
    straight: bool,
    /// What is on the pad; read again after each event that may have changed it.
    known: Option<(gst::Caps, gst::Segment)>,
}

impl Gate {
    pub(super) fn stand_before(gate: &Arc<Self>, sink: &gst::Pad) {
        let gate = Arc::clone(gate);
        let kinds = gst::PadProbeType::BUFFER
            | gst::PadProbeType::BUFFER_LIST
            | gst::PadProbeType::EVENT_DOWNSTREAM
            | gst::PadProbeType::EVENT_FLUSH;
        sink.add_probe(kinds, move |pad, info| {
            let taken = match &info.data {
                Some(gst::PadProbeData::Event(event)) => {
                    gate.note(event);
                    return gst::PadProbeReturn::Ok;
                }
                _ if gate.cut.load(Ordering::Acquire) => return gst::PadProbeReturn::Drop,
                Some(gst::PadProbeData::Buffer(buffer)) => {
                    gate.pass(pad, 1, std::iter::once(buffer.as_ref()))
                }
                Some(gst::PadProbeData::BufferList(list)) => gate.pass(pad, list.len() as u64, list.iter()),
                _ => None,
            };
            match taken {
                Some(outcome) => {
                    info.flow_res = outcome;
                    gst::PadProbeReturn::Handled
                }
                None => gst::PadProbeReturn::Ok,
            }
        });
    }

    /// From now on a lane that has caught up is reached past the queue. To be called once.
    pub(super) fn open(&self, shortcut: Shortcut) {
        *self.shortcut() = Some(shortcut);
    }

    fn note(&self, event: &gst::EventRef) {
        match event.type_() {
            gst::EventType::Eos => self.ended.store(true, Ordering::Release),
            // The queue forgets what it has.
            gst::EventType::FlushStop => self.entered.store(0, Ordering::Relaxed),
            _ => {}
        }
        if let Some(shortcut) = &mut *self.shortcut() {
            shortcut.known = None;
        }
    }

    fn shortcut(&self) -> std::sync::MutexGuard<'_, Option<Shortcut>> {
        self.shortcut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the short way where that is open. `None`: these go through the queue.
    fn pass<'a>(
        &self,
        pad: &gst::Pad,
        count: u64,
        buffers: impl Iterator<Item = &'a gst::BufferRef>,
    ) -> Option<Result<gst::FlowSuccess, gst::FlowError>> {
        let mut opened = self.shortcut();
        let entered = self.entered.load(Ordering::Relaxed);
        let outcome = opened.as_mut().and_then(|shortcut| shortcut.take(entered, pad, buffers));
        match outcome {
            Some(Ok(outcome)) => return Some(outcome),
            // What is queued from now on may need the elements behind the queue.
            Some(Err(Unfit)) => *opened = None,
            None => {}
        }
        self.entered.store(entered + count, Ordering::Relaxed);
        None
    }
}

/// The stream is not (any more) what the tap takes.
struct Unfit;

impl Shortcut {
    pub(super) fn new(tap: SharedTap, wanted: gst::Caps) -> Self {
        Self { tap, wanted, straight: false, known: None }
    }

    /// Takes buffers, once all `entered` ones before them have come out of the queue.
    fn take<'a>(
        &mut self,
        entered: u64,
        pad: &gst::Pad,
        buffers: impl Iterator<Item = &'a gst::BufferRef>,
    ) -> Option<Result<Result<gst::FlowSuccess, gst::FlowError>, Unfit>> {
        let mut tap = self.tap.lock();
        if !self.straight && entered != tap.taken() {
            return None;
        }
        if self.known.is_none() {
            let segment = pad.sticky_event::<gst::event::Segment>(0).map(|event| event.segment().to_owned());
            let caps = pad.current_caps().filter(|caps| caps.is_subset(&self.wanted));
            self.known = caps.zip(segment);
        }
        let Some((caps, segment)) = &self.known else { return Some(Err(Unfit)) };
        self.straight = true;
        for buffer in buffers {
            tap.take(buffer, caps, segment);
        }
        Some(Ok(tap.flow()))
    }
}
