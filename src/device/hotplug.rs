//! Notices that devices come and go: by the nodes in `/dev`, which the kernel itself makes and removes. So it works
//! without udev.

use crate::limits::DEVICE_SETTLE;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use std::mem::MaybeUninit;
use std::path::Path;

/// Calls `changed` whenever something in one of `folders` came, went or changed its rights, a moment after it did:
/// a stick makes several nodes, and udev sets their rights later. Runs on a thread of its own until `changed` says
/// false.
pub(super) fn watch(
    folders: &[&Path],
    mut changed: impl FnMut() -> bool + Send + 'static,
) -> std::io::Result<()> {
    let inotify = inotify::init(CreateFlags::CLOEXEC)?;
    let what = WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::MOVED_TO
        | WatchFlags::MOVED_FROM
        | WatchFlags::ATTRIB;
    // /dev/snd is not everywhere, and comes with the first sound card, which comes with a video device.
    let watched =
        folders.iter().filter(|folder| inotify::add_watch(&inotify, **folder, what).is_ok()).count();
    if watched == 0 {
        return Err(std::io::Error::other("none of the folders with devices can be watched"));
    }
    std::thread::Builder::new().name("hotplug".into()).spawn(move || {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(inotify, &mut buffer);
        // /dev has terminals and the like as well, which come and go all day.
        let concerns =
            |name: &str| name.starts_with("video") || name.starts_with("pcmC") || name.ends_with(".json");
        while let Ok(event) = events.next() {
            let name = event.file_name().and_then(|name| name.to_str().ok()).unwrap_or_default();
            if !concerns(name) {
                continue;
            }
            std::thread::sleep(DEVICE_SETTLE);
            if !changed() {
                return;
            }
        }
    })?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn nodes_that_come_and_go_are_told_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (tell, told) = mpsc::channel();
        watch(&[folder.path(), Path::new("/nonexistent")], move || tell.send(()).is_ok()).unwrap();
        std::fs::write(folder.path().join("tty7"), "").unwrap();
        assert!(told.recv_timeout(2 * DEVICE_SETTLE).is_err());
        let patience = Duration::from_secs(20);
        std::fs::write(folder.path().join("video0"), "").unwrap();
        told.recv_timeout(patience).unwrap();
        while told.recv_timeout(2 * DEVICE_SETTLE).is_ok() {}
        std::fs::remove_file(folder.path().join("video0")).unwrap();
        told.recv_timeout(patience).unwrap();
    }

    #[test]
    fn folders_that_are_not_there_are_told_at_once() {
        assert!(watch(&[Path::new("/nonexistent")], || true).is_err());
    }
}
