//! Listings of folders.
//!
//! A folder may hold 20,000 films, of which a screen shows thirty. So an [`Outline`] comes first, which is made of names
//! alone and sorted; what only the files themselves say (their size, when they changed) is asked of those that are shown.

use super::{FileIdentity, Kind, Library, LibraryError, LibraryPath, SortKey, set};
use crate::limits::MAX_LISTING;
use rustix::fs::{AtFlags, Dir, FileType, OFlags};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// What is in a folder: folders first, then files, each in the order a person expects.
#[derive(Debug)]
pub struct Listing {
    /// The folder.
    pub path: LibraryPath,
    /// Its folders and media files, at most [`MAX_LISTING`].
    pub entries: Vec<Entry>,
}

/// A folder or media file in a listing.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name for people.
    pub name: String,
    /// The name as the file system has it.
    pub os_name: OsString,
    /// Folder, video, audio or picture.
    pub kind: Kind,
    /// Bytes; `None` for folders.
    pub size: Option<u64>,
    /// Which file this is; `None` for folders.
    pub identity: Option<FileIdentity>,
}

/// The names in a folder, in the order of a [`Listing`].
#[derive(Debug)]
pub struct Outline {
    /// The folder.
    pub path: LibraryPath,
    /// Its folders and media files, at most [`MAX_LISTING`].
    pub items: Vec<Item>,
}

/// A folder or media file in an outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The name as the file system has it.
    pub os_name: OsString,
    /// What it is by its name, or that it is a folder.
    pub kind: Kind,
}

impl Library {
    /// Lists a folder. Hidden names, other kinds of files and links that leave the library are
    /// left out.
    ///
    /// # Errors
    /// When there is no such folder or it cannot be read.
    pub fn list(&self, path: &LibraryPath) -> Result<Listing, LibraryError> {
        let outline = self.outline(path)?;
        let all = 0..outline.items.len();
        self.fill(&outline, all)
    }

    /// The names of a folder. Files are not looked at, but for links.
    ///
    /// # Errors
    /// When there is no such folder or it cannot be read.
    pub fn outline(&self, path: &LibraryPath) -> Result<Outline, LibraryError> {
        let mut items = if self.roots.len() > 1 && path.is_top() {
            self.roots.iter().map(|root| Item { os_name: root.name.clone(), kind: Kind::Folder }).collect()
        } else {
            self.read_folder(path)?
        };
        join_sets(&mut items);
        items.sort_by_cached_key(|item| (item.kind != Kind::Folder, SortKey::of(&item.os_name)));
        Ok(Outline { path: path.clone(), items })
    }

    /// What files say of those in `range` of an outline. Files that are gone meanwhile are left out.
    ///
    /// # Errors
    /// When the folder is gone.
    pub fn fill(&self, outline: &Outline, range: Range<usize>) -> Result<Listing, LibraryError> {
        let path = &outline.path;
        let items = outline.items.get(range).unwrap_or_default();
        let is_top_of_several = self.roots.len() > 1 && path.is_top();
        let entries = if is_top_of_several || items.iter().all(|item| item.kind == Kind::Folder) {
            items.iter().map(|item| folder(&item.os_name)).collect()
        } else {
            let dir = self.open_at(path, OFlags::PATH | OFlags::DIRECTORY)?;
            let with_parts = |entry: Entry| match set::is_first(&entry.os_name) {
                true => self.with_parts(&path.join(&entry.os_name), entry),
                false => entry,
            };
            items.iter().filter_map(|item| self.entry(&dir, path, item)).map(with_parts).collect()
        };
        Ok(Listing { path: path.clone(), entries })
    }

    /// What a single file or folder says, wherever it is.
    ///
    /// # Errors
    /// When it is not there.
    pub fn entry_at(&self, path: &LibraryPath) -> Result<Entry, LibraryError> {
        let not_found = || LibraryError::NotFound(path.clone());
        let (_, name) = path.split_last().ok_or_else(not_found)?;
        let metadata = File::from(self.open_at(path, OFlags::PATH)?)
            .metadata()
            .map_err(|error| LibraryError::Io { path: path.clone(), error })?;
        if metadata.is_dir() {
            return Ok(folder(name));
        }
        let kind = Kind::of_file_name(&name.to_string_lossy()).filter(|_| metadata.is_file());
        let entry = media(name, kind.ok_or_else(not_found)?, FileIdentity::of(&metadata));
        Ok(self.with_parts(path, entry))
    }

