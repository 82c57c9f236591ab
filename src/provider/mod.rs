//! Providers: which way a file of the library becomes FLV tags, and the reels they fill.
//!
//! | file | provider |
//! |---|---|
//! | FLV, by its first bytes | `flv_file`: as it is |
//! | FLV that this server is writing | the recording's own reel, from [`Growing`] |
//! | FLV that is not made of what the viewer [`Wanted`] | `convert` |
//! | an address of the web (`web:/…`) | `convert`, whose worker gets the film's bytes from the server |
//! | anything else | `convert`: a worker process makes FLV of it |
//!
//! Viewers that want the same [`Form`] of the same file share one reel and so one conversion; so do those whose
//! forms make no difference to this file.

mod beside;
mod cache;
mod convert;
mod discs;
mod film;
mod flv_file;
#[doc(hidden)]
pub mod fuzzing;
mod growing;
mod job;
mod kept;
mod open;
mod pace;
mod quarantine;
mod room;
mod subtitles;
mod texts;
mod transcodes;
mod wanted;
mod web;

pub use beside::{SubtitleFile, subtitle_files};
pub use cache::{Cache, CacheError, Keep};
pub use growing::{Growing, GrowingFile};
pub use kept::{Dropped, KeptReel};
pub use quarantine::Case;
pub use room::CacheFigures;
pub use subtitles::{Subtitles, SubtitlesError, TextSource};
pub use texts::TextReader;
pub use wanted::{Client, FlvAsItIs, NoTrack, NotForBrowsers, Takes, Wanted};
pub use web::{Named, Web, WebError, is_stream};

use crate::library::{FileIdentity, Library, LibraryError, LibraryPath};
use crate::limits::{CONVERSION_LINGER, MAX_CONVERSIONS, MAX_WINDOWS, SEEK_PATIENCE, TEND_INTERVAL};
use crate::pipeline::{Form, MediaStreams, SubtitleTrack};
use crate::reel::{Phase, Reel, Seeks};
use crate::web_media::RemoteIdentity;
use convert::Means;
use film::Film;
use job::Job;
use kept::Making;
use quarantine::Quarantine;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use texts::Texts;
use transcodes::Transcodes;

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
    /// It killed its converter again and again.
    #[error(
        "\"{name}\" is left alone for {} more minutes: its converter died again and again ({reason}); it is tried again then, \
         when the file changes, or after DELETE /api/v1/quarantine",
        left.as_secs().div_ceil(60)
    )]
    Quarantined {
        /// The file's name.
        name: String,
        /// For how long it is left alone.
        left: Duration,
        /// What its converter died of.
        reason: String,
    },
    /// It was opened, but there is nothing to play in it. The text says why.
    #[error("{0}")]
    NotPlayable(String),
    /// It has no such sound, or no such subtitles.
    #[error(transparent)]
    NoTrack(#[from] NoTrack),
    /// It is an address of the web, and is not played.
    #[error(transparent)]
    Web(#[from] WebError),
}

/// Everything that is being played or was lately.
#[derive(Debug)]
pub struct Providers {
    library: Arc<Library>,
    means: Arc<Means>,
    patience: Duration,
    reels: Mutex<HashMap<Key, Entry>>,
    growing: Arc<Growing>,
    texts: Texts,
    /// A finished conversion is being kept.
    keeping: AtomicBool,
    web: OnceLock<Web>,
}

/// Whose viewers share a reel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    film: Identity,
    make: Make,
    /// Files that it goes on in, and files of subtitles that may be drawn into it, in which versions.
    beside: Vec<FileIdentity>,
}

/// Which film, in which version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Identity {
    File(FileIdentity),
    Remote(RemoteIdentity),
}

/// What is made of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Make {
    Nothing,
    Converted(Form),
}

impl Key {
    fn is_converted(&self) -> bool {
        self.make != Make::Nothing
    }
}

#[derive(Debug)]
struct Entry {
    reel: Arc<Reel>,
    work: Work,
    opened: Instant,
    keeping: Keeping,
}

/// What becomes of a conversion once it is complete.
#[derive(Debug, Clone)]
struct Keeping {
    /// `None`: it is no conversion.
    making: Option<Making>,
    /// The name by which it is kept, once it is; `Some(None)`: it is not, and will not be.
    name: Arc<OnceLock<Option<String>>>,
    /// What is kept is not what was written.
    damaged: Arc<AtomicBool>,
}

impl Keeping {
    fn new(making: Option<Making>) -> Self {
        Self { making, name: Arc::default(), damaged: Arc::default() }
    }

    /// The name by which it is kept.
    fn name(&self) -> Option<&str> {
        self.name.get()?.as_deref()
    }
}

/// What fills a reel.
#[derive(Debug)]
enum Work {
    Index(Arc<Job>),
    Film(Arc<Film>),
    /// Nothing: it was kept from an earlier time.
    Kept(Box<MediaStreams>),
}

impl Work {
    fn stop(&self) {
        match self {
            Self::Index(job) => job.stop(),
            Self::Film(film) => film.stop(),
            Self::Kept(_) => {}
        }
    }

    fn streams(&self) -> Option<&MediaStreams> {
        match self {
            Self::Index(_) => None,
            Self::Film(film) => film.streams(),
            Self::Kept(streams) => Some(streams),
        }
    }

    fn is_in_memory(&self) -> bool {
        matches!(self, Self::Film(film) if film.is_in_memory())
    }

