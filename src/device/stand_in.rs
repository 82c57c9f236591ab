//! **For tests only:** devices that are files, on machines without a capture device. Not in release builds.
//!
//! `WIIDIA_TEST_STAND_IN_DEVICES=<folder>` has the server find the devices that the files `*.json` of that folder
//! describe ([`Device`] as JSON) instead of those of the machine. Removing a file unplugs its device. The worker shows
//! GStreamer's test picture in the device's place. The text in `problem` keeps the device from being used, as a driver's
//! error would.

use super::Device;
use std::io;
use std::path::{Path, PathBuf};

/// The variable that names the folder.
pub const VARIABLE: &str = "WIIDIA_TEST_STAND_IN_DEVICES";

/// The driver of such devices.
const DRIVER: &str = "stand-in";

/// The folder, when this is a test.
pub(super) fn folder() -> Option<PathBuf> {
    if cfg!(debug_assertions) { std::env::var_os(VARIABLE).map(PathBuf::from) } else { None }
}

pub(super) fn list(folder: &Path) -> Vec<Device> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    let read = |file: PathBuf| {
        let device: Device = serde_json::from_slice(&std::fs::read(&file).ok()?).ok()?;
        Some(Device { node: file, driver: DRIVER.to_owned(), ..device })
    };
    let is_json = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "json");
    files.into_iter().filter(is_json).filter_map(read).collect()
}

/// It is a file.
pub fn is_one(device: &Device) -> bool {
    cfg!(debug_assertions) && device.driver == DRIVER
}

/// Remembers in the file what would have been set.
pub(super) fn set(device: &Device, input: Option<usize>, controls: &[(&str, i64)]) -> io::Result<()> {
    let mut device: Device = serde_json::from_slice(&std::fs::read(&device.node)?)
        .map(|written: Device| Device { node: device.node.clone(), ..written })?;
    for (place, known) in device.inputs.iter_mut().enumerate() {
        known.selected = input.map_or(known.selected, |input| input == place);
    }
    for (name, value) in controls {
        for control in device.controls.iter_mut().filter(|control| control.name == *name) {
            control.value = Some(*value);
        }
    }
    let fresh = device.node.with_extension("new");
    std::fs::write(&fresh, serde_json::to_vec(&device)?)?;
    std::fs::rename(fresh, &device.node)
}
