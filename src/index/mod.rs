//! The index of the library: what is in each file, and pictures of it, found out in the background.
//!
//! ```text
//!  library ─ walk ─▶ waiting ─┐                        ┌▶ catalogue (memory) ─▶ listings: never wait
//!  inotify ─ again ──▲        ├─▶ pipeline::look ──────┤
//!  somebody looks ─▶ asked ───┘    (a worker each)     └▶ store (lines and pictures in a folder)
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`Index`] | what others ask, and the two threads: `background` walks and looks, `asked` does what somebody waits for |
//! | `walk`, `watch` | which files there are, and that this has changed |
//! | `catalogue` | all that is known, in memory, and the rules of when to look again; no I/O |
//! | `record` | what is remembered of a file; pure |
//! | `book` | the lines of the index's file; pure |
//! | `store` | the folder |
//! | `names` | the names of all folders and files, for searches; no I/O |
//! | `feed` | which folders changed, for whoever shows them |
//!
//! What does not belong here: HTTP, and how files are played.

mod background;
mod book;
mod catalogue;
mod feed;
#[doc(hidden)]
pub mod fuzzing;
mod looking;
mod names;
mod record;
mod store;
mod walk;
mod watch;

pub use catalogue::{Brief, Counts};
pub use feed::{Changed, Feed, Follower};
pub use looking::machine_is_loaded;
pub use names::Found;
pub use record::{Details, Failure, Film, Kept, Knowledge, Stamp};

use crate::library::{FileIdentity, Library, LibraryPath, PageQuery, Sort};
use crate::limits;
use crate::pipeline::Look;
use bytes::Bytes;
use catalogue::{Catalogue, Changes};
use names::Names;
use serde::Serialize;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};
use store::Store;
use utoipa::ToSchema;
use walk::Walk;
use watch::Watch;

/// What the owner decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Files are looked at before anybody asks, and pictures are made.
    pub background: bool,
    /// Bytes that pictures may take.
    pub limit: u64,
    /// Bytes of the disk that stay free.
    pub keep_free: u64,
}

/// What the background does now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// It is off: only what somebody asks for is looked at.
    #[default]
    Off,
    /// It goes through the folders.
    Walking,
    /// It looks at files.
    Looking,
    /// It would, but somebody watches or a film is converted.
    Paused,
    /// All is known.
    Idle,
}

/// Figures of a moment.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// What it does.
    pub activity: Activity,
    /// Files by state.
    pub counts: Counts,
    /// Files that nobody has looked at yet.
    pub waiting: usize,
    /// Files that somebody asked for.
    pub asked: usize,
    /// Files looked at since the start.
    pub looked: u64,
    /// The time that took, in all.
    pub spent: Duration,
    /// Bytes that pictures may take.
    pub limit: u64,
}

/// The index. Cloning it is cheap: all clones are the same one.
#[derive(Clone)]
pub struct Index(Arc<Inner>);

struct Inner {
    library: Arc<Library>,
    program: PathBuf,
    settings: Settings,
    state: Mutex<State>,
    /// The asked thread waits for work here, the background thread for time to pass.
    work: Condvar,
    stop: AtomicBool,
    /// Held by whoever writes: one batch after the other.
    writing: Mutex<()>,
    /// True while the machine has better things to do.
    busy: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
    /// What the last walk found; `None` before the first.
    names: Mutex<Option<Arc<Names>>>,
    /// Held by who walks because of a search.
    naming: Mutex<()>,
    feed: Feed,
}

