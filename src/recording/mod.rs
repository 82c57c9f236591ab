//! Recordings of live streams into the library.
//!
//! ```text
//!  stream ── tap ──▶ task ──▶ file: head, tags … ──▶ reel that grows ──▶ whoever opens the file
//!          (bounded)  │         "cam 2026-11-22 18-30-05.flv"             (provider::Growing)
//!                     └ one thread each
//! ```
//!
//! What belongs here: which streams are recorded, into which files, and what becomes of them. What
//! does not: who asks for it, and how a file is watched.
//!
//! | | |
//! |---|---|
//! | `name` | what files are called, which streams a pattern means |
//! | `head` | the first bytes of a file: metadata with room for the keyframe table |
//! | `survey` | going through a file from tag to tag |
//! | `file` | one file and its reel |
//! | `task` | from a tap to files: codecs, splitting, times |
//! | `room` | free space, and deleting the oldest |
//! | `repair` | files whose server was killed |

mod file;
#[doc(hidden)]
pub mod fuzzing;
mod head;
mod name;
mod repair;
mod room;
mod survey;
mod task;
#[cfg(test)]
mod tests;

use crate::library::{Library, LibraryPath};
use crate::limits::{MAX_ENDED_RECORDINGS, RECORD_FINISH_TIMEOUT};
use crate::provider::Growing;
use crate::stream::{Stream, Streams, Tap};
use room::Room;
use serde::Serialize;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use task::{Means, Task};
use utoipa::ToSchema;

/// What may be recorded, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder, absolute, in the library. It is made when it is not there.
    pub folder: PathBuf,
    /// Streams that are recorded without being asked: names with `*` and `?`.
    pub streams: Vec<String>,
    /// A recording goes on in another file at so many bytes …
    pub split_bytes: u64,
    /// … and at this length.
    pub split: Duration,
    /// Bytes of the disk that stay free.
    pub keep_free: u64,
    /// Bytes that recordings may take; the oldest are deleted for new ones. `None`: none is.
    pub limit: Option<u64>,
}

/// Why the folder for recordings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made or written.
    #[error(
        "nothing can be recorded into {folder}: {error}; make it a folder of the user who runs the server with \
         `sudo install -d -o {user} {folder}`, or name another one in [record]"
    )]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
        /// The number of the user who runs the server.
        user: u32,
    },
    /// A link on the way leads elsewhere.
    #[error(
        "{folder} is really {real}, which is not in the library, so recordings could not be played; name a folder \
         that is, in [record]"
    )]
    Outside {
        /// The folder.
        folder: PathBuf,
        /// Where it leads.
        real: PathBuf,
    },
}

/// Why a recording does not begin. The texts are shown to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordRefused {
    /// There is no folder for it.
    #[error("recording is not set up on this server; name a folder of the library in [record] folder")]
    NotAllowed,
    /// The system gives no thread.
    #[error("the recording can't be started: {0}; end something else and try again")]
    NoThread(String),
}

/// Who wanted a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RecordingBy)]
pub enum By {
    /// The configuration.
    Config,
    /// Somebody, by the API.
    Api,
    /// The publisher itself.
    Publisher,
}

/// What a recording is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A new file.
    New,
    /// The stream's newest recording, behind what is there.
    Append,
}

/// Where a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RecordingState)]
pub enum State {
    /// At work.
    Recording,
    /// It was stopped; its file gets its index.
    Finishing,
    /// It was stopped, or its stream is over; the file is whole.
    Ended,
    /// The disk was full or failed.
    Failed,
}

/// What there is to say of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Recording)]
pub struct Report {
    /// The stream's name.
    pub stream: String,
    /// Where it is.
    pub state: State,
    /// Who wanted it.
    pub by: By,
    /// The file written to, or written last, as an address of the library; `None` before the first frame.
    pub path: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its length in seconds.
    pub duration: f64,
    /// Its size.
    pub bytes: u64,
    /// How many files the recording has.
    pub files: u32,
    /// Frames that the disk was too slow for.
    pub lost: u64,
    /// Why it failed, for people.
    pub error: Option<String>,
}

