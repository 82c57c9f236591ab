//! How a [`Graph`] comes to its end: its lanes are over, the file is damaged, or nothing comes any more.

use super::super::super::wire::{Failure, Lane, Message};
use super::super::verdict::{self, fail};
use super::super::{decide, notes};
use super::{Graph, Progress, Stage};
use gst::prelude::*;
use gstreamer as gst;
use std::time::Duration;

impl Graph {
    /// Step 5.
    pub(super) fn end_if_over(&self) -> Option<Message> {
        let over = self.stages.iter().all(|stage| matches!(stage, Stage::Over | Stage::Absent));
        over.then(|| self.last_message())
    }

    pub(super) fn last_message(&self) -> Message {
        if self.around.outlet.all_units() > 0 {
            if let Some(damage) = &self.damage {
                self.warn(&format!("the file is damaged: {damage}; what came before is all there is"));
            }
            Message::End
        } else if !self.undecodable.is_empty() {
            fail(Failure::NoDecoder, self.undecodable.join(" and "))
        } else if let Some(damage) = &self.damage {
            fail(Failure::Unreadable, damage.clone())
        } else {
            fail(Failure::Unreadable, self.losses.join(" and "))
        }
    }

    pub(super) fn on_error(&mut self, error: &gst::message::Error) -> Option<Message> {
        let text = verdict::text(&error.error());
        eprintln!("{}: {text}: {}", path_of(error.src()), error.debug().unwrap_or_default());
        if let Some(lane) = notes::lane_of(error.src()) {
            if error.error().matches(gst::StreamError::CodecNotFound)
                && let Some(caps) = self.lane_caps(lane)
            {
                self.undecodable.push(decide::codec_name(&caps));
            }
            return self.lose_lane(lane, &text);
        }
        if self.announced.is_some() {
            // Demuxers send the end of the stream after their error: what was read comes out.
            self.damage.get_or_insert(text);
            self.progress = Progress::begin(self.progress.units);
            return None;
        }
        Some(verdict::on_source_error(&error.error(), self.media.is_empty()))
    }

    /// All was read, and all that was read came out, but the demuxer does not say that this is the end. Only those of
    /// gst-libav forget to; any other may be waiting for a disk that has to spin up.
    pub(super) fn end_is_missing(&self) -> bool {
        let running = || Lane::BOTH.into_iter().filter(|&lane| self.stages[lane as usize] == Stage::Running);
        let drained = |lane: Lane| self.heads[lane as usize].as_ref().is_some_and(|head| head.is_drained());
        self.around.outlet.all_units() > 0
            && self.media.was_read_to_end()
            && self.is_demuxed_by_libav()
            && running().next().is_some()
            && running().all(drained)
    }

    /// Says in the demuxer's place that this is the end.
    pub(super) fn finish_heads(&self) {
        self.heads.iter().flatten().for_each(|head| head.finish());
    }

    pub(super) fn stalled(&self, waited: Duration) -> Message {
        let seconds = waited.as_secs();
        let text = match self.around.outlet.all_units() {
            0 => format!("no first frame came within {seconds} s"),
            units => format!("after {units} frames nothing came for {seconds} s"),
        };
        fail(Failure::Stalled, text)
    }
}

fn path_of(source: Option<&gst::Object>) -> String {
    source.map(|source| source.path_string().to_string()).unwrap_or_default()
}
