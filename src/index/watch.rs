//! Changes in the library's folders, as inotify tells of them: only that there are some.
//!
//! Network shares and disks that are mounted later say nothing here; the walk that comes twice a day finds those.

use crate::library::{Library, LibraryPath};
use crate::limits;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};

/// What is watched.
#[derive(Debug)]
pub(super) struct Watch {
    inotify: Option<OwnedFd>,
    count: usize,
}

impl Watch {
    /// Watches nothing yet; for ever when the kernel gives no more.
    pub(super) fn new() -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC);
        Self { inotify: inotify.ok(), count: 0 }
    }

    /// Never tells anything.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self { inotify: None, count: 0 }
    }

    /// Forgets all folders: before a walk, which names those that are there.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Watches a folder, if there is a place left.
    pub(super) fn add(&mut self, library: &Library, folder: &LibraryPath) {
        let Some(inotify) = self.inotify.as_ref().filter(|_| self.count < limits::INDEX_WATCHES) else {
            return;
        };
        // By descriptor: nothing is put in the folder's place between check and use.
        let Ok(fd) = library.open_folder(folder) else { return };
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let flags = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        // The user's share of watches may be used up; the periodic walk does without.
        if inotify::add_watch(inotify, path, flags).is_ok() {
            self.count += 1;
        }
    }

    /// Something changed since the last call.
    pub(super) fn changed(&mut self) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
        let mut reader = inotify::Reader::new(inotify, &mut buffer);
        let mut changed = false;
        // A folder in which much happens must not hold this up: the rest is read at the next look.
        for _ in 0..limits::INDEX_EVENTS {
            if reader.next().is_err() {
                break;
            }
            changed = true;
        }
        changed
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn new_files_and_lost_ones_are_told_and_readers_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let library = Library::new([dir.path().to_owned()]);
        let mut watch = Watch::new();
        watch.add(&library, &LibraryPath::default());
        assert!(!watch.changed());
        std::fs::write(dir.path().join("a.avi"), "x").unwrap();
        assert!(watch.changed() && !watch.changed());
        std::fs::read(dir.path().join("a.avi")).unwrap();
        assert!(!watch.changed());
        std::fs::remove_file(dir.path().join("a.avi")).unwrap();
        assert!(watch.changed());
    }
}
