//! The beginning of a lane: a queue behind a pad of the demuxer, held until it is decided what
//! becomes of the stream.
//!
//! The queue gives each lane its own thread, so holding one does not hold the demuxer. It is held
//! at its first buffer: by then caps and tags (rotation) are known.

use super::lane::{BuildError, make};
use super::shortcut::{Gate, Shortcut};
use crate::limits;
use gst::glib;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What a head knows once it is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum First {
    /// Its first buffer.
    Buffer { has_dts: bool, pts: Option<gst::ClockTime> },
    /// The stream ended without one.
    End,
}

/// A queue behind a pad of the demuxer.
#[derive(Debug)]
pub(super) struct Head {
    demuxer_pad: gst::Pad,
    queue: gst::Element,
    source: gst::Pad,
    /// The queue was full: the demuxer goes no further until somebody empties it.
    full: Arc<AtomicBool>,
    /// What stands before the queue.
    gate: Arc<Gate>,
    held: Arc<Mutex<Option<First>>>,
    hold: Mutex<Option<gst::PadProbeId>>,
    /// All tags of the stream that came so far. On its pad a parser's own take the place of those before: ssaparse
    /// says with its first line which format it was, and no longer in which language.
    tags: Arc<Mutex<gst::TagList>>,
}

impl Head {
    /// Puts a queue into `pipeline` behind `pad`. `when_held` is called from the queue's thread
    /// each time it is held, which after a seek is once more.
    pub(super) fn attach(
        pipeline: &gst::Pipeline,
        pad: &gst::Pad,
        when_held: impl Fn() + Send + Sync + Clone + 'static,
    ) -> Result<Self, BuildError> {
        let queue = make("queue")?;
        queue.set_property("max-size-buffers", 0u32);
        queue.set_property("max-size-time", limits::LANE_QUEUE_TIME.as_nanos() as u64);
        queue.set_property("max-size-bytes", limits::LANE_QUEUE_BYTES);
        pipeline.add(&queue)?;
        let missing = || BuildError::Refused("a queue without pads".into());
        let (sink, source) = queue.static_pad("sink").zip(queue.static_pad("src")).ok_or_else(missing)?;
        if pipeline.iterate_all_by_element_factory_name("matroskademux").into_iter().next().is_some() {
            keep_matroska_times(&sink);
        }
        let full = Arc::new(AtomicBool::new(false));
        let (is_full, tell) = (Arc::clone(&full), when_held.clone());
        queue.connect("overrun", false, move |_| {
            if !is_full.swap(true, Ordering::AcqRel) {
                tell();
            }
            None
        });
        let gate = Arc::new(Gate::default());
        Gate::stand_before(&gate, &sink);
        let held = Arc::new(Mutex::new(None));
        let hold = hold(&source, Arc::clone(&held), when_held);
        let forget = Arc::clone(&held);
        source.add_probe(gst::PadProbeType::EVENT_FLUSH, move |_, _| {
            *forget.lock().unwrap_or_else(PoisonError::into_inner) = None;
            gst::PadProbeReturn::Ok
        });
        let tags = remembered_tags(pad);
        queue.sync_state_with_parent()?;
        pad.link(&sink).map_err(|error| BuildError::Refused(error.to_string()))?;
        let hold = Mutex::new(hold);
        Ok(Self { demuxer_pad: pad.clone(), queue, source, full, gate, held, hold, tags })
    }

    /// The pad of the demuxer: seeks and queries go there.
    pub(super) fn demuxer_pad(&self) -> &gst::Pad {
        &self.demuxer_pad
    }

    /// The caps as far as they are known.
    pub(super) fn caps(&self) -> Option<gst::Caps> {
        let from_stream = || self.demuxer_pad.stream().and_then(|stream| stream.caps());
        self.source.current_caps().or_else(|| self.demuxer_pad.current_caps()).or_else(from_stream)
    }

    /// The `image-orientation` tag.
    pub(super) fn rotation(&self) -> Option<String> {
        self.tag("image-orientation")
    }

