//! Putting a backup back: what is in one, and where it goes. The page does it while the server runs, the card before.

use crate::access::Access;
use crate::backup::{Archive, BackupError};
use crate::document::Document;
use crate::limits::MAX_SOURCES_FILE;
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{self, Read};
use std::path::Path;

/// In the data folder from when a backup was put back until the system was told of the name and the time zone in it.
const UNTOLD: &str = "restored";

/// What is in a backup, before it is sealed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Content {
    settings: Value,
    access: Value,
    /// Live sources, as they are kept; null when there are none.
    #[serde(default)]
    sources: Value,
}

/// Why a backup was not put back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It does not open.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// What is in it does not fit, or the disk does not take it.
    #[error("{0}")]
    Content(String),
}

impl Content {
    /// Everything that is set now.
    pub fn of(settings: &Settings, access: &Access) -> Self {
        let data = settings.config().data;
        Self { settings: settings.document(), access: access.export(), sources: sources(&data) }
    }

    /// What is in a file that was downloaded.
    ///
    /// # Errors
    /// It is none, or its passphrase is another one.
    pub fn open(file: &[u8], passphrase: &str) -> Result<Self, BackupError> {
        let archive: Archive = serde_json::from_slice(file).map_err(|_| BackupError::Shape)?;
        Self::unseal(&archive, passphrase)
    }

    /// What was sealed.
    ///
    /// # Errors
    /// The passphrase is another one.
    pub fn unseal(archive: &Archive, passphrase: &str) -> Result<Self, BackupError> {
        serde_json::from_slice(&archive.open(passphrase)?).map_err(|_| BackupError::Shape)
    }

    /// Seals it.
    ///
    /// # Errors
    /// The passphrase is no good.
    pub fn seal(&self, passphrase: &str, made: u64) -> Result<Archive, BackupError> {
        let content = serde_json::to_vec(self).map_err(|_| BackupError::Machine)?;
        Archive::seal(&content, passphrase, env!("CARGO_PKG_VERSION"), made)
    }

    /// Takes the place of what is set. It holds at the next start.
    ///
    /// # Errors
    /// A part of it is not what it should be: then nothing has changed. Or the disk does not take it.
    pub fn put_back(&self, settings: &Settings, access: &Access, data: &Path) -> Result<(), RestoreError> {
        let refuse = RestoreError::Content;
        // The parts that can be refused first, and who may change things last: until then the old password opens.
        access.check(&self.access).map_err(refuse)?;
        settings.restore(&self.settings).map_err(refuse)?;
        if self.sources.is_object() {
            let bytes = serde_json::to_vec_pretty(&self.sources).unwrap_or_default();
            let written = Document::new(data, "sources.json", MAX_SOURCES_FILE).write(&bytes);
            written.map_err(|error| refuse(error.to_string()))?;
        }
        let noted = Document::new(data, UNTOLD, 0).write(b"");
        noted.map_err(|error| refuse(error.to_string()))?;
        access.import(&self.access).map_err(refuse)
    }
}

/// Whether a backup was put back of which the system was not told yet.
pub fn is_untold(data: &Path) -> bool {
    data.join(UNTOLD).exists()
}

/// The system was told.
///
/// # Errors
/// Those of the disk.
pub fn told(data: &Path) -> io::Result<()> {
    Document::new(data, UNTOLD, 0).remove()
}

fn sources(data: &Path) -> Value {
    let mut text = Vec::new();
    let read = std::fs::File::open(data.join("sources.json"))
        .and_then(|file| file.take(MAX_SOURCES_FILE).read_to_end(&mut text));
    read.ok().and_then(|_| serde_json::from_slice(&text).ok()).unwrap_or_default()
}
