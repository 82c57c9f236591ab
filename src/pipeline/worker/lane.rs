//! The elements of one lane, from the demuxer's queue to the tap.
//!
//! ```text
//!  as it is         tap: parsebin's parser has brought it into the form that is sent
//!  as it is, nearly h265parse, or another codec's ▶ tap
//!  video otherwise  decodebin ▶ queue ▶ videoconvert ▶ deinterlace ▶ videorate ▶ videoconvertscale
//!                   ▶ capsfilter (▶ videoflip) ▶ x264enc ▶ h264parse ▶ tap
//!  audio otherwise  decodebin ▶ queue ▶ audioconvert ▶ audioresample ▶ capsfilter ▶ avenc_aac
//!                   ▶ aacparse ▶ tap
//! ```
//!
//! Each lane is a bin named after it: that is how an error is attributed to a lane. An
//! `errorignore` at its entry keeps a broken lane from stopping the demuxer, and so the other lane.

mod video;

use video::video_encoding;

use super::super::equipment::{Choice, Equipment};
use super::super::form::{Codec, Form};
use super::super::wire::Lane;
use super::cover::Cover;
use super::encoder::{self, set};
use super::outlet::Outlet;
use super::shortcut::Shortcut;
use super::shown_times;
use super::tap::{self, Listener, Times};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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
    /// What this machine was found to encode with.
    pub(super) equipment: Equipment,
    /// What is shown while a sound plays.
    pub(super) cover: Option<Arc<Cover>>,
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

/// A stream as it is. `has_dts` tells whether the demuxer knows decoding times: Matroska does not have them.
pub(super) fn pass(codec: Codec, has_dts: bool, around: &Surroundings) -> Result<gst::Bin, BuildError> {
    assemble(codec.lane(), parser_and_tap(codec, times_of(codec, has_dts), around)?)
}

/// As [`pass`], where the stream has the form already in which it is sent: no parser, and past the queue when that is
/// empty. `None` where a parser is needed.
pub(super) fn pass_straight(
    codec: Codec,
    caps: &gst::CapsRef,
    has_dts: bool,
    around: &Surroundings,
) -> Result<Option<(gst::Bin, Shortcut)>, BuildError> {
    let wanted = match codec {
        // The tap takes their headers off.
        Codec::Aac => gst::Caps::builder("audio/mpeg")
            .field("mpegversion", gst::List::new([2i32, 4]))
            .field("stream-format", gst::List::new(["raw", "adts"]))
            .field("framed", true)
            .build(),
        _ => parser_of(codec).1,
    };
    // H.264 that no parser has looked at may carry its parameter sets in the pictures.
    let parsed = caps
        .structure(0)
        .is_some_and(|s| s.get::<bool>("parsed").or_else(|_| s.get::<bool>("framed")).unwrap_or(false));
    if !parsed || !caps.is_subset(&wanted) {
        return Ok(None);
    }
    let (sink, tap) = tap::sink(codec, &wanted, times_of(codec, has_dts), around);
    let bin = assemble(codec.lane(), vec![sink.upcast()])?;
    Ok(Some((bin, Shortcut::new(tap, wanted))))
}

fn times_of(codec: Codec, has_dts: bool) -> Times {
    let reordered = matches!(codec, Codec::H264 | Codec::Hevc);
    if reordered && !has_dts { Times::PresentationOnly } else { Times::Given }
}

/// What is known of a stream that has to be decoded.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) caps: &'a gst::CapsRef,
    /// The demuxer does not know these caps: see [`recognised`](super::decide::recognised).
    pub(super) renamed: bool,
    /// Its times are those of decoding: see [`VideoFacts`](super::decide::VideoFacts).
    pub(super) decoding_order_only: bool,
    /// Nanoseconds by which a picture is shown after it was decoded, in such a stream.
    pub(super) shown_later_ns: i64,
    /// Its tag says that it has to be turned.
    pub(super) turned: bool,
    /// Subtitles are drawn into it.
    pub(super) drawn_on: bool,
    /// What is decoded before this, in nanoseconds of the file's time, goes no further.
    pub(super) skip_until: Option<i64>,
    /// How far the grid of keyframes is moved against the file's times.
    pub(super) grid_ns: u64,
}

