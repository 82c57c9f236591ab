//! Files that come from outside into folders of the library that the owner has named for it.
//!
//! ```text
//!  begin ─▶ .uploads/<number>.part of that folder ─ write … write ─▶ finish: fsync, moved to its name
//!             ▲ broken off: stays for a day                          never over what is there, unless asked
//!             └ begin again, from where it broke off
//! ```
//!
//! Every name is reached from the folder's own descriptor by `openat2(RESOLVE_BENEATH)` without links, so that nothing
//! leads out of it, whatever is put there meanwhile. What does not belong here: HTTP, and who may do this.

mod error;
mod part;
mod tree;

pub use error::UploadError;
pub use part::{Outcome, Upload};
pub use tree::{Listed, list};

use crate::library::{FileIdentity, Kind, Library, LibraryError, LibraryPath};
use crate::limits::{MAX_FILE_NAME, MAX_UPLOAD_PARTS, MAX_UPLOADS, UPLOAD_PART_AGE};
use data_encoding::HEXLOWER;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use sha1::{Digest, Sha1};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the owner decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Folders of the library that take files, with all below them; none: nothing is taken.
    pub folders: Vec<PathBuf>,
    /// Bytes of the largest file.
    pub largest: u64,
    /// Bytes of the disk that stay free.
    pub keep_free: u64,
}

/// Where files may come to.
#[derive(Debug)]
pub struct Uploads {
    library: Arc<Library>,
    folders: Vec<LibraryPath>,
    settings: Settings,
    /// Those that somebody sends now: the names of their parts.
    active: Arc<Mutex<HashSet<String>>>,
}

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// It stays, and the new one is refused.
    No,
    /// It gives way.
    Yes,
    /// It gives way if it is still this version.
    Only(FileIdentity),
}

/// Which files may be called what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Only what the library has a use for: film, sound, pictures, subtitles.
    Media,
    /// Any: folders that are copied whole have notes and covers in them, and nobody wants the copy to stop at those.
    Any,
}

/// What is about to come.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Bytes that are there from before; 0 begins anew.
    pub offset: u64,
    /// Bytes of the whole file; unknown, it is whole when it is said to be ([`Upload::whole`]).
    pub size: Option<u64>,
    /// What becomes of one of that name.
    pub replace: Replace,
    /// What it may be called.
    pub names: Names,
}

/// Where unfinished files are, hidden in each of the folders.
const PARTS: &str = ".uploads";

/// A target, ready to be reached.
struct Place {
    /// The folder that the owner has named.
    root: OwnedFd,
    /// The folder that the file goes into.
    folder: OwnedFd,
    name: OsString,
}

impl Uploads {
    /// Takes nothing.
    pub fn off(library: Arc<Library>) -> Self {
        Self::new(library, Settings::default())
    }

    /// Takes files into these folders; those that are not in the library are left out, which the configuration has checked.
    pub fn new(library: Arc<Library>, settings: Settings) -> Self {
        let folders = settings.folders.iter().filter_map(|folder| library.path_of(folder)).collect();
        Self { library, folders, settings, active: Arc::default() }
    }

    /// The folders that take files.
    pub fn folders(&self) -> &[LibraryPath] {
        &self.folders
    }

    /// Bytes of the largest file.
    pub fn largest(&self) -> u64 {
        self.settings.largest
    }

