//! The picture on the sleeve: what is shown while a sound plays that carries one along.
//!
//! It is encoded once. The one keyframe goes out again at each multiple of [`KEYFRAME_INTERVAL`](limits::KEYFRAME_INTERVAL),
//! just before the sound that belongs there: no second pipeline, no clock, and an hour of it costs as much as a second.

use super::super::form::{Codec, Form, Profile};
use super::super::streams::VideoStream;
use super::super::wire::{Lane, Message};
use super::codec_config;
use super::develop;
use super::encoder;
use super::lane::{self, BuildError};
use super::outlet::Outlet;
use super::raster::{Still, Turn};
use crate::limits;
use gstreamer as gst;
use std::sync::{Mutex, PoisonError};

/// An encoded picture, and when it is due again.
#[derive(Debug)]
pub(super) struct Cover {
    codec: Codec,
    config: Vec<u8>,
    /// Two of them: one keyframe behind the other must have another number in it (H.264, 7.4.3, `idr_pic_id`).
    units: [Vec<u8>; 2],
    size: (u32, u32),
    due: Mutex<Due>,
}

#[derive(Debug, Default)]
struct Due {
    /// The next time, in nanoseconds of the file.
    at: Option<i64>,
    sent: usize,
}

const INTERVAL: i64 = limits::KEYFRAME_INTERVAL.as_nanos() as i64;

impl Cover {
    /// Makes one of the picture that a file carries.
    pub(super) fn of(picture: gst::Sample, form: &Form) -> Result<Self, String> {
        let (width, height) = form.profile.largest().ok_or("there is to be no picture")?;
        let frame = develop::decode(&[picture])?;
        // Larger than it is, it would only cost more.
        let shape = frame.shape();
        let side = |most: i32, own: f64| usize::try_from(most).unwrap_or(0).min(own.ceil() as usize);
        let most = (side(width.min(LARGEST.0), shape.0), side(height.min(LARGEST.1), shape.1));
        let still = even(&frame.small(most, Turn::default())?);
        let codec = if form.profile == Profile::Flash { Codec::Flv1 } else { Codec::H264 };
        let encoded = develop::encoded(&still, elements(codec).map_err(|error| error.to_string())?)?;
        let (caps, first, second) = encoded;
        let config =
            caps.structure(0).and_then(|caps| codec_config::of_caps(codec, caps)).unwrap_or_default();
        let size = (u32::try_from(still.width).unwrap_or(0), u32::try_from(still.height).unwrap_or(0));
        Ok(Self { codec, config, units: [first, second], size, due: Mutex::default() })
    }

    /// What is told of it.
    pub(super) fn stream(&self) -> VideoStream {
        VideoStream {
            width: self.size.0,
            height: self.size.1,
            source_codec: "a still picture".into(),
            // Nothing is encoded while it plays.
            passthrough: true,
            codec: self.codec,
        }
    }

    /// Sends what a decoder has to know.
    pub(super) fn begin(&self, outlet: &Outlet) {
        if !self.config.is_empty() {
            outlet.send(&Message::Config { codec: self.codec, data: self.config.clone() });
        }
    }

    /// Sends the picture as often as it is due before a sound of this time.
    pub(super) fn before(&self, time_ns: i64, outlet: &Outlet) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        // The first one comes with the first sound; what begins in the middle begins at a multiple.
        let mut at = due.at.unwrap_or(if time_ns < INTERVAL { time_ns } else { next(time_ns - 1) });
        // A sound that jumps ahead needs only the last.
        if time_ns.saturating_sub(at) > INTERVAL {
            at = next(time_ns) - INTERVAL;
        }
        while at <= time_ns {
            outlet.send_unit(self.codec, true, at, at, &self.units[due.sent % 2]);
            due.sent += 1;
            // The first one may come just before a multiple.
            at = if next(at) - at < INTERVAL / 2 { next(at) + INTERVAL } else { next(at) };
            outlet.send(&Message::Progress { lane: Lane::Video, time_ns: at });
        }
        due.at = Some(at);
    }
}

/// As large as it is made: a sleeve is square, and a television has 1080 lines.
const LARGEST: (i32, i32) = (1280, 720);

/// The next multiple of the interval.
fn next(time_ns: i64) -> i64 {
    (time_ns.div_euclid(INTERVAL) + 1) * INTERVAL
}

/// Encoders refuse odd sides, and less than a macroblock.
fn even(still: &Still) -> Still {
    let side = |side: usize| side.max(16).next_multiple_of(2);
    let mut even = Still::black(side(still.width), side(still.height));
    even.paste(still, (even.width - still.width) / 2, (even.height - still.height) / 2);
    even
}

/// What makes access units of raw pictures, each a keyframe.
fn elements(codec: Codec) -> Result<Vec<gst::Element>, BuildError> {
    let mut elements = match codec {
        Codec::Flv1 => encoder::sorenson()?.to_vec(),
        _ => encoder::h264("x264enc", "veryfast", false)
            .or_else(|_| encoder::h264("openh264enc", "", false))
            .map_err(|_| BuildError::Missing("x264enc (or openh264enc)"))?
            .to_vec(),
    };
    if let Some(encoder) = elements.first() {
        for property in ["key-int-max", "gop-size"] {
            encoder::set(encoder, property, "1");
        }
    }
    let (parser, caps) = lane::parser_of(codec);
    elements.extend(parser.map(lane::make).transpose()?);
    let filter = lane::make("capsfilter")?;
    gst::prelude::ObjectExt::set_property(&filter, "caps", caps);
    elements.push(filter);
    Ok(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_with_the_first_sound_and_at_each_multiple() {
        assert_eq!(
            (next(-1), next(0), next(INTERVAL - 1), next(INTERVAL)),
            (0, INTERVAL, INTERVAL, 2 * INTERVAL)
        );
        let odd = even(&Still::black(301, 9));
        assert_eq!((odd.width, odd.height), (302, 16));
    }
}
