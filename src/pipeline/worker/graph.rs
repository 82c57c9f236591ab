//! The pipeline as a whole and its life: read the file, find the streams, seek, let the lanes run,
//! notice their end.
//!
//! All decisions are made on this one thread; GStreamer's threads only leave notes for it on the
//! bus (a panic in one of their callbacks would abort the process). In order:
//!
//! 1. `parsebin` finds the streams; each gets a [`Head`].
//! 2. One of them is held, so all are there, except in formats that have no list of them, which get a moment
//!    more: the first video and the first audio stream become the lanes, they are announced
//!    with what their caps tell, everything else goes nowhere.
//! 3. When a start was asked for: seek as soon as a head is held, and again further ahead where
//!    the demuxer landed behind the target.
//! 4. Each held lane is decided, built and released.
//! 5. The last lane's end is the end.

mod announce;
mod ending;
mod lanes;

use super::super::wire::{Failure, Lane, Message};
use super::drawn::Drawn;
use super::equip;
use super::head::{First, Head};
use super::lane::{BuildError, Surroundings, make};
use super::look;
use super::media::{self, Media};
use super::notes::{Note, Shared};
use super::outlet::Outlet;
use super::progress::Progress;
use super::seal;
use super::seek::{self, Seek};
use super::texts;
use super::verdict::fail;
use super::{Order, Task};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::Arc;
use std::time::Instant;

/// Between two looks at the clock.
const TICK: gst::ClockTime = gst::ClockTime::from_nseconds(limits::WORKER_TICK.as_nanos() as u64);

/// Plug-ins that open network connections by themselves: a playlist in the library must not make
/// this machine fetch something.
const FORBIDDEN_PLUGINS: [&str; 12] = [
    "adaptivedemux2",
    "curl",
    "dash",
    "hls",
    "neonhttpsrc",
    "rtmp",
    "rtmp2",
    "rtsp",
    "sdpelem",
    "smoothstreaming",
    "soup",
    "srt",
];

/// Carries out an order; the returned message is the last to be sent.
pub(super) fn run(order: &Order, outlet: &Arc<Outlet>) -> Result<Message, BuildError> {
    gst::init().map_err(|error| BuildError::Refused(error.to_string()))?;
    let registry = gst::Registry::get();
    for plugin in FORBIDDEN_PLUGINS.iter().filter_map(|name| registry.find_plugin(name)) {
        registry.remove_plugin(&plugin);
    }
    // What was loaded up to here is this machine's own; what is looked at from here on is anybody's.
    let parts = media::parts(order.parts).map_err(|error| BuildError::Refused(error.to_string()))?;
    if let Err(error) = seal::seal(&seal::plugin_folders()) {
        eprintln!("worker: less confined than it could be: {error}");
    }
    if order.task == Task::Equip {
        outlet.send(&Message::Equipment(equip::measure()));
        return Ok(Message::End);
    }
    let media = match Media::look(order.remote_len, parts) {
        Ok(media) => media,
        Err(error) => return Ok(fail(Failure::Unreadable, error.to_string())),
    };
    let mut graph = Graph::new(order.clone(), media, outlet)?;
    let mut last = graph.run();
    if order.task == Task::Look && last == Message::End {
        // What is known of the file stands, whatever becomes of its pictures.
        if let Err(reason) = look::pictures(&graph.media, graph.duration(), outlet) {
            last = fail(Failure::Unreadable, reason);
        }
    }
    if order.task == Task::Texts
        && last == Message::End
        && let Err(reason) = texts::send(&graph.media, outlet)
    {
        last = fail(Failure::Unreadable, reason);
    }
    // Its threads are still at work: destructors beside them have crashed, and the process ends anyway.
    std::mem::forget(graph);
    Ok(last)
}

/// What became of a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The file has no such stream.
    Absent,
    /// Waits for its first buffer, or for the seek.
    Waiting,
    Running,
    /// It ended, or was given up.
    Over,
}

struct Graph {
    order: Order,
    media: Arc<Media>,
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    shared: Arc<Shared>,
    around: Surroundings,
    heads: [Option<Arc<Head>>; 2],
    stages: [Stage; 2],
    /// Since then a stream is held.
    first_held: Option<Instant>,
    /// Step 2 is done, since then.
    announced: Option<Instant>,
    seek: Seek,
    /// They are drawn into the picture.
    subtitles: Option<Drawn>,
    /// Codecs without a decoder.
    undecodable: Vec<String>,
    /// Why lanes were given up.
    losses: Vec<String>,
    /// The demuxer gave up with this; what it had read still comes.
    damage: Option<String>,
    progress: Progress,
    duration_ns: Option<u64>,
}

impl Graph {
    fn new(order: Order, media: Media, outlet: &Arc<Outlet>) -> Result<Self, BuildError> {
        let media = Arc::new(media);
        let pipeline = gst::Pipeline::new();
        let bus = pipeline.bus().ok_or_else(|| BuildError::Refused("a pipeline without a bus".into()))?;
        let source = media.source();
        let parser = make("parsebin")?;
        pipeline.add_many([&source, &parser])?;
        source.link(&parser)?;
        let shared = Arc::new(Shared::new(bus.clone(), Arc::clone(outlet)));
        shared.watch(&pipeline, &parser);
        let around = Surroundings {
            outlet: Arc::clone(outlet),
            listener: Arc::<Shared>::clone(&shared),
            equipment: order.equipment.clone(),
            cover: None,
        };
        let seek = Seek::to(order.start_ns);
        Ok(Self {
            order,
            media,
            pipeline,
            bus,
            shared,
            around,
            heads: [None, None],
            stages: [Stage::Absent; 2],
            first_held: None,
            announced: None,
            seek,
            subtitles: None,
            undecodable: Vec::new(),
            losses: Vec::new(),
            damage: None,
            progress: Progress::begin(0),
            duration_ns: None,
        })
    }

