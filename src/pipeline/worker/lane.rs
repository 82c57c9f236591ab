//! The elements of one lane, from the demuxer's queue to the tap.
//!
//! ```text
//!  video as it is   h264parse ▶ tap
//!  audio as it is   aacparse ▶ tap
//!  video otherwise  decodebin ▶ queue ▶ videoconvert ▶ deinterlace ▶ videorate ▶ videoconvertscale
//!                   ▶ capsfilter ▶ videoflip ▶ x264enc ▶ h264parse ▶ tap
//!  audio otherwise  decodebin ▶ queue ▶ audioconvert ▶ audioresample ▶ capsfilter ▶ avenc_aac
//!                   ▶ aacparse ▶ tap
//! ```
//!
//! Each lane is a bin named after it: that is how an error is attributed to a lane. An
//! `errorignore` at its entry keeps a broken lane from stopping the demuxer, and so the other lane.

use super::super::wire::Lane;
use super::outlet::Outlet;
use super::tap::{self, Listener, Times};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::Arc;

/// An element that is needed and not installed, or two that cannot be joined.
#[derive(Debug, thiserror::Error)]
pub(super) enum BuildError {
    #[error("the GStreamer element {0} is missing")]
    Missing(&'static str),
    #[error("GStreamer: {0}")]
    Refused(String),
}

impl From<gst::glib::BoolError> for BuildError {
    fn from(error: gst::glib::BoolError) -> Self {
        Self::Refused(error.to_string())
    }
}

/// What every lane is built with.
pub(super) struct Surroundings {
    pub(super) outlet: Arc<Outlet>,
    pub(super) listener: Arc<dyn Listener>,
}

/// The name of a lane's bin.
pub(super) fn bin_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Video => "video-lane",
        Lane::Audio => "audio-lane",
    }
}

pub(super) fn make(name: &'static str) -> Result<gst::Element, BuildError> {
    gst::ElementFactory::make(name).build().map_err(|_| BuildError::Missing(name))
}

/// Sets a property that this version of the element may not have.
fn set(element: &gst::Element, property: &str, value: &str) {
    if element.has_property(property) {
        element.set_property_from_str(property, value);
    }
}

/// H.264 or AAC as it is. `has_dts` tells whether the demuxer knows decoding times: Matroska does
/// not have them.
pub(super) fn pass(lane: Lane, has_dts: bool, around: &Surroundings) -> Result<gst::Bin, BuildError> {
    let times = if lane == Lane::Video && !has_dts { Times::PresentationOnly } else { Times::Given };
    assemble(lane, parser_and_tap(lane, times, around)?.into())
}

/// Anything else: decoded and encoded. `raw` streams need no decoder.
pub(super) fn transcode(lane: Lane, raw: bool, around: &Surroundings) -> Result<gst::Bin, BuildError> {
    let queue = make("queue")?;
    queue.set_property("max-size-buffers", limits::RAW_QUEUE_FRAMES);
    queue.set_property("max-size-bytes", 0u32);
    queue.set_property("max-size-time", 0u64);
    let mut elements = vec![queue.clone()];
    match lane {
        Lane::Video => elements.extend(video_encoding(&queue, around)?),
        Lane::Audio => elements.extend(audio_encoding(around)?),
    }
    if raw {
        return assemble(lane, elements);
    }
    let decoder = make("decodebin")?;
    let bin = assemble_behind(lane, &decoder, elements)?;
    decoder.connect_pad_added(move |_, pad| {
        let free = queue.static_pad("sink").filter(|sink| !sink.is_linked());
        if let Some(sink) = free {
            // A refusal shows as a not-negotiated or not-linked error of this lane.
            let _ = pad.link(&sink);
        }
    });
    Ok(bin)
}

