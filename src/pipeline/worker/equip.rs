//! A test encode with each H.264 encoder there is: whether it works, and how fast.
//!
//! An element that exists may still fail: V4L2 drivers without firmware, VA-API without rights to the device. So each
//! has to deliver frames, the first of them a keyframe.

use super::super::equipment::{EncoderSpeed, Equipment};
use super::encoder::{self, PREFERRED};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// The size of the test picture: large enough for all threads of an encoder.
const SIZE: (i32, i32) = (640, 360);
const FPS: i32 = 25;

/// Tries all of them, in the order of preference.
pub(super) fn measure() -> Equipment {
    let mut speeds = Vec::new();
    let making = run(None).unwrap_or_default();
    for candidate in PREFERRED {
        let Some(taken) = run(Some(candidate)) else { continue };
        let pixels = f64::from(SIZE.0) * f64::from(SIZE.1) * f64::from(limits::EQUIP_FRAMES);
        let seconds = taken.saturating_sub(making).as_secs_f64().max(0.001);
        let kilopixels = (pixels / seconds / 1000.0).min(f64::from(u32::MAX)) as u32;
        let (element, preset) = candidate;
        speeds.push(EncoderSpeed { element: element.into(), preset: preset.into(), kilopixels });
    }
    Equipment::new(speeds)
}

/// Encodes the test picture, or without an encoder only makes it. How long that takes with all processors: time of the
/// processors where they do the work, so that a busy machine does not look slow; time on the clock where hardware does.
fn run(candidate: Option<(&str, &str)>) -> Option<Duration> {
    let pipeline = gst::Pipeline::new();
    let source = gst::ElementFactory::make("videotestsrc").build().ok()?;
    source.set_property("num-buffers", limits::EQUIP_FRAMES);
    // Detail that moves in all directions. Films are up to twice as hard, see `limits::ENCODER_HEADROOM`.
    source.set_property_from_str("pattern", "zone-plate");
    for (name, value) in [("kx2", 8), ("ky2", 8), ("kt", 7), ("kxt", 1), ("kyt", 1), ("horizontal-speed", 3)]
    {
        source.set_property(name, value);
    }
    let filter = gst::ElementFactory::make("capsfilter").build().ok()?;
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", SIZE.0)
        .field("height", SIZE.1)
        .field("framerate", gst::Fraction::new(FPS, 1));
    filter.set_property("caps", caps.build());
    let mut elements = vec![source, filter];
    if let Some((element, preset)) = candidate {
        elements.extend(encoder::h264(element, preset, false).ok()?);
    }
    let sink = gst_app::AppSink::builder().sync(false).build();
    elements.push(sink.clone().upcast());
    pipeline.add_many(&elements).ok()?;
    gst::Element::link_many(&elements).ok()?;
    let in_software = candidate.is_none_or(|(element, _)| encoder::is_software(element));
    let (begun, used) = (Instant::now(), processor_time());
    let taken = (|| {
        pipeline.set_state(gst::State::Playing).ok()?;
        let mut frames = 0;
        while let Some(left) = limits::EQUIP_TIMEOUT.checked_sub(begun.elapsed()) {
            let left = gst::ClockTime::from_nseconds(left.as_nanos() as u64);
            match sink.try_pull_sample(left) {
                Some(sample) => {
                    let delta = gst::BufferFlags::DELTA_UNIT;
                    if frames == 0 && sample.buffer()?.flags().contains(delta) {
                        return None;
                    }
                    frames += 1;
                }
                None => break,
            }
        }
        // Encoders may join or drop a frame or two.
        (frames + 2 >= limits::EQUIP_FRAMES).then(|| {
            let processors = std::thread::available_parallelism().map_or(1, usize::from) as u32;
            if in_software { processor_time().saturating_sub(used) / processors } else { begun.elapsed() }
        })
    })();
    let _ = pipeline.set_state(gst::State::Null);
    taken
}

/// Used so far by all threads of this process.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}