    /// Begins to take a file, or goes on with it. Blocking.
    ///
    /// # Errors
    /// When it may not come there, or part of it is missing.
    pub fn begin(&self, path: &LibraryPath, wanted: Wanted) -> Result<Upload, UploadError> {
        if let Some(size) = wanted.size.filter(|size| *size > self.settings.largest) {
            return Err(UploadError::TooLarge { size, most: self.settings.largest });
        }
        if let Some(size) = wanted.size.filter(|size| wanted.offset > *size) {
            return Err(UploadError::Offset { received: size });
        }
        let place = self.place(path)?;
        wanted.names.check(&place.name)?;
        check_replaced(path, &place.folder, &place.name, wanted.replace)?;
        let part = part_name(path);
        let claim = Claim::of(&self.active, &part)?;
        let parts = parts_of(&place.root).map_err(|error| io(path, error))?;
        if wanted.offset == 0 && count(&parts).map_err(|error| io(path, error))? >= MAX_UPLOAD_PARTS {
            return Err(UploadError::TooMany);
        }
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&parts, &part, flags, Mode::from_raw_mode(0o644));
        let file = std::fs::File::from(file.map_err(|error| io(path, error))?);
        let bounds = (self.settings.largest, self.settings.keep_free);
        Upload::new(path.clone(), wanted, place, (parts, part, file), claim, bounds)
    }

    /// How many bytes of a file have come, when it broke off. Blocking.
    ///
    /// # Errors
    /// When there is nothing of it, or it may not come there.
    pub fn received(&self, path: &LibraryPath) -> Result<u64, UploadError> {
        let place = self.place(path)?;
        let parts = parts_of(&place.root).map_err(|error| io(path, error))?;
        match rustix::fs::statat(&parts, part_name(path), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(u64::try_from(stat.st_size).unwrap_or(0)),
            Err(_) => Err(UploadError::Nothing(path.clone())),
        }
    }

    /// Throws away what has come of a file. Blocking.
    ///
    /// # Errors
    /// When there is nothing of it, or somebody sends it now.
    pub fn abandon(&self, path: &LibraryPath) -> Result<(), UploadError> {
        let place = self.place(path)?;
        let part = part_name(path);
        let _claim = Claim::of(&self.active, &part)?;
        let parts = parts_of(&place.root).map_err(|error| io(path, error))?;
        rustix::fs::unlinkat(&parts, &part, AtFlags::empty()).map_err(|_| UploadError::Nothing(path.clone()))
    }

    /// Makes a folder. Blocking.
    ///
    /// # Errors
    /// When it may not be made there, or something of the name is there.
    pub fn make_folder(&self, path: &LibraryPath) -> Result<(), UploadError> {
        let place = self.place(path)?;
        check_characters(&place.name)?;
        match rustix::fs::mkdirat(&place.folder, &place.name, Mode::from_raw_mode(0o755)) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(UploadError::Exists(path.clone())),
            Err(error) => Err(io(path, error)),
        }
    }

    /// Deletes a file, or a folder with nothing in it. Blocking.
    ///
    /// # Errors
    /// When it is not there, has something in it, or is in no folder of these.
    pub fn remove(&self, path: &LibraryPath, names: Names) -> Result<(), UploadError> {
        let place = self.place(path)?;
        let stat = rustix::fs::statat(&place.folder, &place.name, AtFlags::SYMLINK_NOFOLLOW);
        let stat = stat.map_err(|error| io(path, error))?;
        let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if !is_folder {
            names.check(&place.name)?;
        }
        let how = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        rustix::fs::unlinkat(&place.folder, &place.name, how).map_err(|error| match error {
            Errno::NOTEMPTY | Errno::EXIST => UploadError::NotEmpty(path.clone()),
            error => io(path, error),
        })
    }

    /// Gives a file or folder another name, or moves it to another of these folders on the same disk. Blocking.
    ///
    /// # Errors
    /// When it is not there, or something is at the other place.
    pub fn rename(&self, from: &LibraryPath, to: &LibraryPath, names: Names) -> Result<(), UploadError> {
        let (old, new) = (self.place(from)?, self.place(to)?);
        let stat = rustix::fs::statat(&old.folder, &old.name, AtFlags::SYMLINK_NOFOLLOW);
        let stat = stat.map_err(|error| io(from, error))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            check_characters(&new.name)?;
        } else {
            names.check(&old.name)?;
            names.check(&new.name)?;
        }
        part::rename_without_loss(&old.folder, &old.name, &new.folder, &new.name).map_err(|error| match error
        {
            Errno::EXIST => UploadError::Exists(to.clone()),
            Errno::XDEV => UploadError::OtherDisk(to.clone()),
            Errno::INVAL => UploadError::IntoItself(to.clone()),
            error => io(from, error),
        })
    }

    /// Deletes what broke off long ago. Blocking.
    pub fn sweep(&self, now: SystemTime) {
        for folder in &self.folders {
            let Ok(root) = self.library.open_folder(folder) else { continue };
            if rustix::fs::statat(&root, PARTS, AtFlags::SYMLINK_NOFOLLOW).is_err() {
                continue;
            }
            let Ok(parts) = parts_of(&root) else { continue };
            for name in names(&parts).unwrap_or_default() {
                let Ok(stat) = rustix::fs::statat(&parts, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
                let changed = u64::try_from(stat.st_mtime).unwrap_or(0);
                let age =
                    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().saturating_sub(changed);
                let is_active = self.active().contains(name.to_string_lossy().as_ref());
                if age >= UPLOAD_PART_AGE.as_secs() && !is_active {
                    tracing::info!(folder = %folder, "an upload that broke off long ago is thrown away");
                    let _ = rustix::fs::unlinkat(&parts, &name, AtFlags::empty());
                }
            }
        }
    }

    fn active(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, path: &LibraryPath) -> Result<Place, UploadError> {
        if self.folders.is_empty() {
            return Err(UploadError::Off);
        }
        // The longest that fits: folders may lie within each other.
        let root = self.folders.iter().filter(|root| path.names().starts_with(root.names()));
        let root =
            root.max_by_key(|root| root.names().len()).ok_or_else(|| UploadError::Outside(path.clone()))?;
        let below = &path.names()[root.names().len()..];
        let Some((name, folders)) = below.split_last() else {
            return Err(UploadError::Outside(path.clone()));
        };
        if below.iter().any(|name| name.as_bytes().starts_with(b".")) {
            return Err(UploadError::Name("it begins with a dot, which hides it"));
        }
        let root = self.library.open_folder(root)?;
        let mut relative = PathBuf::from(".");
        relative.extend(folders);
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = match rustix::fs::openat2(&root, &relative, flags, Mode::empty(), resolve) {
            Err(Errno::NOSYS) => open_step_by_step(&root, folders, flags),
            other => other,
        };
        let folder = folder.map_err(|error| match (error, path.split_last()) {
            (Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV, Some((folder, _))) => {
                UploadError::NoFolder(folder)
            }
            (error, _) => io(path, error),
        })?;
        Ok(Place { root, folder, name: name.clone() })
    }
}

