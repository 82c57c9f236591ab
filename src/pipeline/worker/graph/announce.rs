//! What a [`Graph`] says of its file, once all streams are there: step 2.

use super::super::super::form::Profile;
use super::super::super::streams::Announcement;
use super::super::super::wire::{Lane, Message};
use super::super::Task;
use super::super::cover::Cover;
use super::super::decide::{self, VideoFacts};
use super::super::head::Head;
use super::super::progress::Progress;
use super::super::select::Streams;
use super::super::verdict;
use super::{Graph, Stage};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::Arc;
use std::time::Instant;

impl Graph {
    /// Step 2.
    pub(super) fn announce(&mut self) -> Option<Message> {
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
    pub(super) fn end_cover(&mut self, lane: Lane) {
        if lane == Lane::Audio && self.around.cover.is_some() {
            self.stages[Lane::Video as usize] = Stage::Over;
            self.around.outlet.send(&Message::LaneEnd(Lane::Video));
        }
    }

    pub(super) fn duration(&self) -> Option<u64> {
        let asked = || self.any_head().and_then(|head| duration(head.demuxer_pad()));
        self.media.duration_ns().or_else(asked)
    }

    pub(super) fn video_facts(&self) -> VideoFacts {
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

    pub(super) fn is_demuxed_by_libav(&self) -> bool {
        self.pipeline
            .iterate_recurse()
            .into_iter()
            .flatten()
            .any(|element| element.factory().is_some_and(|factory| factory.name().starts_with("avdemux_")))
    }

    pub(super) fn tell_duration(&mut self) {
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
}

fn duration(pad: &gst::Pad) -> Option<u64> {
    pad.query_duration::<gst::ClockTime>().map(gst::ClockTime::nseconds)
}

fn is_seekable(pad: &gst::Pad) -> bool {
    let mut query = gst::query::Seeking::new(gst::Format::Time);
    pad.query(&mut query) && query.result().0
}
