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

mod ending;

use super::super::form::{Codec, Profile};
use super::super::streams::Announcement;
use super::super::wire::{Failure, Lane, Message};
use super::cover::Cover;
use super::decide::{self, VideoFacts};
use super::drawn::{self, Drawn};
use super::equip;
use super::head::{First, Head};
use super::lane::{self, BuildError, Surroundings, make};
use super::look;
use super::media::{self, Media, Watch};
use super::notes::{Note, Shared};
use super::outlet::Outlet;
use super::progress::Progress;
use super::reorder;
use super::seal;
use super::seek::{self, Seek};
use super::select::Streams;
use super::texts;
use super::verdict::{self, fail};
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
    if let Err(error) =
        seal::seal(order.remote_len.is_none().then(std::io::stdin), &parts, &seal::plugin_folders())
    {
        eprintln!("worker: less confined than it could be: {error}");
    }
    if order.task == Task::Equip {
        outlet.send(&Message::Equipment(equip::measure()));
        return Ok(Message::End);
    }
    let media = match Media::look(order.remote_len, &parts) {
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
    /// While anybody asks how far the file was read.
    watch: Option<Watch>,
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
        let source = media.source(order.parts)?;
        let parser = make("parsebin")?;
        pipeline.add_many([&source, &parser])?;
        source.link(&parser)?;
        let watch = media.watch(&source)?;
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
            watch: Some(watch),
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

    /// Step 2.
    fn announce(&mut self) -> Option<Message> {
        if self.announced.is_some() {
            return None;
        }
        if self.first_held.is_none() && !self.shared.any_is_held() {
            return None;
        }
        let first_held = *self.first_held.get_or_insert_with(Instant::now);
        let waited = first_held.elapsed();
        if !self.shared.streams_are_known() && waited < limits::WORKER_LATE_STREAMS
            || !self.shared.all_are_held() && waited < limits::WORKER_TAGS_PATIENCE
        {
            return None;
        }
        self.announced = Some(Instant::now());
        self.progress = Progress::begin(self.progress.units);
        // A second group of pads (chained Ogg) goes nowhere.
        let streams = Streams::sort(self.shared.close_heads());
        let chosen = streams.choose(&self.order.form, &self.order.beside);
        for (lane, head) in Lane::BOTH.into_iter().zip([&chosen.video, &chosen.audio]) {
            if let Some(head) = head {
                self.heads[lane as usize] = Some(Arc::clone(head));
                self.stages[lane as usize] = Stage::Waiting;
                self.shared.set_lane(lane, Arc::clone(head));
            }
        }
        let mut contents = streams.contents(&chosen, &self.order.beside);
        if contents.chapters.is_empty() {
            contents.chapters = self.media.chapters().to_vec();
        }
        if chosen.video.is_none()
            && self.order.task == Task::Convert
            && self.order.form.profile != Profile::Audio
        {
            self.around.cover = chosen.audio.as_ref().and_then(|head| self.cover_of(head));
        }
        streams.others(&chosen).for_each(|head| head.discard(&self.pipeline));
        self.subtitles = chosen.subtitles;
        if self.media.is_sound() && !self.is_demuxed_by_libav() {
            self.watch.take().into_iter().for_each(Watch::end);
        }
        if self.stages == [Stage::Absent; 2] {
            return Some(verdict::on_no_lanes(&streams.kinds(), self.order.form.profile));
        }
        self.shared.change(|announcement| {
            *announcement = Announcement { contents, ..Announcement::default() };
            if let Some(caps) = self.lane_caps(Lane::Video) {
                announcement.video = Some(decide::video_stream(&caps, &self.video_facts(), &self.order.form));
            }
            if let Some(cover) = &self.around.cover {
                announcement.video = Some(cover.stream());
            }
            if let Some(caps) = self.lane_caps(Lane::Audio) {
                announcement.audio = Some(decide::audio_stream(&caps, &self.order.form));
            }
            announcement.seekable = self.any_head().is_some_and(|head| is_seekable(head.demuxer_pad()));
            announcement.duration_ns = self.duration();
        });
        if let Some(cover) = &self.around.cover {
            self.stages[Lane::Video as usize] = Stage::Running;
            cover.begin(&self.around.outlet);
        }
        None
    }

    /// The picture that a sound carries along. One that cannot be shown is none.
    fn cover_of(&self, head: &Head) -> Option<Arc<Cover>> {
        let cover = Cover::of(head.cover()?, &self.order.form);
        cover.inspect_err(|reason| eprintln!("its picture: {reason}")).ok().map(Arc::new)
    }

    /// The picture beside a sound ends with it.
    fn end_cover(&mut self, lane: Lane) {
        if lane == Lane::Audio && self.around.cover.is_some() {
            self.stages[Lane::Video as usize] = Stage::Over;
            self.around.outlet.send(&Message::LaneEnd(Lane::Video));
        }
    }

    fn duration(&self) -> Option<u64> {
        let asked = || self.any_head().and_then(|head| duration(head.demuxer_pad()));
        self.media.duration_ns().or_else(asked)
    }

    fn video_facts(&self) -> VideoFacts {
        let head = self.heads[Lane::Video as usize].as_ref();
        let caps = head.and_then(|head| head.caps());
        let has_b_frames = |names: &[&str]| {
            let name = caps.as_ref().and_then(|caps| caps.structure(0)).map(|structure| structure.name());
            name.is_some_and(|name| names.contains(&name.as_str()))
        };
        VideoFacts {
            rotation: head.and_then(|head| head.rotation()),
            decoding_order_only: (self.is_demuxed_by("avidemux")
                && has_b_frames(&["video/x-h264", "video/x-h265", "video/mpeg", "video/x-divx"]))
                || (self.is_demuxed_by("asfdemux") && has_b_frames(&["video/x-h264"])),
            drawn_on: self.subtitles.is_some(),
        }
    }

    fn is_demuxed_by(&self, element: &str) -> bool {
        self.pipeline.iterate_all_by_element_factory_name(element).into_iter().next().is_some()
    }

    fn is_demuxed_by_libav(&self) -> bool {
        self.pipeline
            .iterate_recurse()
            .into_iter()
            .flatten()
            .any(|element| element.factory().is_some_and(|factory| factory.name().starts_with("avdemux_")))
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

    /// Step 4. The error says what is wrong with the stream.
    fn start_lane(&mut self, lane: Lane, head: &Head, has_dts: bool) -> Result<(), String> {
        let caps = head.caps().ok_or("nobody knows what it is")?;
        let known = decide::recognised(&caps);
        let (renamed, caps) = (known.is_some(), known.unwrap_or(caps));
        let facts = self.video_facts();
        let (passthrough, codec) = match lane {
            Lane::Video => {
                let stream = decide::video_stream(&caps, &facts, &self.order.form);
                let outcome = (stream.passthrough, stream.codec);
                let encoded = outcome == (false, Codec::H264);
                let choice = encoded.then(|| lane::choose(&caps, &self.order.form, &self.around));
                self.shared.change(|announcement| {
                    announcement.video = Some(stream);
                    announcement.spare = choice.and_then(|choice| choice.spare);
                });
                outcome
            }
            Lane::Audio => {
                let stream = decide::audio_stream(&caps, &self.order.form);
                let outcome = (stream.passthrough, stream.codec);
                self.shared.change(|announcement| announcement.audio = Some(stream));
                outcome
            }
        };
        if !passthrough && !decide::has_decoder(&caps) {
            let codec = decide::codec_name(&caps);
            self.undecodable.push(codec.clone());
            return Err(format!("no decoder for {codec} is installed"));
        }
        if let Some(claim) = decide::absurd_size(&caps) {
            return Err(claim);
        }
        if self.probe_only() {
            return Ok(());
        }
        let straight = match passthrough {
            true => lane::pass_straight(codec, &caps, has_dts, &self.around).map_err(|e| e.to_string())?,
            false => None,
        };
        let (straight, shortcut) = straight.unzip();
        let bin = if let Some(bin) = straight {
            Ok(bin)
        } else if passthrough {
            lane::pass(codec, has_dts, &self.around)
        } else {
            let source = lane::Source {
                caps: &caps,
                renamed,
                decoding_order_only: lane == Lane::Video && facts.decoding_order_only,
                shown_later_ns: if lane == Lane::Video && facts.decoding_order_only {
                    reorder::shown_later_ns(&caps)
                } else {
                    0
                },
                drawn_on: lane == Lane::Video && facts.drawn_on,
                skip_until: self.skip_until(lane),
            };
            lane::transcode(codec, &source, &self.order.form, &self.around)
        };
        let release = |bin: gst::Bin| -> Result<(), BuildError> {
            self.pipeline.add(&bin)?;
            bin.sync_state_with_parent()?;
            let sink =
                bin.static_pad("sink").ok_or_else(|| BuildError::Refused("a lane without a pad".into()))?;
            if let Some(pad) = bin.static_pad(lane::SUBTITLE_PAD) {
                self.draw(&pad, head)?;
            }
            if let Some(shortcut) = shortcut {
                head.shorten(shortcut);
            }
            head.release_into(&sink)
        };
        bin.and_then(release).map_err(|error| error.to_string())
    }

    /// Lets the subtitles flow into a lane of `video`.
    fn draw(&self, pad: &gst::Pad, video: &Head) -> Result<(), BuildError> {
        let number = match &self.subtitles {
            Some(Drawn::Stream(stream)) => return stream.release_into(pad),
            Some(Drawn::Beside(number)) => *number,
            None => return Ok(()),
        };
        let Some(beside) = self.order.beside.get(number) else { return Ok(()) };
        // A film begins with its first frame, wherever its times do; subtitles in files of their own at zero.
        let first = |head: &Arc<Head>| match head.first() {
            Some(First::Buffer { pts: Some(pts), .. }) => head.stream_time(pts),
            _ => None,
        };
        let begins = self.heads.iter().flatten().filter_map(first).min().filter(|_| self.order.start_ns == 0);
        let begins = begins.map_or(0, |ns| u64::try_from(ns).unwrap_or(0));
        let origin = self.order.origin_ns.unwrap_or(begins);
        drawn::feed(beside, &self.pipeline, pad, video, (self.order.start_ns, origin))
    }

    /// What is decoded before this time is not encoded. Demuxers go to the keyframe before the start; where pictures
    /// are encoded anyway, they can begin nearer: at the keyframe that any conversion would have there.
    fn skip_until(&self, lane: Lane) -> Option<i64> {
        let caps = self.lane_caps(Lane::Video)?;
        if self.order.start_ns == 0
            || decide::video_stream(&caps, &self.video_facts(), &self.order.form).passthrough
        {
            return None;
        }
        let interval = limits::KEYFRAME_INTERVAL.as_nanos() as u64;
        let keyframe = i64::try_from(self.order.start_ns / interval * interval).ok()?;
        Some(match lane {
            Lane::Video => keyframe,
            Lane::Audio => keyframe.saturating_sub(limits::SOUND_BEFORE_START.as_nanos() as i64),
        })
    }

    /// Goes on without a lane; ends when it was the last.
    fn lose_lane(&mut self, lane: Lane, reason: &str) -> Option<Message> {
        if matches!(self.stages[lane as usize], Stage::Over | Stage::Absent) {
            return None;
        }
        if let Some(head) = &self.heads[lane as usize] {
            head.cut_off();
        }
        self.stages[lane as usize] = Stage::Over;
        let (what, missing) = match lane {
            Lane::Video => ("picture", "no picture"),
            Lane::Audio => ("sound", "no sound"),
        };
        if self.around.outlet.units(lane) > 0 {
            self.warn(&format!("the {what} ends early: {reason}"));
        } else {
            self.warn(&format!("there is {missing}: {reason}"));
            self.losses.push(format!("{missing}, {reason}"));
            self.shared.change(|announcement| match lane {
                Lane::Video => announcement.video = None,
                Lane::Audio => announcement.audio = None,
            });
        }
        self.around.outlet.send(&Message::LaneEnd(lane));
        self.end_cover(lane);
        self.end_if_over()
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

    fn tell_duration(&mut self) {
        let duration = self.duration();
        // Parsers of files without an index correct their guess all the time.
        const WORTH_TELLING: u64 = 50_000_000;
        if let Some(ns) =
            duration.filter(|ns| self.duration_ns.is_none_or(|old| ns.abs_diff(old) > WORTH_TELLING))
        {
            self.duration_ns = Some(ns);
            self.around.outlet.send(&Message::Duration(ns));
        }
    }

    fn probe_only(&self) -> bool {
        matches!(self.order.task, Task::Probe | Task::Look | Task::Texts)
    }

    fn warn(&self, text: &str) {
        self.around.outlet.send(&Message::Warning(text.to_owned()));
    }
}

fn duration(pad: &gst::Pad) -> Option<u64> {
    pad.query_duration::<gst::ClockTime>().map(gst::ClockTime::nseconds)
}

fn is_seekable(pad: &gst::Pad) -> bool {
    let mut query = gst::query::Seeking::new(gst::Format::Time);
    pad.query(&mut query) && query.result().0
}
