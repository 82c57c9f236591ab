//! What a source that captures tells its worker: which device that is now, and what to ask it for. Blocking.

use crate::config::{Capture, Sound};
use crate::device::{
    self, Coding, Device, Devices, Mode, NoDevice, NoMode, NotSet, Settings, Value, Wish, stand_in,
};
use crate::limits::KEYFRAME_INTERVAL;
use crate::pipeline::{CaptureOrder, Equipment, LiveInput, SoundCard};

/// Why a device cannot be captured from now. The texts are shown to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotReady {
    #[error(transparent)]
    NoDevice(#[from] NoDevice),
    #[error(transparent)]
    NoMode(#[from] NoMode),
    #[error(transparent)]
    NotSet(#[from] NotSet),
}

impl NotReady {
    /// Trying again changes nothing as long as nothing is plugged in or set.
    pub(super) fn is_lasting(&self) -> bool {
        !matches!(self, Self::NoDevice(NoDevice::Absent(_) | NoDevice::None))
    }
}

/// A device that is ready.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) input: LiveInput,
    /// Its stable name.
    pub(super) id: String,
    /// What comes from it, for people.
    pub(super) about: String,
    /// Pictures a second, as far as it is known.
    pub(super) rate: Option<device::Rate>,
}

/// Finds the device, sets it, and chooses how its pictures shall come.
pub(super) fn prepare(devices: &Devices, capture: &Capture) -> Result<Ready, NotReady> {
    let device = devices.find(&capture.device)?;
    let wish =
        Wish { size: capture.size, rate: capture.rate.map(f64::from), format: capture.format.as_deref() };
    let mode = Mode::choose(&device, wish, Equipment::machine_manages)?;
    let mut settings = settings(capture);
    if let (Coding::H264, Some(rate)) = (mode.coding, mode.rate) {
        frequent_keyframes(&device, rate.fps(), &mut settings);
    }
    device::set(&device, &settings)?;
    let about = about(&device, &mode);
    let audio = sound(&device, &capture.audio);
    if audio.is_none() && capture.audio != Sound::None && !device.audio.is_empty() {
        tracing::warn!(device = device.id, audio = ?capture.audio, "there is no such sound card");
    }
    let stand_in = stand_in::is_one(&device);
    let rate = mode.rate;
    let order = CaptureOrder { node: device.node, mode, audio, stand_in };
    Ok(Ready { input: LiveInput::Capture(order), id: device.id, about, rate })
}

/// Turns the controls of a device that is captured from; pictures go on.
pub(super) fn turn(devices: &Devices, capture: &Capture) -> Result<(), NotReady> {
    let device = devices.find(&capture.device)?;
    let controls = Settings { controls: capture.controls.clone(), ..Settings::default() };
    device::set(&device, &controls)?;
    devices.forget();
    Ok(())
}

fn settings(capture: &Capture) -> Settings {
    Settings {
        input: capture.input.clone(),
        standard: capture.standard.clone(),
        controls: capture.controls.clone(),
    }
}

/// A device that encodes itself may send a whole picture every ten seconds only: viewers who join would wait for it.
fn frequent_keyframes(device: &Device, fps: f64, settings: &mut Settings) {
    let frames = (KEYFRAME_INTERVAL.as_secs_f64() * fps).round() as i64;
    for name in ["h264_i_frame_period", "video_gop_size"] {
        let control = device.controls.iter().find(|control| control.name == name && !control.read_only);
        if let Some(control) = control.filter(|_| !settings.controls.contains_key(name)) {
            let value = Value::Number(frames.clamp(control.minimum, control.maximum.max(control.minimum)));
            settings.controls.insert(name.to_owned(), value);
        }
    }
}

fn sound(device: &Device, wanted: &Sound) -> Option<SoundCard> {
    let card = |audio: &device::Audio| SoundCard { card: audio.card, device: audio.device };
    match wanted {
        Sound::None => None,
        Sound::Matching => device.audio.first().map(card),
        Sound::Named(name) => {
            let of_device = device.audio.iter().find(|audio| audio.id == *name).map(card);
            of_device.or_else(|| {
                let (card, device) = device::sound_card(name)?;
                Some(SoundCard { card, device })
            })
        }
    }
}

fn about(device: &Device, mode: &Mode) -> String {
    let coding = match mode.coding {
        Coding::H264 => "H.264",
        Coding::Jpeg => "MJPEG",
        Coding::Raw(format) => format.name(),
    };
    let size = mode.size.map(|(width, height)| format!(" {width}x{height}")).unwrap_or_default();
    let rate = mode.rate.map(|rate| format!(" at {:.4} fps", rate.fps())).unwrap_or_default();
    format!("{}: {coding}{size}{}", device.name, rate.replace(".0000", ""))
}
