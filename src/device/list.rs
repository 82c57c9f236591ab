//! The devices as they are now, kept for whoever asks; asked again when something was plugged in or out.

use super::describe::{describe, problem};
use super::sysfs::Root;
use super::{Device, hotplug, stand_in};
use crate::limits::{DEVICES_FRESH, DEVICES_PATIENCE, MAX_DEVICES};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// The capture devices of this machine. Clones share what is known.
#[derive(Clone, Debug)]
pub struct Devices(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    known: Mutex<Known>,
    /// Held by the one that asks the devices.
    asking: Mutex<()>,
    /// How often something came or went.
    changes: watch::Sender<u64>,
    stand_ins: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct Known {
    devices: Vec<Device>,
    at: Option<Instant>,
    /// That of [`Shared::changes`].
    change: u64,
}

/// Why a device is not there. The texts are shown to people.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoDevice {
    /// None of that name.
    #[error(
        "\"{0}\" is not plugged in; plug it in, or choose one of those that `wiidiaserver devices` lists"
    )]
    Absent(String),
    /// None at all.
    #[error("no capture device is plugged in")]
    None,
    /// It is there and cannot be used.
    #[error("{0}")]
    Unusable(String),
}

impl Default for Devices {
    fn default() -> Self {
        let shared = Shared {
            known: Mutex::default(),
            asking: Mutex::default(),
            changes: watch::Sender::new(0),
            stand_ins: stand_in::folder(),
        };
        Self(Arc::new(shared))
    }
}

impl Devices {
    /// Notices from now on what is plugged in and out.
    pub fn watch(&self) {
        let shared = Arc::downgrade(&self.0);
        let changed = move || {
            let Some(shared) = shared.upgrade() else { return false };
            shared.changes.send_modify(|count| *count += 1);
            true
        };
        let folders = match &self.0.stand_ins {
            Some(folder) => vec![folder.as_path()],
            None => vec![Path::new("/dev"), Path::new("/dev/snd")],
        };
        if let Err(error) = hotplug::watch(&folders, changed) {
            tracing::warn!(%error, "capture devices that are plugged in are found when somebody asks, not before");
        }
    }

    /// Tells when something came or went.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, as they were a moment ago. Blocks while they are asked.
    pub fn list(&self) -> Vec<Device> {
        let _asking = self.0.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let change = *self.0.changes.borrow();
        {
            let known = self.known();
            if known.change == change && known.at.is_some_and(|at| at.elapsed() < DEVICES_FRESH) {
                return known.devices.clone();
            }
        }
        let devices = match &self.0.stand_ins {
            Some(folder) => stand_in::list(folder),
            None => ask_all(),
        };
        let mut known = self.known();
        for device in &devices {
            if !known.devices.iter().any(|other| other.id == device.id) {
                tracing::info!(device = device.id, name = device.name, node = %device.node.display(), "a capture device is there");
            }
        }
        for gone in known.devices.iter().filter(|known| !devices.iter().any(|device| device.id == known.id)) {
            tracing::info!(device = gone.id, name = gone.name, "a capture device has gone");
        }
        *known = Known { devices: devices.clone(), at: Some(Instant::now()), change };
        devices
    }

    /// As [`list`](Self::list), for a task: a device that does not answer costs [`DEVICES_PATIENCE`], after which there
    /// is what was known before.
    pub async fn list_soon(&self) -> Vec<Device> {
        let devices = self.clone();
        let asking = tokio::task::spawn_blocking(move || devices.list());
        match tokio::time::timeout(DEVICES_PATIENCE, asking).await {
            Ok(Ok(devices)) => devices,
            _ => self.known().devices.clone(),
        }
    }

    /// What is known must be asked again: something was set.
    pub fn forget(&self) {
        self.known().at = None;
    }

    /// The device of that name, or with `auto` the first that can be used. Blocks as [`list`](Self::list) does.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find(&self, name: &str) -> Result<Device, NoDevice> {
        find(self.list(), name)
    }
}

/// What a device is called when any will do.
pub(crate) const AUTO: &str = "auto";

fn find(devices: Vec<Device>, name: &str) -> Result<Device, NoDevice> {
    let found = if name == AUTO {
        // One that has a problem only if there is no other: then that is what is told.
        let usable = devices.iter().position(|device| device.problem.is_none() && !device.formats.is_empty());
        let place = usable.or_else(|| devices.iter().position(|device| device.problem.is_some()));
        place.and_then(|place| devices.into_iter().nth(place)).ok_or(NoDevice::None)
    } else {
        let named = devices.into_iter().find(|device| device.is_called(name));
        named.ok_or_else(|| NoDevice::Absent(name.to_owned()))
    }?;
    match &found.problem {
        Some(problem) => Err(NoDevice::Unusable(problem.clone())),
        None => Ok(found),
    }
}

fn ask_all() -> Vec<Device> {
    let found = Root::default().video_devices().into_iter().take(MAX_DEVICES);
    let ask = |found: super::sysfs::Found| {
        let about = found.clone();
        // The crate panics at names that are no UTF-8: that costs this device.
        catch_unwind(AssertUnwindSafe(|| describe(found))).unwrap_or_else(|_| {
            let silent = std::io::Error::other("what it says of itself is nonsense");
            let problem = Some(problem(&silent));
            Some(Device {
                id: about.id,
                name: about.name,
                node: about.node,
                driver: String::new(),
                links: about.links,
                problem,
                formats: Vec::new(),
                inputs: Vec::new(),
                controls: Vec::new(),
                audio: about.audio,
            })
        })
    };
    found.filter_map(ask).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Format, Size};
    use super::*;

    fn device(id: &str, problem: Option<&str>, formats: usize) -> Device {
        let size = Size { width: 640, height: 480, range_from: None, rates: Vec::new() };
        let format = Format { fourcc: "YUYV".into(), description: String::new(), sizes: vec![size] };
        Device {
            id: id.into(),
            name: String::new(),
            node: format!("/dev/{id}").into(),
            driver: String::new(),
            links: vec![format!("/dev/v4l/by-path/path-of-{id}").into()],
            problem: problem.map(str::to_owned),
            formats: vec![format; formats],
            inputs: Vec::new(),
            controls: Vec::new(),
            audio: Vec::new(),
        }
    }

    #[test]
    fn a_device_is_found_by_any_of_its_names_and_auto_takes_the_first_that_works() {
        let devices = || vec![device("a", Some("no rights"), 0), device("b", None, 0), device("c", None, 1)];
        for name in ["c", "/dev/c", "path-of-c", "/dev/v4l/by-path/path-of-c", "auto"] {
            assert_eq!(find(devices(), name).unwrap().id, "c", "{name}");
        }
        assert_eq!(find(devices(), "a"), Err(NoDevice::Unusable("no rights".into())));
        assert_eq!(find(devices(), "d"), Err(NoDevice::Absent("d".into())));
        assert_eq!(find(Vec::new(), "auto"), Err(NoDevice::None));
        assert_eq!(
            find(vec![device("a", Some("no rights"), 0)], "auto"),
            Err(NoDevice::Unusable("no rights".into()))
        );
    }
}
