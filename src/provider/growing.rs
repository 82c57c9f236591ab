//! Files of the library that this server is writing: whoever opens one gets the reel that grows.

use crate::library::{FileId, FileIdentity};
use crate::reel::Reel;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The reels of files that are being written.
#[derive(Debug, Default)]
pub struct Growing {
    reels: Mutex<HashMap<FileId, Arc<Reel>>>,
}

/// A file's place among those that grow, until dropped.
#[derive(Debug)]
pub struct GrowingFile {
    all: Arc<Growing>,
    file: FileId,
}

impl Growing {
    fn reels(&self) -> MutexGuard<'_, HashMap<FileId, Arc<Reel>>> {
        self.reels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on who opens `file` gets `reel`.
    ///
    /// # Errors
    /// When the system does not say which file it is.
    pub fn add(self: &Arc<Self>, file: &File, reel: Arc<Reel>) -> io::Result<GrowingFile> {
        let file = FileIdentity::of(&file.metadata()?).file();
        self.reels().insert(file, reel);
        Ok(GrowingFile { all: self.clone(), file })
    }

    /// The reel of a file, while it grows.
    pub fn find(&self, file: FileId) -> Option<Arc<Reel>> {
        self.reels().get(&file).cloned()
    }
}

impl Drop for GrowingFile {
    fn drop(&mut self) {
        self.all.reels().remove(&self.file);
    }
}
