//! Where the index is kept: a folder with the lines and one file for each picture, or memory when there is no such
//! folder.
//!
//! SD cards wear and power fails: lines are gathered and appended together, pictures are made to be on the disk before
//! the lines that name them, and a file that was only half written is noticed when it is read.

use super::book;
use super::record::{Kept, Record, Stamp};
use crate::library::LibraryPath;
use crate::limits;
use crate::pipeline::{Picture, Purpose, is_whole_jpeg};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha1::{Digest, Sha1};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The folder, or what stands in for it.
#[derive(Debug)]
pub(super) struct Store {
    folder: Option<PathBuf>,
    /// Pictures when there is no folder.
    memory: HashMap<String, Bytes>,
    memory_bytes: usize,
    /// Lines that are not in the file yet.
    pending: Vec<u8>,
    pending_since: Option<Instant>,
    /// Pictures that may not be on the disk yet.
    unsynced: Vec<PathBuf>,
    /// Pictures to be deleted once the lines that named them hold no more.
    doomed: Vec<PathBuf>,
    /// Lines of the file.
    lines: usize,
    /// Bytes of the disk that stay free.
    keep_free: u64,
}

/// What has gathered, to be written by whoever holds no lock: a disk may take seconds.
#[derive(Debug)]
pub(super) struct Batch {
    folder: PathBuf,
    lines: Vec<u8>,
    /// It is all there is, and replaces the file.
    is_whole: bool,
    unsynced: Vec<PathBuf>,
    doomed: Vec<PathBuf>,
}

/// Where pictures are put, likewise.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: Option<PathBuf>,
    keep_free: u64,
}

