//! How the lanes of a [`Graph`] are decided, built and released, and what becomes of one that cannot be: step 4.

use super::super::super::form::Codec;
use super::super::super::wire::{Lane, Message};
use super::super::decide;
use super::super::drawn::{self, Drawn};
use super::super::head::{First, Head};
use super::super::lane::{self, BuildError};
use super::super::reorder;
use super::{Graph, Stage};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::Arc;

impl Graph {
    /// Step 4. The error says what is wrong with the stream.
    pub(super) fn start_lane(&mut self, lane: Lane, head: &Head, has_dts: bool) -> Result<(), String> {
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
        decide::admit(&caps, passthrough, &mut self.undecodable)?;
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
                turned: lane == Lane::Video && facts.is_turned(),
                drawn_on: lane == Lane::Video && facts.drawn_on,
                skip_until: self.skip_until(lane),
                grid_ns: self.order.grid_ns,
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
        let (start, grid) = (self.order.start_ns, self.order.grid_ns);
        let keyframe = (start.saturating_add(grid) / interval * interval).saturating_sub(grid);
        let keyframe = i64::try_from(keyframe).ok()?;
        Some(match lane {
            Lane::Video => keyframe,
            Lane::Audio => keyframe.saturating_sub(limits::SOUND_BEFORE_START.as_nanos() as i64),
        })
    }

    /// Goes on without a lane; ends when it was the last.
    pub(super) fn lose_lane(&mut self, lane: Lane, reason: &str) -> Option<Message> {
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
}
