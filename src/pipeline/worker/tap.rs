//! The end of a lane: an appsink whose access units become wire messages.
//!
//! Times are signed stream times. Buffers before the segment's start are sent as well: the frames
//! that an edit list hides are needed to decode those it shows, and B-frames and encoder priming
//! begin before zero.

use super::super::form::Codec;
use super::super::wire::{Lane, Message};
use super::adts;
use super::codec_config;
use super::cover::Cover;
use super::decoding_times::DecodingTimes;
use super::keyframe;
use super::lane::Surroundings;
use super::outlet::Outlet;
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a lane tells the graph, from streaming threads.
pub(super) trait Listener: Send + Sync + std::fmt::Debug {
    /// The picture's size, as it comes out.
    fn video_size(&self, width: u32, height: u32);
    /// Nothing more will come.
    fn lane_ended(&self, lane: Lane);
}

/// How the times of a lane's buffers are to be understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Times {
    /// As they are.
    Given,
    /// There are only presentation times, and B-frames may be among them.
    PresentationOnly,
    /// They are so many nanoseconds early.
    Early(i64),
    /// An audio encoder put so many samples before the first and does not count them.
    Primed(i64),
}

/// A tap that two threads may come to, one after the other: see [`shortcut`](super::shortcut).
#[derive(Clone, Debug)]
pub(super) struct SharedTap(Arc<Mutex<Tap>>);

impl SharedTap {
    pub(super) fn lock(&self) -> MutexGuard<'_, Tap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An appsink for access units in the form that `caps` ask for, and the tap behind it.
pub(super) fn sink(
    codec: Codec,
    caps: &gst::Caps,
    times: Times,
    around: &Surroundings,
) -> (gst_app::AppSink, SharedTap) {
    let lane = codec.lane();
    let Surroundings { outlet, listener, .. } = around;
    let tap = Tap {
        codec,
        priming_samples: if let Times::Primed(samples) = times { samples } else { 0 },
        early_ns: if let Times::Early(ns) = times { ns } else { 0 },
        decoding_times: (times == Times::PresentationOnly).then(DecodingTimes::default),
        outlet: Arc::clone(outlet),
        listener: Arc::clone(listener),
        cover: around.cover.clone().filter(|_| lane == Lane::Audio),
        caps: None,
        config: Vec::new(),
        nal_length_size: 4,
        rate: 0,
        adts: false,
        started: lane == Lane::Audio,
        skipped: 0,
        taken: 0,
    };
    let tap = SharedTap(Arc::new(Mutex::new(tap)));
    let at_end = Arc::clone(listener);
    let behind = tap.clone();
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let mut tap = behind.lock();
            if let (Some(buffer), Some(caps), Some(segment)) =
                (sample.buffer(), sample.caps_owned(), sample.segment())
            {
                tap.take(buffer, &caps, segment);
            }
            tap.flow()
        })
        .eos(move |_| at_end.lane_ended(lane))
        .build();
    let sink = gst_app::AppSink::builder()
        .caps(caps)
        .callbacks(callbacks)
        .sync(false)
        .async_(false)
        .enable_last_sample(false)
        .max_buffers(1)
        .build();
    // Otherwise the GOP before an edit list's start is dropped, which cannot be decoded then.
    sink.set_drop_out_of_segment(false);
    if let Some(pad) = sink.static_pad("sink") {
        report_gaps(&pad, lane, outlet);
    }
    (sink, tap)
}

/// A gap says that this lane has nothing up to its end: the other lane need not wait.
fn report_gaps(pad: &gst::Pad, lane: Lane, outlet: &Arc<Outlet>) {
    let outlet = Arc::clone(outlet);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
        if let Some(gst::EventView::Gap(gap)) = info.event().map(|event| event.view()) {
            let (start, duration) = gap.get();
            let end = start + duration.unwrap_or(gst::ClockTime::ZERO);
            let segment = pad.sticky_event::<gst::event::Segment>(0);
            if let Some(time_ns) = segment.and_then(|event| stream_time(event.segment(), end)) {
                outlet.send(&Message::Progress { lane, time_ns });
            }
        }
        gst::PadProbeReturn::Ok
    });
}

/// Makes wire messages of access units, in the order in which they are decoded.
#[derive(Debug)]
pub(super) struct Tap {
    codec: Codec,
    priming_samples: i64,
    early_ns: i64,
    decoding_times: Option<DecodingTimes>,
    outlet: Arc<Outlet>,
    listener: Arc<dyn Listener>,
    /// What is shown while this sound plays.
    cover: Option<Arc<Cover>>,
    caps: Option<gst::Caps>,
    config: Vec<u8>,
    nal_length_size: usize,
    rate: i64,
    /// Each frame has a header, which says what the configuration would.
    adts: bool,
    /// Video: the first keyframe was there.
    started: bool,
    skipped: u32,
    /// Buffers that came here.
    taken: u64,
}

impl Tap {
    /// Buffers that came here so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether there is any use in another one.
    pub(super) fn flow(&self) -> Result<gst::FlowSuccess, gst::FlowError> {
        if self.outlet.is_closed() { Err(gst::FlowError::Eos) } else { Ok(gst::FlowSuccess::Ok) }
    }

