//! Where conversions are: files without a name in the data folder, gone with the process that made them, whatever ends
//! it. Those worth it are given a name once they are complete: see [`Kept`].

use super::kept::Kept;
use crate::limits::{SPACE_PATIENCE, SPARE_SPACE};
use crate::pipeline::MediaStreams;
use rustix::fs::{FlockOperation, MemfdFlags, Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The folder for conversions, and how much they may take.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    /// Bytes that finished conversions without a viewer may take.
    limit: u64,
    /// Bytes of the disk that stay free.
    keep_free: u64,
    policy: Keep,
    kept: Kept,
    /// Held while this server runs: two servers on one data folder would count the space twice.
    _lock: File,
}

/// Which finished conversions are kept for the next start of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Those that took minutes of processor time for each hour: pictures that were encoded, or sound alone. The others
    /// are made again faster than an SD card of that size wears.
    #[default]
    Encoded,
    /// All.
    All,
    /// None.
    Nothing,
}

impl Keep {
    /// The name in the configuration and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encoded => "encoded",
            Self::All => "all",
            Self::Nothing => "nothing",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Encoded, Self::All, Self::Nothing].into_iter().find(|keep| keep.name() == name)
    }

    /// Whether a conversion of these streams is kept.
    pub(super) fn takes(self, streams: &MediaStreams) -> bool {
        match (self, &streams.video, &streams.audio) {
            (Self::Nothing, ..) => false,
            (Self::All, ..) => true,
            (Self::Encoded, Some(video), _) => !video.passthrough,
            (Self::Encoded, None, audio) => audio.as_ref().is_some_and(|audio| !audio.passthrough),
        }
    }
}

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be made or written.
    #[error(
        "the data folder {dir} can't be used: {error}; make it writable for this user, or name another one with --data DIR"
    )]
    Unusable {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another server has it.
    #[error(
        "the data folder {0} is in use by another wiidiaserver; stop that one, or name another folder with --data DIR"
    )]
    InUse(PathBuf),
}

impl Cache {
    /// Takes the folder `cache` in `data`, making both when they are not there.
    ///
    /// # Errors
    /// When it cannot be written or belongs to another running server.
    pub fn new(data: &Path, limit: u64, keep_free: u64) -> Result<Self, CacheError> {
        let dir = data.join("cache");
        let unusable = |error: io::Error| CacheError::Unusable { dir: data.to_owned(), error };
        std::fs::create_dir_all(&dir).map_err(unusable)?;
        let lock = File::create(data.join("lock")).map_err(unusable)?;
        rustix::fs::flock(lock.as_fd(), FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| CacheError::InUse(data.to_owned()))?;
        let kept = Kept::open(&dir).map_err(unusable)?;
        let cache = Self { dir, limit, keep_free, policy: Keep::default(), kept, _lock: lock };
        drop(cache.new_file().map_err(unusable)?);
        Ok(cache)
    }

    /// … of which those finished conversions are kept.
    #[must_use]
    pub fn keeping(self, policy: Keep) -> Self {
        Self { policy, ..self }
    }

    /// The folder that it is in.
    pub(super) fn data(&self) -> &Path {
        self.dir.parent().unwrap_or(&self.dir)
    }

    /// Which finished conversions are kept.
    pub(super) fn policy(&self) -> Keep {
        self.policy
    }

    /// Those that are.
    pub(super) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// An empty file for a conversion. It has no name, so it is gone when it is closed.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn new_file(&self) -> io::Result<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::open(&self.dir, flags, Mode::RUSR | Mode::WUSR) {
            Ok(fd) => Ok(fd.into()),
            // File systems that know no nameless files (FAT, some network shares).
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR | rustix::io::Errno::INVAL) => {
                tempfile::tempfile_in(&self.dir)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// An empty file for a conversion for which the disk has no room: in memory.
    ///
    /// # Errors
    /// When there is no memory left.
    pub(super) fn new_window() -> io::Result<File> {
        Ok(rustix::fs::memfd_create("conversion", MemfdFlags::CLOEXEC)?.into())
    }

    /// Checks that the disk has room for more.
    ///
    /// # Errors
    /// When less than the configured free space is left.
    pub(super) fn check_space(&self) -> io::Result<()> {
        let free = self.free()?;
        if free < self.keep_free {
            let (free, keep) = (free >> 20, self.keep_free >> 20);
            let text = format!("only {free} MB are free in {}, {keep} MB stay reserved", self.dir.display());
            return Err(io::Error::new(io::ErrorKind::StorageFull, text));
        }
        Ok(())
    }

    /// The same, and gives whoever makes room a moment to do so. Blocking.
    ///
    /// # Errors
    /// When none was made.
    pub(super) fn wait_for_space(&self) -> io::Result<()> {
        let until = Instant::now() + SPACE_PATIENCE;
        loop {
            match self.check_space() {
                Err(_) if Instant::now() < until => std::thread::sleep(SPACE_PATIENCE / 20),
                outcome => return outcome,
            }
        }
    }

    /// Bytes of the disk that are free.
    pub(super) fn free(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Bytes of the disk that stay free.
    pub(super) fn keep_free(&self) -> u64 {
        self.keep_free
    }

    /// Conversions at work will soon find no room.
    pub(super) fn is_short_of_space(&self) -> bool {
        self.free().is_ok_and(|free| free < self.keep_free.saturating_add(SPARE_SPACE))
    }

    /// Bytes that finished conversions without a viewer may take.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn files_leave_nothing_behind_and_the_folder_has_one_server() {
        let data = tempfile::tempdir().unwrap();
        let cache = Cache::new(data.path(), 1 << 30, 0).unwrap();
        let file = cache.new_file().unwrap();
        file.write_all_at(b"x", 0).unwrap();
        assert_eq!(std::fs::read_dir(data.path().join("cache")).unwrap().count(), 0);
        assert!(matches!(Cache::new(data.path(), 0, 0), Err(CacheError::InUse(_))));
        drop(cache);
        assert!(Cache::new(data.path(), 0, 0).is_ok());
    }

    #[test]
    fn a_full_disk_is_named() {
        let data = tempfile::tempdir().unwrap();
        let cache = Cache::new(data.path(), 0, u64::MAX).unwrap();
        let error = cache.check_space().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("MB are free in"), "{error}");
    }

    #[test]
    fn a_data_folder_that_cannot_be_made_is_refused_with_the_next_step() {
        let error = Cache::new(Path::new("/proc/none"), 0, 0).unwrap_err().to_string();
        assert!(error.contains("/proc/none") && error.contains("--data DIR"), "{error}");
    }
}