fn video_encoding(queue: &gst::Element, around: &Surroundings) -> Result<Vec<gst::Element>, BuildError> {
    let deinterlace = make("deinterlace")?;
    set(&deinterlace, "mode", "auto");
    // "all" would double the frame rate.
    set(&deinterlace, "fields", "top");
    let rate = make("videorate")?;
    rate.set_property("drop-only", true);
    rate.set_property("max-rate", limits::MAX_TRANSCODE_FPS);
    let rate_caps = make("capsfilter")?;
    let flip = make("videoflip")?;
    set(&flip, "video-direction", "auto");
    let scale = make("videoconvertscale").or_else(|_| make("videoscale"))?;
    let size_caps = make("capsfilter")?;
    size_caps.set_property("caps", encoder_input());
    let (encoder, profiles) = video_encoder()?;
    let profile_caps = make("capsfilter")?;
    profile_caps.set_property("caps", profiles);
    if let Some(pad) = queue.static_pad("src") {
        adapt_to_source(&pad, &rate_caps, &encoder);
    }
    if let Some(pad) = size_caps.static_pad("src") {
        force_keyframes(&pad);
    }
    // Neither deinterlace nor videoflip takes every format: 4:2:2 of DV and DNxHD, 4:1:0 of old QuickTime.
    let convert = make("videoconvert").or_else(|_| make("videoconvertscale"))?;
    let mut elements =
        vec![convert, deinterlace, rate, rate_caps, scale, size_caps, flip, encoder, profile_caps];
    elements.extend(parser_and_tap(Lane::Video, Times::Given, around)?);
    Ok(elements)
}

/// Even sizes: x264 refuses odd ones. Square pixels: FLV cannot say otherwise.
fn encoder_input() -> gst::Caps {
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", gst::IntRange::with_step(2, limits::MAX_TRANSCODE_WIDTH, 2))
        .field("height", gst::IntRange::with_step(2, limits::MAX_TRANSCODE_HEIGHT, 2))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build()
}

/// The H.264 encoder and the caps behind it.
fn video_encoder() -> Result<(gst::Element, gst::Caps), BuildError> {
    let seconds = limits::KEYFRAME_INTERVAL.as_secs() as u32;
    // Keyframes are forced at fixed times; this only bounds the distance when that fails.
    let frames = seconds * limits::MAX_TRANSCODE_FPS as u32 + 5;
    if let Ok(encoder) = make("x264enc") {
        set(&encoder, "speed-preset", "superfast");
        set(&encoder, "pass", "qual");
        set(&encoder, "quantizer", "22");
        set(&encoder, "vbv-buf-capacity", "1000");
        set(&encoder, "bframes", "0");
        set(&encoder, "dct8x8", "true");
        set(&encoder, "rc-lookahead", "0");
        set(&encoder, "sync-lookahead", "0");
        set(&encoder, "key-int-max", &frames.to_string());
        set(&encoder, "option-string", "scenecut=0");
        let caps = gst::Caps::builder("video/x-h264").field("profile", "high").build();
        return Ok((encoder, caps));
    }
    let encoder = make("openh264enc").map_err(|_| BuildError::Missing("x264enc (or openh264enc)"))?;
    set(&encoder, "complexity", "low");
    set(&encoder, "rate-control", "bitrate");
    set(&encoder, "gop-size", &frames.to_string());
    let profiles = gst::List::new(["high", "main", "constrained-baseline"]);
    Ok((encoder, gst::Caps::builder("video/x-h264").field("profile", profiles).build()))
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
        let kbit = most_kbit(number("width"), number("height"));
        // x264enc counts kbit/s, openh264enc bit/s.
        let unit =
            if encoder.factory().is_some_and(|factory| factory.name() == "x264enc") { 1 } else { 1000 };
        encoder.set_property("bitrate", kbit * unit);
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

/// The cap on the bitrate: 2.5 Mbit/s at 480p, 5 at 720p, 8 above. Quality decides below it.
fn most_kbit(width: i32, height: i32) -> u32 {
    match i64::from(width) * i64::from(height) {
        ..500_000 => 2500,
        500_000..1_000_000 => 5000,
        _ => 8000,
    }
}

/// A keyframe at the first frame at or after each multiple of the interval, on the file's
/// timeline: conversions begun at different places put them at the same frames.
fn force_keyframes(pad: &gst::Pad) {
    let interval = limits::KEYFRAME_INTERVAL.as_nanos() as i64;
    let last = std::sync::Mutex::new(None);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let time = info.buffer().and_then(|buffer| buffer.pts());
        let time = segment.zip(time).and_then(|(event, time)| tap::stream_time(event.segment(), time));
        if let (Some(time), Ok(mut last)) = (time, last.lock()) {
            let now = time.div_euclid(interval);
            if last.replace(now).is_some_and(|before| before != now) {
                let force = gst::Structure::builder("GstForceKeyUnit").field("all-headers", true).build();
                pad.push_event(gst::event::CustomDownstream::new(force));
            }
        }
        gst::PadProbeReturn::Ok
    });
}