impl Store {
    /// Opens the folder, making it when it is not there, and reads what it holds. What cannot be used is replaced, and
    /// where nothing can be written all is kept in memory: an index is never a reason not to start.
    pub(super) fn open(folder: &Path, keep_free: u64) -> (Self, Vec<Record>) {
        let mut store = Self { folder: Some(folder.to_owned()), ..Self::in_memory() };
        store.keep_free = keep_free;
        let records = match store.load() {
            Ok(records) => records,
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "the index of the library is kept in memory: its folder can't be used");
                store.folder = None;
                Vec::new()
            }
        };
        (store, records)
    }

    /// Without a folder.
    pub(super) fn in_memory() -> Self {
        Self {
            folder: None,
            memory: HashMap::new(),
            memory_bytes: 0,
            pending: Vec::new(),
            pending_since: None,
            unsynced: Vec::new(),
            doomed: Vec::new(),
            lines: 0,
            keep_free: 0,
        }
    }

    fn load(&mut self) -> io::Result<Vec<Record>> {
        let folder = self.folder.clone().unwrap_or_default();
        fs::create_dir_all(folder.join("pictures"))?;
        let path = folder.join(NAME);
        let bytes = match File::open(&path).and_then(|file| read_at_most(file, limits::MAX_INDEX_FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let contents = book::read(&bytes);
        if contents.damaged > 0 || (contents.is_foreign && !bytes.is_empty()) {
            let (damaged, foreign) = (contents.damaged, contents.is_foreign);
            tracing::warn!(file = %path.display(), damaged, foreign, "the index of the library is damaged; what is lost is looked at again");
        }
        let lines = contents.records.len();
        let mut last: HashMap<String, Record> = HashMap::new();
        for record in contents.records {
            last.insert(record.path.clone(), record);
        }
        last.retain(|_, record| record.known.is_some());
        let records: Vec<Record> = last.into_values().collect();
        self.lines = lines;
        if contents.is_foreign
            || contents.damaged > 0
            || lines > 2 * records.len() + limits::INDEX_SPARE_LINES
        {
            if let Some(batch) = self.take_whole(records.iter()) {
                batch.write()?;
            }
        } else {
            // Tells now whether it can be written.
            OpenOptions::new().append(true).open(&path)?;
        }
        Ok(records)
    }

    /// All of it, to be written anew.
    pub(super) fn take_whole<'a>(&mut self, records: impl Iterator<Item = &'a Record>) -> Option<Batch> {
        let mut lines = book::HEAD.as_bytes().to_vec();
        self.lines = 0;
        for record in records {
            lines.extend(book::line(record));
            self.lines += 1;
        }
        self.pending = lines;
        Some(Batch { is_whole: true, ..self.take()? })
    }

    /// More lines than files.
    pub(super) fn is_worn(&self, files: usize) -> bool {
        self.folder.is_some() && self.lines > 2 * files + limits::INDEX_SPARE_LINES
    }

    /// Remembers a line; it is written with the next [`Batch`].
    pub(super) fn push(&mut self, record: &Record) {
        if self.folder.is_some() {
            self.pending.extend(book::line(record));
            self.pending_since.get_or_insert_with(Instant::now);
            self.lines += 1;
        }
    }

    /// It is time to write what has gathered.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.pending.len() >= limits::INDEX_BATCH
            || self
                .pending_since
                .is_some_and(|since| now.saturating_duration_since(since) >= limits::INDEX_FLUSH)
    }

    /// What has gathered, if anything.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let folder = self.folder.clone().filter(|_| !self.pending.is_empty())?;
        self.pending_since = None;
        let (lines, unsynced) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.unsynced));
        Some(Batch { folder, lines, is_whole: false, unsynced, doomed: std::mem::take(&mut self.doomed) })
    }

    /// Where pictures are put.
    pub(super) fn shelf(&self) -> Shelf {
        Shelf { folder: self.folder.clone(), keep_free: self.keep_free }
    }

    /// Memory is scarcer than a disk: posters only.
    pub(super) fn takes(&self, purpose: Purpose) -> bool {
        self.folder.is_some() || purpose == Purpose::Poster
    }

    /// Memory has room for one more picture, if that is where they are kept.
    pub(super) fn has_room(&self) -> bool {
        self.folder.is_some()
            || self.memory_bytes + limits::TYPICAL_SHEET as usize <= limits::INDEX_MEMORY_PICTURES
    }

    /// Takes a picture that was put on the [`Shelf`]. False when there is no room for it.
    pub(super) fn note(&mut self, kept: &Kept, picture: &Picture) -> bool {
        let Some(folder) = &self.folder else {
            if !self.takes(picture.purpose) || !self.has_room() {
                return false;
            }
            self.memory_bytes += picture.jpeg.len();
            self.memory.insert(kept.id.clone(), picture.jpeg.clone().into());
            return true;
        };
        let path = file_of(folder, &kept.id);
        self.doomed.retain(|doomed| *doomed != path);
        self.unsynced.push(path);
        true
    }

    /// How to read a picture, without holding anything while the disk is waited for.
    pub(super) fn picture(&self, kept: &Kept) -> Place {
        match &self.folder {
            Some(folder) => Place::File(file_of(folder, &kept.id), kept.bytes),
            None => Place::Memory(self.memory.get(&kept.id).cloned()),
        }
    }

    /// Deletes a picture.
    pub(super) fn drop_picture(&mut self, kept: &Kept) {
        match &self.folder {
            Some(folder) => self.doomed.push(file_of(folder, &kept.id)),
            None => {
                if let Some(bytes) = self.memory.remove(&kept.id) {
                    self.memory_bytes = self.memory_bytes.saturating_sub(bytes.len());
                }
            }
        }
    }

    /// The folder with pictures, to be swept.
    pub(super) fn pictures(&self) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join("pictures"))
    }
}

impl Batch {
    /// Writes it. Blocking, until the disk has it.
    pub(super) fn write(self) -> io::Result<()> {
        for path in self.unsynced {
            if let Ok(file) = File::open(path) {
                let _ = file.sync_data();
            }
        }
        if self.is_whole {
            // Beside its place and then moved there: a power cut leaves the old one.
            let fresh = self.folder.join("index.new");
            let mut file = File::create(&fresh)?;
            file.write_all(&self.lines)?;
            file.sync_all()?;
            fs::rename(fresh, self.folder.join(NAME))?;
            File::open(&self.folder)?.sync_all()?;
        } else {
            let mut file = OpenOptions::new().append(true).open(self.folder.join(NAME))?;
            file.write_all(&self.lines)?;
            file.sync_data()?;
        }
        for path in self.doomed {
            let _ = fs::remove_file(path);
        }
        Ok(())
    }
}

