//! A file on its way.

use super::{Claim, Place, Replace, UploadError, Wanted, check_replaced, io};
use crate::library::LibraryPath;
use crate::limits::{UPLOAD_ROOM_STEP, UPLOAD_SYNC_STEP};
use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;

/// A file that comes. Dropped before its end, what has come stays for who goes on with it.
#[derive(Debug)]
pub struct Upload {
    path: LibraryPath,
    wanted: Wanted,
    folder: OwnedFd,
    name: std::ffi::OsString,
    parts: OwnedFd,
    part: String,
    file: File,
    received: u64,
    /// Bytes that there may be.
    most: u64,
    keep_free: u64,
    /// Of which the disk was asked for room.
    asked: u64,
    /// Of which the disk has it.
    synced: u64,
    _claim: Claim,
}

/// What became of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The file is there, and was not before.
    Created,
    /// It took another one's place.
    Replaced,
    /// So many bytes have come; the rest is still to come.
    Unfinished(u64),
}

impl Upload {
    pub(super) fn new(
        path: LibraryPath,
        wanted: Wanted,
        place: Place,
        (parts, part, mut file): (OwnedFd, String, File),
        claim: Claim,
        (largest, keep_free): (u64, u64),
    ) -> Result<Self, UploadError> {
        let failed = |error: std::io::Error| of_io(&path, error);
        let there = file.metadata().map_err(failed)?.len();
        if wanted.offset > there {
            // Somebody who begins in the middle must not leave an empty one behind.
            if there == 0 {
                let _ = rustix::fs::unlinkat(&parts, &part, AtFlags::empty());
            }
            return Err(UploadError::Offset { received: there });
        }
        // What may be behind it was not confirmed.
        file.set_len(wanted.offset).map_err(failed)?;
        file.seek(SeekFrom::Start(wanted.offset)).map_err(failed)?;
        let (folder, name, received) = (place.folder, place.name, wanted.offset);
        let mut upload = Self {
            path,
            wanted,
            folder,
            name,
            parts,
            part,
            file,
            received,
            most: wanted.size.unwrap_or(largest),
            keep_free,
            asked: received,
            synced: received,
            _claim: claim,
        };
        upload.ask_for_room(0)?;
        Ok(upload)
    }

    /// Bytes that have come, from the beginning.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Takes what has come next. Blocking.
    ///
    /// # Errors
    /// When it is more than was told, or the disk is full or fails.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        let len = bytes.len() as u64;
        if self.received + len > self.most {
            return Err(match self.wanted.size {
                Some(_) => UploadError::Offset { received: self.received },
                None => UploadError::TooLarge { size: self.received + len, most: self.most },
            });
        }
        self.ask_for_room(len)?;
        self.file.write_all(bytes).map_err(|error| of_io(&self.path, error))?;
        self.received += len;
        // Memory full of what is still to be written would hold up everybody else's reading.
        if self.received - self.synced >= UPLOAD_SYNC_STEP {
            self.synced = self.received;
            self.file.sync_data().map_err(|error| of_io(&self.path, error))?;
        }
        Ok(())
    }

    /// The disk has room for what comes, and for what has to stay free.
    fn ask_for_room(&mut self, len: u64) -> Result<(), UploadError> {
        if self.received + len < self.asked + UPLOAD_ROOM_STEP && len > 0 {
            return Ok(());
        }
        self.asked = self.received + len;
        let disk = rustix::fs::fstatvfs(&self.parts).map_err(|error| io(&self.path, error))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        // At the beginning, for all of it: nobody wants to hear of it after an hour.
        let all = self.wanted.size.map(|size| size - self.received).filter(|_| len == 0);
        let more = all.unwrap_or(UPLOAD_ROOM_STEP);
        if free < self.keep_free.saturating_add(more) {
            return Err(UploadError::NoRoom);
        }
        Ok(())
    }

    /// All of a file whose size was unknown has come.
    pub fn whole(&mut self) {
        self.wanted.size = Some(self.wanted.size.unwrap_or(self.received));
    }

    /// What was sent is over. A file that is whole is on the disk, and in its place, when this returns. Blocking.
    ///
    /// # Errors
    /// When something came to its place meanwhile, or the disk fails.
    pub fn finish(self) -> Result<Outcome, UploadError> {
        let failed = |error: Errno| io(&self.path, error);
        self.file.sync_all().map_err(|error| of_io(&self.path, error))?;
        if self.wanted.size.is_none_or(|size| self.received < size) {
            return Ok(Outcome::Unfinished(self.received));
        }
        let outcome = match rename_without_loss(&self.parts, OsStr::new(&self.part), &self.folder, &self.name)
        {
            Ok(()) => Outcome::Created,
            Err(Errno::EXIST) if self.wanted.replace == Replace::No => {
                return Err(UploadError::Exists(self.path.clone()));
            }
            Err(Errno::EXIST) => {
                check_replaced(&self.path, &self.folder, &self.name, self.wanted.replace)?;
                rustix::fs::renameat(&self.parts, &self.part, &self.folder, &self.name).map_err(failed)?;
                Outcome::Replaced
            }
            Err(Errno::XDEV) => return Err(UploadError::OtherDisk(self.path.clone())),
            Err(error) => return Err(failed(error)),
        };
        rustix::fs::fsync(&self.folder).map_err(failed)?;
        Ok(outcome)
    }
}

impl Drop for Upload {
    /// Of nothing nobody goes on.
    fn drop(&mut self) {
        if self.received == 0 && self.wanted.size != Some(0) {
            let _ = rustix::fs::unlinkat(&self.parts, &self.part, AtFlags::empty());
        }
    }
}

/// Moves what never replaces anything; `EXIST` when something is there. Disks formatted with FAT cannot do this in one
/// step on older kernels: there it is looked first.
pub(super) fn rename_without_loss(
    from: &OwnedFd,
    old: &OsStr,
    to: &OwnedFd,
    new: &OsStr,
) -> Result<(), Errno> {
    match rustix::fs::renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            match rustix::fs::statat(to, new, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Err(Errno::EXIST),
                Err(Errno::NOENT) => rustix::fs::renameat(from, old, to, new),
                Err(error) => Err(error),
            }
        }
        other => other,
    }
}

fn of_io(path: &LibraryPath, error: std::io::Error) -> UploadError {
    let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
    io(path, errno)
}