/// Anything else: decoded and encoded, as `form` asks for.
pub(super) fn transcode(
    codec: Codec,
    source: &Source<'_>,
    form: &Form,
    around: &Surroundings,
) -> Result<gst::Bin, BuildError> {
    let queue = make("queue")?;
    queue.set_property("max-size-buffers", limits::RAW_QUEUE_FRAMES);
    queue.set_property("max-size-bytes", 0u32);
    queue.set_property("max-size-time", 0u64);
    if let Some((until, pad)) = source.skip_until.zip(queue.static_pad("src")) {
        skip(&pad, until);
    }
    let overlay = if source.drawn_on { Some(make("subtitleoverlay")?) } else { None };
    let mut elements = vec![queue.clone()];
    match codec.lane() {
        Lane::Video => {
            elements.extend(video_encoding(&queue, codec, source, overlay.as_ref(), form, around)?)
        }
        Lane::Audio => elements.extend(audio_encoding(codec, around)?),
    }
    let bin = if is_raw(source.caps) {
        assemble(codec.lane(), elements)?
    } else {
        decode_into(codec.lane(), source, elements)?
    };
    if let Some(pad) = overlay.and_then(|overlay| overlay.static_pad("subtitle_sink")) {
        bin.add_pad(&gst::GhostPad::builder_with_target(&pad)?.name(SUBTITLE_PAD).build())?;
    }
    Ok(bin)
}

/// Pixels or samples, which need no decoder.
fn is_raw(caps: &gst::CapsRef) -> bool {
    caps.structure(0).is_some_and(|structure| structure.name().ends_with("/x-raw"))
}

/// The pad of a video lane's bin into which the subtitles go.
pub(super) const SUBTITLE_PAD: &str = "subtitle";

/// `elements` behind a decoder, which links itself to the first of them later.
fn decode_into(lane: Lane, source: &Source<'_>, elements: Vec<gst::Element>) -> Result<gst::Bin, BuildError> {
    let decoder = make("decodebin")?;
    let mut before = vec![entry()?];
    if source.renamed {
        let rename = make("capssetter")?;
        rename.set_property("caps", source.caps.to_owned());
        rename.set_property("join", false);
        rename.set_property("replace", true);
        before.push(rename);
    }
    before.push(decoder.clone());
    let first = elements.first().cloned();
    let bin = assemble_behind(lane, &before, elements)?;
    // Without B-frames both orders are one.
    if source.decoding_order_only
        && source.shown_later_ns != 0
        && let Some(pad) = bin.static_pad("sink")
    {
        forget_presentation_times(&pad);
    }
    if shown_times::are_missing_in(source.caps)
        && let Some(pad) = bin.static_pad("sink")
    {
        shown_times::fill_in(&pad);
    }
    decoder.connect_pad_added(move |_, pad| {
        let free = first.as_ref().and_then(|first| first.static_pad("sink")).filter(|sink| !sink.is_linked());
        if let Some(sink) = free {
            // A refusal shows as a not-negotiated or not-linked error of this lane.
            let _ = pad.link(&sink);
        }
    });
    Ok(bin)
}

/// Drops buffers before a time, but not for ever: what is begun too far ahead begins there.
fn skip(pad: &gst::Pad, until: i64) {
    // The one thread of this pad counts.
    let left = AtomicU32::new(limits::MAX_SKIPPED_BUFFERS);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let count = left.load(Ordering::Relaxed);
        if count == 0 {
            return gst::PadProbeReturn::Ok;
        }
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let time = info.buffer().and_then(|buffer| buffer.pts());
        let time = segment.zip(time).and_then(|(event, time)| tap::stream_time(event.segment(), time));
        if time.is_some_and(|time| time < until) {
            left.store(count - 1, Ordering::Relaxed);
            return gst::PadProbeReturn::Drop;
        }
        left.store(0, Ordering::Relaxed);
        gst::PadProbeReturn::Ok
    });
}

/// avidemux gives the time of decoding for that of presentation as well. Without the latter, decoders give
/// pictures the times in the order in which they come out, which is right.
fn forget_presentation_times(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data {
            let time = buffer.dts_or_pts();
            let buffer = buffer.make_mut();
            buffer.set_dts(time);
            buffer.set_pts(gst::ClockTime::NONE);
        }
        gst::PadProbeReturn::Ok
    });
}