fn audio_encoding(around: &Surroundings) -> Result<Vec<gst::Element>, BuildError> {
    let filter = make("capsfilter")?;
    let caps = gst::Caps::builder("audio/x-raw")
        .field("rate", gst::List::new([48_000i32, 44_100]))
        .field("channels", gst::IntRange::new(1, 2))
        .build();
    filter.set_property("caps", caps);
    let (encoder, priming) = audio_encoder()?;
    let mut elements = vec![make("audioconvert")?, make("audioresample")?, filter, encoder];
    elements.extend(parser_and_tap(Lane::Audio, Times::Primed(priming), around)?);
    Ok(elements)
}

/// The AAC encoder and the samples it puts before the first, as measured.
fn audio_encoder() -> Result<(gst::Element, i64), BuildError> {
    let (encoder, priming) = make("avenc_aac")
        .map(|encoder| (encoder, 1024))
        .or_else(|_| make("voaacenc").map(|encoder| (encoder, 1600)))
        .or_else(|_| make("fdkaacenc").map(|encoder| (encoder, 2048)))
        .map_err(|_| BuildError::Missing("avenc_aac (or voaacenc, fdkaacenc)"))?;
    set(&encoder, "bitrate", "128000");
    // Less than half the CPU time of "twoloop", and nearer to the original below 2 kHz.
    set(&encoder, "aac-coder", "fast");
    Ok((encoder, priming))
}

fn parser_and_tap(lane: Lane, times: Times, around: &Surroundings) -> Result<[gst::Element; 2], BuildError> {
    let (parser, caps) = match lane {
        Lane::Video => {
            let caps =
                gst::Caps::builder("video/x-h264").field("stream-format", "avc").field("alignment", "au");
            (make("h264parse")?, caps.build())
        }
        Lane::Audio => {
            let caps = gst::Caps::builder("audio/mpeg").field("stream-format", "raw").field("framed", true);
            (make("aacparse")?, caps.build())
        }
    };
    Ok([parser, tap::sink(lane, &caps, times, &around.outlet, &around.listener).upcast()])
}

/// Links `elements` in a bin with a sink pad.
fn assemble(lane: Lane, elements: Vec<gst::Element>) -> Result<gst::Bin, BuildError> {
    let bin = gst::Bin::with_name(bin_name(lane));
    let entry = entry()?;
    bin.add(&entry)?;
    bin.add_many(&elements)?;
    gst::Element::link_many([&entry].into_iter().chain(&elements))?;
    with_sink_pad(bin, &entry)
}

/// As [`assemble`], with a decoder before them that links itself later.
fn assemble_behind(
    lane: Lane,
    decoder: &gst::Element,
    elements: Vec<gst::Element>,
) -> Result<gst::Bin, BuildError> {
    let bin = gst::Bin::with_name(bin_name(lane));
    let entry = entry()?;
    bin.add_many([&entry, decoder])?;
    bin.add_many(&elements)?;
    entry.link(decoder)?;
    gst::Element::link_many(&elements)?;
    with_sink_pad(bin, &entry)
}

/// `errorignore` is in plugins-bad; without it an error in one lane ends both.
fn entry() -> Result<gst::Element, BuildError> {
    let entry = make("errorignore").or_else(|_| make("identity"))?;
    set(&entry, "convert-to", "ok");
    set(&entry, "ignore-notlinked", "true");
    Ok(entry)
}

fn with_sink_pad(bin: gst::Bin, first: &gst::Element) -> Result<gst::Bin, BuildError> {
    let target = first.static_pad("sink").ok_or_else(|| BuildError::Refused("no sink pad".into()))?;
    bin.add_pad(&gst::GhostPad::with_target(&target)?)?;
    Ok(bin)
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
