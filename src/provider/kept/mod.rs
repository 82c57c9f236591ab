//! Finished conversions that survive the server's end: files in the cache folder, found again at the next start.
//!
//! ```text
//!  <id>.0.flv  <id>.1.flv …   the ranges, as they were written while they were watched: given a name, not copied
//!  <id>.reel                  the sheet: what it is, the index, a sum of every megabyte
//! ```
//!
//! The sheet comes last, whole, and behind the data on the disk: what a power cut leaves without one is deleted at the
//! next start. When a conversion was used last is its sheet's time of change.

mod sheet;

use super::wanted;
use crate::library::{FileIdentity, LibraryPath};
use crate::limits::{KEPT_BLOCK, KEPT_BLOCKS_AT_ONCE, MAX_KEPT, MAX_KEPT_SHEET};
use crate::pipeline::{Form, MediaStreams};
use crate::reel::{Archive, Part, Reel, Seeks};
use data_encoding::HEXLOWER;
use rustix::fs::{AtFlags, CWD};
use sha1::{Digest, Sha1};
use sheet::{Origin, Sheet, Version};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The conversions that are kept.
#[derive(Debug)]
pub(super) struct Kept {
    dir: PathBuf,
    entries: Mutex<HashMap<String, Entry>>,
    counts: Counts,
}

#[derive(Debug, Clone)]
struct Entry {
    origin: Origin,
    streams: MediaStreams,
    parts: usize,
    bytes: u64,
    used: SystemTime,
    /// All its sums were right, in the life of this server.
    is_sound: bool,
}

/// What is made of which version of which file.
#[derive(Debug, Clone)]
pub(super) struct Making(Origin);

/// What is told of one.
#[derive(Debug, Clone)]
pub struct KeptReel {
    /// Its name in the cache folder.
    pub(super) id: String,
    /// The file that was converted, percent-encoded.
    pub path: String,
    /// What came out.
    pub form: Form,
    /// Bytes on the disk.
    pub bytes: u64,
    /// When it was played last.
    pub used: SystemTime,
}

/// Why one was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// Others were used later, and all together were too many.
    Limit,
    /// The disk was full.
    Space,
    /// It was not what had been written.
    Damaged,
    /// The file that it was made of has changed.
    Stale,
    /// Somebody asked for it.
    Asked,
}

impl Dropped {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Limit, Self::Space, Self::Damaged, Self::Stale, Self::Asked];

    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Space => "space",
            Self::Damaged => "damaged",
            Self::Stale => "stale",
            Self::Asked => "asked",
        }
    }
}

/// Counts since the server began.
#[derive(Debug, Default)]
struct Counts {
    restored: AtomicU64,
    kept: AtomicU64,
    dropped: [AtomicU64; Dropped::ALL.len()],
}

impl Making {
    /// `path` as `file` is made into `form`, with files of subtitles of these versions beside it.
    pub(super) fn new(path: &LibraryPath, file: FileIdentity, beside: &[FileIdentity], form: &Form) -> Self {
        Self(Origin {
            path: path.percent_encoded(),
            version: version(file),
            beside: beside.iter().copied().map(version).collect(),
            form: form.clone(),
        })
    }

    /// The file's path, length and time of change.
    pub(super) fn source(&self) -> (&str, u64, i64) {
        (&self.0.path, self.0.version.len, self.0.version.modified_ns)
    }

    fn id(&self) -> String {
        // Plain structs: cannot fail.
        let json = serde_json::to_vec(&self.0).unwrap_or_default();
        HEXLOWER.encode(&Sha1::digest(json)[..10])
    }
}

fn version(file: FileIdentity) -> Version {
    Version { len: file.len(), modified_ns: i64::try_from(file.modified_ns()).unwrap_or(i64::MAX) }
}