    /// A tag of this stream, as text.
    pub(super) fn tag(&self, name: &str) -> Option<String> {
        let before = || text(self.tags.lock().unwrap_or_else(PoisonError::into_inner).generic(name)?);
        self.tag_of(name, |list| list.scope() == gst::TagScope::Stream).or_else(before)
    }

    /// A tag of the file, or where the format has none of its own, of this stream.
    pub(super) fn global_tag(&self, name: &str) -> Option<String> {
        self.tag_of(name, |list| list.scope() == gst::TagScope::Global).or_else(|| self.tag(name))
    }

    fn tag_of(&self, name: &str, wanted: impl Fn(&gst::TagListRef) -> bool) -> Option<String> {
        // They are at the demuxer's pad first: the queue's thread may not have had its turn yet.
        [&self.source, &self.demuxer_pad].into_iter().find_map(|pad| {
            (0..).map_while(|index| pad.sticky_event::<gst::event::Tag>(index)).find_map(|event| {
                let list = event.tag();
                text(wanted(list).then(|| list.generic(name))??)
            })
        })
    }

    /// The picture that came with it.
    pub(super) fn cover(&self) -> Option<gst::Sample> {
        [&self.source, &self.demuxer_pad].into_iter().find_map(|pad| {
            (0..).map_while(|index| pad.sticky_event::<gst::event::Tag>(index)).find_map(|event| {
                let tags = event.tag();
                let cover = tags.get::<gst::tags::Image>().map(|image| image.get());
                let cover = cover.or_else(|| tags.get::<gst::tags::PreviewImage>().map(|image| image.get()));
                let size = |cover: &gst::Sample| cover.buffer().map_or(0, |buffer| buffer.size());
                cover.filter(|cover| (1..=limits::MAX_COVER_BYTES).contains(&size(cover)))
            })
        })
    }

    /// The chapters that came with this stream.
    pub(super) fn toc(&self) -> Option<gst::Toc> {
        Some(self.source.sticky_event::<gst::event::Toc>(0)?.toc().0.to_owned())
    }

    /// The file marks this stream as one to be played (or not) when nobody chose.
    pub(super) fn is_default(&self) -> Option<bool> {
        let flags = self.demuxer_pad.stream().map(|stream| stream.stream_flags())?;
        match flags {
            flags if flags.contains(gst::StreamFlags::UNSELECT) => Some(false),
            flags if flags.contains(gst::StreamFlags::SELECT) => Some(true),
            _ => None,
        }
    }

    /// What it is held at; `None` while nothing came.
    pub(super) fn first(&self) -> Option<First> {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file's time of a buffer that the head is held at.
    pub(super) fn stream_time(&self, pts: gst::ClockTime) -> Option<i64> {
        let segment = self.source.sticky_event::<gst::event::Segment>(0)?;
        super::tap::stream_time(segment.segment(), pts)
    }

    /// When what has this time of the file is shown, counted as the pipeline does. What comes before its beginning is
    /// shown there.
    pub(super) fn running_time(&self, file_ns: u64) -> Option<gst::ClockTime> {
        let event = self.source.sticky_event::<gst::event::Segment>(0)?;
        let segment = event.segment().downcast_ref::<gst::ClockTime>()?;
        let time = gst::ClockTime::from_nseconds(file_ns).max(segment.time()?);
        segment.to_running_time(segment.position_from_stream_time(time)?)
    }

    /// Lets the stream flow into `target`, a sink pad of the same pipeline.
    pub(super) fn release_into(&self, target: &gst::Pad) -> Result<(), BuildError> {
        self.source.link(target).map_err(|error| BuildError::Refused(error.to_string()))?;
        if let Some(hold) = self.hold.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.source.remove_probe(hold);
        }
        Ok(())
    }

    /// Lets the stream go past the queue as soon as that is empty. To be called once.
    pub(super) fn shorten(&self, shortcut: Shortcut) {
        self.gate.open(shortcut);
    }

    /// The demuxer waits for room here.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// The demuxer has looked well ahead of what this is held at.
    pub(super) fn looked_ahead(&self) -> bool {
        self.is_full() || self.gate.ended.load(Ordering::Acquire)
    }

