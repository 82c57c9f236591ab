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
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

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
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Equipment {
    /// Which machine and which GStreamer this was measured with.
    machine: String,
    video: Vec<EncoderSpeed>,
    /// How hard films were found to be on this machine, in percent of what was expected of them.
    #[serde(default = "as_expected")]
    strain: u32,
}

impl Default for Equipment {
    fn default() -> Self {
        Self { machine: String::new(), video: Vec::new(), strain: as_expected() }
    }
}

fn as_expected() -> u32 {
    100
}

/// What this process encodes with, and where that is remembered.
struct Installed {
    equipment: Arc<Equipment>,
    path: PathBuf,
}

/// A process runs on one machine.
static INSTALLED: RwLock<Option<Installed>> = RwLock::new(None);

/// How to encode one film.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Choice<'a> {
    /// `None`: nothing was measured; any encoder, at its usual preset.
    pub(super) encoder: Option<&'a EncoderSpeed>,
    /// Most lines of the picture.
    pub(super) lines: i32,
    /// Where films are harder than this, in percent of what is expected, the choice is another one. `None`: there is
    /// nothing lighter, or nothing is known.
    pub(super) spare: Option<u32>,
}

/// In the data folder.
const FILE: &str = "equipment.json";

/// Heights to which a picture is made smaller, one after the other.
const LINES: [i32; 4] = [1080, 720, 480, 360];

impl Equipment {
    pub(super) fn new(video: Vec<EncoderSpeed>) -> Self {
        Self { machine: machine(), video, strain: as_expected() }
    }

    /// Has all conversions of this process that are started from now on use this, which `folder` remembers.
    pub fn install(self, folder: &Path) {
        let installed = Installed { equipment: Arc::new(self), path: folder.join(FILE) };
        *INSTALLED.write().unwrap_or_else(PoisonError::into_inner) = Some(installed);
    }

    pub(super) fn installed() -> Option<Arc<Self>> {
        let installed = INSTALLED.read().unwrap_or_else(PoisonError::into_inner);
        installed.as_ref().map(|installed| Arc::clone(&installed.equipment))
    }

    /// A conversion that was begun with so much to [spare](super::MediaStreams::spare) does not keep up with its
    /// viewers: the next ones are made lighter, also after a restart. False when there is nothing lighter.
    pub fn fell_behind(spare: u32) -> bool {
        Self::judge(|equipment| equipment.after_falling_behind(spare));
        Self::installed().is_some_and(|equipment| equipment.strain > spare)
    }

    /// A long conversion had most of its time left over: the next ones may be made better.
    pub fn had_time() {
        Self::judge(|equipment| equipment.strain * 4 / 5);
    }

    fn judge(strain: impl FnOnce(&Self) -> u32) {
        let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        let Some(Installed { equipment, path }) = &mut *installed else { return };
        let strain = strain(equipment).clamp(as_expected(), limits::MAX_STRAIN);
        if strain != equipment.strain {
            let judged = Self { strain, ..(**equipment).clone() };
            *equipment = Arc::new(judged);
            if let Err(error) = equipment.write(path) {
                tracing::warn!(%error, "how hard films are for this machine will be found out again");
            }
        }
    }

    fn after_falling_behind(&self, spare: u32) -> u32 {
        // Others may have said so meanwhile, of conversions that were begun when it did.
        if self.strain > spare { self.strain } else { (self.strain * 5 / 4).max(spare.saturating_add(1)) }
    }

    /// Each encoder that works here, with its presets.
    pub fn encoders(&self) -> &[EncoderSpeed] {
        &self.video
    }