/// A recording of one stream.
#[derive(Debug)]
pub struct Recording {
    report: Mutex<Report>,
    stream: String,
    tap: Arc<Tap>,
}

impl Recording {
    /// The stream's name.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// How it is.
    pub fn report(&self) -> Report {
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if report.state == State::Recording && self.tap.is_closed() {
            report.state = State::Finishing;
        }
        report
    }

    /// Nothing more is recorded.
    pub fn is_over(&self) -> bool {
        self.tap.is_closed()
    }

    /// Ends it, without waiting for the file to be finished.
    pub fn stop(&self) {
        self.tap.close();
    }

    fn note(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// All recordings of a server.
#[derive(Debug)]
pub struct Recordings {
    /// `None`: nothing is recorded.
    means: Option<Means>,
    patterns: Vec<String>,
    ledger: Arc<Mutex<Ledger>>,
    stopping: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Ledger {
    active: HashMap<String, Arc<Recording>>,
    ended: VecDeque<Arc<Recording>>,
    /// Files that are being finished, or repaired.
    threads: usize,
    /// Publications that the configuration has been asked about.
    considered: HashMap<String, (Weak<Stream>, u64)>,
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recordings {
    /// Nothing is recorded, whoever asks.
    pub fn off() -> Self {
        Self { means: None, patterns: Vec::new(), ledger: Arc::default(), stopping: Arc::default() }
    }

    /// Makes sure that the folder can be written, and begins to repair what is in it.
    ///
    /// # Errors
    /// When it cannot, or is not in the library.
    pub fn new(settings: Settings, library: &Library, growing: Arc<Growing>) -> Result<Self, FolderError> {
        let folder = settings.folder.clone();
        let user = rustix::process::geteuid().as_raw();
        let unwritable = |error| FolderError::Unwritable { folder: folder.clone(), error, user };
        std::fs::create_dir_all(&folder).map_err(unwritable)?;
        tempfile::tempfile_in(&folder).map_err(unwritable)?;
        // What `library` opens is found beneath its roots only.
        let outside = || {
            let real = folder.canonicalize().unwrap_or_default();
            FolderError::Outside { folder: folder.clone(), real }
        };
        let library_folder = library.path_of(&folder).ok_or_else(outside)?;
        if !library.is_folder(&library_folder) {
            return Err(outside());
        }
        let room = Room { folder, keep_free: settings.keep_free, limit: settings.limit };
        let means =
            Means { room, growing, library_folder, split_bytes: settings.split_bytes, split: settings.split };
        let this = Self {
            means: Some(means),
            patterns: settings.streams,
            ledger: Arc::default(),
            stopping: Arc::default(),
        };
        this.start_repair();
        Ok(this)
    }

    fn start_repair(&self) {
        let Some(means) = &self.means else { return };
        let (folder, stopping) = (means.room.folder.clone(), self.stopping.clone());
        let repair = move || repair::repair_folder(&folder, &stopping);
        if let Err(error) = std::thread::Builder::new().name("record-repair".into()).spawn(repair) {
            tracing::warn!(%error, "recordings are not looked through for broken ones");
        }
    }

    /// Where recordings are, as the library names it; `None` when nothing is recorded.
    pub fn folder(&self) -> Option<&LibraryPath> {
        self.means.as_ref().map(|means| &means.library_folder)
    }

    /// A stream has a new publisher: it is recorded when the configuration says so. Asked twice of the same
    /// publication, the second time does nothing.
    pub fn published(&self, stream: &Arc<Stream>) {
        if self.patterns.is_empty() {
            return;
        }
        let now = (Arc::downgrade(stream), stream.publication());
        let before = lock(&self.ledger).considered.insert(stream.name().to_owned(), now.clone());
        if before.is_some_and(|before| before.0.ptr_eq(&now.0) && before.1 == now.1) {
            return;
        }
        if self.patterns.iter().any(|pattern| name::matches(pattern, stream.name()))
            && let Err(error) = self.start(stream, Mode::New, By::Config)
        {
            tracing::error!(stream = stream.name(), %error, "the stream is not recorded");
        }
    }

    /// Looks for streams that came by other ways than a publisher's connection.
    pub fn tend(&self, streams: &Streams) {
        if self.patterns.is_empty() {
            return;
        }
        streams.on_air().iter().for_each(|stream| self.published(stream));
        lock(&self.ledger).considered.retain(|_, (stream, _)| stream.strong_count() > 0);
    }

    /// Records a stream from its last keyframe on, until it is over. One that is being recorded already
    /// goes on as it is.
    ///
    /// # Errors
    /// When there is nowhere to record to.
    pub fn start(&self, stream: &Arc<Stream>, mode: Mode, by: By) -> Result<Arc<Recording>, RecordRefused> {
        let Some(means) = &self.means else { return Err(RecordRefused::NotAllowed) };
        let mut ledger = lock(&self.ledger);
        if let Some(recording) = ledger.active.get(stream.name())
            && !recording.tap.is_closed()
        {
            return Ok(recording.clone());
        }
        let report = Report {
            stream: stream.name().to_owned(),
            state: State::Recording,
            by,
            path: None,
            name: None,
            duration: 0.0,
            bytes: 0,
            files: 0,
            lost: 0,
            error: None,
        };
        let recording = Arc::new(Recording {
            report: Mutex::new(report),
            stream: stream.name().to_owned(),
            tap: stream.tap(),
        });
        let task = Task::new(means.clone(), recording.clone(), mode);
        let ending = Ending { ledger: self.ledger.clone(), recording: recording.clone() };
        let run = move || {
            let _ending = ending;
            task.run();
        };
        ledger.threads += 1;
        if let Some(before) = ledger.active.insert(stream.name().to_owned(), recording.clone()) {
            // It is being finished.
            ledger.keep_ended(before);
        }
        drop(ledger);
        // Without a thread `run` is dropped, and crosses the recording off.
        std::thread::Builder::new().name("record".into()).spawn(run).map_err(|error| {
            recording.stop();
            RecordRefused::NoThread(error.to_string())
        })?;
        Ok(recording)
    }

    /// Ends the recording of a stream; `None` when there is none.
    pub fn stop(&self, stream: &str) -> Option<Arc<Recording>> {
        let recording = lock(&self.ledger).active.get(stream).cloned()?;
        recording.stop();
        Some(recording)
    }

    /// Those at work by name, then those that have ended, the latest first.
    pub fn reports(&self) -> Vec<Report> {
        let ledger = lock(&self.ledger);
        let mut reports: Vec<Report> = ledger.active.values().map(|recording| recording.report()).collect();
        reports.sort_by(|a, b| a.stream.cmp(&b.stream));
        reports.extend(ledger.ended.iter().rev().map(|recording| recording.report()));
        reports
    }

    /// Ends all and waits for their files, but not for ever. Blocking.
    pub fn finish(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        lock(&self.ledger).active.values().for_each(|recording| recording.stop());
        let until = Instant::now() + RECORD_FINISH_TIMEOUT;
        while lock(&self.ledger).threads > 0 {
            if Instant::now() > until {
                tracing::warn!("some recordings are not finished; that is done at the next start");
                return;
            }
            std::thread::sleep(FINISH_POLL);
        }
    }
}

/// Between two looks at whether all is finished.
const FINISH_POLL: Duration = Duration::from_millis(10);

/// Crosses a recording off when its thread ends, whatever ends it.
struct Ending {
    ledger: Arc<Mutex<Ledger>>,
    recording: Arc<Recording>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        lock(&self.ledger).end(&self.recording);
    }
}

impl Ledger {
    fn end(&mut self, recording: &Arc<Recording>) {
        self.threads -= 1;
        let is_active =
            self.active.get(&recording.stream).is_some_and(|active| Arc::ptr_eq(active, recording));
        if is_active {
            self.active.remove(&recording.stream);
            self.keep_ended(recording.clone());
        }
    }

    fn keep_ended(&mut self, recording: Arc<Recording>) {
        self.ended.push_back(recording);
        if self.ended.len() > MAX_ENDED_RECORDINGS {
            self.ended.pop_front();
        }
    }
}
