//! An update that comes as a file: kept in the data folder until RAUC has installed it, or said why not. Its signature is
//! RAUC's to check; what is no bundle at all is known by its first bytes.

use super::update::RAUC;
use super::{Appliance, SystemError};
use crate::limits::{BUNDLE_KEEP_FREE, MAX_BUNDLE};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedMutexGuard;
use zbus::zvariant;

/// The first bytes of a bundle: it is a squashfs.
const MAGIC: &[u8] = b"hsqs";

/// Where bundles that come are kept; how often nothing was seen to be done with one.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    unused: u32,
}

impl Shelf {
    pub(super) fn new(data: &Path) -> Self {
        Self { folder: data.join("update"), unused: 0 }
    }

    fn whole(&self) -> PathBuf {
        self.folder.join("uploaded.raucb")
    }

    fn part(&self) -> PathBuf {
        self.folder.join("uploaded.part")
    }
}

/// A bundle on its way. Dropped before its end, nothing is kept of it.
#[derive(Debug)]
pub struct Bundle {
    file: File,
    begin: Vec<u8>,
    received: u64,
    part: PathBuf,
    whole: PathBuf,
    /// One at a time.
    _shelf: OwnedMutexGuard<Shelf>,
}

impl Appliance {
    /// Begins to take one, of so many bytes if that is known.
    ///
    /// # Errors
    /// No box, another one is on its way or being installed, or there is no room.
    pub async fn begin_bundle(&self, size: Option<u64>) -> Result<Bundle, SystemError> {
        self.must_be_here()?;
        let busy = || {
            SystemError::Busy(
                "another update is on its way or being installed; wait until that is over".to_owned(),
            )
        };
        let shelf = self.shelf.clone().try_lock_owned().map_err(|_| busy())?;
        if self.update().await?.operation != "idle" {
            return Err(busy());
        }
        let failed = |error: io::Error| {
            SystemError::Failed(format!("the update can't be kept ({error}); make room on the disk"))
        };
        fs::create_dir_all(&shelf.folder).await.map_err(failed)?;
        let _ = fs::remove_file(shelf.whole()).await;
        let disk = rustix::fs::statvfs(&shelf.folder).map_err(|error| failed(error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if size.is_some_and(|size| size > MAX_BUNDLE) {
            return Err(SystemError::Unfit(format!(
                "this is longer than any update, {MAX_BUNDLE} bytes; choose a .raucb file"
            )));
        }
        if free < size.unwrap_or(0).saturating_add(BUNDLE_KEEP_FREE) {
            return Err(SystemError::NoRoom);
        }
        let (part, whole) = (shelf.part(), shelf.whole());
        let file = File::create(&part).await.map_err(failed)?;
        Ok(Bundle { file, begin: Vec::new(), received: 0, part, whole, _shelf: shelf })
    }

    /// Has RAUC install what has come.
    ///
    /// # Errors
    /// It is no bundle, or RAUC refuses it.
    pub async fn install_bundle(&self, mut bundle: Bundle) -> Result<(), SystemError> {
        if bundle.begin != MAGIC {
            return Err(unlike());
        }
        let failed = |error: io::Error| SystemError::Failed(format!("the update can't be kept: {error}"));
        bundle.file.flush().await.map_err(failed)?;
        bundle.file.sync_all().await.map_err(failed)?;
        fs::rename(&bundle.part, &bundle.whole).await.map_err(failed)?;
        let options: HashMap<&str, zvariant::Value<'_>> = HashMap::new();
        let path = bundle.whole.display().to_string();
        let asked = self.call(&RAUC, "InstallBundle", &(path.as_str(), options)).await;
        if asked.is_err() {
            let _ = fs::remove_file(&bundle.whole).await;
        }
        asked
    }

    /// Throws a bundle away that RAUC has nothing to do with any more. Asked now and then; RAUC is given from one time to the next.
    pub(super) async fn tend_bundle(&self) {
        let Ok(mut shelf) = self.shelf.try_lock() else { return };
        if !shelf.whole().exists() {
            shelf.unused = 0;
            return;
        }
        let idle = self.update().await.is_ok_and(|update| update.operation == "idle");
        shelf.unused = if idle { shelf.unused + 1 } else { 0 };
        if shelf.unused > 1 {
            let _ = fs::remove_file(shelf.whole()).await;
        }
    }
}

impl Bundle {
    /// Takes what has come next.
    ///
    /// # Errors
    /// It is no bundle, too long, or the disk is full.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), SystemError> {
        if self.begin.len() < MAGIC.len() {
            let more = bytes.len().min(MAGIC.len() - self.begin.len());
            self.begin.extend_from_slice(&bytes[..more]);
            if !MAGIC.starts_with(&self.begin) {
                return Err(unlike());
            }
        }
        self.received += bytes.len() as u64;
        if self.received > MAX_BUNDLE {
            return Err(SystemError::Unfit(format!(
                "this is longer than any update, {MAX_BUNDLE} bytes; choose a .raucb file"
            )));
        }
        self.file.write_all(bytes).await.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => SystemError::NoRoom,
            _ => SystemError::Failed(format!("the update can't be kept: {error}")),
        })
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.part);
    }
}

fn unlike() -> SystemError {
    SystemError::Unfit("this is no update of the box; choose a file that ends with .raucb".to_owned())
}