    /// A film in several files is as large as all of them.
    fn with_parts(&self, path: &LibraryPath, entry: Entry) -> Entry {
        let parts = self.continuation(path);
        let len = |part: &LibraryPath| {
            let file = self.open_at(part, OFlags::PATH).ok()?;
            Some(File::from(file).metadata().ok()?.len())
        };
        let more: u64 = parts.paths().iter().filter_map(len).sum();
        Entry { size: entry.size.map(|size| size.saturating_add(more)), ..entry }
    }

    fn read_folder(&self, path: &LibraryPath) -> Result<Vec<Item>, LibraryError> {
        let io = |error: rustix::io::Errno| LibraryError::Io { path: path.clone(), error: error.into() };
        let dir = match self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Err(LibraryError::NotFound(_)) if self.is_file(path) => {
                return Err(LibraryError::NotFolder(path.clone()));
            }
            other => other?,
        };
        let mut items = Vec::new();
        for item in Dir::read_from(&dir).map_err(io)? {
            let item = item.map_err(io)?;
            let name = OsStr::from_bytes(item.file_name().to_bytes());
            if name.as_bytes().starts_with(b".") {
                continue;
            }
            if let Some(kind) = self.kind_of(path, name, item.file_type()) {
                items.push(Item { os_name: name.to_owned(), kind });
            }
            if items.len() >= MAX_LISTING {
                tracing::warn!(folder = %path, limit = MAX_LISTING, "folder has more entries than are listed");
                break;
            }
        }
        Ok(items)
    }

    fn kind_of(&self, path: &LibraryPath, name: &OsStr, file_type: FileType) -> Option<Kind> {
        let by_name = || Kind::of_file_name(&name.to_string_lossy());
        match file_type {
            FileType::Directory => Some(Kind::Folder),
            FileType::RegularFile => by_name(),
            // Links, and file systems that do not say: one that stays inside is what it points at.
            FileType::Symlink | FileType::Unknown => {
                let fd = self.open_at(&path.join(name), OFlags::PATH).ok()?;
                let metadata = File::from(fd).metadata().ok()?;
                if metadata.is_dir() { Some(Kind::Folder) } else { by_name().filter(|_| metadata.is_file()) }
            }
            _ => None,
        }
    }

    fn entry(&self, dir: &OwnedFd, path: &LibraryPath, item: &Item) -> Option<Entry> {
        let name = &item.os_name;
        if item.kind == Kind::Folder {
            return Some(folder(name));
        }
        let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Some(media(name, item.kind, FileIdentity::of_stat(&stat)?)),
            FileType::Symlink => {
                let metadata =
                    File::from(self.open_at(&path.join(name), OFlags::PATH).ok()?).metadata().ok()?;
                metadata.is_file().then(|| media(name, item.kind, FileIdentity::of(&metadata)))
            }
            _ => None,
        }
    }

    /// The names in a folder that `wanted` says yes to, in no order; hidden ones are left out.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn names_with(
        &self,
        path: &LibraryPath,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<OsString>, LibraryError> {
        let io = |error: rustix::io::Errno| LibraryError::Io { path: path.clone(), error: error.into() };
        let dir = self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for item in Dir::read_from(&dir).map_err(io)? {
            let item = item.map_err(io)?;
            let name = item.file_name().to_bytes();
            if !name.starts_with(b".") && wanted(name) && names.len() < MAX_LISTING {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }
}

/// Films in several files are listed once, by the first.
fn join_sets(items: &mut Vec<Item>) {
    let is_first = |item: &&Item| item.kind != Kind::Folder && set::is_first(&item.os_name);
    let firsts: Vec<OsString> = items.iter().filter(is_first).map(|item| item.os_name.clone()).collect();
    if firsts.is_empty() {
        return;
    }
    let files: HashSet<&OsStr> =
        items.iter().filter(|item| item.kind != Kind::Folder).map(|item| item.os_name.as_os_str()).collect();
    let here = |name: &OsString| files.contains(name.as_os_str());
    let later: HashSet<OsString> =
        firsts.iter().flat_map(|first| set::later(first).take_while(here)).collect();
    items.retain(|item| item.kind == Kind::Folder || !later.contains(&item.os_name));
}

fn media(name: &OsStr, kind: Kind, identity: FileIdentity) -> Entry {
    Entry {
        name: name.to_string_lossy().into_owned(),
        os_name: name.to_owned(),
        kind,
        size: Some(identity.len),
        identity: Some(identity),
    }
}

fn folder(name: &OsStr) -> Entry {
    Entry {
        name: name.to_string_lossy().into_owned(),
        os_name: name.to_owned(),
        kind: Kind::Folder,
        size: None,
        identity: None,
    }
}