    /// Sends what is in a buffer with these caps, whose times are of this segment.
    pub(super) fn take(&mut self, buffer: &gst::BufferRef, caps: &gst::Caps, segment: &gst::Segment) {
        self.taken += 1;
        // The same caps are the same object nearly always.
        if self.caps.as_ref().is_none_or(|known| known.as_ptr() != caps.as_ptr() && known != caps) {
            self.caps = Some(caps.clone());
            self.take_caps(caps);
        }
        let time = |time: Option<gst::ClockTime>| time.and_then(|time| stream_time(segment, time));
        let (pts, dts) = (time(buffer.pts()), time(buffer.dts()));
        let (Some(pts), Some(mut dts)) = (pts.or(dts), dts.or(pts)) else { return };
        let Ok(data) = buffer.map_readable() else { return };
        let data = self.without_header(&data);
        if data.is_empty() {
            return;
        }
        if data.len() > limits::MAX_ACCESS_UNIT {
            let text = format!(
                "a frame of {} bytes was left out, the most is {}",
                data.len(),
                limits::MAX_ACCESS_UNIT
            );
            return self.outlet.send(&Message::Warning(text));
        }
        let keyframe = self.codec.lane() == Lane::Audio || self.is_keyframe(buffer, data);
        if !self.started {
            self.started = keyframe && self.take_config_of_unit(data);
            if !self.started {
                self.skipped += 1;
                return;
            }
        }
        if let Some(times) = &mut self.decoding_times {
            let duration = buffer.duration().and_then(|duration| i64::try_from(duration.nseconds()).ok());
            dts = times.next(pts, duration);
        }
        let shift = self.priming_samples.saturating_mul(1_000_000_000).checked_div(self.rate).unwrap_or(0);
        let shift = shift.saturating_sub(self.early_ns);
        if let Some(cover) = &self.cover {
            cover.before(pts.saturating_sub(shift), &self.outlet);
        }
        self.outlet.send_unit(
            self.codec,
            keyframe,
            pts.saturating_sub(shift),
            dts.saturating_sub(shift),
            data,
        );
    }

    /// A frame of AAC as FLV has it. What is no frame is left out.
    fn without_header<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        if !self.adts {
            return data;
        }
        let Some(frame) = adts::frame(data) else { return &[] };
        if self.config != frame.config {
            self.send_config(Some(frame.config.to_vec()));
        }
        frame.raw
    }

    /// AV1 of MP4 comes without its record, which the first unit has the facts for.
    fn take_config_of_unit(&mut self, data: &[u8]) -> bool {
        if self.codec == Codec::Av1 && self.config.is_empty() {
            self.send_config(codec_config::av1(data));
        }
        true
    }

    fn is_keyframe(&self, buffer: &gst::BufferRef, data: &[u8]) -> bool {
        // A stream without any keyframe has to start somewhere: trust the parser then.
        let give_up = !self.started && self.skipped >= limits::MAX_FRAMES_BEFORE_KEYFRAME;
        let marked = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        match self.codec {
            Codec::H264 => keyframe::is_keyframe(data, self.nal_length_size) || (give_up && marked),
            Codec::Hevc => keyframe::is_hevc_keyframe(data, self.nal_length_size) || (give_up && marked),
            _ => marked,
        }
    }

    fn take_caps(&mut self, caps: &gst::CapsRef) {
        let Some(structure) = caps.structure(0) else { return };
        self.rate = structure.get::<i32>("rate").unwrap_or(0).into();
        self.adts =
            self.codec == Codec::Aac && structure.get::<&str>("stream-format").is_ok_and(|f| f == "adts");
        if let (Ok(width), Ok(height)) = (structure.get::<i32>("width"), structure.get::<i32>("height")) {
            self.listener.video_size(width.max(0) as u32, height.max(0) as u32);
        }
        self.send_config(codec_config::of_caps(self.codec, structure));
    }

    fn send_config(&mut self, config: Option<Vec<u8>>) {
        let Some(config) = config.filter(|config| !config.is_empty() && *config != self.config) else {
            return;
        };
        if config.len() > limits::MAX_CODEC_DATA {
            return;
        }
        self.nal_length_size = match self.codec {
            Codec::H264 => keyframe::nal_length_size(&config),
            Codec::Hevc => keyframe::hevc_nal_length_size(&config),
            _ => self.nal_length_size,
        };
        self.config = config;
        self.outlet.send(&Message::Config { codec: self.codec, data: self.config.clone() });
    }
}

/// Signed nanoseconds on the file's timeline. Outside a segment it goes on as inside.
pub(super) fn stream_time(segment: &gst::Segment, time: gst::ClockTime) -> Option<i64> {
    let segment = segment.downcast_ref::<gst::ClockTime>()?;
    let ns = |time: gst::ClockTime| i64::try_from(time.nseconds()).ok();
    match segment.to_stream_time_full(time)? {
        gst::Signed::Positive(time) => ns(time),
        gst::Signed::Negative(time) => ns(time).map(|ns| -ns),
    }
}
