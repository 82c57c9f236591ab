//! All files that are known, in memory: what listings are answered from, and the rules by which files are looked at
//! again, missed and forgotten. No I/O, no clock: `now` is an argument, in seconds since 1970.

use super::record::{Details, Kept, Knowledge, Record, Stamp};
use super::walk::{Found, Walk};
use crate::library::{LibraryPath, fold};
use crate::limits;
use crate::pipeline::Look;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a listing says of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Brief {
    /// How long it plays, in milliseconds.
    pub duration_ms: Option<u32>,
    /// The codec of its picture, in words.
    pub video: Option<Arc<str>>,
    /// The codec of its first sound, in words.
    pub audio: Option<Arc<str>>,
    /// Pixels; 0 without a picture.
    pub width: u32,
    /// Likewise.
    pub height: u32,
    /// The name of the picture that stands for it.
    pub poster: Option<Arc<str>>,
}

/// One file. What only few ask for stays JSON: a third of the memory.
#[derive(Debug)]
struct Entry {
    device: u64,
    stamp: Stamp,
    brief: Brief,
    known: Box<str>,
    has_details: bool,
    pictured: bool,
    /// Failed, to be tried again at that time.
    again_at: Option<u64>,
    missing: bool,
    picture_bytes: u64,
    /// What it says of itself that people look for, folded.
    words: Box<str>,
}

/// The files.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    files: HashMap<LibraryPath, Entry>,
    /// Codecs in words: few, and each in thousands of files.
    words: HashSet<Arc<str>>,
    json_bytes: usize,
    picture_bytes: u64,
}

/// How many there are of what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Files whose content is known.
    pub known: usize,
    /// Files that nothing could be found out about.
    pub failed: usize,
    /// Files that are known and not there now.
    pub missing: usize,
    /// Bytes of pictures.
    pub picture_bytes: u64,
}

/// What follows from a walk, or from what was learnt.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Changes {
    /// To be written.
    pub(super) records: Vec<Record>,
    /// Pictures of files that are no more.
    pub(super) pictures: Vec<Kept>,
}

impl Catalogue {
    pub(super) fn of(records: Vec<Record>) -> Self {
        let mut catalogue = Self::default();
        for record in records {
            if let (Some(path), Some(known)) = (record.path(), record.known)
                && catalogue.has_room(&path)
            {
                catalogue.put(path, record.device, record.stamp, &known);
            }
        }
        catalogue
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// What is known of this version of a file.
    fn entry(&self, path: &LibraryPath, stamp: &Stamp) -> Option<&Entry> {
        self.files.get(path).filter(|entry| entry.stamp.is_same_at_path(stamp))
    }

    pub(super) fn brief(&self, path: &LibraryPath, stamp: &Stamp) -> Option<Brief> {
        Some(self.entry(path, stamp)?.brief.clone())
    }

    /// Files that say all these words of themselves. Those that are not there now are left out.
    pub(super) fn tagged(&self, words: &[String]) -> Vec<LibraryPath> {
        let says =
            |entry: &Entry| !entry.missing && words.iter().all(|word| entry.words.contains(word.as_str()));
        self.files.iter().filter(|(_, entry)| says(entry)).map(|(path, _)| path.clone()).collect()
    }

    /// How long each file plays, in milliseconds.
    pub(super) fn durations(&self) -> HashMap<LibraryPath, u32> {
        let known = |(path, entry): (&LibraryPath, &Entry)| Some((path.clone(), entry.brief.duration_ms?));
        self.files.iter().filter_map(known).collect()
    }

    pub(super) fn knowledge(&self, path: &LibraryPath, stamp: &Stamp) -> Option<Knowledge> {
        serde_json::from_str(&self.entry(path, stamp)?.known).ok()
    }

    /// This file is to be looked at so closely.
    pub(super) fn wants(&self, path: &LibraryPath, stamp: &Stamp, look: Look, now: u64) -> bool {
        let Some(entry) = self.entry(path, stamp) else { return true };
        if look == Look::Contents && entry.has_details {
            return false;
        }
        if entry.again_at.is_some() {
            return self
                .knowledge(path, stamp)
                .and_then(|known| known.failure)
                .is_some_and(|failure| failure.is_due(now));
        }
        look == Look::Pictures && !entry.pictured
    }

    /// Remembers what was found out. `None` when there are too many files already.
    pub(super) fn learn(
        &mut self,
        path: LibraryPath,
        device: u64,
        stamp: Stamp,
        known: Knowledge,
    ) -> Option<Changes> {
        if !self.has_room(&path) {
            return None;
        }
        let mut changes = Changes::default();
        if let Some(old) =
            self.files.get(&path).and_then(|entry| serde_json::from_str::<Knowledge>(&entry.known).ok())
        {
            let kept: Vec<&str> =
                [&known.poster, &known.bar].into_iter().flatten().map(|kept| &kept.id[..]).collect();
            changes.pictures = [old.poster, old.bar]
                .into_iter()
                .flatten()
                .filter(|old| !kept.contains(&&old.id[..]))
                .collect();
        }
        self.put(path.clone(), device, stamp, &known);
        changes.records.push(Record { path: path.percent_encoded(), device, stamp, known: Some(known) });
        Some(changes)
    }

    fn has_room(&self, path: &LibraryPath) -> bool {
        self.files.contains_key(path)
            || (self.files.len() < limits::MAX_INDEX_FILES && self.json_bytes < limits::MAX_INDEX_BYTES)
    }

    fn put(&mut self, path: LibraryPath, device: u64, stamp: Stamp, known: &Knowledge) {
        self.take(&path);
        let details = known.details.as_ref();
        let video = details.and_then(|details| details.video.as_ref());
        let audio = details
            .and_then(|details| details.audio.iter().find(|track| track.chosen).or(details.audio.first()));
        let brief = Brief {
            duration_ms: details.and_then(|details| details.duration_ms),
            video: video.map(|video| self.word(&video.codec)),
            audio: audio.map(|audio| self.word(&audio.codec)),
            width: video.map_or(0, |video| video.width),
            height: video.map_or(0, |video| video.height),
            poster: known.poster.as_ref().map(|poster| poster.id.as_str().into()),
        };
        let picture_bytes =
            [&known.poster, &known.bar].into_iter().flatten().map(|kept| u64::from(kept.bytes)).sum();
        let json = serde_json::to_string(known).unwrap_or_default().into_boxed_str();
        self.json_bytes += json.len();
        self.picture_bytes += picture_bytes;
        let entry = Entry {
            device,
            stamp,
            brief,
            known: json,
            has_details: details.is_some(),
            pictured: known.pictured,
            again_at: known.failure.as_ref().map(super::record::Failure::again_at),
            missing: known.missing_since.is_some(),
            picture_bytes,
            words: details.map(searched).unwrap_or_default(),
        };
        self.files.insert(path, entry);
    }

    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(word) = self.words.get(text) {
            return Arc::clone(word);
        }
        let word: Arc<str> = text.into();
        if self.words.len() < limits::INDEX_WORDS {
            self.words.insert(Arc::clone(&word));
        }
        word
    }

