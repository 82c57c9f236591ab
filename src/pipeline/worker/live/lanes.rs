//! Which of a live source's streams become lanes, and when: steps 2 and 3.

use super::super::super::streams::Announcement;
use super::super::super::wire::{Lane, Message};
use super::super::decide::{self, Content, VideoFacts};
use super::super::head::{First, Head};
use super::super::lane::{self, BuildError};
use super::{LiveGraph, SETTLE, Stage, form};
use gst::prelude::*;
use gstreamer as gst;
use std::sync::Arc;
use std::time::Instant;

impl LiveGraph {
    /// Steps 2 and 3.
    pub(super) fn take_heads(&mut self) -> Option<Message> {
        self.heads.extend(self.shared.new_heads());
        let (held, waiting): (Vec<_>, Vec<_>) = self.heads.drain(..).partition(|head| head.first().is_some());
        self.heads = waiting;
        if held.is_empty() {
            return None;
        }
        let first_held = *self.first_held.get_or_insert_with(Instant::now);
        let has = |lane| held.iter().any(|head| lane_of(head) == Some(lane));
        let complete = (has(Lane::Video) && has(Lane::Audio)) || self.expected == Some(held.len());
        if !self.announced && !complete && first_held.elapsed() < SETTLE {
            self.heads.extend(held);
            return None;
        }
        self.announced = true;
        for head in held {
            match lane_of(&head).filter(|&lane| self.stages[lane as usize] == Stage::Absent) {
                Some(lane) => self.begin_lane(lane, &head),
                None => {
                    let caps = head.caps();
                    let content = caps.as_ref().map_or(Content::Other, |caps| decide::content(caps));
                    self.found.push((content, caps));
                    head.discard(&self.pipeline);
                }
            }
        }
        if self.lanes.iter().any(Option::is_some) {
            self.shared.change(|announcement| announcement.settled = true);
        }
        self.end_if_over()
    }

    /// What is still held, when it is too late for it to become a lane.
    pub(super) fn note_heads(&mut self) {
        self.heads.extend(self.shared.new_heads());
        for caps in self.heads.drain(..).filter_map(|head| head.caps()) {
            self.found.push((decide::content(&caps), Some(caps)));
        }
    }

    fn begin_lane(&mut self, lane: Lane, head: &Arc<Head>) {
        self.lanes[lane as usize] = Some(Arc::clone(head));
        self.shared.set_lane(lane, Arc::clone(head));
        self.stages[lane as usize] = Stage::Running;
        let started = match head.first() {
            Some(First::Buffer { has_dts, .. }) => self.start_lane(lane, head, has_dts),
            _ => Err("it is empty".to_owned()),
        };
        if let Err(reason) = started {
            head.discard(&self.pipeline);
            self.lose_lane(lane, &reason);
        }
    }

    fn start_lane(&mut self, lane: Lane, head: &Head, has_dts: bool) -> Result<(), String> {
        let caps = head.caps().ok_or("nobody knows what it is")?;
        let known = decide::recognised(&caps);
        let (renamed, caps) = (known.is_some(), known.unwrap_or(caps));
        let form = form();
        let mut announced = Announcement::default();
        let facts = VideoFacts { rotation: head.rotation(), ..VideoFacts::default() };
        let (passthrough, codec) = match lane {
            Lane::Video => {
                let stream = announced.video.insert(decide::video_stream(&caps, &facts, &form));
                (stream.passthrough, stream.codec)
            }
            Lane::Audio => {
                let stream = announced.audio.insert(decide::audio_stream(&caps, &form));
                (stream.passthrough, stream.codec)
            }
        };
        self.shared.change(|announcement| {
            announcement.video = announced.video.or(announcement.video.take());
            announcement.audio = announced.audio.or(announcement.audio.take());
        });
        decide::admit(&caps, passthrough, &mut self.undecodable)?;
        let bin = if passthrough {
            lane::pass(codec, has_dts, &self.around)
        } else {
            let source = lane::Source {
                caps: &caps,
                renamed,
                decoding_order_only: false,
                shown_later_ns: 0,
                turned: lane == Lane::Video && facts.is_turned(),
                drawn_on: false,
                skip_until: None,
                grid_ns: 0,
            };
            let bin = lane::transcode(codec, &source, &form, &self.around);
            if let (Ok(bin), Lane::Video, true) = (&bin, lane, self.pushes) {
                drop_rather_than_wait(bin);
            }
            bin
        };
        let release = |bin: gst::Bin| -> Result<(), BuildError> {
            self.pipeline.add(&bin)?;
            bin.sync_state_with_parent()?;
            let sink =
                bin.static_pad("sink").ok_or_else(|| BuildError::Refused("a lane without a pad".into()))?;
            head.release_into(&sink)
        };
        bin.and_then(release).map_err(|error| error.to_string())
    }

    /// Goes on without a lane that never gave anything.
    pub(super) fn lose_lane(&mut self, lane: Lane, reason: &str) {
        if let Some(head) = &self.lanes[lane as usize] {
            head.cut_off();
        }
        self.stages[lane as usize] = Stage::Over;
        let missing = match lane {
            Lane::Video => "no picture",
            Lane::Audio => "no sound",
        };
        self.around.outlet.send(&Message::Warning(format!("there is {missing}: {reason}")));
        self.losses.push(format!("{missing}, {reason}"));
        self.shared.change(|announcement| match lane {
            Lane::Video => announcement.video = None,
            Lane::Audio => announcement.audio = None,
        });
        self.around.outlet.send(&Message::LaneEnd(lane));
    }

    pub(super) fn on_lane_end(&mut self, lane: Lane) -> Option<Message> {
        if self.stages[lane as usize] == Stage::Over {
            return None;
        }
        if self.around.outlet.units(lane) == 0 {
            self.lose_lane(lane, "not one frame of it could be read");
        } else {
            self.stages[lane as usize] = Stage::Over;
            self.around.outlet.send(&Message::LaneEnd(lane));
            self.lane_ended = Some(Instant::now());
        }
        self.end_if_over()
    }
}

fn lane_of(head: &Head) -> Option<Lane> {
    match decide::content(head.caps().as_ref()?) {
        Content::Video => Some(Lane::Video),
        Content::Audio => Some(Lane::Audio),
        Content::Still | Content::Subtitle | Content::Other => None,
    }
}

/// A machine that encodes more slowly than pictures come leaves some out: waiting would fill the receive
/// buffers, and what is lost there cannot be decoded around.
fn drop_rather_than_wait(bin: &gst::Bin) {
    for queue in bin.iterate_all_by_element_factory_name("queue").into_iter().flatten() {
        queue.set_property_from_str("leaky", "downstream");
    }
}