/// Shortest side that is encoded: encoders refuse less than a macroblock.
const MIN_SIDE: i32 = 16;

/// How to encode it, by its size and rate as far as they are known.
pub(super) fn choose<'a>(caps: &gst::CapsRef, form: &Form, around: &'a Surroundings) -> Choice<'a> {
    let structure = caps.structure(0);
    let side = |field| structure.and_then(|caps| caps.get::<i32>(field).ok()).unwrap_or(0).max(0);
    let rate = structure.and_then(|caps| caps.get::<gst::Fraction>("framerate").ok());
    let fps = rate.map_or(0.0, |rate| f64::from(rate.numer()) / f64::from(rate.denom().max(1)));
    let (most_width, most_height) = form.profile.largest().unwrap_or((MIN_SIDE, MIN_SIDE));
    around.equipment.choose(side("width").min(most_width), side("height").min(most_height), fps)
}

fn audio_encoding(codec: Codec, around: &Surroundings) -> Result<Vec<gst::Element>, BuildError> {
    let filter = make("capsfilter")?;
    let rates = match codec {
        // 48 kHz has no number in FLV's MP3.
        Codec::Mp3 => gst::List::new([44_100i32]),
        _ => gst::List::new([48_000i32, 44_100]),
    };
    let caps = gst::Caps::builder("audio/x-raw")
        .field("rate", rates)
        .field("channels", gst::IntRange::new(1, 2))
        .build();
    filter.set_property("caps", caps);
    let (encoder, priming) = match codec {
        Codec::Mp3 => encoder::mp3()?,
        _ => encoder::aac()?,
    };
    let mut elements = vec![make("audioconvert")?, make("audioresample")?, filter, encoder];
    elements.extend(parser_and_tap(codec, Times::Primed(priming), around)?);
    Ok(elements)
}

fn parser_and_tap(
    codec: Codec,
    times: Times,
    around: &Surroundings,
) -> Result<Vec<gst::Element>, BuildError> {
    let (parser, caps) = parser_of(codec);
    let mut elements: Vec<_> = parser.map(make).transpose()?.into_iter().collect();
    elements.push(tap::sink(codec, &caps, times, around).0.upcast());
    Ok(elements)
}

/// The element that brings a codec into the form in which it is sent, and that form.
pub(super) fn parser_of(codec: Codec) -> (Option<&'static str>, gst::Caps) {
    let caps = |name| gst::Caps::builder(name);
    match codec {
        Codec::H264 => (
            Some("h264parse"),
            caps("video/x-h264").field("stream-format", "avc").field("alignment", "au").build(),
        ),
        Codec::Hevc => (
            Some("h265parse"),
            caps("video/x-h265").field("stream-format", "hvc1").field("alignment", "au").build(),
        ),
        Codec::Av1 => (
            Some("av1parse"),
            caps("video/x-av1").field("stream-format", "obu-stream").field("alignment", "tu").build(),
        ),
        Codec::Vp9 => (Some("vp9parse"), caps("video/x-vp9").field("alignment", "super-frame").build()),
        Codec::Flv1 => (None, caps("video/x-flash-video").build()),
        Codec::Aac => {
            (Some("aacparse"), caps("audio/mpeg").field("stream-format", "raw").field("framed", true).build())
        }
        Codec::Opus => (Some("opusparse"), caps("audio/x-opus").build()),
        Codec::Mp3 => (
            Some("mpegaudioparse"),
            caps("audio/mpeg").field("mpegversion", 1i32).field("layer", 3i32).field("parsed", true).build(),
        ),
    }
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

/// As [`assemble`], in two parts that will be linked later. `before` begins with the entry.
fn assemble_behind(
    lane: Lane,
    before: &[gst::Element],
    elements: Vec<gst::Element>,
) -> Result<gst::Bin, BuildError> {
    let bin = gst::Bin::with_name(bin_name(lane));
    bin.add_many(before)?;
    bin.add_many(&elements)?;
    gst::Element::link_many(before)?;
    gst::Element::link_many(&elements)?;
    let entry = before.first().ok_or_else(|| BuildError::Refused("a lane without an entry".into()))?;
    with_sink_pad(bin, entry)
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
