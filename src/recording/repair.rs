//! Finishes recordings whose server was killed, or lost its power: once, when the server starts.

use super::file::{inspect, lock, seal};
use super::head::{HEAD_LEN, Head, Mark};
use super::name;
use super::survey::survey;
use std::fs::{DirEntry, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Repairs what needs it in `folder`, until `stop`. Blocking. A file that is being recorded is locked and
/// left alone.
pub(super) fn repair_folder(folder: &Path, stop: &AtomicBool) {
    let entries = match recordings_in(folder) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "recordings can't be looked through");
            return;
        }
    };
    for (path, _) in entries {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        match repair(&path) {
            Ok(Repaired::WasWhole) => {}
            Ok(Repaired::Finished { seconds, cut }) => {
                tracing::info!(file = %path.display(), seconds, cut, "a recording that was broken off is finished now");
            }
            Ok(Repaired::Deleted) => {
                tracing::info!(file = %path.display(), "a recording that had not begun is deleted");
            }
            Err(error) => tracing::warn!(file = %path.display(), %error, "a recording can't be repaired"),
        }
    }
}

/// The files of a folder that are called like recordings, with the part of the name that sorts by age.
pub(super) fn recordings_in(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let age = |entry: &DirEntry| {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let name = entry.file_name().into_string().ok()?;
        let (_, age) = name::split(&name)?;
        is_file.then(|| (entry.path(), age.to_owned()))
    };
    Ok(std::fs::read_dir(folder)?.flatten().filter_map(|entry| age(&entry)).collect())
}

/// What was done to a file.
#[derive(Debug, PartialEq)]
pub(super) enum Repaired {
    /// Nothing: finished, being recorded, or none of ours.
    WasWhole,
    /// It was brought to its end; so many bytes of a last tag were cut off.
    Finished { seconds: f64, cut: u64 },
    /// There was no frame in it.
    Deleted,
}

pub(super) fn repair(path: &Path) -> io::Result<Repaired> {
    let file = File::options().read(true).write(true).open(path)?;
    if inspect(&file) != Some(Mark::Unfinished) || !lock(&file) {
        return Ok(Repaired::WasWhole);
    }
    // Whoever had the lock may have finished it meanwhile.
    if inspect(&file) != Some(Mark::Unfinished) {
        return Ok(Repaired::WasWhole);
    }
    let mut head = vec![0; HEAD_LEN as usize];
    let has_head = file.read_exact_at(&mut head, 0).is_ok();
    let contents = survey(&file)?;
    if !contents.indexer.has_media() {
        std::fs::remove_file(path)?;
        return Ok(Repaired::Deleted);
    }
    let cut = file.metadata()?.len().saturating_sub(contents.end_offset);
    let stream = has_head.then(|| Head::stream_of(&head)).flatten().unwrap_or_default();
    seal(&file, &stream, None, &contents)?;
    Ok(Repaired::Finished { seconds: contents.indexer.end().as_secs_f64(), cut })
}