impl Shelf {
    /// The disk has room for one more picture.
    pub(super) fn has_room(&self) -> bool {
        let Some(folder) = &self.folder else { return true };
        rustix::fs::statvfs(folder).is_ok_and(|disk| {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            free >= self.keep_free.saturating_add(limits::MAX_LOOK_PICTURE as u64)
        })
    }

    /// Puts a picture of a file there, to be [noted](Store::note). `None` when there is no room for it. Blocking.
    pub(super) fn put(&self, path: &LibraryPath, stamp: &Stamp, picture: &Picture) -> Option<Kept> {
        let mut name = Sha1::new();
        name.update(path.percent_encoded());
        name.update(format!("{stamp:?} {:?}", picture.purpose));
        name.update(&picture.jpeg);
        let kept = Kept::of(picture, HEXLOWER.encode(&name.finalize()[..10]));
        let Some(folder) = &self.folder else { return Some(kept) };
        if !self.has_room() {
            return None;
        }
        let path = file_of(folder, &kept.id);
        let write = || -> io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            let fresh = path.with_extension("new");
            fs::write(&fresh, &picture.jpeg)?;
            fs::rename(fresh, &path)
        };
        if let Err(error) = write() {
            tracing::debug!(%error, "a picture can't be kept");
            return None;
        }
        Some(kept)
    }
}

/// The file with the lines.
const NAME: &str = "index";

fn file_of(folder: &Path, id: &str) -> PathBuf {
    folder.join("pictures").join(id.get(..2).unwrap_or("00")).join(format!("{id}.jpg"))
}

/// Where a picture is.
pub(super) enum Place {
    File(PathBuf, u32),
    Memory(Option<Bytes>),
}

impl Place {
    /// The JPEG; `None` when it is gone, or a power cut left half of it. Blocking.
    pub(super) fn read(self) -> Option<Bytes> {
        match self {
            Self::Memory(bytes) => bytes,
            Self::File(path, len) => {
                let bytes = read_at_most(File::open(path).ok()?, limits::MAX_LOOK_PICTURE).ok()?;
                (bytes.len() == len as usize && is_whole_jpeg(&bytes)).then(|| bytes.into())
            }
        }
    }
}

fn read_at_most(file: File, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, most as u64), &mut bytes)?;
    Ok(bytes)
}

