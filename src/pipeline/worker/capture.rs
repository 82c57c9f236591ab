//! The elements between a capture device and the heads.
//!
//! ```text
//!  v4l2src ▶ what was asked for ─┬▶ H.264   h264parse ▶ head
//!                                ├▶ JPEG    jpegdec ▶ head
//!                                └▶ pixels  head
//!  alsasrc ▶ audioconvert ▶ steady ▶ head
//! ```
//!
//! The pipeline's clock is the system's, and the sound card's is brought to it. A card that cannot be opened costs the
//! sound, not the picture.

use super::super::equipment::Equipment;
use super::super::live_order::CaptureOrder;
use super::super::wire::{Failure, Message};
use super::lane::{BuildError, make};
use super::notes::Shared;
use super::verdict::{self, fail};
use super::{seal, steady};
use crate::device::{Coding, Rate};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use std::path::PathBuf;
use std::sync::Arc;

/// What `order` needs of `/dev` beside what plug-ins need: the device, its sound card, and the nodes of a hardware
/// encoder if this machine has one.
pub(super) fn nodes(order: &CaptureOrder, equipment: &Equipment) -> Vec<PathBuf> {
    let mut nodes = vec![order.node.clone()];
    nodes.extend(order.audio.iter().flat_map(|audio| audio.nodes()));
    if equipment.encoders().iter().any(|encoder| encoder.element.starts_with("v4l2")) {
        nodes.extend(seal::video_codecs());
    }
    nodes
}

/// What [`build`] has built.
#[derive(Debug)]
pub(super) struct Built {
    /// The picture, or picture and sound.
    pub(super) streams: usize,
    /// What is missing.
    pub(super) warnings: Vec<String>,
}

/// Adds what `order` needs to `pipeline`; `shared` gets a head for the picture, and one for the sound.
pub(super) fn build(
    pipeline: &gst::Pipeline,
    order: &CaptureOrder,
    shared: &Arc<Shared>,
) -> Result<Built, Box<Message>> {
    pipeline.use_clock(Some(&gst::SystemClock::obtain()));
    let build_failed = |error: BuildError| {
        let failure = match error {
            BuildError::Missing(_) => Failure::NotInstalled,
            BuildError::Refused(_) => Failure::Unreadable,
        };
        Box::new(fail(failure, error.to_string()))
    };
    let picture = picture(order).map_err(build_failed)?;
    if !order.stand_in
        && let Some(source) = picture.first()
        && let Err((error, debug)) = opens(source)
    {
        return Err(Box::new(on_error(&error, Some(&debug))));
    }
    add(pipeline, &picture, shared).map_err(build_failed)?;
    let mut built = Built { streams: 1, warnings: Vec::new() };
    if order.audio.is_some() {
        let sound = sound(order).map_err(build_failed)?;
        match sound.first().map_or(Ok(()), |source| if order.stand_in { Ok(()) } else { opens(source) }) {
            Ok(()) => {
                add(pipeline, &sound, shared).map_err(build_failed)?;
                built.streams += 1;
            }
            Err((error, _)) => built.warnings.push(format!("there is no sound: {}", verdict::text(&error))),
        }
    }
    Ok(built)
}

fn add(pipeline: &gst::Pipeline, elements: &[gst::Element], shared: &Arc<Shared>) -> Result<(), BuildError> {
    pipeline.add_many(elements)?;
    gst::Element::link_many(elements)?;
    let pad = elements.last().and_then(|last| last.static_pad("src"));
    shared.attach(pipeline, &pad.ok_or_else(|| BuildError::Refused("a source without a pad".into()))?);
    Ok(())
}

/// Opens a device before it is part of anything: what fails then, fails alone.
fn opens(source: &gst::Element) -> Result<(), (gst::glib::Error, String)> {
    let bus = gst::Bus::new();
    source.set_bus(Some(&bus));
    let opened = source.set_state(gst::State::Ready);
    source.set_bus(None::<&gst::Bus>);
    if opened.is_ok() {
        return Ok(());
    }
    let _ = source.set_state(gst::State::Null);
    let message = bus.pop_filtered(&[gst::MessageType::Error]);
    let told = message.as_ref().and_then(|message| match message.view() {
        gst::MessageView::Error(error) => {
            Some((error.error(), error.debug().map(|debug| debug.to_string()).unwrap_or_default()))
        }
        _ => None,
    });
    let silent =
        || (gst::glib::Error::new(gst::ResourceError::OpenRead, "it cannot be opened"), String::new());
    Err(told.unwrap_or_else(silent))
}

fn picture(order: &CaptureOrder) -> Result<Vec<gst::Element>, BuildError> {
    let mut elements = if order.stand_in { stand_in::picture(order)? } else { vec![device(order)?] };
    let filter = make("capsfilter")?;
    filter.set_property("caps", picture_caps(order));
    elements.push(filter);
    match order.mode.coding {
        Coding::H264 => elements.push(make("h264parse")?),
        Coding::Jpeg => {
            let decoder = make("jpegdec").or_else(|_| make("avdec_mjpeg"))?;
            // Sticks damage a picture now and then; the next one is whole.
            if decoder.has_property("max-errors") {
                decoder.set_property("max-errors", -1i32);
            }
            elements.push(decoder);
        }
        Coding::Raw(_) => {}
    }
    Ok(elements)
}

