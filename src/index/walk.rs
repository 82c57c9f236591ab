//! A walk through the library: which files there are, and which folders could be read. Blocking.

use super::names::Names;
use super::record::Stamp;
use super::watch::Watch;
use crate::library::{Entry, FileId, Kind, Library, LibraryPath};
use crate::limits;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// A file that players play.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) path: LibraryPath,
    pub(super) device: u64,
    pub(super) stamp: Stamp,
    /// It was written to a moment ago, and may not be whole.
    pub(super) is_fresh: bool,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) files: Vec<Found>,
    /// Folders that were read, each with its device.
    pub(super) folders: HashMap<LibraryPath, u64>,
    /// Folders that are there and cannot be read.
    pub(super) unreadable: HashSet<LibraryPath>,
    /// There is more than was looked at.
    pub(super) is_cut: bool,
    /// All folders and files by name, those among them that nobody plays.
    pub(super) names: Names,
}

impl Walk {
    /// Walks all of the library; every folder is watched from then on. Ends early when `stop` is set.
    pub(super) fn through(library: &Library, watch: &mut Watch, stop: &AtomicBool) -> Self {
        let mut walk = Self::default();
        let mut seen: HashSet<FileId> = HashSet::new();
        // The last one is next: folders in order, the tops first.
        let mut ahead: Vec<LibraryPath> = library.tops();
        ahead.reverse();
        while let Some(folder) = ahead.pop() {
            if stop.load(Ordering::Relaxed) {
                walk.is_cut = true;
                break;
            }
            let listing = library.folder_id(&folder).and_then(|id| {
                // Links may lead in circles.
                if !seen.insert(id) {
                    return Ok(None);
                }
                // Before it is read: what changes meanwhile is told.
                watch.add(library, &folder);
                Ok(Some((id, library.list(&folder)?)))
            });
            let (id, listing) = match listing {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(_) => {
                    walk.unreadable.insert(folder);
                    continue;
                }
            };
            walk.folders.insert(folder.clone(), id.device());
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            for entry in listing.entries.iter().rev().filter(|entry| entry.kind == Kind::Folder) {
                if folder.names().len() < limits::INDEX_DEPTH
                    && ahead.len() + walk.folders.len() < limits::INDEX_FOLDERS
                {
                    ahead.push(folder.join(&entry.os_name));
                } else {
                    walk.is_cut = true;
                }
            }
            walk.is_cut |= !walk.names.add(&folder, listing.entries.iter().map(name));
            for entry in listing.entries.iter().filter(|entry| entry.kind.is_playable()) {
                let Some(identity) = entry.identity else { continue };
                if walk.files.len() >= limits::MAX_INDEX_FILES {
                    walk.is_cut = true;
                    break;
                }
                let stamp = Stamp::of(identity);
                walk.files.push(Found {
                    path: folder.join(&entry.os_name),
                    device: identity.file().device(),
                    stamp,
                    is_fresh: is_fresh(stamp, now),
                });
            }
        }
        walk
    }

    /// Of the folders above `path` the nearest that was read: its device. `None` when one in between is there and could
    /// not be read.
    pub(super) fn device_above(&self, path: &LibraryPath) -> Option<u64> {
        let mut folder = path.split_last()?.0;
        loop {
            if let Some(device) = self.folders.get(&folder) {
                return Some(*device);
            }
            if self.unreadable.contains(&folder) {
                return None;
            }
            folder = folder.split_last()?.0;
        }
    }
}

/// What is remembered of a name for searches.
fn name(entry: &Entry) -> (&OsStr, Kind, u64, i64) {
    let modified_ns = entry.identity.map_or(0, |file| Stamp::of(file).modified_ns);
    (&entry.os_name, entry.kind, entry.size.unwrap_or(0), modified_ns)
}

/// Written to within [`INDEX_FRESH`](limits::INDEX_FRESH); times in the future do not count.
pub(super) fn is_fresh(stamp: Stamp, now: Duration) -> bool {
    let modified = Duration::from_nanos(u64::try_from(stamp.modified_ns).unwrap_or(0));
    now.checked_sub(modified).is_some_and(|age| age < limits::INDEX_FRESH)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn all_that_plays_is_found_once_and_links_in_circles_end() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("films/deep/er")).unwrap();
        for name in ["z.mp3", "films/a.avi", "films/deep/er/b.mkv", "films/notes.txt", "films/p.jpg"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        symlink("..", dir.path().join("films/up")).unwrap();
        symlink("deep", dir.path().join("films/again")).unwrap();
        let library = Library::new([dir.path().to_owned()]);
        let walk = Walk::through(&library, &mut Watch::none(), &AtomicBool::new(false));
        let mut paths: Vec<String> = walk.files.iter().map(|file| file.path.to_string()).collect();
        paths.sort();
        assert_eq!(paths.len(), 3, "{paths:?}");
        assert_eq!(walk.folders.len(), 4);
        assert!(!walk.is_cut && walk.files.iter().all(|file| file.is_fresh));
    }

    #[test]
    fn a_root_that_is_not_there_is_no_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let library = Library::new([dir.path().join("gone"), dir.path().to_owned()]);
        let walk = Walk::through(&library, &mut Watch::none(), &AtomicBool::new(false));
        let of = |path: &str| walk.device_above(&LibraryPath::from_bytes(path.as_bytes()).unwrap());
        assert_eq!(of("gone/films/a.avi"), None);
        let name = dir.path().file_name().unwrap().to_str().unwrap();
        assert!(of(&format!("{name}/films/a.avi")).is_some());
    }
}