struct State {
    catalogue: Catalogue,
    store: Store,
    asked: VecDeque<(LibraryPath, Look)>,
    waiting: VecDeque<LibraryPath>,
    /// Files that a worker looks at now.
    looking: Vec<LibraryPath>,
    activity: Activity,
    looked: u64,
    spent: Duration,
    /// They stalled once while the machine was loaded.
    doubted: HashSet<LibraryPath>,
    /// It was said that pictures find no room.
    full_told: bool,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Index {
    /// The index of `library`, kept in `folder` and read from there. `program` is the path of this very program.
    /// Nothing is done before [`start`](Self::start).
    pub fn open(library: Arc<Library>, program: PathBuf, folder: &Path, settings: Settings) -> Self {
        let (store, records) = Store::open(folder, settings.keep_free);
        Self::with(library, program, settings, store, Catalogue::of(records))
    }

    /// One that knows nothing and keeps nothing after the server's end.
    pub fn in_memory(library: Arc<Library>, program: PathBuf) -> Self {
        let settings = Settings { background: false, limit: 0, keep_free: 0 };
        Self::with(library, program, settings, Store::in_memory(), Catalogue::default())
    }

    fn with(
        library: Arc<Library>,
        program: PathBuf,
        settings: Settings,
        store: Store,
        catalogue: Catalogue,
    ) -> Self {
        let state = State {
            catalogue,
            store,
            asked: VecDeque::new(),
            waiting: VecDeque::new(),
            looking: Vec::new(),
            activity: Activity::Off,
            looked: 0,
            spent: Duration::ZERO,
            doubted: HashSet::new(),
            full_told: false,
        };
        Self(Arc::new(Inner {
            library,
            program,
            settings,
            state: Mutex::new(state),
            work: Condvar::new(),
            stop: AtomicBool::new(false),
            writing: Mutex::new(()),
            busy: OnceLock::new(),
            names: Mutex::new(None),
            naming: Mutex::new(()),
            feed: Feed::default(),
        }))
    }

    /// Begins to work, on threads of its own. The background rests while `busy` says so.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(&self, busy: impl Fn() -> bool + Send + Sync + 'static) -> std::io::Result<()> {
        let _ = self.0.busy.set(Box::new(busy));
        let (asked, background) = (self.clone(), self.clone());
        std::thread::Builder::new().name("index asked".into()).spawn(move || asked.serve_asked())?;
        std::thread::Builder::new().name("index".into()).spawn(move || background.run_in_background())?;
        Ok(())
    }

