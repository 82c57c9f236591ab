//! The worker that makes a slate: a still picture with letters on it, and silence, encoded as the source's own pictures
//! are.
//!
//! ```text
//!  the last picture ▶ jpegdec ▶ its size ▶ darker ▶ imagefreeze ─┬▶ textoverlay ▶ the lane of a live source
//!  none             ▶ videotestsrc, one colour ──────────────────┘
//!  audiotestsrc, silence ▶ the lane of a live source
//! ```
//!
//! `wiidiaserver worker slate --parent PID --equipment JSON --order JSON`, the picture on standard input. Without
//! `textoverlay` there are no letters.

use super::super::equipment::Equipment;
use super::super::form::{Codec, Form};
use super::super::slate::SlateOrder;
use super::super::wire::{Failure, Message};
use super::confine::{self, Life};
use super::lane::{self, BuildError, Surroundings, make};
use super::notes::Shared;
use super::outlet::Outlet;
use super::verdict::{self, fail};
use super::{encoder, seal};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use std::ffi::OsString;
use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// A dark blue that no picture from a wire has, without being a test picture's.
const COLOUR: u32 = 0xff14_1c2b;

/// Runs it; `args` is what follows the word `slate`.
pub(super) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let Some((parent, equipment, order)) = parse(args) else {
        eprintln!(
            "worker: expected `slate --parent PID --equipment JSON --order JSON`; this command is for the server itself"
        );
        return ExitCode::from(2);
    };
    if let Err(error) = confine::confine(Some(parent), Life::OneLook) {
        eprintln!("worker: {error}");
        return ExitCode::FAILURE;
    }
    let outlet = match confine::take_stdout() {
        Ok(pipe) => Arc::new(Outlet::at_once(pipe)),
        Err(error) => {
            eprintln!("worker: no pipe to the server: {error}");
            return ExitCode::FAILURE;
        }
    };
    let last = run(&order, equipment, &outlet)
        .unwrap_or_else(|missing| fail(Failure::NotInstalled, missing.to_string()));
    outlet.send(&last);
    // As for files: threads of GStreamer are still at work, and joining them could hang.
    std::process::exit(0)
}

fn parse(mut args: impl Iterator<Item = OsString>) -> Option<(i32, Equipment, SlateOrder)> {
    let mut value_of = |name: &str| {
        let option = args.next().filter(|option| option == name);
        option.and(args.next()).and_then(|value| value.into_string().ok())
    };
    let parent = value_of("--parent")?.parse().ok()?;
    let equipment = serde_json::from_str(&value_of("--equipment")?).ok()?;
    let order = serde_json::from_str(&value_of("--order")?).ok()?;
    Some((parent, equipment, order))
}

fn run(order: &SlateOrder, equipment: Equipment, outlet: &Arc<Outlet>) -> Result<Message, BuildError> {
    let mut picture = Vec::new();
    let _ = std::io::stdin().lock().take(limits::MAX_LOOK_PICTURE as u64).read_to_end(&mut picture);
    gst::init().map_err(|error| BuildError::Refused(error.to_string()))?;
    if let Err(error) = seal::seal(&seal::plugin_folders()) {
        eprintln!("worker: less confined than it could be: {error}");
    }
    let pipeline = gst::Pipeline::new();
    let bus = pipeline.bus().ok_or_else(|| BuildError::Refused("a pipeline without a bus".into()))?;
    let shared = Arc::new(Shared::new(bus.clone(), Arc::clone(outlet)));
    let around = Surroundings { outlet: Arc::clone(outlet), listener: shared, equipment, cover: None };
    let raw = raw(order);
    chain(&pipeline, &still(order, picture)?, Codec::H264, &raw, &around)?;
    if order.sound {
        chain(&pipeline, &silence()?, Codec::Aac, &sound(), &around)?;
    }
    let _ = pipeline.set_state(gst::State::Playing);
    let began = Instant::now();
    let last = loop {
        let message = bus.timed_pop(gst::ClockTime::from_mseconds(100));
        match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Eos(_)) => break Message::End,
            Some(gst::MessageView::Error(error)) => {
                eprintln!("{}: {}", error.error(), error.debug().unwrap_or_default());
                break fail(Failure::Unreadable, verdict::text(&error.error()));
            }
            _ if began.elapsed() > limits::SLATE_TIMEOUT => {
                break fail(Failure::Stalled, "it took too long to encode");
            }
            _ => {}
        }
    };
    // The process ends now: nothing is gained by taking a running pipeline apart.
    std::mem::forget(pipeline);
    Ok(last)
}

