//! The encoders, set up for what this server needs of them.
//!
//! No B-frames and no lookahead: a seek shows its first picture sooner, memory stays low, and the decoder of a cheap
//! television is not asked for more than it has. Profile and level are set explicitly; x264 chooses the level by the
//! size. The hardware encoders want to be told.

use super::lane::{BuildError, make};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;

/// H.264 encoders and their presets in the order in which they are taken when they are fast enough: hardware, then
/// x264 from better to faster, then what distributions without x264 have.
pub(super) const PREFERRED: [(&str, &str); 7] = [
    ("v4l2h264enc", ""),
    ("vah264enc", ""),
    ("vaapih264enc", ""),
    ("x264enc", "veryfast"),
    ("x264enc", "superfast"),
    ("x264enc", "ultrafast"),
    ("openh264enc", ""),
];

/// Works on the processor: its time is what encoding costs.
pub(super) fn is_software(element: &str) -> bool {
    matches!(element, "x264enc" | "openh264enc")
}

/// Sets a property that this version of the element may not have.
pub(super) fn set(element: &gst::Element, property: &str, value: &str) {
    if element.has_property(property) {
        element.set_property_from_str(property, value);
    }
}

/// An H.264 encoder and the caps behind it. `small` pictures may be a little coarser.
pub(super) fn h264(element: &str, preset: &str, small: bool) -> Result<[gst::Element; 2], BuildError> {
    let name = PREFERRED.iter().map(|(name, _)| *name).find(|name| *name == element);
    let encoder = make(name.ok_or(BuildError::Missing("encoder that this server knows"))?)?;
    // Keyframes are forced at fixed times; this only bounds the distance when that fails.
    let frames = limits::KEYFRAME_INTERVAL.as_secs() as u32 * limits::MAX_TRANSCODE_FPS as u32 + 5;
    let mut caps = gst::Caps::builder("video/x-h264");
    match element {
        "x264enc" => {
            set(&encoder, "speed-preset", preset);
            set(&encoder, "pass", "qual");
            set(&encoder, "quantizer", if small { "24" } else { "22" });
            set(&encoder, "vbv-buf-capacity", "1000");
            set(&encoder, "bframes", "0");
            set(&encoder, "dct8x8", "true");
            set(&encoder, "rc-lookahead", "0");
            set(&encoder, "sync-lookahead", "0");
            set(&encoder, "key-int-max", &frames.to_string());
            set(&encoder, "option-string", "scenecut=0");
            caps = caps.field("profile", "high");
        }
        "openh264enc" => {
            set(&encoder, "complexity", "low");
            set(&encoder, "rate-control", "bitrate");
            set(&encoder, "gop-size", &frames.to_string());
            caps = caps.field("profile", gst::List::new(["high", "main", "constrained-baseline"]));
        }
        "v4l2h264enc" => {
            if encoder.has_property("extra-controls") {
                // Headers with every keyframe: bcm2835-codec leaves them out otherwise.
                let controls = gst::Structure::builder("controls")
                    .field("repeat_sequence_header", 1i32)
                    .field("h264_i_frame_period", frames as i32)
                    .field("video_bitrate", (most_kbit(1280, 720) * 1000) as i32)
                    .build();
                encoder.set_property("extra-controls", controls);
            }
            // It fails when the level is left to it (raspberrypi/linux #3974).
            caps = caps.field("profile", "high").field("level", "4");
        }
        // VA-API, by either plug-in.
        _ => {
            set(&encoder, "key-int-max", &frames.to_string());
            set(&encoder, "keyframe-period", &frames.to_string());
            set(&encoder, "b-frames", "0");
            set(&encoder, "max-bframes", "0");
            caps = caps.field("profile", gst::List::new(["high", "main", "constrained-baseline"]));
        }
    }
    let filter = make("capsfilter")?;
    filter.set_property("caps", caps.build());
    Ok([encoder, filter])
}

/// What an encoder is told once the picture's size is known.
pub(super) fn tell_size(encoder: &gst::Element, width: i32, height: i32) {
    let kbit = most_kbit(width, height);
    // openh264enc counts bit/s, x264enc and VA-API kbit/s. The others have one for all sizes.
    match encoder.factory().map(|factory| factory.name()).as_deref() {
        Some("x264enc" | "vah264enc" | "vaapih264enc") => set(encoder, "bitrate", &kbit.to_string()),
        Some("openh264enc") => set(encoder, "bitrate", &(kbit * 1000).to_string()),
        _ => {}
    }
}

/// The cap on the bitrate: 2.5 Mbit/s at 480p, 5 at 720p, 8 above. Quality decides below it.
fn most_kbit(width: i32, height: i32) -> u32 {
    match i64::from(width) * i64::from(height) {
        ..500_000 => 2500,
        500_000..1_000_000 => 5000,
        _ => 8000,
    }
}

/// Sorenson H.263, for Flash 7.
pub(super) fn sorenson() -> Result<[gst::Element; 2], BuildError> {
    let encoder = make("avenc_flv")?;
    let frames = limits::FLASH_KEYFRAME_INTERVAL.as_secs() as i32 * limits::MAX_TRANSCODE_FPS;
    set(&encoder, "gop-size", &frames.to_string());
    set(&encoder, "bitrate", &(limits::FLASH_KBIT * 1000).to_string());
    let caps = make("capsfilter")?;
    caps.set_property("caps", gst::Caps::new_empty_simple("video/x-flash-video"));
    Ok([encoder, caps])
}

/// The MP3 encoder and the samples it puts before the first, as measured.
pub(super) fn mp3() -> Result<(gst::Element, i64), BuildError> {
    let encoder = make("lamemp3enc")?;
    set(&encoder, "target", "bitrate");
    set(&encoder, "bitrate", "128");
    set(&encoder, "cbr", "true");
    Ok((encoder, 1105))
}

/// The AAC encoder and the samples it puts before the first, as measured.
pub(super) fn aac() -> Result<(gst::Element, i64), BuildError> {
    let (encoder, priming) = make("avenc_aac")
        .map(|encoder| (encoder, 1024))
        .or_else(|_| make("fdkaacenc").map(|encoder| (encoder, 2048)))
        .or_else(|_| make("voaacenc").map(|encoder| (encoder, 1600)))
        .map_err(|_| BuildError::Missing("avenc_aac (or fdkaacenc, voaacenc)"))?;
    set(&encoder, "bitrate", "128000");
    // Less than half the CPU time of "twoloop", and nearer to the original below 2 kHz.
    set(&encoder, "aac-coder", "fast");
    Ok((encoder, priming))
}