impl Kept {
    /// What is in `dir`, which is ours alone. All that no good sheet names is deleted.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let kept = Self { dir: dir.to_owned(), entries: Mutex::default(), counts: Counts::default() };
        let names = fs::read_dir(dir)?.filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.to_owned()));
        let names: Vec<String> = names.collect();
        let mut entries = HashMap::new();
        let mut wanted = HashSet::new();
        for id in names.iter().filter_map(|name| name.strip_suffix(".reel")).take(MAX_KEPT) {
            let Ok((sheet, used)) = kept.read_sheet(id) else { continue };
            let parts = 0..sheet.parts.len();
            let len = |part: usize| fs::metadata(kept.data(id, part)).map_or(0, |data| data.len());
            if parts.clone().any(|part| len(part) < sheet.parts[part].len) {
                continue;
            }
            wanted.insert(format!("{id}.reel"));
            wanted.extend(parts.map(|part| data_name(id, part)));
            entries.insert(id.to_owned(), Entry::of(sheet, used));
        }
        for name in names.iter().filter(|name| !wanted.contains(*name)) {
            tracing::info!(file = name, "what is left of an unfinished conversion is deleted");
            let _ = fs::remove_file(dir.join(name));
        }
        *kept.entries() = entries;
        Ok(kept)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sheet(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.reel"))
    }

    fn data(&self, id: &str, part: usize) -> PathBuf {
        self.dir.join(data_name(id, part))
    }

    fn read_sheet(&self, id: &str) -> io::Result<(Sheet, SystemTime)> {
        let file = File::open(self.sheet(id))?;
        let used = file.metadata()?.modified()?;
        let mut bytes = Vec::new();
        file.take(MAX_KEPT_SHEET).read_to_end(&mut bytes)?;
        let sheet = Sheet::decode(&bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok((sheet, used))
    }

    /// The conversion that will do, if there is one. Those of an older version of the file are dropped.
    pub(super) fn find(&self, making: &Making) -> Option<String> {
        let wanted = &making.0;
        let of_file: Vec<(String, Entry)> = {
            let entries = self.entries();
            let of_file = entries.iter().filter(|(_, entry)| entry.origin.path == wanted.path);
            of_file.map(|(id, entry)| (id.clone(), entry.clone())).collect()
        };
        let (fresh, stale): (Vec<_>, Vec<_>) =
            of_file.into_iter().partition(|(_, entry)| entry.origin.version == wanted.version);
        for (id, _) in stale {
            self.drop(&id, Dropped::Stale);
        }
        let exact = fresh.iter().find(|(_, entry)| entry.origin == *wanted);
        let same = |(_, entry): &&(String, Entry)| {
            let (made, none) = (&entry.origin, Vec::is_empty);
            // As with conversions at work: see `join`.
            (made.beside == wanted.beside || none(&made.beside) || none(&wanted.beside))
                && wanted::same_result(&wanted.form, &made.form, &entry.streams)
        };
        exact.or_else(|| fresh.iter().find(same)).map(|(id, _)| id.clone())
    }

    /// The reel of a kept conversion, and what was found in its file. `None` when it is not what was written, or
    /// gone. Blocking.
    pub(super) fn restore(&self, id: &str, seeks: Arc<Seeks>) -> Option<(Reel, MediaStreams)> {
        let restored = self.try_restore(id, seeks);
        match &restored {
            Some(_) => {
                self.counts.restored.fetch_add(1, Ordering::Relaxed);
                self.touch(id);
            }
            None => {
                tracing::warn!(id, "a kept conversion is damaged; it is made again");
                self.drop(id, Dropped::Damaged);
            }
        }
        restored
    }

    fn try_restore(&self, id: &str, seeks: Arc<Seeks>) -> Option<(Reel, MediaStreams)> {
        let (sheet, _) = self.read_sheet(id).ok()?;
        let is_sound = self.entries().get(id)?.is_sound;
        let mut data = Vec::new();
        for (number, part) in sheet.parts.iter().enumerate() {
            let file = File::open(self.data(id, number)).ok()?;
            let last = part.sums.len().checked_sub(1)?;
            let at_once = (0..part.sums.len().min(KEPT_BLOCKS_AT_ONCE)).chain([last]);
            let looked_at = if number == 0 { at_once.collect() } else { vec![0, last] };
            if !is_sound && !looked_at.into_iter().all(|block| is_right(&file, part.len, &part.sums, block)) {
                return None;
            }
            data.push(Arc::new(file));
        }
        let reel = Reel::of_archive(sheet.archive(data)?, seeks)?;
        Some((reel, sheet.streams))
    }

    /// Looks at all of it. False when it is damaged, and dropped by then. Blocking, for as long as the disk takes to read
    /// it.
    pub(super) fn check(&self, id: &str) -> bool {
        if self.entries().get(id).is_some_and(|entry| entry.is_sound) {
            return true;
        }
        let Ok((sheet, _)) = self.read_sheet(id) else { return false };
        let part_is_right = |(number, part): (usize, &sheet::PartSheet)| {
            let Ok(file) = File::open(self.data(id, number)) else { return false };
            (0..part.sums.len()).all(|block| is_right(&file, part.len, &part.sums, block))
        };
        let is_sound = sheet.parts.iter().enumerate().all(part_is_right);
        match (is_sound, self.entries().get_mut(id)) {
            (true, Some(entry)) => entry.is_sound = true,
            (_, None) => return true,
            (false, Some(_)) => {}
        }
        if !is_sound {
            tracing::warn!(id, "a kept conversion is damaged; it will be made again");
            self.drop(id, Dropped::Damaged);
        }
        is_sound
    }

    /// Keeps a complete reel. Returns the name by which it is found. Blocking, until the disk has it.
    ///
    /// # Errors
    /// When the disk is full or fails; what was written is deleted then.
    pub(super) fn keep(
        &self,
        making: &Making,
        streams: MediaStreams,
        archive: &Archive,
    ) -> io::Result<String> {
        let id = making.id();
        if self.entries().len() >= MAX_KEPT {
            return Err(io::Error::other(format!("{MAX_KEPT} conversions are kept already")));
        }
        self.forget(&id);
        let written = self.write(&id, making, streams, archive);
        match written {
            Ok(entry) => {
                self.counts.kept.fetch_add(1, Ordering::Relaxed);
                self.entries().insert(id.clone(), entry);
                Ok(id)
            }
            Err(error) => {
                self.delete(&id, archive.parts.len());
                Err(error)
            }
        }
    }

    fn write(
        &self,
        id: &str,
        making: &Making,
        streams: MediaStreams,
        archive: &Archive,
    ) -> io::Result<Entry> {
        let sums = archive.parts.iter().map(sums).collect::<io::Result<Vec<_>>>()?;
        for (number, part) in archive.parts.iter().enumerate() {
            part.data.sync_all()?;
            name(&part.data, &self.data(id, number))?;
        }
        File::open(&self.dir)?.sync_all()?;
        let sheet = Sheet::new(making.0.clone(), streams, archive, sums).ok_or(io::ErrorKind::Unsupported)?;
        let fresh = self.dir.join(format!("{id}.new"));
        let mut file = File::create(&fresh)?;
        file.write_all(&sheet.encode())?;
        file.sync_all()?;
        fs::rename(fresh, self.sheet(id))?;
        File::open(&self.dir)?.sync_all()?;
        // It came from here, a moment ago.
        Ok(Entry { is_sound: true, ..Entry::of(sheet, SystemTime::now()) })
    }

    /// It was used now.
    pub(super) fn touch(&self, id: &str) {
        let now = SystemTime::now();
        if let Some(entry) = self.entries().get_mut(id) {
            entry.used = now;
            // Where the disk can't be written, it is old after the next start.
            let _ = File::open(self.sheet(id)).and_then(|file| file.set_modified(now));
        }
    }

    /// Deletes one. Whoever plays it has its files open and goes on.
    pub(super) fn drop(&self, id: &str, why: Dropped) {
        if self.forget(id) {
            self.counts.dropped[why as usize].fetch_add(1, Ordering::Relaxed);
            tracing::info!(id, why = why.as_str(), "a kept conversion is dropped");
        }
    }

    fn forget(&self, id: &str) -> bool {
        let gone = self.entries().remove(id);
        if let Some(entry) = &gone {
            self.delete(id, entry.parts);
        }
        gone.is_some()
    }

    fn delete(&self, id: &str, parts: usize) {
        // The sheet first: data without one are swept up, a sheet without data is a lie.
        let names = [self.sheet(id), self.dir.join(format!("{id}.new"))];
        for path in names.into_iter().chain((0..parts).map(|part| self.data(id, part))) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(file = %path.display(), %error, "a kept conversion can't be deleted");
                }
                _ => {}
            }
        }
    }

    /// All that are kept, in no order.
    pub(super) fn list(&self) -> Vec<KeptReel> {
        let entries = self.entries();
        let told = |(id, entry): (&String, &Entry)| KeptReel {
            id: id.clone(),
            path: entry.origin.path.clone(),
            form: entry.origin.form.clone(),
            bytes: entry.bytes,
            used: entry.used,
        };
        entries.iter().map(told).collect()
    }

    /// How often one was played, and one was kept; since the start.
    pub(super) fn uses(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.counts.restored), read(&self.counts.kept))
    }

    /// How many were dropped for this reason, since the start.
    pub(super) fn dropped(&self, why: Dropped) -> u64 {
        self.counts.dropped[why as usize].load(Ordering::Relaxed)
    }
}