    fn take(&mut self, path: &LibraryPath) -> Option<Entry> {
        let entry = self.files.remove(path)?;
        self.json_bytes = self.json_bytes.saturating_sub(entry.known.len());
        self.picture_bytes = self.picture_bytes.saturating_sub(entry.picture_bytes);
        Some(entry)
    }

    /// The file is no more.
    fn forget(&mut self, path: &LibraryPath, changes: &mut Changes) {
        let Some(entry) = self.take(path) else { return };
        if let Ok(known) = serde_json::from_str::<Knowledge>(&entry.known) {
            changes.pictures.extend([known.poster, known.bar].into_iter().flatten());
        }
        let (path, device) = (path.percent_encoded(), entry.device);
        changes.records.push(Record { path, device, stamp: entry.stamp, known: None });
    }

    /// Compares with what is there. Files that went away with their disk are kept for a while, those that were moved
    /// stay known, those that were deleted are forgotten.
    pub(super) fn compare(&mut self, walk: &Walk, now: u64) -> Changes {
        let mut changes = Changes::default();
        let there: HashMap<&LibraryPath, &Found> =
            walk.files.iter().map(|found| (&found.path, found)).collect();
        let unseen: Vec<LibraryPath> =
            self.files.keys().filter(|path| !there.contains_key(path)).cloned().collect();
        let mut moved: HashMap<Stamp, LibraryPath> = HashMap::new();
        for path in &unseen {
            if let Some(entry) = self.files.get(path).filter(|entry| entry.stamp.inode != 0) {
                moved.insert(entry.stamp, path.clone());
            }
        }
        for found in &walk.files {
            match self.files.get_mut(&found.path) {
                Some(entry) => {
                    let is_back = entry.missing && entry.stamp.is_same_at_path(&found.stamp);
                    entry.device = found.device;
                    // Whoever listed the folder was faster than this walk, and knows less.
                    let older = (!entry.pictured).then(|| moved.remove(&found.stamp)).flatten();
                    if let Some(old) = older {
                        self.rename(&old, found, &mut changes);
                    } else if is_back {
                        self.set_missing(&found.path, None, &mut changes);
                    }
                }
                None => {
                    let Some(old) = moved.remove(&found.stamp) else { continue };
                    self.rename(&old, found, &mut changes);
                }
            }
        }
        if walk.is_cut {
            return changes;
        }
        for path in unseen {
            let Some(entry) = self.files.get(&path) else { continue };
            if walk.device_above(&path) == Some(entry.device) {
                self.forget(&path, &mut changes);
            } else if !entry.missing {
                self.set_missing(&path, Some(now), &mut changes);
            } else {
                let since = serde_json::from_str::<Knowledge>(&entry.known)
                    .ok()
                    .and_then(|known| known.missing_since);
                if since.is_none_or(|since| now.saturating_sub(since) > limits::INDEX_MISSING.as_secs()) {
                    self.forget(&path, &mut changes);
                }
            }
        }
        changes
    }

