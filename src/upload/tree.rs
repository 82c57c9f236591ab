//! Whole folders: what file managers delete and copy in one request. Folders are walked by their descriptors, links are never
//! followed, and how much is done at once is bounded.

use super::part::Outcome;
use super::{Names, Replace, UploadError, Uploads, Wanted, io};
use crate::library::{FileIdentity, LibraryPath};
use crate::limits::{MAX_SHARE_TREE, MAX_SHARE_TREE_DEPTH, UPLOAD_COPY_STEP};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: OsString,
    /// Bytes of a file; none for a folder.
    pub len: Option<u64>,
    /// Seconds since 1970.
    pub modified: i64,
    /// Which version of the file this is.
    pub version: Option<FileIdentity>,
}

/// The files and folders of an open folder that people see: neither hidden ones nor links. At most `most`, else `None`.
///
/// # Errors
/// Those of the disk.
pub fn list(folder: &OwnedFd, most: usize) -> Result<Option<Vec<Listed>>, Errno> {
    let mut found = Vec::new();
    for item in Dir::read_from(folder)? {
        let item = item?;
        let name = OsStr::from_bytes(item.file_name().to_bytes());
        if name.as_bytes().starts_with(b".") {
            continue;
        }
        // It may be gone by now.
        let Ok(stat) = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        let len = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => None,
            FileType::RegularFile => Some(u64::try_from(stat.st_size).unwrap_or(0)),
            _ => continue,
        };
        if found.len() >= most {
            return Ok(None);
        }
        let version = FileIdentity::of_stat(&stat).filter(|_| len.is_some());
        found.push(Listed { name: name.to_owned(), len, modified: stat.st_mtime, version });
    }
    Ok(Some(found))
}

impl Uploads {
    /// Deletes a file, or a folder with all that is in it. Blocking.
    ///
    /// # Errors
    /// When it is not there, in no folder of these, or more than can be deleted at once: then part of it is gone.
    pub fn remove_all(&self, path: &LibraryPath) -> Result<(), UploadError> {
        match self.remove(path, Names::Any) {
            Err(UploadError::NotEmpty(_)) => {}
            other => return other,
        }
        let place = self.place(path)?;
        let folder = open(&place.folder, &place.name).map_err(|error| io(path, error))?;
        let mut left = MAX_SHARE_TREE;
        empty(&folder, 0, &mut left).map_err(|error| match error {
            Errno::MLINK => UploadError::TooMuch,
            error => io(path, error),
        })?;
        self.remove(path, Names::Any)
    }

    /// Copies a file of the library to one of these folders, or a folder with all that is in it. Blocking.
    ///
    /// # Errors
    /// When it is not there, something is at the other place, or the disk is full: then part of it may be there.
    pub fn copy(
        &self,
        from: &LibraryPath,
        to: &LibraryPath,
        replace: Replace,
    ) -> Result<Outcome, UploadError> {
        if !self.library.is_folder(from) {
            return self.copy_file(from, to, replace);
        }
        if to.names().starts_with(from.names()) {
            return Err(UploadError::IntoItself(to.clone()));
        }
        self.make_folder(to)?;
        let mut left = MAX_SHARE_TREE;
        let mut waiting = vec![(from.clone(), to.clone())];
        while let Some((from, to)) = waiting.pop() {
            let folder = self.library.open_folder(&from)?;
            let listed =
                list(&folder, left).map_err(|error| io(&from, error))?.ok_or(UploadError::TooMuch)?;
            left -= listed.len();
            if to.names().len() > MAX_SHARE_TREE_DEPTH {
                return Err(UploadError::TooMuch);
            }
            for entry in listed {
                let (from, to) = (from.join(&entry.name), to.join(&entry.name));
                if entry.len.is_none() {
                    self.make_folder(&to)?;
                    waiting.push((from, to));
                } else {
                    self.copy_file(&from, &to, Replace::No)?;
                }
            }
        }
        Ok(Outcome::Created)
    }

    fn copy_file(
        &self,
        from: &LibraryPath,
        to: &LibraryPath,
        replace: Replace,
    ) -> Result<Outcome, UploadError> {
        let source = self.library.open(from)?;
        let wanted = Wanted { offset: 0, size: Some(source.len), replace, names: Names::Any };
        let mut upload = self.begin(to, wanted)?;
        let failed = |error: std::io::Error| io(from, Errno::from_io_error(&error).unwrap_or(Errno::IO));
        let mut file = File::from(source.file.as_fd().try_clone_to_owned().map_err(failed)?);
        let mut piece = vec![0; UPLOAD_COPY_STEP];
        loop {
            match file.read(&mut piece).map_err(failed)? {
                0 => break,
                // It may have grown meanwhile; what it was is copied.
                len => {
                    let left = usize::try_from(source.len - upload.received()).unwrap_or(usize::MAX);
                    upload.write(&piece[..len.min(left)])?;
                    if len >= left {
                        break;
                    }
                }
            }
        }
        upload.finish()
    }
}

/// Deletes what is in a folder. `MLINK` when it is more than can be deleted at once.
fn empty(folder: &OwnedFd, depth: usize, left: &mut usize) -> Result<(), Errno> {
    if depth > MAX_SHARE_TREE_DEPTH {
        return Err(Errno::MLINK);
    }
    for item in Dir::read_from(folder)? {
        let item = item?;
        let name = OsStr::from_bytes(item.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        *left = left.checked_sub(1).ok_or(Errno::MLINK)?;
        match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => {
                empty(&open(folder, name)?, depth + 1, left)?;
                rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?;
            }
            Err(Errno::NOENT) => {}
            other => other?,
        }
    }
    Ok(())
}

fn open(folder: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty())
}
