//! Changes in the library's folders, as inotify tells of them: which folders, not what changed.
//!
//! Network shares and disks that are mounted later say nothing here; the walk that comes twice a day finds those.

use crate::library::{Library, LibraryPath};
use crate::limits;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use std::collections::{HashMap, HashSet};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};

/// What is watched.
#[derive(Debug)]
pub(super) struct Watch {
    inotify: Option<OwnedFd>,
    /// By the kernel's number for each.
    folders: HashMap<i32, LibraryPath>,
}

/// What changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changes {
    Nothing,
    In(HashSet<LibraryPath>),
    /// More than the kernel remembers.
    Anywhere,
}

impl Watch {
    /// Watches nothing yet; for ever when the kernel gives no more.
    pub(super) fn new() -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC);
        Self { inotify: inotify.ok(), folders: HashMap::new() }
    }

    /// Never tells anything.
    pub(super) fn none() -> Self {
        Self { inotify: None, folders: HashMap::new() }
    }

    /// Forgets all folders: before a walk, which names those that are there.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Watches a folder, if there is a place left.
    pub(super) fn add(&mut self, library: &Library, folder: &LibraryPath) {
        let Some(inotify) = self.inotify.as_ref().filter(|_| self.folders.len() < limits::INDEX_WATCHES)
        else {
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
        if let Ok(number) = inotify::add_watch(inotify, path, flags) {
            self.folders.insert(number, folder.clone());
        }
    }

    /// What changed since the last call. Hidden names do not count: nobody sees them.
    pub(super) fn changes(&mut self) -> Changes {
        let Some(inotify) = &self.inotify else { return Changes::Nothing };
        let mut buffer = [MaybeUninit::<u8>::uninit(); 4096];
        let mut reader = inotify::Reader::new(inotify, &mut buffer);
        let (mut changed, mut lost) = (HashSet::new(), false);
        // A folder in which much happens must not hold this up: the rest is read at the next look.
        for _ in 0..limits::INDEX_EVENTS {
            let Ok(event) = reader.next() else { break };
            if event.file_name().is_some_and(|name| name.to_bytes().starts_with(b".")) {
                continue;
            }
            match self.folders.get(&event.wd()) {
                Some(folder) => drop(changed.insert(folder.clone())),
                None => lost |= event.events().contains(ReadFlags::QUEUE_OVERFLOW),
            }
        }
        match () {
            () if lost => Changes::Anywhere,
            () if changed.is_empty() => Changes::Nothing,
            () => Changes::In(changed),
        }
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
        let top = || Changes::In(HashSet::from([LibraryPath::default()]));
        assert_eq!(watch.changes(), Changes::Nothing);
        std::fs::write(dir.path().join("a.avi"), "x").unwrap();
        assert_eq!((watch.changes(), watch.changes()), (top(), Changes::Nothing));
        std::fs::read(dir.path().join("a.avi")).unwrap();
        assert_eq!(watch.changes(), Changes::Nothing);
        std::fs::write(dir.path().join(".a.part"), "x").unwrap();
        assert_eq!(watch.changes(), Changes::Nothing);
        std::fs::remove_file(dir.path().join("a.avi")).unwrap();
        assert_eq!(watch.changes(), top());
    }
}