    /// The best that encodes pictures of this size and rate with time to spare for decoding them and for whatever else
    /// the machine does. Unknown numbers are zero.
    pub(super) fn choose(&self, width: i32, height: i32, fps: f64) -> Choice<'_> {
        let Some(fastest) = self.video.iter().max_by_key(|encoder| encoder.kilopixels) else {
            return Choice { encoder: None, lines: LINES[0], spare: None };
        };
        let (width, height) = if width > 0 && height > 0 { (width, height) } else { (1280, 720) };
        let fps = if fps > 1.0 { fps.min(f64::from(limits::MAX_TRANSCODE_FPS)) } else { 25.0 };
        for lines in LINES {
            let scale = (f64::from(lines) / f64::from(height)).min(1.0);
            let kilopixels = f64::from(width) * f64::from(height) * scale * scale * fps / 1000.0;
            // Of percent: as whole numbers, so that the spare of a choice is exactly where it ends.
            let expected = kilopixels * limits::ENCODER_HEADROOM / 100.0;
            let spare = |encoder: &EncoderSpeed| (f64::from(encoder.kilopixels) / expected) as u32;
            if let Some(encoder) = self.video.iter().find(|encoder| spare(encoder) >= self.strain) {
                let lightest = lines == LINES[LINES.len() - 1] && encoder.kilopixels == fastest.kilopixels;
                let spare = Some(spare(encoder)).filter(|_| !lightest);
                return Choice { encoder: Some(encoder), lines, spare };
            }
        }
        Choice { encoder: Some(fastest), lines: LINES[LINES.len() - 1], spare: None }
    }

    /// This machine encodes pictures of that size and rate in time, without making them smaller. As long as nobody knows
    /// how fast it is, a small box is assumed.
    pub fn machine_manages(width: u32, height: u32, fps: f64) -> bool {
        let [wide, high] = [width, height].map(|side| i32::try_from(side).unwrap_or(i32::MAX));
        match Self::installed().filter(|equipment| !equipment.video.is_empty()) {
            Some(equipment) => {
                let choice = equipment.choose(wide, high, fps);
                // Where there is nothing lighter, it may still be too much.
                choice.lines >= high.min(LINES[0])
                    && (choice.spare.is_some() || high <= LINES[LINES.len() - 1])
            }
            None => f64::from(width) * f64::from(height) * fps <= 1280.0 * 720.0 * 30.0,
        }
    }

    /// Measures this machine, in a worker: a few seconds of all its processors. Blocking.
    pub fn measure(program: &Path) -> Result<Self, ConversionError> {
        Conversion::equip(program)
    }

    /// What is remembered in `folder`, when it was measured on this machine with this GStreamer; otherwise measures
    /// and remembers. Blocking.
    pub fn remembered(folder: &Path, program: &Path) -> Result<Self, ConversionError> {
        if let Some(known) = Self::recall(folder) {
            return Ok(known);
        }
        let measured = Self::measure(program)?;
        if let Err(error) = measured.write(&folder.join(FILE)) {
            tracing::warn!(%error, "what this machine encodes with will be measured again at the next start");
        }
        Ok(measured)
    }

    /// What is remembered in `folder`, when it was measured on this machine with this GStreamer.
    pub fn recall(folder: &Path) -> Option<Self> {
        let text = std::fs::read(folder.join(FILE)).ok()?;
        let known = serde_json::from_slice::<Self>(&text).ok()?;
        let sane = (as_expected()..=limits::MAX_STRAIN).contains(&known.strain);
        Some(known).filter(|known| known.machine == machine() && sane)
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
        assert_eq!(
            of(Vec::new()).choose(1280, 720, 25.0),
            Choice { encoder: None, lines: 1080, spare: None }
        );
        let slowest = of(vec![speed("x264enc", "ultrafast", 100)]);
        assert_eq!(slowest.choose(1920, 1080, 25.0).lines, 360);
    }

    #[test]
    fn falling_behind_always_leads_to_something_lighter_until_there_is_nothing() {
        let mut equipment = of(vec![
            speed("x264enc", "veryfast", 160_000),
            speed("x264enc", "superfast", 240_000),
            speed("x264enc", "ultrafast", 400_000),
        ]);
        let mut ways = Vec::new();
        loop {
            let choice = equipment.choose(1920, 1080, 25.0);
            ways.push((
                choice.encoder.map(|encoder| encoder.preset.clone()).unwrap_or_default(),
                choice.lines,
            ));
            let Some(spare) = choice.spare else { break };
            let strain = equipment.after_falling_behind(spare);
            assert!(strain > spare, "{choice:?}");
            assert!(strain <= limits::MAX_STRAIN, "{choice:?}");
            // What was begun before that does not count twice.
            equipment.strain = strain;
            assert_eq!(equipment.after_falling_behind(spare), strain);
        }
        ways.dedup();
        let lighter = |pair: &[(String, i32)]| pair[0] != pair[1] && pair[0].1 >= pair[1].1;
        assert!(ways.windows(2).all(lighter), "{ways:?}");
        assert_eq!(ways.first(), Some(&("veryfast".to_owned(), 1080)), "{ways:?}");
        assert_eq!(ways.last(), Some(&("ultrafast".to_owned(), 360)), "{ways:?}");
    }

    #[test]
    fn how_hard_films_are_is_remembered_and_nonsense_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let strained = Equipment { strain: 250, ..of(vec![speed("x264enc", "ultrafast", 1)]) };
        strained.write(&path).expect("room");
        assert_eq!(Equipment::recall(folder.path()), Some(strained.clone()));
        Equipment { strain: 0, ..strained.clone() }.write(&path).expect("room");
        assert_eq!(Equipment::recall(folder.path()), None);
        // As it was written before there was any strain.
        let mut old = serde_json::to_value(&strained).expect("plain");
        old.as_object_mut().expect("an object").remove("strain");
        std::fs::write(&path, old.to_string()).expect("room");
        assert_eq!(Equipment::recall(folder.path()).map(|known| known.strain), Some(100));
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
