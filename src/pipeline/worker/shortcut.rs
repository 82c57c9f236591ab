//! Past the queue: what passes as it is goes from the demuxer's own thread straight to the tap.
//!
//! ```text
//!  demuxer ─▶ queue ─▶ its thread ─▶ errorignore ─▶ appsink ─▶ tap     until all that was queued is out
//!         └──────────────────────────────────────────────────▶ tap     from then on
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
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A way from a queue's sink pad to the tap of its lane.
pub(super) struct Shortcut {
    pub(super) tap: SharedTap,
    /// What the tap takes.
    pub(super) wanted: gst::Caps,
}

/// Which way the next unit goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// Through the queue: something is in there.
    Around,
    Straight,
    /// Through the queue for good: its elements may know what to do with it.
    Closed,
}

struct State {
    way: Way,
    /// What is on the pad; read again after each event that may have changed it.
    known: Option<(gst::Caps, gst::Segment)>,
}

impl Shortcut {
    /// Opens it beside the queue that `sink` belongs to. `entered` counts the buffers that come to that pad, before
    /// this sees them.
    pub(super) fn open(self, sink: &gst::Pad, entered: Arc<AtomicU64>) {
        let state = Mutex::new(State { way: Way::Around, known: None });
        let kinds = gst::PadProbeType::BUFFER
            | gst::PadProbeType::BUFFER_LIST
            | gst::PadProbeType::EVENT_DOWNSTREAM;
        sink.add_probe(kinds, move |pad, info| {
            // One thread pushes into a pad; this never waits.
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = match &info.data {
                Some(gst::PadProbeData::Event(_)) => {
                    state.known = None;
                    return gst::PadProbeReturn::Ok;
                }
                Some(gst::PadProbeData::Buffer(buffer)) => {
                    self.take(&mut state, pad, &entered, 1, std::iter::once(buffer.as_ref()))
                }
                Some(gst::PadProbeData::BufferList(list)) => {
                    self.take(&mut state, pad, &entered, list.len() as u64, list.iter())
                }
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

    /// Takes buffers, or leaves them to the queue.
    fn take<'a>(
        &self,
        state: &mut State,
        pad: &gst::Pad,
        entered: &AtomicU64,
        count: u64,
        buffers: impl Iterator<Item = &'a gst::BufferRef>,
    ) -> Option<Result<gst::FlowSuccess, gst::FlowError>> {
        if state.way == Way::Closed {
            return None;
        }
        let mut tap = self.tap.lock();
        if state.way == Way::Around && entered.load(Ordering::Relaxed) - count != tap.taken() {
            return None;
        }
        if state.known.is_none() {
            let segment = pad.sticky_event::<gst::event::Segment>(0).map(|event| event.segment().to_owned());
            state.known =
                pad.current_caps().filter(|caps| caps.is_subset(&self.wanted)).zip(segment);
        }
        let Some((caps, segment)) = &state.known else {
            state.way = Way::Closed;
            return None;
        };
        state.way = Way::Straight;
        for buffer in buffers {
            tap.take(buffer, caps, segment);
        }
        Some(tap.flow())
    }
}