impl Entry {
    fn of(sheet: Sheet, used: SystemTime) -> Self {
        let bytes = sheet.bytes();
        let parts = sheet.parts.len();
        Self { origin: sheet.origin, streams: sheet.streams, parts, bytes, used, is_sound: false }
    }
}

/// For `fuzz/`: a sheet that is read and written again.
pub(super) fn sheet_again(bytes: &[u8]) -> Option<Vec<u8>> {
    let sheet = Sheet::decode(bytes)?;
    // Whatever it says, there are such parts or there are none.
    let _ = sheet.archive(vec![(); sheet.parts.len()]);
    Some(sheet.encode())
}

fn data_name(id: &str, part: usize) -> String {
    format!("{id}.{part}.flv")
}

/// The sums of a part's blocks.
fn sums(part: &Part) -> io::Result<Vec<u32>> {
    let blocks = part.len.div_ceil(KEPT_BLOCK as u64);
    let mut bytes = Vec::new();
    (0..blocks).map(|block| sum(&part.data, part.len, block, &mut bytes)).collect()
}

/// One block has the sum that it should have.
fn is_right(file: &File, len: u64, sums: &[u32], block: usize) -> bool {
    sums.get(block)
        .is_some_and(|right| sum(file, len, block as u64, &mut Vec::new()).is_ok_and(|sum| sum == *right))
}

