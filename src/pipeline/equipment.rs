//! What this machine encodes with, and how fast: found by trying it once, then remembered.
//!
//! A conversion has to keep ahead of whoever watches it. Which encoders there are says little (a V4L2 driver may be
//! there and fail, a Raspberry Pi is forty times slower than a desktop), so a worker encodes a second of a test picture
//! with each of them. [`Equipment::choose`] then takes the best that is fast enough for a film, and makes the picture
//! smaller when nothing is.

use super::conversion::Conversion;
use super::error::ConversionError;
use crate::limits;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::sync::OnceLock;

/// One way to encode H.264, as it was measured.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct EncoderSpeed {
    /// The GStreamer element.
    pub element: String,
    /// Its preset; empty when it has none.
    pub preset: String,
    /// Pixels a second, in thousands, with all that this machine has.
    pub kilopixels: u32,
}

/// The encoders of this machine, the preferred ones first, and of one encoder the better presets first.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Equipment {
    /// Which machine and which GStreamer this was measured with.
    machine: String,
    video: Vec<EncoderSpeed>,
}

/// A process runs on one machine.
static INSTALLED: OnceLock<Equipment> = OnceLock::new();

/// How to encode one film.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Choice<'a> {
    /// `None`: nothing was measured; any encoder, at its usual preset.
    pub(super) encoder: Option<&'a EncoderSpeed>,
    /// Most lines of the picture.
    pub(super) lines: i32,
}

/// Heights to which a picture is made smaller, one after the other.
const LINES: [i32; 4] = [1080, 720, 480, 360];

impl Equipment {
    pub(super) fn new(video: Vec<EncoderSpeed>) -> Self {
        Self { machine: machine(), video }
    }

    /// Has all conversions of this process that are started from now on use this.
    pub fn install(self) {
        let _ = INSTALLED.set(self);
    }

    pub(super) fn installed() -> Option<&'static Self> {
        INSTALLED.get()
    }

    /// Each encoder that works here, with its presets.
    pub fn encoders(&self) -> &[EncoderSpeed] {
        &self.video
    }

    /// The best that encodes pictures of this size and rate with time to spare for decoding them and for whatever else
    /// the machine does. Unknown numbers are zero.
    pub(super) fn choose(&self, width: i32, height: i32, fps: f64) -> Choice<'_> {
        let Some(fastest) = self.video.iter().max_by_key(|encoder| encoder.kilopixels) else {
            return Choice { encoder: None, lines: LINES[0] };
        };
        let (width, height) = if width > 0 && height > 0 { (width, height) } else { (1280, 720) };
        let fps = if fps > 1.0 { fps.min(f64::from(limits::MAX_TRANSCODE_FPS)) } else { 25.0 };
        for lines in LINES {
            let scale = (f64::from(lines) / f64::from(height)).min(1.0);
            let kilopixels = f64::from(width) * f64::from(height) * scale * scale * fps / 1000.0;
            let needed = kilopixels * limits::ENCODER_HEADROOM;
            let fast_enough = |encoder: &&EncoderSpeed| f64::from(encoder.kilopixels) >= needed;
            if let Some(encoder) = self.video.iter().find(fast_enough) {
                return Choice { encoder: Some(encoder), lines };
            }
        }
        Choice { encoder: Some(fastest), lines: LINES[LINES.len() - 1] }
    }

    /// Measures this machine, in a worker: a few seconds of all its processors. Blocking.
    pub fn measure(program: &Path) -> Result<Self, ConversionError> {
        Conversion::equip(program)
    }

    /// What is remembered in `folder`, when it was measured on this machine with this GStreamer; otherwise measures
    /// and remembers. Blocking.
    pub fn remembered(folder: &Path, program: &Path) -> Result<Self, ConversionError> {
        let path = folder.join("equipment.json");
        let known = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        if let Some(known) = known.filter(|known| known.machine == machine()) {
            return Ok(known);
        }
        let measured = Self::measure(program)?;
        if let Err(error) = measured.write(&path) {
            tracing::warn!(%error, "what this machine encodes with will be measured again at the next start");
        }
        Ok(measured)
    }

    /// Beside its place and then moved there: a power cut leaves the old one.
    fn write(&self, path: &Path) -> io::Result<()> {
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(fresh, path)
    }
}

/// The version of GStreamer, the processor, how many of it: what a measurement holds for.
fn machine() -> String {
    let (major, minor, micro, _) = gstreamer::version();
    let board = std::fs::read_to_string("/proc/device-tree/model").ok();
    let processor = || {
        let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
        let line =
            text.lines().find(|line| line.starts_with("model name") || line.starts_with("CPU part"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = board.map(|text| text.trim_end_matches('\0').to_owned()).or_else(processor);
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    format!("GStreamer {major}.{minor}.{micro}, {count} x {}", name.unwrap_or_else(|| "unknown".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(element: &str, preset: &str, kilopixels: u32) -> EncoderSpeed {
        EncoderSpeed { element: element.into(), preset: preset.into(), kilopixels }
    }

    fn of(video: Vec<EncoderSpeed>) -> Equipment {
        Equipment::new(video)
    }

    #[test]
    fn the_best_that_is_fast_enough_is_taken_and_the_picture_made_smaller_when_none_is() {
        let desktop = of(vec![
            speed("x264enc", "veryfast", 130_000),
            speed("x264enc", "superfast", 200_000),
            speed("x264enc", "ultrafast", 330_000),
        ]);
        let small_box = of(vec![
            speed("x264enc", "veryfast", 16_000),
            speed("x264enc", "superfast", 24_000),
            speed("x264enc", "ultrafast", 40_000),
        ]);
        let raspberry = of(vec![speed("v4l2h264enc", "", 90_000), speed("x264enc", "ultrafast", 25_000)]);
        for (equipment, (width, height, fps), expected) in [
            (&desktop, (1280, 720, 25.0), ("veryfast", 1080)),
            (&desktop, (1920, 1080, 30.0), ("superfast", 1080)),
            (&desktop, (1920, 1080, 60.0), ("superfast", 1080)),
            (&desktop, (3840, 2160, 24.0), ("superfast", 1080)),
            (&small_box, (720, 576, 25.0), ("ultrafast", 1080)),
            (&small_box, (1280, 720, 25.0), ("ultrafast", 480)),
            (&small_box, (0, 0, 0.0), ("ultrafast", 480)),
            (&raspberry, (1280, 720, 25.0), ("", 1080)),
        ] {
            let choice = equipment.choose(width, height, fps);
            let chosen = (choice.encoder.map_or("none", |encoder| &encoder.preset[..]), choice.lines);
            assert_eq!(chosen, expected, "{width}x{height} at {fps}");
        }
        assert_eq!(of(Vec::new()).choose(1280, 720, 25.0), Choice { encoder: None, lines: 1080 });
        let slowest = of(vec![speed("x264enc", "ultrafast", 100)]);
        assert_eq!(slowest.choose(1920, 1080, 25.0).lines, 360);
    }

    #[test]
    fn what_another_machine_measured_is_not_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        let known = of(vec![speed("x264enc", "ultrafast", 1)]);
        known.write(&folder.path().join("equipment.json")).expect("room");
        let nothing = Path::new("/nonexistent");
        assert_eq!(Equipment::remembered(folder.path(), nothing).ok(), Some(known.clone()));
        let other = Equipment { machine: "another".into(), ..known };
        other.write(&folder.path().join("equipment.json")).expect("room");
        assert!(Equipment::remembered(folder.path(), nothing).is_err(), "it would measure");
    }
}
