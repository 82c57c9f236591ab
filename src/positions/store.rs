//! The file: a line that says what it is, then a [ledger] of which the last line about a viewer and a file
//! holds.

use super::{Position, ViewerName};
use crate::ledger;
use crate::limits::{MAX_POSITION_LINE, MAX_POSITIONS_FILE, POSITIONS_SPARE_LINES};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The first line.
const HEAD: &str = "wiidiaserver positions 1\n";

const FILE: &str = "positions";

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) viewer: ViewerName,
    /// Percent-encoded: names are bytes.
    pub(super) path: String,
    /// `None`: what was said before does not hold.
    pub(super) position: Option<Position>,
}

/// Where the lines are.
#[derive(Debug)]
pub(super) struct Store {
    /// `None`: nowhere.
    folder: Option<PathBuf>,
    lines: usize,
}

impl Store {
    pub(super) fn in_memory() -> Self {
        Self { folder: None, lines: 0 }
    }

    /// Opens the folder, making it when it is not there, and reads what holds. A file that is not ours or damaged is written
    /// anew with what could be read.
    pub(super) fn open(folder: &Path) -> (Self, Vec<Record>) {
        let mut store = Self { folder: Some(folder.to_owned()), lines: 0 };
        match store.load(folder) {
            Ok(records) => (store, records),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "where viewers leave off is kept in memory: the folder can't be used");
                (Self::in_memory(), Vec::new())
            }
        }
    }

    fn load(&mut self, folder: &Path) -> io::Result<Vec<Record>> {
        fs::create_dir_all(folder)?;
        let mut bytes = Vec::new();
        match File::open(folder.join(FILE)) {
            Ok(file) => drop(file.take(MAX_POSITIONS_FILE).read_to_end(&mut bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let lines = bytes.strip_prefix(HEAD.as_bytes());
        let (records, damaged): (Vec<Record>, usize) =
            lines.map_or((Vec::new(), 1), |lines| ledger::read(lines, MAX_POSITION_LINE));
        let count = records.len();
        let mut last: HashMap<(ViewerName, String), Record> = HashMap::new();
        for record in records {
            last.insert((record.viewer.clone(), record.path.clone()), record);
        }
        let held: Vec<Record> = last.into_values().filter(|record| record.position.is_some()).collect();
        self.lines = count;
        if damaged > 0 || self.is_worn(0, held.len()) {
            self.replace(held.iter().cloned())?;
        }
        Ok(held)
    }

    /// So many more lines would make the file much longer than what holds.
    pub(super) fn is_worn(&self, more: usize, held: usize) -> bool {
        self.folder.is_some() && self.lines + more > 2 * held + POSITIONS_SPARE_LINES
    }

    /// Writes lines behind those that are there.
    pub(super) fn append(&mut self, records: impl Iterator<Item = Record>) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let mut lines = Vec::new();
        for record in records {
            lines.extend(ledger::line(&record));
            self.lines += 1;
        }
        if lines.is_empty() {
            return Ok(());
        }
        let mut file = OpenOptions::new().append(true).open(folder.join(FILE))?;
        file.write_all(&lines)?;
        file.sync_data()
    }

    /// Writes the file anew: beside its place, then moved there, so that a power cut leaves the old one.
    pub(super) fn replace(&mut self, records: impl Iterator<Item = Record>) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let mut lines = HEAD.as_bytes().to_vec();
        let mut count = 0;
        for record in records {
            lines.extend(ledger::line(&record));
            count += 1;
        }
        let fresh = folder.join("positions.new");
        let mut file = File::create(&fresh)?;
        file.write_all(&lines)?;
        file.sync_all()?;
        fs::rename(fresh, folder.join(FILE))?;
        self.lines = count;
        File::open(folder)?.sync_all()
    }
}
