//! Listings of folders.

use super::{FileIdentity, Kind, Library, LibraryError, LibraryPath, set};
use crate::limits::MAX_LISTING;
use rustix::fs::{AtFlags, Dir, FileType, OFlags};
use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::fs::File;
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
#[derive(Debug)]
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

impl Library {
    /// Lists a folder. Hidden names, other kinds of files and links that leave the library are
    /// left out.
    ///
    /// # Errors
    /// When there is no such folder or it cannot be read.
    pub fn list(&self, path: &LibraryPath) -> Result<Listing, LibraryError> {
        let mut entries = if self.roots.len() > 1 && path.is_top() {
            self.roots.iter().map(|root| folder(&root.name)).collect()
        } else {
            self.read_folder(path)?
        };
        join_sets(&mut entries);
        entries.sort_by(|a, b| {
            let rank = |e: &Entry| e.kind != Kind::Folder;
            rank(a).cmp(&rank(b)).then_with(|| compare_naturally(&a.name, &b.name))
        });
        Ok(Listing { path: path.clone(), entries })
    }

    fn read_folder(&self, path: &LibraryPath) -> Result<Vec<Entry>, LibraryError> {
        let io = |error: rustix::io::Errno| LibraryError::Io { path: path.clone(), error: error.into() };
        let dir = match self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Err(LibraryError::NotFound(_)) if self.is_file(path) => {
                return Err(LibraryError::NotFolder(path.clone()));
            }
            other => other?,
        };
        let mut entries = Vec::new();
        for item in Dir::read_from(&dir).map_err(io)? {
            let item = item.map_err(io)?;
            let name = OsStr::from_bytes(item.file_name().to_bytes());
            if name.as_bytes().starts_with(b".") {
                continue;
            }
            if let Some(entry) = self.entry(&dir, path, name, item.file_type()) {
                entries.push(entry);
            }
            if entries.len() >= MAX_LISTING {
                tracing::warn!(folder = %path, limit = MAX_LISTING, "folder has more entries than are listed");
                break;
            }
        }
        Ok(entries)
    }

    fn entry(&self, dir: &OwnedFd, path: &LibraryPath, name: &OsStr, file_type: FileType) -> Option<Entry> {
        if file_type == FileType::Directory {
            return Some(folder(name));
        }
        let by_name = Kind::of_file_name(&name.to_string_lossy());
        let media = |kind: Kind, identity: FileIdentity| Entry {
            name: name.to_string_lossy().into_owned(),
            os_name: name.to_owned(),
            kind,
            size: Some(identity.len),
            identity: Some(identity),
        };
        let metadata = match file_type {
            FileType::RegularFile => {
                let kind = by_name?;
                let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
                if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                    return None;
                }
                return Some(media(kind, FileIdentity::of_stat(&stat)?));
            }
            // Links, and file systems that do not say: one that stays inside is what it points at.
            FileType::Symlink | FileType::Unknown => {
                let fd = self.open_at(&path.join(name), OFlags::PATH).ok()?;
                File::from(fd).metadata().ok()?
            }
            _ => return None,
        };
        if metadata.is_dir() {
            return Some(folder(name));
        }
        let kind = by_name.filter(|_| metadata.is_file())?;
        Some(media(kind, FileIdentity::of(&metadata)))
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

/// Films in several files are listed once, as large as all of them.
fn join_sets(entries: &mut Vec<Entry>) {
    let firsts: Vec<OsString> =
        entries.iter().map(|entry| entry.os_name.clone()).filter(|name| set::is_first(name)).collect();
    for first in firsts {
        for later in set::later(&first) {
            let Some(at) = entries.iter().position(|entry| entry.os_name == later && entry.size.is_some())
            else {
                break;
            };
            let size = entries.remove(at).size.unwrap_or(0);
            if let Some(entry) = entries.iter_mut().find(|entry| entry.os_name == first) {
                entry.size = entry.size.map(|sum| sum.saturating_add(size));
            }
        }
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

/// The order a person expects: numbers by value, letters without case; the bytes decide ties.
pub fn compare_naturally(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.chars().peekable(), b.chars().peekable());
    loop {
        let (Some(&l), Some(&r)) = (left.peek(), right.peek()) else {
            return left.peek().is_some().cmp(&right.peek().is_some()).then_with(|| a.cmp(b));
        };
        let order = if l.is_ascii_digit() && r.is_ascii_digit() {
            let (l, r) = (take_number(&mut left), take_number(&mut right));
            l.len().cmp(&r.len()).then_with(|| l.cmp(&r))
        } else {
            left.next();
            right.next();
            l.to_lowercase().cmp(r.to_lowercase())
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Takes a run of digits, without its leading zeros.
fn take_number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        if digit != '0' || !digits.is_empty() {
            digits.push(digit);
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_sort_as_people_sort_them() {
        let mut names = ["b", "a10", "A2", "a 1", "Film 10", "film 9", "film 09b", "é", "a"];
        names.sort_by(|a, b| compare_naturally(a, b));
        assert_eq!(names, ["a", "a 1", "A2", "a10", "b", "film 9", "film 09b", "Film 10", "é"]);
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in "[a-cA-C0-3 ]{0,6}", b in "[a-cA-C0-3 ]{0,6}", c in "[a-cA-C0-3 ]{0,6}") {
            prop_assert_eq!(compare_naturally(&a, &b), compare_naturally(&b, &a).reverse());
            if compare_naturally(&a, &b).is_le() && compare_naturally(&b, &c).is_le() {
                prop_assert!(compare_naturally(&a, &c).is_le());
            }
            prop_assert_eq!(compare_naturally(&a, &b) == Ordering::Equal, a == b);
        }
    }
}