fn sum(file: &File, len: u64, block: u64, bytes: &mut Vec<u8>) -> io::Result<u32> {
    let from = block * KEPT_BLOCK as u64;
    let rest = usize::try_from(len.saturating_sub(from)).unwrap_or(usize::MAX);
    bytes.resize(rest.min(KEPT_BLOCK), 0);
    file.read_exact_at(bytes, from)?;
    Ok(crc32fast::hash(bytes))
}

/// Gives a file that has no name one. File systems that know no files without a name have deleted theirs: that one is
/// copied.
fn name(file: &File, path: &Path) -> io::Result<()> {
    let through_proc = format!("/proc/self/fd/{}", file.as_raw_fd());
    match rustix::fs::linkat(CWD, &through_proc, CWD, path, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => Ok(()),
        Err(
            rustix::io::Errno::NOENT
            | rustix::io::Errno::XDEV
            | rustix::io::Errno::PERM
            | rustix::io::Errno::OPNOTSUPP,
        ) => {
            let mut copy = File::create(path)?;
            // A description of its own: the position of the other one is its reader's.
            io::copy(&mut File::open(through_proc)?, &mut copy)?;
            copy.sync_all()
        }
        Err(errno) => Err(errno.into()),
    }
}

/// For tests: a making of a file of this path and length.
#[cfg(test)]
pub(super) fn making(path: &str, len: u64) -> Making {
    let mut origin = sheet::tests::origin(path);
    origin.version.len = len;
    Making(origin)
}

#[cfg(test)]
mod tests;