/// Deletes files in a folder of pictures that nothing names: left by a server that was killed before it had written
/// their line.
pub(super) fn sweep(folder: &Path, named: &HashSet<String>) {
    let entries =
        |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for below in entries(folder) {
        for file in entries(&below) {
            let is_named = file.extension().is_some_and(|extension| extension == "jpg")
                && file.file_stem().and_then(|stem| stem.to_str()).is_some_and(|id| named.contains(id));
            if !is_named {
                let _ = fs::remove_file(file);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::book::tests::sample;
    use super::*;

    fn poster() -> Picture {
        let jpeg = [&[0xFF, 0xD8, 0xFF][..], &[7; 100], &[0xFF, 0xD9]].concat();
        Picture { purpose: Purpose::Poster, width: 320, height: 180, columns: 1, times_ms: vec![1], jpeg }
    }

    impl Store {
        fn flush(&mut self) {
            self.take().unwrap().write().unwrap();
        }

        fn keep(&mut self, path: &LibraryPath, stamp: &Stamp, picture: &Picture) -> Option<Kept> {
            let kept = self.shelf().put(path, stamp, picture)?;
            self.note(&kept, picture).then_some(kept)
        }
    }

    fn reopened(folder: &Path) -> Vec<Record> {
        let mut records = Store::open(folder, 0).1;
        records.sort_by_key(|record| record.stamp.inode);
        records
    }

    #[test]
    fn what_was_flushed_is_there_after_the_next_start_and_the_last_line_holds() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, records) = Store::open(folder.path(), 0);
        assert!(records.is_empty());
        for n in 0..5 {
            store.push(&sample(n));
        }
        store.push(&Record { known: None, ..sample(3) });
        store.push(&Record { device: 8, ..sample(1) });
        assert!(reopened(folder.path()).is_empty(), "not written yet");
        store.flush();
        let expected = [sample(0), Record { device: 8, ..sample(1) }, sample(2), sample(4)];
        assert_eq!(reopened(folder.path()), expected);
    }

    #[test]
    fn a_damaged_index_is_mended_and_never_a_reason_not_to_start() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(folder.path(), 0);
        (0..3).for_each(|n| store.push(&sample(n)));
        store.flush();
        let file = folder.path().join(NAME);
        let whole = fs::read(&file).unwrap();
        for end in (0..whole.len()).step_by(97) {
            fs::write(&file, &whole[..end]).unwrap();
            let found = reopened(folder.path());
            assert!(found.len() <= 3);
            // It was written anew, and takes more.
            let (mut store, again) = Store::open(folder.path(), 0);
            assert_eq!(again.len(), found.len(), "cut at {end}");
            store.push(&sample(9));
            store.flush();
            assert_eq!(reopened(folder.path()).last(), Some(&sample(9)), "cut at {end}");
        }
        fs::write(&file, b"SQLite format 3\0").unwrap();
        assert!(reopened(folder.path()).is_empty());
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(reopened(folder.path()).is_empty(), "in memory then");
    }

    #[test]
    fn many_lines_about_few_files_are_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(folder.path(), 0);
        for _ in 0..limits::INDEX_SPARE_LINES + 10 {
            store.push(&sample(1));
        }
        assert!(store.is_worn(1) && !store.is_worn(limits::INDEX_SPARE_LINES));
        store.flush();
        let before = fs::metadata(folder.path().join(NAME)).unwrap().len();
        assert_eq!(reopened(folder.path()), [sample(1)]);
        let after = fs::metadata(folder.path().join(NAME)).unwrap().len();
        assert!(after * 100 < before, "{before} bytes became {after}");
    }

    #[test]
    fn pictures_are_kept_and_half_of_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(folder.path(), 0);
        let path = LibraryPath::from_bytes(b"a.avi").unwrap();
        let kept = store.keep(&path, &sample(1).stamp, &poster()).unwrap();
        assert_eq!(store.picture(&kept).read().unwrap(), poster().jpeg);
        let file = file_of(folder.path(), &kept.id);
        // It goes when the line that says so is on the disk.
        store.drop_picture(&kept);
        assert!(file.exists());
        store.push(&sample(1));
        store.flush();
        assert!(!file.exists());
        assert_eq!(store.keep(&path, &sample(1).stamp, &poster()), Some(kept.clone()));
        fs::write(&file, &poster().jpeg[..50]).unwrap();
        assert_eq!(store.picture(&kept).read(), None);
        sweep(&store.pictures().unwrap(), &HashSet::from([kept.id.clone()]));
        assert!(file.exists());
        sweep(&store.pictures().unwrap(), &HashSet::new());
        assert!(!file.exists());
    }

    #[test]
    fn a_disk_without_room_keeps_no_pictures_and_memory_only_posters() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(folder.path(), u64::MAX);
        let path = LibraryPath::from_bytes(b"a.avi").unwrap();
        assert_eq!(store.keep(&path, &sample(1).stamp, &poster()), None);
        let mut memory = Store::in_memory();
        let kept = memory.keep(&path, &sample(1).stamp, &poster()).unwrap();
        assert_eq!(memory.picture(&kept).read().unwrap(), poster().jpeg);
        assert_eq!(
            memory.keep(&path, &sample(1).stamp, &Picture { purpose: Purpose::Bar, ..poster() }),
            None
        );
        memory.drop_picture(&kept);
        assert_eq!((memory.picture(&kept).read(), memory.memory_bytes), (None, 0));
    }
}
