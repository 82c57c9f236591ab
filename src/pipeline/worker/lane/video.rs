//! How pictures are encoded: from what a decoder hands out to the encoder, in the size, the rate and with the keyframes that
//! are wanted.

use super::super::super::form::{Codec, Form, Profile};
use super::super::encoder::{self, set};
use super::super::tap::{self, Times};
use super::super::tone;
use super::{BuildError, MIN_SIDE, Source, Surroundings, choose, is_raw, make, parser_and_tap};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use std::time::Duration;

pub(super) fn video_encoding(
    queue: &gst::Element,
    codec: Codec,
    source: &Source<'_>,
    overlay: Option<&gst::Element>,
    form: &Form,
    around: &Surroundings,
) -> Result<Vec<gst::Element>, BuildError> {
    // Neither deinterlace nor videoflip takes every format: 4:2:2 of DV and DNxHD, 4:1:0 of old QuickTime.
    let convert = make("videoconvert").or_else(|_| make("videoconvertscale"))?;
    let deinterlace = make("deinterlace")?;
    set(&deinterlace, "mode", "auto");
    // "all" would double the frame rate.
    set(&deinterlace, "fields", "top");
    let rate = make("videorate")?;
    rate.set_property("drop-only", true);
    rate.set_property("max-rate", limits::MAX_TRANSCODE_FPS);
    let rate_caps = make("capsfilter")?;
    let choice = choose(source.caps, form, around);
    let scale = make("videoconvertscale").or_else(|_| make("videoscale"))?;
    let size_caps = make("capsfilter")?;
    let mut input = encoder_input(form, choice.lines);
    if tone::transfer(source.caps).is_some() {
        input.make_mut().set("colorimetry", "bt709");
    } else if is_raw(source.caps) {
        // Pixels of devices say this or that of their colours; a slate in their place has to be encoded alike.
        let lines = source.caps.structure(0).and_then(|caps| caps.get::<i32>("height").ok()).unwrap_or(0);
        input.make_mut().set("colorimetry", if lines > 576 { "bt709" } else { "bt601" });
        input.make_mut().set("chroma-site", "mpeg2");
    }
    size_caps.set_property("caps", input);
    let encoder = match (codec, choice.encoder) {
        (Codec::Flv1, _) => encoder::sorenson()?,
        (_, Some(measured)) => {
            encoder::h264(&measured.element, &measured.preset, form.profile == Profile::Small)?
        }
        (_, None) => encoder::h264("x264enc", "superfast", form.profile == Profile::Small)
            .or_else(|_| encoder::h264("openh264enc", "", false))
            .map_err(|_| BuildError::Missing("x264enc (or openh264enc)"))?,
    };
    if let Some(pad) = queue.static_pad("src") {
        tell_durations(&pad);
        adapt_to_source(&pad, &rate_caps, &encoder[0]);
    }
    if let Some(pad) = size_caps.static_pad("src") {
        force_keyframes(&pad, keyframe_interval(codec), source.grid_ns);
    }
    let mut elements = vec![convert];
    if let Some(transfer) = tone::transfer(source.caps) {
        elements.extend(tone_mapping(transfer)?);
    }
    elements.extend([deinterlace, rate, rate_caps]);
    elements.extend(overlay.cloned());
    elements.extend([scale, size_caps]);
    if source.turned {
        // Only then: it copies each picture, also where it has nothing to turn.
        let flip = make("videoflip")?;
        set(&flip, "video-direction", "auto");
        elements.push(flip);
    }
    elements.extend(encoder);
    let times = if source.shown_later_ns == 0 { Times::Given } else { Times::Early(source.shown_later_ns) };
    elements.extend(parser_and_tap(codec, times, around)?);
    Ok(elements)
}

/// HDR to SDR, see [`tone`].
fn tone_mapping(transfer: tone::Transfer) -> Result<[gst::Element; 3], BuildError> {
    let format = make("capsfilter")?;
    format.set_property("caps", tone::caps());
    let said = make("capssetter")?;
    said.set_property("caps", tone::caps_after());
    if let Some(pad) = format.static_pad("src") {
        tone::map_on(&pad, transfer);
    }
    // Its input may be what the decoder still refers to: the tables need a picture of their own.
    Ok([format, said, make("videoconvert")?])
}

fn keyframe_interval(codec: Codec) -> Duration {
    if codec == Codec::Flv1 { limits::FLASH_KEYFRAME_INTERVAL } else { limits::KEYFRAME_INTERVAL }
}