/// For kernels before 5.6, which have no `openat2`.
fn open_step_by_step(root: &OwnedFd, folders: &[OsString], flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut folder = rustix::fs::openat(root, ".", flags, Mode::empty())?;
    for name in folders {
        folder = rustix::fs::openat(&folder, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(folder)
}

/// A part that one sends, until dropped.
#[derive(Debug)]
struct Claim {
    active: Arc<Mutex<HashSet<String>>>,
    part: String,
}

impl Claim {
    fn of(active: &Arc<Mutex<HashSet<String>>>, part: &str) -> Result<Self, UploadError> {
        let mut all = active.lock().unwrap_or_else(PoisonError::into_inner);
        if all.contains(part) {
            return Err(UploadError::Busy);
        }
        if all.len() >= MAX_UPLOADS {
            return Err(UploadError::TooMany);
        }
        all.insert(part.to_owned());
        Ok(Self { active: active.clone(), part: part.to_owned() })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.part);
    }
}

/// One for each target, so that whoever comes again finds it.
fn part_name(path: &LibraryPath) -> String {
    format!("{}.part", HEXLOWER.encode(&Sha1::digest(path.percent_encoded())[..16]))
}

/// The folder of unfinished files, made when it is not there.
fn parts_of(root: &OwnedFd) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(root, PARTS, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(root, PARTS, flags, Mode::empty())
}

fn names(folder: &OwnedFd) -> Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for item in Dir::read_from(folder)? {
        let name = item?;
        let name = OsStr::from_bytes(name.file_name().to_bytes()).to_owned();
        if !name.as_bytes().starts_with(b".") && names.len() < 2 * MAX_UPLOAD_PARTS {
            names.push(name);
        }
    }
    Ok(names)
}

fn count(folder: &OwnedFd) -> Result<usize, Errno> {
    Ok(names(folder)?.len())
}

/// A name that can be listed, and shown without surprises.
fn check_characters(name: &OsStr) -> Result<(), UploadError> {
    let Some(text) = name.to_str() else { return Err(UploadError::Name("it is no UTF-8")) };
    match () {
        () if text.len() > MAX_FILE_NAME => Err(UploadError::Name("it is longer than 255 bytes")),
        () if text.chars().any(char::is_control) => Err(UploadError::Name("it has control characters in it")),
        () if text.trim() != text => Err(UploadError::Name("it begins or ends with a space")),
        () => Ok(()),
    }
}

impl Names {
    fn check(self, name: &OsStr) -> Result<(), UploadError> {
        check_characters(name)?;
        let text = name.to_string_lossy();
        let extension = text.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
        let beside = ["srt", "vtt", "ass", "ssa", "sub", "idx", "smi", "lrc"];
        let is_media = Kind::of_file_name(&text).is_some() || beside.contains(&extension.as_str());
        if self == Self::Any || is_media { Ok(()) } else { Err(UploadError::NoMedia(text.into_owned())) }
    }
}

/// What is there may be replaced, or nothing is there.
fn check_replaced(
    path: &LibraryPath,
    folder: &OwnedFd,
    name: &OsStr,
    replace: Replace,
) -> Result<(), UploadError> {
    let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) if matches!(replace, Replace::Only(_)) => {
            return Err(UploadError::Changed(path.clone()));
        }
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(io(path, error)),
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(UploadError::Exists(path.clone()));
    }
    match replace {
        Replace::No => Err(UploadError::Exists(path.clone())),
        Replace::Yes => Ok(()),
        Replace::Only(version) if FileIdentity::of_stat(&stat) == Some(version) => Ok(()),
        Replace::Only(_) => Err(UploadError::Changed(path.clone())),
    }
}

fn io(path: &LibraryPath, error: Errno) -> UploadError {
    match error {
        Errno::NOENT => UploadError::Library(LibraryError::NotFound(path.clone())),
        Errno::NOSPC | Errno::DQUOT => UploadError::NoRoom,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => UploadError::NotWritable(path.clone()),
        error => UploadError::Library(LibraryError::Io { path: path.clone(), error: error.into() }),
    }
}

#[cfg(test)]
mod tests;