/// `elements`, and behind them the lane of a live source.
fn chain(
    pipeline: &gst::Pipeline,
    elements: &[gst::Element],
    codec: Codec,
    caps: &gst::Caps,
    around: &Surroundings,
) -> Result<(), BuildError> {
    let source = lane::Source {
        caps,
        renamed: false,
        decoding_order_only: false,
        shown_later_ns: 0,
        turned: false,
        drawn_on: false,
        skip_until: None,
        grid_ns: 0,
    };
    let lane = lane::transcode(codec, &source, &Form::default(), around)?;
    pipeline.add_many(elements)?;
    pipeline.add(&lane)?;
    gst::Element::link_many(elements.iter().chain([lane.upcast_ref()]))?;
    Ok(())
}

fn raw(order: &SlateOrder) -> gst::Caps {
    let [width, height] = [order.width, order.height].map(|side| (side.clamp(16, 4096) & !1) as i32);
    let (numerator, denominator) = order.rate;
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", width)
        .field("height", height)
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field(
            "framerate",
            gst::Fraction::new(numerator.clamp(1, 240_000) as i32, denominator.clamp(1, 1001) as i32),
        )
        .build()
}

fn still(order: &SlateOrder, picture: Vec<u8>) -> Result<Vec<gst::Element>, BuildError> {
    let filter = |caps: gst::Caps| -> Result<gst::Element, BuildError> {
        let filter = make("capsfilter")?;
        filter.set_property("caps", caps);
        Ok(filter)
    };
    let fps = f64::from(order.rate.0) / f64::from(order.rate.1.max(1));
    let count = (limits::SLATE_LENGTH.as_secs_f64() * fps).ceil() as i32 + 1;
    let caps = raw(order);
    let mut elements = if picture.is_empty() {
        let source = make("videotestsrc")?;
        encoder::set(&source, "pattern", "solid-color");
        source.set_property("foreground-color", COLOUR);
        source.set_property("num-buffers", count);
        vec![source, filter(caps)?]
    } else {
        let source = gst_app::AppSrc::builder()
            .caps(&gst::Caps::builder("image/jpeg").field("framerate", gst::Fraction::new(0, 1)).build())
            .format(gst::Format::Time)
            .build();
        let _ = source.push_buffer(gst::Buffer::from_mut_slice(picture));
        let _ = source.end_of_stream();
        let scale = make("videoconvertscale")
            .map(|scale| vec![scale])
            .or_else(|_| Ok::<_, BuildError>(vec![make("videoconvert")?, make("videoscale")?]))?;
        let mut size = caps.clone();
        if let Some(structure) = size.make_mut().structure_mut(0) {
            structure.remove_field("framerate");
        }
        let darker = make("videobalance")?;
        darker.set_property("brightness", -0.25f64);
        darker.set_property("saturation", 0.35f64);
        let freeze = make("imagefreeze")?;
        freeze.set_property("num-buffers", count);
        let mut elements = vec![source.upcast(), make("jpegdec")?];
        elements.extend(scale);
        elements.extend([filter(size)?, darker, freeze, filter(caps)?]);
        elements
    };
    for (text, part, place) in [(&order.title, 11, 0.48), (&order.subtitle, 22, 0.6)] {
        let Ok(letters) = make("textoverlay") else { break };
        letters.set_property("text", text);
        encoder::set(&letters, "halignment", "center");
        encoder::set(&letters, "valignment", "position");
        letters.set_property("ypos", place);
        // Points, at what textoverlay takes for the picture's resolution.
        let size = (order.height / part).clamp(8, 120) * 480 / order.height.max(1) + 4;
        letters.set_property("font-desc", format!("Sans {size}"));
        elements.push(letters);
    }
    Ok(elements)
}

fn sound() -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", "S16LE")
        .field("layout", "interleaved")
        .field("rate", 48_000i32)
        .field("channels", 2i32)
        .build()
}

fn silence() -> Result<Vec<gst::Element>, BuildError> {
    let source = make("audiotestsrc")?;
    encoder::set(&source, "wave", "silence");
    source.set_property("samplesperbuffer", 1024i32);
    source.set_property(
        "num-buffers",
        (limits::SLATE_LENGTH.as_secs_f64() * 48_000.0 / 1024.0).ceil() as i32 + 2,
    );
    let filter = make("capsfilter")?;
    filter.set_property("caps", sound());
    Ok(vec![source, filter])
}