    /// Ends its work and writes what is not written yet. Blocking.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
        self.0.work.notify_all();
        self.write();
    }

    /// Writes what has gathered. Listings go on meanwhile. A disk that is full or gone loses it: those files are looked
    /// at again after the next start.
    fn write(&self) {
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = {
            let mut state = self.state();
            if state.store.is_worn(state.catalogue.len()) {
                let records: Vec<_> = state.catalogue.records().collect();
                state.store.take_whole(records.iter())
            } else {
                state.store.take()
            }
        };
        if let Some(Err(error)) = batch.map(store::Batch::write) {
            tracing::warn!(%error, "the index of the library can't be written; what is new will be looked at again");
        }
    }

    fn stopped(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What listings say of these files, as far as it is known now. What is not known is found out soon, the first of
    /// them first. Never waits for a disk.
    pub fn briefs<'a>(
        &self,
        files: impl Iterator<Item = (&'a LibraryPath, FileIdentity)>,
    ) -> Vec<Option<Brief>> {
        let now = seconds_now();
        let state = self.state();
        let mut unknown = Vec::new();
        let briefs = files.map(|(path, file)| {
            let stamp = Stamp::of(file);
            let brief = state.catalogue.brief(path, &stamp);
            if unknown.len() < limits::MAX_INDEX_ASKED
                && state.catalogue.wants(path, &stamp, Look::Contents, now)
            {
                unknown.push(path.clone());
            }
            brief
        });
        let briefs = briefs.collect();
        self.ask(state, unknown, Look::Contents);
        briefs
    }

    /// How long these files play, in milliseconds, as far as it is known. Nothing is found out because of it.
    pub fn durations(&self, files: &[(LibraryPath, FileIdentity)]) -> Vec<Option<u32>> {
        let state = self.state();
        let duration = |(path, file): &(LibraryPath, FileIdentity)| {
            state.catalogue.brief(path, &Stamp::of(*file)).and_then(|brief| brief.duration_ms)
        };
        files.iter().map(duration).collect()
    }

    /// Looks for names, and for what files say of themselves. Blocking: in the first seconds of a server it walks through
    /// the library.
    pub fn search(&self, query: &PageQuery) -> Found {
        let names = self.names();
        let (tagged, durations) = {
            let state = self.state();
            let tagged =
                if query.words.is_empty() { Vec::new() } else { state.catalogue.tagged(&query.words) };
            let durations = (query.sort == Sort::Duration).then(|| state.catalogue.durations());
            (tagged, durations.unwrap_or_default())
        };
        names.find(query, tagged, |path| durations.get(path).copied())
    }

    fn names(&self) -> Arc<Names> {
        let known = || self.0.names.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(names) = known() {
            return names;
        }
        let _one = self.0.naming.lock().unwrap_or_else(PoisonError::into_inner);
        known().unwrap_or_else(|| {
            let walk = Walk::through(&self.0.library, &mut Watch::none(), &self.0.stop);
            self.set_names(walk.names)
        })
    }

    fn set_names(&self, names: Names) -> Arc<Names> {
        let names = Arc::new(names);
        *self.0.names.lock().unwrap_or_else(PoisonError::into_inner) = Some(names.clone());
        names
    }

    /// Which folders change from now on.
    pub fn feed(&self) -> &Feed {
        &self.0.feed
    }

    /// All that is known of a file; what is not is found out next.
    pub fn knowledge(&self, path: &LibraryPath, file: FileIdentity) -> Option<Knowledge> {
        let stamp = Stamp::of(file);
        let state = self.state();
        let known = state.catalogue.knowledge(path, &stamp);
        if state.catalogue.wants(path, &stamp, Look::Pictures, seconds_now()) {
            self.ask(state, vec![path.clone()], Look::Pictures);
        }
        known
    }

    /// What is asked for last is wanted most: whoever asked before has turned the page.
    fn ask(&self, mut state: MutexGuard<'_, State>, files: Vec<LibraryPath>, look: Look) {
        let fresh: HashSet<&LibraryPath> = files.iter().collect();
        state.asked.retain(|(asked, how)| *how != look || !fresh.contains(asked));
        for path in files.into_iter().rev() {
            if !state.looking.contains(&path) {
                state.asked.push_front((path, look));
            }
        }
        state.asked.truncate(limits::MAX_INDEX_ASKED);
        if !state.asked.is_empty() {
            self.0.work.notify_all();
        }
    }

    /// A picture of a file. Blocking. One that is lost is made again.
    pub fn picture(&self, path: &LibraryPath, file: FileIdentity, kept: &Kept) -> Option<Bytes> {
        let place = self.state().store.picture(kept);
        let bytes = place.read();
        if bytes.is_none() {
            let stamp = Stamp::of(file);
            let mut state = self.state();
            if let Some(known) = state.catalogue.knowledge(path, &stamp) {
                let known = Knowledge { poster: None, bar: None, pictured: false, ..known };
                let changes = state.catalogue.learn(path.clone(), file.file().device(), stamp, known);
                // It is made again, under the same name: nothing is to be deleted.
                state.apply(Changes { pictures: Vec::new(), ..changes.unwrap_or_default() });
            }
            self.ask(state, vec![path.clone()], Look::Pictures);
        }
        bytes
    }

    /// How far it is.
    pub fn figures(&self) -> Figures {
        let state = self.state();
        Figures {
            activity: state.activity,
            counts: state.catalogue.counts(),
            waiting: state.waiting.len(),
            asked: state.asked.len(),
            looked: state.looked,
            spent: state.spent,
            limit: self.0.settings.limit,
        }
    }

    /// What could not be found out or pictured, and why: the first of them by path.
    pub fn failures(&self) -> Vec<(LibraryPath, Failure)> {
        let failed = self.state().catalogue.failures(limits::MAX_LISTED);
        failed.into_iter().filter_map(|(path, known)| Some((path, known.failure?))).collect()
    }
}

impl State {
    /// Writes and deletes what follows from a change.
    fn apply(&mut self, changes: Changes) {
        for record in &changes.records {
            self.store.push(record);
        }
        for picture in &changes.pictures {
            self.store.drop_picture(picture);
        }
    }
}

/// Seconds since 1970.
fn seconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