    /// Nothing waits in the queue.
    pub(super) fn is_drained(&self) -> bool {
        self.queue.property::<u32>("current-level-buffers") == 0
    }

    /// The stream ends here, whatever the demuxer says.
    pub(super) fn finish(&self) {
        if let Some(sink) = self.queue.static_pad("sink") {
            sink.send_event(gst::event::Eos::new());
        }
    }

    /// The stream goes nowhere, without holding up the others.
    pub(super) fn discard(&self, pipeline: &gst::Pipeline) {
        self.cut_off();
        let sink = make("fakesink").and_then(|sink| {
            sink.set_property("sync", false);
            sink.set_property("async", false);
            pipeline.add(&sink)?;
            sink.sync_state_with_parent()?;
            Ok(sink)
        });
        if let Some(pad) = sink.ok().and_then(|sink| sink.static_pad("sink")) {
            let _ = self.release_into(&pad);
        }
    }

    /// Drops what comes from now on. Safe from any thread.
    pub(super) fn cut_off(&self) {
        self.gate.cut.store(true, Ordering::Release);
        // The demuxer may be waiting for room in a queue that nobody empties any more: a decodebin that found
        // no decoder blocks for ever. Nothing is added from now on, so it needs no bound.
        for bound in ["max-size-bytes", "max-size-buffers"] {
            self.queue.set_property(bound, 0u32);
        }
        self.queue.set_property("max-size-time", 0u64);
    }
}

/// matroskademux 1.22 begins with a segment that shifts the first time to zero, and after a few
/// frames corrects itself by one that does not: the first frames would be early (by 21 ms in files
/// of ffmpeg). Its buffers carry the file's times all along.
fn keep_matroska_times(sink: &gst::Pad) {
    sink.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &info.data
            && let gst::EventView::Segment(segment) = event.view()
            && let Some(shifting) = segment.segment().downcast_ref::<gst::ClockTime>()
            && shifting.time() != shifting.start()
        {
            let mut plain = shifting.clone();
            plain.set_time(shifting.start());
            let event = gst::event::Segment::builder(&plain).seqnum(segment.seqnum()).build();
            info.data = Some(gst::PadProbeData::Event(event));
        }
        gst::PadProbeReturn::Ok
    });
}

/// The tags of the stream behind `pad`, those there are and those to come.
fn remembered_tags(pad: &gst::Pad) -> Arc<Mutex<gst::TagList>> {
    let tags = Arc::new(Mutex::new(gst::TagList::new()));
    let all = Arc::clone(&tags);
    let remember = move |event: &gst::event::Tag<gst::EventRef>| {
        let list = event.tag();
        if list.scope() == gst::TagScope::Stream {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.make_mut().insert(list, gst::TagMergeMode::Replace);
        }
    };
    (0..).map_while(|index| pad.sticky_event::<gst::event::Tag>(index)).for_each(|event| remember(&event));
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &info.data
            && let gst::EventView::Tag(event) = event.view()
        {
            remember(event);
        }
        gst::PadProbeReturn::Ok
    });
    tags
}

/// The value of a tag, as text.
fn text(value: glib::SendValue) -> Option<String> {
    let text = value.get::<String>().ok();
    text.or_else(|| value.transform::<String>().ok()?.get::<String>().ok())
}

fn hold(
    source: &gst::Pad,
    held: Arc<Mutex<Option<First>>>,
    when_held: impl Fn() + Send + Sync + 'static,
) -> Option<gst::PadProbeId> {
    source.add_probe(gst::PadProbeType::BLOCK_DOWNSTREAM, move |_, info| {
        let first = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => first(buffer),
            Some(gst::PadProbeData::BufferList(list)) => match list.get(0) {
                Some(buffer) => first(buffer),
                None => return gst::PadProbeReturn::Pass,
            },
            Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Eos => First::End,
            // Caps, segments and tags stay on the pad for whoever is linked to it.
            _ => return gst::PadProbeReturn::Pass,
        };
        *held.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        when_held();
        gst::PadProbeReturn::Ok
    })
}

fn first(buffer: &gst::BufferRef) -> First {
    First::Buffer { has_dts: buffer.dts().is_some(), pts: buffer.dts_or_pts() }
}