    fn end_if_stalled(&self, now: Instant) {
        match self {
            Self::Index(job) => job.end_if_stalled(now),
            Self::Film(film) => film.end_if_stalled(now),
            Self::Kept(_) => {}
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
        let quarantine = Quarantine::open(cache.data());
        let means = Arc::new(Means {
            quarantine,
            program: program.clone(),
            cache: Arc::new(cache),
            transcodes: Transcodes::new(encodings),
            windows: Transcodes::new(MAX_WINDOWS),
            running: Arc::default(),
            begun: AtomicU64::new(0),
            seeks: Arc::default(),
        });
        Self {
            library,
            means,
            patience: SEEK_PATIENCE,
            reels: Mutex::default(),
            growing: Arc::default(),
            texts: Texts::new(program),
            keeping: AtomicBool::new(false),
            web: OnceLock::new(),
        }
    }

    /// A seek waits so long for a conversion that runs already, before another one is started for it.
    #[must_use]
    pub fn with_seek_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Addresses of the web are played from now on. The first call counts.
    pub fn allow_web(&self, web: Web) {
        let _ = self.web.set(web);
    }

    /// What plays addresses of the web, if they are played.
    pub fn web(&self) -> Option<&Web> {
        self.web.get()
    }

    /// What people call what a path means: a file's name, or the title of a film of the web.
    pub async fn title(&self, path: &LibraryPath) -> String {
        let found = match self.web() {
            Some(web) => web.find(path).await.and_then(Result::ok),
            None => None,
        };
        match found {
            Some((address, _, found)) => found.title.clone().unwrap_or_else(|| address.name()),
            None => path.file_name(),
        }
    }

    /// Finds out what an address of the web means, which may take a minute, so that opening it then is quick. Nothing to
    /// do for a path of the library.
    ///
    /// # Errors
    /// When it cannot be played.
    pub async fn prepare(&self, path: &LibraryPath) -> Result<(), OpenError> {
        let Some(web) = self.web() else { return Ok(()) };
        match web.film(path).await {
            Some(film) => Ok(film.map(drop)?),
            None => Ok(()),
        }
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

    /// What the conversion behind a reel has found in its file; `None` for FLV as it is, and before anything is
    /// found.
    pub fn streams(&self, reel: &Arc<Reel>) -> Option<MediaStreams> {
        self.reels().values().find(|entry| Arc::ptr_eq(&entry.reel, reel))?.work.streams().cloned()
    }

    /// The same, with the subtitles that are beside the file now.
    pub async fn streams_now(self: &Arc<Self>, reel: &Arc<Reel>, path: &LibraryPath) -> Option<MediaStreams> {
        let mut streams = self.streams(reel)?;
        let tracks = &mut streams.contents.subtitle_tracks;
        let known = tracks.split_off(tracks.iter().filter(|track| !track.external).count());
        for track in self.beside(path).await {
            let chosen = SubtitleTrack { chosen: true, ..track };
            tracks.push(if known.contains(&chosen) {
                chosen
            } else {
                SubtitleTrack { chosen: false, ..chosen }
            });
        }
        Some(streams)
    }

    /// Conversions that are running.
    pub fn conversions(&self) -> usize {
        let growing = |entry: &Entry| entry.reel.progress().phase == Phase::Growing;
        self.reels().iter().filter(|(key, entry)| key.is_converted() && growing(entry)).count()
    }

    /// Conversions that were begun since the start, those for seeks among them.
    pub fn conversions_begun(&self) -> u64 {
        self.means.begun.load(Ordering::Relaxed)
    }

    /// Viewers of all files.
    pub fn viewers(&self) -> usize {
        self.reels().values().map(|entry| entry.reel.audience().0).sum()
    }

    /// Watches over workers, ends conversions that nobody watches, and drops what is no longer
    /// needed. Runs until the server ends.
    pub async fn tend(self: Arc<Self>) {
        let mut tick = tokio::time::interval(TEND_INTERVAL);
        loop {
            tick.tick().await;
            // Disks are waited for.
            let this = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || this.tend_once(Instant::now())).await {
                tracing::error!(%error, "conversions were not looked after");
            }
        }
    }

    fn tend_once(self: &Arc<Self>, now: Instant) {
        let mut reels = self.reels();
        for entry in reels.values() {
            entry.work.end_if_stalled(now);
        }
        let mut gone = Vec::new();
        reels.retain(|key, entry| {
            let Some(idle_since) = entry.idle_since() else { return true };
            let finished = key.is_converted() && entry.reel.progress().phase == Phase::Complete;
            // What is kept is found again.
            let stays = finished && entry.keeping.name().is_none() && !entry.work.is_in_memory();
            let keep = stays || now.saturating_duration_since(idle_since) < CONVERSION_LINGER;
            if !keep {
                entry.work.stop();
                gone.extend(entry.keeping.name().map(str::to_owned));
            }
            keep
        });
        drop(reels);
        gone.iter().for_each(|id| self.means.cache.kept().touch(id));
        self.keep_finished();
        self.make_room(now);
    }

    /// Files that are left alone because they kill their converters.
    pub fn quarantined(&self) -> Vec<Case> {
        self.means.quarantine.list()
    }

    /// Lets such a file be tried again, or all of them; returns how many that were. Blocking.
    pub fn release(&self, path: Option<&LibraryPath>) -> usize {
        self.means.quarantine.release(path.map(LibraryPath::percent_encoded).as_deref())
    }

    /// Ends all work.
    pub fn stop(&self) {
        for (_, entry) in self.reels().drain() {
            entry.work.stop();
        }
    }
}
