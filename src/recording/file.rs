//! One file of a recording, and the reel that grows with it.
//!
//! What is on disk can be played at any moment: tags reach the file whole and in order, the head is
//! there from the start, and only its table of keyframes comes last. A server that is killed leaves
//! at most a tag cut short, which [`repair`](super::repair) takes away.

use super::head::{HEAD_LEN, Head, INSPECT_LEN, MARK_AT, Mark};
use super::survey::{Survey, lane, survey};
use crate::flv::avc::AvcConfig;
use crate::flv::codec::{AVC_HEADER_LEN, VideoCodec, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::limits::{FLV_START_TAGS, FLV_START_TIME, MAX_SAME_NAMES, RECORD_WRITE};
use crate::provider::{Growing, GrowingFile};
use crate::reel::{Codecs, Phase, Reel, Role};
use crate::time::MediaTime;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// A file that is being recorded. Dropped without [`finish`](Self::finish) it stays unfinished, to
/// be repaired.
#[derive(Debug)]
pub(super) struct RecordingFile {
    path: PathBuf,
    file: Arc<File>,
    reel: Arc<Reel>,
    /// Whoever opens the file gets the reel.
    _growing: GrowingFile,
    stream: String,
    picture_size: Option<(u32, u32)>,
    /// What is there, gathered tags included.
    contents: Survey,
    gathered: Vec<u8>,
    /// Bytes in the file.
    written: u64,
    started: bool,
    synced: Instant,
}

impl RecordingFile {
    /// A new file in `folder`, called `base_name` if that is not taken.
    pub(super) fn create(
        folder: &Path,
        base_name: &str,
        stream: &str,
        picture_size: Option<(u32, u32)>,
        growing: &Arc<Growing>,
    ) -> io::Result<Self> {
        let (path, file) = new_file(folder, base_name)?;
        let head = Head { stream: stream.to_owned(), picture_size, ..Head::default() };
        // It tells another server's repair that this one is alive.
        lock(&file);
        if let Err(error) = file.write_all_at(&head.encode(), 0).and_then(|()| file.sync_data()) {
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        // The name as well: a power cut must not make the recording nameless. Not every network share can.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        Self::of(path, file, stream, picture_size, Survey::default(), growing)
    }

    /// A finished file, to be continued. `None` when it is not one of this stream's.
    pub(super) fn reopen(path: &Path, stream: &str, growing: &Arc<Growing>) -> io::Result<Option<Self>> {
        let file = File::options().read(true).write(true).open(path)?;
        if !lock(&file) || inspect(&file) != Some(Mark::Finished) {
            return Ok(None);
        }
        let mut head = vec![0; HEAD_LEN as usize];
        file.read_exact_at(&mut head, 0)?;
        if Head::stream_of(&head).as_deref() != Some(stream) {
            return Ok(None);
        }
        let contents = survey(&file)?;
        if !contents.indexer.has_media() {
            return Ok(None);
        }
        // What the disk lost, or somebody put behind it.
        file.set_len(contents.end_offset)?;
        file.write_all_at(&[Mark::Unfinished.byte()], MARK_AT)?;
        file.sync_data()?;
        Self::of(path.to_owned(), file, stream, None, contents, growing).map(Some)
    }

    fn of(
        path: PathBuf,
        file: File,
        stream: &str,
        picture_size: Option<(u32, u32)>,
        contents: Survey,
        growing: &Arc<Growing>,
    ) -> io::Result<Self> {
        let file = Arc::new(file);
        let reel = Arc::new(Reel::new(file.clone()));
        let mut recording = Self {
            path,
            _growing: growing.add(&file, reel.clone())?,
            file,
            reel,
            stream: stream.to_owned(),
            picture_size,
            written: contents.end_offset,
            contents,
            gathered: Vec::with_capacity(RECORD_WRITE),
            started: false,
            synced: Instant::now(),
        };
        recording.publish();
        Ok(recording)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes, gathered ones included.
    pub(super) fn len(&self) -> u64 {
        self.contents.end_offset
    }

    /// The latest time in it.
    pub(super) fn end(&self) -> MediaTime {
        self.contents.indexer.end()
    }

    pub(super) fn codecs(&self) -> Codecs {
        self.contents.indexer.codecs()
    }

    /// The sequence header of a kind that holds at the end.
    pub(super) fn header(&self, kind: TagKind) -> Option<&Tag> {
        self.contents.headers[lane(kind)?].as_ref()
    }

    /// When it was made sure last that the disk has everything.
    pub(super) fn synced(&self) -> Instant {
        self.synced
    }

    /// Adds a tag; its time counts from the file's start.
    pub(super) fn push(&mut self, tag: &Tag) -> io::Result<()> {
        match Role::of(tag.kind, &tag.body) {
            Role::SequenceHeader => self.contents.note_header(tag.clone()),
            role => self.contents.note_frame(role, tag.timestamp),
        }
        tag.encode_into(&mut self.gathered);
        self.contents.end_offset += tag.encoded_len() as u64;
        if self.gathered.len() >= RECORD_WRITE { self.flush() } else { Ok(()) }
    }

    /// Writes what was gathered and lets viewers have it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.file.write_all_at(&self.gathered, self.written)?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        self.publish();
        Ok(())
    }

    /// Makes sure that the disk has what was written.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.synced = Instant::now();
        self.file.sync_data()
    }

    fn publish(&mut self) {
        let indexer = &mut self.contents.indexer;
        let available = indexer.available();
        if self.picture_size.is_none()
            && let Some(header) = &self.contents.headers[0]
        {
            self.picture_size = picture_size(header);
        }
        if let Some((width, height)) = self.picture_size {
            self.reel.set_picture_size(width, height);
        }
        // What there is so far is as long as it is: nobody knows more.
        self.reel.set_duration(available);
        self.reel.publish(indexer.take(), self.written, available, Instant::now());
        let codecs = indexer.codecs();
        let both = codecs.video.is_some() && codecs.audio.is_some();
        let waited = u128::from(indexer.end().as_millis()) >= FLV_START_TIME.as_millis();
        if indexer.has_media() && (both || waited || indexer.frames() >= FLV_START_TAGS) {
            self.start();
        }
    }

    fn start(&mut self) {
        if !std::mem::replace(&mut self.started, true) {
            self.reel.start(self.codecs());
        }
    }

    /// Ends the file: the table into its head, then the mark away. What could not be written is cut
    /// off. One without a frame is deleted.
    pub(super) fn finish(mut self) -> io::Result<Finished> {
        let flushed = self.flush();
        if flushed.is_err() {
            // The index knows tags that are not there; a new look at the file does not.
            self.contents = survey(&*self.file)?;
        }
        if !self.contents.indexer.has_media() {
            self.reel.fail("the recording ended before there was anything to record".to_owned());
            std::fs::remove_file(&self.path)?;
            return flushed.map(|()| Finished::Empty);
        }
        self.start();
        let sealed = seal(&self.file, &self.stream, self.picture_size, &self.contents);
        self.reel.complete(self.end());
        flushed.and(sealed).map(|()| Finished::Whole)
    }
}

impl Drop for RecordingFile {
    /// Nobody waits for what never comes.
    fn drop(&mut self) {
        if self.reel.progress().phase == Phase::Growing {
            self.reel.fail("the recording broke off here".to_owned());
        }
    }
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finished {
    /// It is there.
    Whole,
    /// There was nothing to keep.
    Empty,
}

/// Makes a finished file of what `contents` found. Steps, each on the disk before the next begins, so
/// that a power cut between two of them leaves a file that is still marked:
/// 1. nothing behind the last whole tag, and the head with its table;
/// 2. the mark away.
pub(super) fn seal(
    file: &File,
    stream: &str,
    picture_size: Option<(u32, u32)>,
    contents: &Survey,
) -> io::Result<()> {
    let picture_size = picture_size.or_else(|| self::picture_size(contents.headers[0].as_ref()?));
    let head = Head {
        stream: stream.to_owned(),
        duration: Some(contents.indexer.end()),
        picture_size,
        codecs: contents.indexer.codecs(),
        file_size: Some(contents.end_offset),
        keyframes: contents.table.entries().to_vec(),
    };
    file.set_len(contents.end_offset)?;
    file.write_all_at(&head.encode(), 0)?;
    file.sync_data()?;
    file.write_all_at(&[Mark::Finished.byte()], MARK_AT)?;
    file.sync_data()
}

/// Whether a file is a recording of ours, and whether it was finished.
pub(super) fn inspect(file: &File) -> Option<Mark> {
    let mut head = [0; INSPECT_LEN];
    file.read_exact_at(&mut head, 0).ok()?;
    Mark::of(&head)
}

/// Only one server writes to a file, or repairs it: false when another one does. Gone with the process,
/// whatever ends it. Where the file system knows no locks, there is no other server either.
pub(super) fn lock(file: &File) -> bool {
    rustix::fs::flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive) != Err(Errno::WOULDBLOCK)
}

/// From a sequence header; only H.264's is read.
fn picture_size(header: &Tag) -> Option<(u32, u32)> {
    if VideoHeader::parse(&header.body)?.codec != VideoCodec::Avc || header.body.len() < AVC_HEADER_LEN {
        return None;
    }
    let config = AvcConfig::parse(&header.body.slice(AVC_HEADER_LEN..)).ok()?;
    Some((config.width.into(), config.height.into()))
}

/// An empty file with a name that nothing has: never is anything overwritten.
fn new_file(folder: &Path, base_name: &str) -> io::Result<(PathBuf, File)> {
    for number in 1..=MAX_SAME_NAMES {
        let name = match number {
            1 => format!("{base_name}.flv"),
            number => format!("{base_name} ({number}).flv"),
        };
        let path = folder.join(name);
        match File::options().read(true).write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Ok(file) => return Ok((path, file)),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("there are {MAX_SAME_NAMES} files of this name"),
    ))
}
