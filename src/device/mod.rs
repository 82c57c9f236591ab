//! Capture devices of this machine: sticks and cards that turn a picture on a wire into `/dev/video*`.
//!
//! ```text
//!  /sys/class/video4linux ─▶ sysfs: which there are, stable names, whose sound card ─┐
//!  /dev/video0 ──────────▶ describe: formats, sizes, rates, inputs, controls ────────┴─▶ Device ─▶ mode: what to ask for
//!  /dev (inotify) ───────▶ hotplug: something came or went ─▶ Devices: the list as it is now
//! ```
//!
//! Devices are asked through the `v4l` crate, beside a video that may be running: the driver allows it. What belongs
//! here: what there is and how it is set. What does not: receiving pictures (`pipeline`), when to (`source`).

mod describe;
mod hotplug;
mod ioctl;
mod list;
mod mode;
mod set;
mod show;
pub mod stand_in;
mod sysfs;

pub use list::{Devices, NoDevice};
pub use mode::{Coding, Mode, NoMode, Wish};
pub use set::{NotSet, Settings, Value, set};
pub use show::Shown;
pub use sysfs::sound_card;

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A device that pictures can be captured from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CaptureDevice)]
pub struct Device {
    /// What it is called in settings: stays the same when it is plugged in again, and after a restart.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// Its node now; changes with the order in which devices are plugged in.
    #[schema(value_type = String)]
    pub node: PathBuf,
    /// The kernel's driver for it.
    pub driver: String,
    /// Other stable names: links in `/dev/v4l`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub links: Vec<PathBuf>,
    /// Why nothing more is known of it, in words; `None`: all is well.
    #[serde(default)]
    pub problem: Option<String>,
    /// The codings of pictures that it has.
    #[serde(default)]
    pub formats: Vec<Format>,
    /// Its sockets.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// Brightness and the like.
    #[serde(default)]
    pub controls: Vec<Control>,
    /// The sound that comes by the same plug.
    #[serde(default)]
    pub audio: Vec<Audio>,
}

/// A coding of pictures.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeviceFormat)]
pub struct Format {
    /// Four letters, as the kernel has them.
    pub fourcc: String,
    /// In the driver's words.
    pub description: String,
    /// The sizes in which it comes.
    pub sizes: Vec<Size>,
}

/// A size, or all sizes between two.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeviceSize)]
pub struct Size {
    /// Pixels; the largest where it is a range.
    pub width: u32,
    /// Pixels; the largest where it is a range.
    pub height: u32,
    /// The smallest and the step of a range: width, height, width step, height step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_from: Option<[u32; 4]>,
    /// Pictures a second, from most to fewest; empty when the driver does not say.
    #[serde(default)]
    #[schema(value_type = Vec<[u32; 2]>)]
    pub rates: Vec<Rate>,
}

/// Pictures a second, as a fraction: 30000/1001 is no decimal number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rate(pub u32, pub u32);

impl Rate {
    /// As a decimal number; zero for what is no rate.
    pub fn fps(self) -> f64 {
        if self.1 == 0 { 0.0 } else { f64::from(self.0) / f64::from(self.1) }
    }
}

/// A socket of a device.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeviceInput)]
pub struct Input {
    /// What the driver calls it.
    pub name: String,
    /// It is the one in use.
    pub selected: bool,
    /// Nothing is plugged into it, as far as the driver can tell.
    pub no_signal: bool,
    /// Television standards that it can be set to.
    #[serde(default)]
    pub standards: Vec<String>,
}

/// Something to turn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeviceControl)]
pub struct Control {
    /// Its name in settings: `white_balance_automatic`.
    pub name: String,
    /// Its name for people, in the driver's words.
    pub label: String,
    /// What values it takes.
    pub kind: ControlKind,
    /// Least value.
    pub minimum: i64,
    /// Greatest value.
    pub maximum: i64,
    /// Distance of values.
    pub step: u64,
    /// What it is from the factory.
    pub default: i64,
    /// What it is now; `None` where that cannot be told.
    #[serde(default)]
    pub value: Option<i64>,
    /// The choices of a menu.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// It cannot be set.
    pub read_only: bool,
    /// It has no effect now: another control has to be changed first.
    pub inactive: bool,
}

/// What values a control takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeviceControlKind)]
#[serde(rename_all = "snake_case")]
pub enum ControlKind {
    /// A number.
    Number,
    /// 0 or 1.
    Switch,
    /// One of its choices.
    Menu,
    /// Nothing: setting it does something.
    Button,
}

/// A choice of a menu.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeviceChoice)]
pub struct Choice {
    /// What to set.
    pub value: i64,
    /// What it is.
    pub label: String,
}

/// A sound device that records.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeviceAudio)]
pub struct Audio {
    /// ALSA's name for it by the card's own name, which stays: `hw:CARD=MS2109,DEV=0`.
    pub id: String,
    /// Card and device now.
    pub card: u32,
    /// See `card`.
    pub device: u32,
    /// What it calls itself.
    pub name: String,
}

impl Device {
    /// Whether this is what somebody calls `name`: its id, one of its links, the last part of one, or its node.
    pub fn is_called(&self, name: &str) -> bool {
        let last = |path: &PathBuf| path.file_name().is_some_and(|last| last == name);
        self.id == name
            || self.node.as_os_str() == name
            || self.links.iter().any(|link| link.as_os_str() == name || last(link))
    }
}