/// Even sizes: x264 refuses odd ones. Square pixels: FLV cannot say otherwise.
fn encoder_input(form: &Form, lines: i32) -> gst::Caps {
    let (width, height) = form.profile.largest().unwrap_or((MIN_SIDE, MIN_SIDE));
    let (width, height) =
        if lines < height { ((width * lines / height) & !1, lines) } else { (width, height) };
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", gst::IntRange::with_step(MIN_SIDE, width, 2))
        .field("height", gst::IntRange::with_step(MIN_SIDE, height, 2))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build()
}

/// Frame rate and bitrate depend on what the decoder puts out, which its caps tell just before the
/// first frame.
fn adapt_to_source(pad: &gst::Pad, rate_caps: &gst::Element, encoder: &gst::Element) {
    let (rate_caps, encoder) = (rate_caps.downgrade(), encoder.downgrade());
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let Some(gst::EventView::Caps(event)) = info.event().map(|event| event.view()) else {
            return gst::PadProbeReturn::Ok;
        };
        let (Some(structure), Some(rate_caps), Some(encoder)) =
            (event.caps().structure(0), rate_caps.upgrade(), encoder.upgrade())
        else {
            return gst::PadProbeReturn::Ok;
        };
        let mut caps = gst::Caps::builder_full().structure(gst::Structure::new_empty("video/x-raw"));
        if let Some(rate) = structure.get::<gst::Fraction>("framerate").ok().and_then(thinned) {
            let thin = gst::Structure::builder("video/x-raw").field("framerate", rate).build();
            caps = gst::Caps::builder_full().structure(thin);
        }
        rate_caps.set_property("caps", caps.build());
        let number = |field| structure.get::<i32>(field).unwrap_or(0);
        encoder::tell_size(&encoder, number("width"), number("height"));
        gst::PadProbeReturn::Ok
    });
}

/// videorate 1.22 aborts the process at a frame without time, and at one without duration when the frame rate is
/// not known either.
fn tell_durations(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data else { return gst::PadProbeReturn::Ok };
        if buffer.pts().is_none() {
            return gst::PadProbeReturn::Drop;
        }
        if buffer.duration().is_none() {
            buffer.make_mut().set_duration(gst::ClockTime::from_mseconds(40));
        }
        gst::PadProbeReturn::Ok
    });
}

/// A frame rate above the most, divided by a whole number: dropping every second frame looks
/// better than dropping two of five. `None`: leave it, or it varies.
fn thinned(rate: gst::Fraction) -> Option<gst::Fraction> {
    let (numer, denom) = (i64::from(rate.numer()), i64::from(rate.denom()));
    let most = i64::from(limits::MAX_TRANSCODE_FPS) * denom;
    if numer <= most || most == 0 {
        return None;
    }
    let divisor = (numer + most - 1) / most;
    Some(gst::Fraction::new(rate.numer(), i32::try_from(denom * divisor).ok()?))
}

/// A keyframe at the first frame at or after each multiple of the interval, on the file's
/// timeline moved by `grid_ns`: conversions begun at different places put them at the same frames.
fn force_keyframes(pad: &gst::Pad, interval: Duration, grid_ns: u64) {
    let interval = interval.as_nanos() as i64;
    let grid_ns = i64::try_from(grid_ns).unwrap_or(0);
    let last = std::sync::Mutex::new(None);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let time = info.buffer().and_then(|buffer| buffer.pts());
        let time = segment.zip(time).and_then(|(event, time)| tap::stream_time(event.segment(), time));
        if let (Some(time), Ok(mut last)) = (time, last.lock()) {
            let now = time.saturating_add(grid_ns).div_euclid(interval);
            if last.replace(now).is_some_and(|before| before != now) {
                let force = gst::Structure::builder("GstForceKeyUnit").field("all-headers", true).build();
                pad.push_event(gst::event::CustomDownstream::new(force));
            }
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_frame_rates_are_divided_by_whole_numbers() {
        let thin = |n, d| thinned(gst::Fraction::new(n, d)).map(|rate| (rate.numer(), rate.denom()));
        assert_eq!(thin(25, 1), None);
        assert_eq!(thin(30_000, 1001), None);
        assert_eq!(thin(30, 1), None);
        assert_eq!(thin(50, 1), Some((25, 1)));
        assert_eq!(thin(60_000, 1001), Some((30_000, 1001)));
        assert_eq!(thin(120, 1), Some((30, 1)));
        assert_eq!(thin(0, 1), None, "a varying rate");
    }
}