fn device(order: &CaptureOrder) -> Result<gst::Element, BuildError> {
    let source = make("v4l2src")?;
    source.set_property("device", order.node.to_string_lossy().as_ref());
    Ok(source)
}

fn picture_caps(order: &CaptureOrder) -> gst::Caps {
    let mut caps = match order.mode.coding {
        Coding::H264 => gst::Caps::builder("video/x-h264"),
        Coding::Jpeg => gst::Caps::builder("image/jpeg"),
        Coding::Raw(format) => gst::Caps::builder("video/x-raw").field("format", format.name()),
    };
    if let Some((width, height)) = order.mode.size {
        caps = caps.field("width", width as i32).field("height", height as i32);
    }
    if let Some(Rate(numerator, denominator)) = order.mode.rate {
        caps = caps.field("framerate", gst::Fraction::new(numerator as i32, denominator.max(1) as i32));
    }
    caps.build()
}

fn sound(order: &CaptureOrder) -> Result<Vec<gst::Element>, BuildError> {
    let source = if order.stand_in { stand_in::sound()? } else { card(order)? };
    let (convert, filter) = (make("audioconvert")?, make("capsfilter")?);
    filter.set_property("caps", steady::caps());
    if let Some(pad) = filter.static_pad("src") {
        steady::steady(&pad);
    }
    Ok(vec![source, convert, filter])
}

fn card(order: &CaptureOrder) -> Result<gst::Element, BuildError> {
    let source = make("alsasrc")?;
    if let Some(audio) = &order.audio {
        source.set_property("device", format!("hw:{},{}", audio.card, audio.device));
    }
    // Its own way to another clock drops and repeats whole buffers. Times are those at which buffers were taken out;
    // `steady` does the rest.
    source.set_property("provide-clock", false);
    source.set_property_from_str("slave-method", "re-timestamp");
    source.set_property("buffer-time", limits::CAPTURE_SOUND_BUFFER.as_micros() as i64);
    source.set_property("latency-time", limits::CAPTURE_SOUND_PERIOD.as_micros() as i64);
    Ok(source)
}

/// The last message for an error of a device.
pub(super) fn on_error(error: &gst::glib::Error, debug: Option<&str>) -> Message {
    let says = |words: &[&str]| debug.is_some_and(|debug| words.iter().any(|word| debug.contains(word)));
    if says(&["Permission denied"]) {
        let text = "the server may not use it; add the user that it runs as to the group \"video\" (and \"audio\" \
                    for the sound), then start it again";
        return fail(Failure::Refused, text);
    }
    if error.matches(gst::ResourceError::Busy) || says(&["resource busy"]) {
        return fail(Failure::Unreadable, "another program uses it; end that program");
    }
    if error.matches(gst::ResourceError::NotFound) || says(&["No such file", "No such device"]) {
        return fail(Failure::Unreadable, "it is not plugged in any more");
    }
    if error.matches(gst::CoreError::Negotiation)
        || says(&["not-negotiated", "Device '", "S_FMT"]) && error.matches(gst::ResourceError::Settings)
    {
        let text = "it does not send what it promised; choose another size, rate or format";
        return fail(Failure::NotMedia, text);
    }
    fail(
        Failure::Unreadable,
        format!("it stopped sending; is it still plugged in? ({})", verdict::text(error)),
    )
}

/// **For tests only**, in the place of a device: see [`crate::device::stand_in`]. Orders of a release build never ask
/// for it.
mod stand_in {
    use super::super::lane::{BuildError, make};
    use super::CaptureOrder;
    use crate::device::Coding;
    use gst::prelude::*;
    use gstreamer as gst;

    pub(super) fn picture(order: &CaptureOrder) -> Result<Vec<gst::Element>, BuildError> {
        let source = make("videotestsrc")?;
        source.set_property("is-live", true);
        // Removing the file is pulling the plug.
        let node = order.node.clone();
        if let Some(pad) = source.static_pad("src") {
            pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
                if !node.exists() {
                    if let Some(element) = pad.parent_element() {
                        gst::element_error!(
                            element,
                            gst::ResourceError::Read,
                            ["the stand-in was unplugged"]
                        );
                    }
                    return gst::PadProbeReturn::Remove;
                }
                gst::PadProbeReturn::Ok
            });
        }
        let coding = match order.mode.coding {
            Coding::H264 => {
                let encoder = make("x264enc")?;
                encoder.set_property_from_str("tune", "zerolatency");
                encoder.set_property_from_str("speed-preset", "ultrafast");
                encoder.set_property("key-int-max", 15u32);
                // 4:2:0, as every device has it.
                let raw = make("capsfilter")?;
                raw.set_property("caps", gst::Caps::builder("video/x-raw").field("format", "I420").build());
                vec![raw, encoder]
            }
            Coding::Jpeg => vec![make("jpegenc")?],
            Coding::Raw(_) => Vec::new(),
        };
        Ok([vec![source], coding].concat())
    }

    pub(super) fn sound() -> Result<gst::Element, BuildError> {
        let source = make("audiotestsrc")?;
        source.set_property("is-live", true);
        Ok(source)
    }
}
