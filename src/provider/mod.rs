//! Providers: which way a file of the library becomes FLV tags, and the reels they fill.
//!
//! | file | provider |
//! |---|---|
//! | FLV, by its first bytes | `flv_file`: as it is |
//! | FLV that this server is writing | the recording's own reel, from [`Growing`] |
//! | FLV with codecs that fragmented MP4 can't carry, for a browser | `convert` |
//! | anything else | `convert`: a worker process makes FLV of it |
//!
//! Viewers of the same file share one reel and so one conversion.

mod cache;
mod convert;
mod durations;
mod film;
mod flv_file;
#[doc(hidden)]
pub mod fuzzing;
mod growing;
mod job;
mod pace;
mod transcodes;

pub use cache::{Cache, CacheError};
pub use growing::{Growing, GrowingFile};

use crate::library::{FileIdentity, Library, LibraryError, LibraryPath, OpenFile};
use crate::limits::{CONVERSION_LINGER, MAX_CONVERSIONS, SEEK_PATIENCE, TEND_INTERVAL};
use crate::reel::{Phase, Reel, Seeks, Viewer};
use crate::time::MediaTime;
use convert::Means;
use durations::Durations;
use film::Film;
use job::Job;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use transcodes::Transcodes;

/// What a viewer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// FLV, with whatever codecs a `.flv` file has: RTMP and HTTP-FLV players.
    Flv,
    /// H.264 and AAC only: browsers.
    AvcAac,
}

/// Why a file cannot be played. The texts are shown to people.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be opened.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// There is no place for its conversion.
    #[error("there is no place for the conversion: {0}; make room on the disk that holds the data folder")]
    Cache(io::Error),
    /// The machine has enough to do.
    #[error("{MAX_CONVERSIONS} files are being converted already; stop one of them and try again")]
    Busy,
    /// It was opened, but there is nothing to play in it. The text says why.
    #[error("{0}")]
    NotPlayable(String),
}

/// Everything that is being played or was lately.
#[derive(Debug)]
pub struct Providers {
    library: Arc<Library>,
    means: Arc<Means>,
    patience: Duration,
    reels: Mutex<HashMap<Key, Entry>>,
    durations: Durations,
    growing: Arc<Growing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    file: FileIdentity,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    AsItIs,
    Converted,
}

#[derive(Debug)]
struct Entry {
    reel: Arc<Reel>,
    work: Work,
    opened: Instant,
}

/// What fills a reel.
#[derive(Debug)]
enum Work {
    Index(Arc<Job>),
    Film(Arc<Film>),
}

impl Work {
    fn stop(&self) {
        match self {
            Self::Index(job) => job.stop(),
            Self::Film(film) => film.stop(),
        }
    }

    fn end_if_stalled(&self, now: Instant) {
        match self {
            Self::Index(job) => job.end_if_stalled(now),
            Self::Film(film) => film.end_if_stalled(now),
        }
    }
}

impl Entry {
    /// When it was last of use to anyone; `None` while it is.
    fn idle_since(&self) -> Option<Instant> {
        match self.reel.audience() {
            (0, left) => Some(left.unwrap_or(self.opened)),
            _ => None,
        }
    }
}

impl Providers {
    /// Providers for the files of `library`, of which at most `encodings` are encoded at a time.
    /// `program` is the path of this very program.
    pub fn new(library: Arc<Library>, cache: Cache, encodings: usize, program: PathBuf) -> Self {
        let durations = Durations::new(library.clone(), program.clone());
        let means = Arc::new(Means {
            program,
            cache: Arc::new(cache),
            transcodes: Transcodes::new(encodings),
            running: Arc::default(),
            seeks: Arc::default(),
        });
        Self {
            library,
            means,
            patience: SEEK_PATIENCE,
            reels: Mutex::default(),
            durations,
            growing: Arc::default(),
        }
    }

    /// A seek waits so long for a conversion that runs already, before another one is started for it.
    #[must_use]
    pub fn with_seek_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How seeks were answered since the start.
    pub fn seeks(&self) -> &Seeks {
        &self.means.seeks
    }

    /// The library.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// Files that are being written.
    pub fn growing(&self) -> &Arc<Growing> {
        &self.growing
    }

