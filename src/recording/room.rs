//! Room for recordings: what stays free on the disk, and which old ones go.

use super::file::inspect;
use super::repair::recordings_in;
use crate::library::FileIdentity;
use crate::provider::Growing;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Whether there is room, and making it.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) folder: PathBuf,
    /// Bytes of the disk that stay free.
    pub(super) keep_free: u64,
    /// Bytes that recordings may take; `None`: none is ever deleted.
    pub(super) limit: Option<u64>,
}

impl Room {
    /// Makes sure that there is room to go on, deleting the oldest recordings when that is allowed.
    /// Files that grow stay.
    ///
    /// # Errors
    /// When the disk is as full as it may be. The text is shown to people.
    pub(super) fn make(&self, growing: &Growing) -> io::Result<()> {
        if let Some(limit) = self.limit {
            self.delete_oldest(growing, limit)?;
        }
        let free = free_bytes(&self.folder)?;
        if free >= self.keep_free {
            return Ok(());
        }
        let text = format!(
            "only {} MB are free in {}, {} MB stay reserved; delete something, or lower keep_free_mb in [record]",
            free / 1_000_000,
            self.folder.display(),
            self.keep_free / 1_000_000
        );
        Err(io::Error::new(io::ErrorKind::StorageFull, text))
    }

    fn delete_oldest(&self, growing: &Growing, limit: u64) -> io::Result<()> {
        let mut total = 0u64;
        let mut old = Vec::new();
        for (path, age) in recordings_in(&self.folder)? {
            // A name is not enough: somebody may have put a file of his own here.
            let Ok(file) = File::open(&path) else { continue };
            let (Some(_), Ok(metadata)) = (inspect(&file), file.metadata()) else { continue };
            total += metadata.len();
            if growing.find(FileIdentity::of(&metadata).file()).is_none() {
                old.push((age, path, metadata.len()));
            }
        }
        old.sort();
        for (_, path, len) in old {
            if total <= limit && free_bytes(&self.folder)? >= self.keep_free {
                break;
            }
            std::fs::remove_file(&path)?;
            total = total.saturating_sub(len);
            tracing::info!(file = %path.display(), "the oldest recording is deleted to make room");
        }
        Ok(())
    }
}

fn free_bytes(folder: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(folder)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