    fn run(&mut self) -> Message {
        // A failure is on the bus with more words.
        let _ = self.pipeline.set_state(gst::State::Playing);
        loop {
            if let Some(message) = self.bus.timed_pop(TICK)
                && let Some(last) = self.handle(&message)
            {
                return last;
            }
            if let Some(last) = self.look_at_clock() {
                return last;
            }
        }
    }

    fn handle(&mut self, message: &gst::Message) -> Option<Message> {
        match message.view() {
            gst::MessageView::Error(error) => self.on_error(error),
            gst::MessageView::DurationChanged(_) => {
                self.tell_duration();
                None
            }
            gst::MessageView::Application(note) => match Note::read(note.structure()?)? {
                Note::Held => self.announce().or_else(|| self.start_lanes()),
                Note::Ended(lane) => self.on_lane_end(lane),
            },
            _ => None,
        }
    }

    fn lane_caps(&self, lane: Lane) -> Option<gst::Caps> {
        self.heads[lane as usize].as_ref()?.caps()
    }

    /// Video if there is any: seeks are answered by its keyframes.
    fn any_head(&self) -> Option<&Arc<Head>> {
        self.heads.iter().flatten().next()
    }

    /// Steps 3 and 4, for the lanes that are held by now.
    fn start_lanes(&mut self) -> Option<Message> {
        self.announced?;
        if !self.seek_is_done() {
            return None;
        }
        for lane in Lane::BOTH {
            let Some(head) = self.heads[lane as usize].clone() else { continue };
            if self.stages[lane as usize] != Stage::Waiting {
                continue;
            }
            let outcome = match head.first() {
                None => continue,
                Some(First::End) => Err("it is empty".to_owned()),
                Some(First::Buffer { has_dts, .. }) => self.start_lane(lane, &head, has_dts),
            };
            match outcome {
                Ok(()) => self.stages[lane as usize] = Stage::Running,
                Err(reason) => {
                    head.discard(&self.pipeline);
                    if let Some(last) = self.lose_lane(lane, &reason) {
                        return Some(last);
                    }
                }
            }
        }
        self.settle()
    }

    /// Says so when each lane is decided. A probe ends there.
    fn settle(&mut self) -> Option<Message> {
        if self.stages.contains(&Stage::Waiting) {
            return None;
        }
        self.tell_duration();
        self.shared.change(|announcement| announcement.settled = true);
        self.probe_only().then_some(Message::End)
    }

    /// Step 3: true when there is nothing (more) to seek.
    fn seek_is_done(&mut self) -> bool {
        let Some(head) = self.any_head().cloned() else { return true };
        match self.seek.advance(&head) {
            seek::Progress::Wait => false,
            seek::Progress::Arrived => true,
            seek::Progress::Refused => {
                self.warn("this file cannot be played from the middle; it starts at its beginning");
                self.order.start_ns = 0;
                self.shared.change(|announcement| announcement.seekable = false);
                true
            }
        }
    }

    fn on_lane_end(&mut self, lane: Lane) -> Option<Message> {
        if self.stages[lane as usize] == Stage::Over {
            return None;
        }
        if self.around.outlet.units(lane) == 0 {
            return self.lose_lane(lane, "not one frame of it could be read");
        }
        self.stages[lane as usize] = Stage::Over;
        self.around.outlet.send(&Message::LaneEnd(lane));
        self.end_cover(lane);
        self.end_if_over()
    }

    fn look_at_clock(&mut self) -> Option<Message> {
        if self.around.outlet.is_closed() {
            // Nobody reads this; it only ends the loop.
            return Some(Message::End);
        }
        // The server waits for it, and its own watchdog too.
        self.around.outlet.flush();
        let units = self.around.outlet.all_units();
        if units != self.progress.units || self.around.outlet.is_writing() {
            self.progress = Progress::begin(units);
        }
        self.progress.look();
        let waited = self.progress.waited();
        if self.first_held.is_some()
            && self.announced.is_none()
            && let Some(last) = self.announce().or_else(|| self.start_lanes())
        {
            return Some(last);
        }
        let Some(announced) = self.announced else {
            return self.progress.is_missing_for(limits::WORKER_STREAMS_TIMEOUT).then(|| {
                let seconds = limits::WORKER_STREAMS_TIMEOUT.as_secs();
                fail(Failure::Unreadable, format!("no streams were found in it within {seconds} s"))
            });
        };
        if self.probe_only() && announced.elapsed() > limits::PROBE_FIRST_FRAMES {
            self.stages =
                self.stages.map(|stage| if stage == Stage::Waiting { Stage::Running } else { stage });
            return self.settle();
        }
        if self.damage.is_some() && waited > limits::WORKER_DRAIN {
            return Some(self.last_message());
        }
        if waited > limits::WORKER_AT_END && self.end_is_missing() {
            self.finish_heads();
        }
        self.progress.is_missing_for(limits::WORKER_NO_PROGRESS).then(|| self.stalled(waited))
    }

    fn probe_only(&self) -> bool {
        matches!(self.order.task, Task::Probe | Task::Look | Task::Texts)
    }

    fn warn(&self, text: &str) {
        self.around.outlet.send(&Message::Warning(text.to_owned()));
    }
}