    fn reels(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.reels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the reel of a file as a viewer, starting what fills it when nobody has. The reel may
    /// turn out to have nothing to play: see [`Reel::started`].
    ///
    /// # Errors
    /// When the file cannot be opened, or there is no room for a conversion.
    pub async fn open(self: &Arc<Self>, path: &LibraryPath, wanted: Wanted) -> Result<Viewer, OpenError> {
        let viewer = self.open_form(path, Form::AsItIs).await?;
        if wanted == Wanted::Flv {
            return Ok(viewer);
        }
        match viewer.reel().started().await {
            Ok(codecs) if codecs.are_avc_and_aac() => Ok(viewer),
            Ok(_) => self.open_form(path, Form::Converted).await,
            Err(reason) => Err(OpenError::NotPlayable(reason)),
        }
    }

    async fn open_form(self: &Arc<Self>, path: &LibraryPath, form: Form) -> Result<Viewer, OpenError> {
        let (this, path) = (self.clone(), path.clone());
        // Opening waits for the disk, which may have to spin up.
        tokio::task::spawn_blocking(move || this.open_blocking(&path, form))
            .await
            .map_err(|error| OpenError::Cache(io::Error::other(error)))?
    }

    fn open_blocking(&self, path: &LibraryPath, form: Form) -> Result<Viewer, OpenError> {
        let file = self.library.open(path)?;
        if let (Form::AsItIs, Some(reel)) = (form, self.growing.find(file.identity.file())) {
            return Ok(reel.join());
        }
        let form = if flv_file::is_flv(&file.file) { form } else { Form::Converted };
        let key = Key { file: file.identity, form };
        let mut reels = self.reels();
        if let Some(entry) = reels.get(&key) {
            // One that failed is tried again: the reason may be gone.
            if entry.reel.progress().phase != Phase::Failed {
                return Ok(entry.reel.join());
            }
        }
        let entry = match form {
            Form::AsItIs => self.index_flv(file, path)?,
            Form::Converted => {
                self.make_place(&reels)?;
                self.convert(file, path)?
            }
        };
        let viewer = entry.reel.join();
        if let Some(old) = reels.insert(key, entry) {
            old.work.stop();
        }
        Ok(viewer)
    }

    fn index_flv(&self, file: OpenFile, path: &LibraryPath) -> Result<Entry, OpenError> {
        let reel = Arc::new(Reel::new(Arc::new(file.file)));
        let job = Arc::new(Job::new());
        let (name, len) = (path.file_name(), file.len);
        let (to_fill, for_job) = (reel.clone(), job.clone());
        spawn("flv-index", move || flv_file::scan(&to_fill, len, &name, for_job.stopped()))?;
        Ok(Entry { reel, work: Work::Index(job), opened: Instant::now() })
    }

    fn convert(&self, file: OpenFile, path: &LibraryPath) -> Result<Entry, OpenError> {
        let film = Film::open(file.file, path.file_name(), self.means.clone(), self.patience);
        let film = film.map_err(OpenError::Cache)?;
        // Opening happens on tokio's threads for what blocks.
        tokio::spawn(film.clone().run());
        Ok(Entry { reel: film.reel.clone(), work: Work::Film(film), opened: Instant::now() })
    }

    /// Makes sure that one more conversion may start, ending those that nobody watches if need be:
    /// somebody who zaps through files must not be stopped by what he left behind.
    fn make_place(&self, reels: &HashMap<Key, Entry>) -> Result<(), OpenError> {
        let growing = |e: &Entry| e.reel.progress().phase == Phase::Growing;
        let running =
            || reels.iter().filter(|(key, e)| key.form == Form::Converted && growing(e)).map(|(_, e)| e);
        let too_many = running().count() >= MAX_CONVERSIONS;
        if too_many || self.means.transcodes.are_full() {
            let idle = running().filter(|e| e.idle_since().is_some());
            let stopped = idle.inspect(|e| e.work.stop()).count();
            if too_many && stopped == 0 {
                return Err(OpenError::Busy);
            }
        }
        Ok(())
    }

    /// Conversions that are running.
    pub fn conversions(&self) -> usize {
        let growing = |entry: &Entry| entry.reel.progress().phase == Phase::Growing;
        self.reels().iter().filter(|(key, entry)| key.form == Form::Converted && growing(entry)).count()
    }

    /// Viewers of all files.
    pub fn viewers(&self) -> usize {
        self.reels().values().map(|entry| entry.reel.audience().0).sum()
    }

    /// How long a file plays, when that is known by now. Asking makes it known later.
    pub fn duration(&self, path: &LibraryPath, file: FileIdentity) -> Option<MediaTime> {
        match self.growing.find(file.file()) {
            Some(reel) => Some(reel.playable(MediaTime::ZERO)),
            None => self.durations.get(path, file),
        }
    }

    /// Watches over workers, ends conversions that nobody watches, and drops what is no longer
    /// needed. Runs until the server ends.
    pub async fn tend(self: Arc<Self>) {
        tokio::spawn(self.durations.clone().find_out());
        let mut tick = tokio::time::interval(TEND_INTERVAL);
        loop {
            tick.tick().await;
            self.tend_once(Instant::now());
        }
    }

    fn tend_once(&self, now: Instant) {
        let mut reels = self.reels();
        for (key, entry) in &*reels {
            entry.work.end_if_stalled(now);
            if let (Phase::Complete, Some(duration)) = (entry.reel.progress().phase, entry.reel.duration()) {
                self.durations.learn(key.file, duration);
            }
        }
        reels.retain(|key, entry| {
            let Some(idle_since) = entry.idle_since() else { return true };
            let finished = key.form == Form::Converted && entry.reel.progress().phase == Phase::Complete;
            let keep = finished || now.saturating_duration_since(idle_since) < CONVERSION_LINGER;
            if !keep {
                entry.work.stop();
            }
            keep
        });
        self.drop_oldest_finished(&mut reels);
    }

    /// Keeps finished conversions without a viewer below the cache's limit, latest used first.
    fn drop_oldest_finished(&self, reels: &mut HashMap<Key, Entry>) {
        let mut idle: Vec<(Instant, Key, u64)> = reels
            .iter()
            .filter(|(key, _)| key.form == Form::Converted)
            .filter_map(|(key, e)| Some((e.idle_since()?, *key, e.reel.progress().bytes)))
            .collect();
        idle.sort_by_key(|(since, ..)| std::cmp::Reverse(*since));
        let no_room = self.means.cache.check_space().is_err();
        let mut kept = 0u64;
        for (_, key, len) in idle {
            kept = kept.saturating_add(len);
            if kept > self.means.cache.limit() || no_room {
                reels.remove(&key).inspect(|entry| entry.work.stop());
            }
        }
    }

    /// Ends all work.
    pub fn stop(&self) {
        for (_, entry) in self.reels().drain() {
            entry.work.stop();
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(OpenError::Cache)
}