    fn set_missing(&mut self, path: &LibraryPath, since: Option<u64>, changes: &mut Changes) {
        let Some(entry) = self.files.get(path) else { return };
        let (device, stamp) = (entry.device, entry.stamp);
        if let Ok(known) = serde_json::from_str::<Knowledge>(&entry.known) {
            let known = Knowledge { missing_since: since, ..known };
            self.put(path.clone(), device, stamp, &known);
            changes.records.push(Record { path: path.percent_encoded(), device, stamp, known: Some(known) });
        }
    }

    fn rename(&mut self, old: &LibraryPath, found: &Found, changes: &mut Changes) {
        let Some(entry) = self.take(old) else { return };
        let Ok(known) = serde_json::from_str::<Knowledge>(&entry.known) else { return };
        let known = Knowledge { missing_since: None, ..known };
        self.put(found.path.clone(), found.device, found.stamp, &known);
        let record = |path: &LibraryPath, known| Record {
            path: path.percent_encoded(),
            device: found.device,
            stamp: found.stamp,
            known,
        };
        changes.records.extend([record(old, None), record(&found.path, Some(known))]);
    }

    /// Forgets files that are not there now until their pictures make room for `bytes` more.
    pub(super) fn make_room(&mut self, bytes: u64, limit: u64) -> Changes {
        let mut changes = Changes::default();
        let missing: Vec<LibraryPath> =
            self.files.iter().filter(|(_, entry)| entry.missing).map(|(path, _)| path.clone()).collect();
        for path in missing {
            if self.picture_bytes.saturating_add(bytes) <= limit {
                break;
            }
            self.forget(&path, &mut changes);
        }
        changes
    }

    /// Pictures may take so much more.
    pub(super) fn has_picture_room(&self, bytes: u64, limit: u64) -> bool {
        self.picture_bytes.saturating_add(bytes) <= limit
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts { picture_bytes: self.picture_bytes, ..Counts::default() };
        for entry in self.files.values() {
            counts.missing += usize::from(entry.missing);
            counts.known += usize::from(entry.has_details);
            counts.failed += usize::from(!entry.has_details);
        }
        counts
    }

    /// Files with a failure, at most so many, by path: each with the knowledge of it.
    pub(super) fn failures(&self, most: usize) -> Vec<(LibraryPath, Knowledge)> {
        let failed = self.files.iter().filter(|(_, entry)| entry.again_at.is_some());
        let mut paths: Vec<(&LibraryPath, &Entry)> = failed.collect();
        paths.sort_by_key(|(path, _)| *path);
        let known = |(path, entry): (&LibraryPath, &Entry)| {
            Some((path.clone(), serde_json::from_str(&entry.known).ok()?))
        };
        paths.into_iter().take(most).filter_map(known).collect()
    }

    /// Names of all pictures.
    pub(super) fn picture_ids(&self) -> HashSet<String> {
        let of = |entry: &Entry| {
            let known: Option<Knowledge> = serde_json::from_str(&entry.known).ok();
            known.into_iter().flat_map(|known| [known.poster, known.bar]).flatten().map(|kept| kept.id)
        };
        self.files.values().flat_map(of).collect()
    }

    /// All of it, to be written anew.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.files.iter().filter_map(|(path, entry)| {
            let (path, device, stamp) = (path.percent_encoded(), entry.device, entry.stamp);
            Some(Record { path, device, stamp, known: serde_json::from_str(&entry.known).ok()? })
        })
    }
}

/// The tags by which people look for a file, folded.
fn searched(details: &Details) -> Box<str> {
    let known = ["title", "artist", "album", "album-artist", "composer", "show-name"];
    let mut words = String::new();
    for tag in details.tags.iter().filter(|tag| known.contains(&tag.name.as_str())) {
        if words.len() + tag.value.len() > limits::MAX_INDEX_WORDS_OF_FILE {
            break;
        }
        words.push_str(&fold(&tag.value));
        words.push(' ');
    }
    words.into()
}
