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

mod cache;
mod convert;
mod film;
mod flv_file;
#[doc(hidden)]
pub mod fuzzing;
mod growing;
mod job;
mod pace;
mod transcodes;
mod wanted;
mod web;

pub use cache::{Cache, CacheError};
pub use growing::{Growing, GrowingFile};
pub use wanted::{Client, FlvAsItIs, NoTrack, NotForBrowsers, Takes, Wanted};
pub use web::{Named, Web, WebError, is_stream};

use crate::library::{FileIdentity, Library, LibraryError, LibraryPath, OpenFile};
use crate::limits::{CONVERSION_LINGER, MAX_CONVERSIONS, SEEK_PATIENCE, TEND_INTERVAL};
use crate::pipeline::{Form, MediaStreams};
use crate::reel::{Codecs, Phase, Reel, Seeks, Viewer};
use crate::web_media::{RemoteFilm, RemoteIdentity};
use convert::Means;
use film::{Film, Media};
use job::Job;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
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
    web: OnceLock<Web>,
}

/// Whose viewers share a reel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    film: Identity,
    make: Make,
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

    fn streams(&self) -> Option<&MediaStreams> {
        match self {
            Self::Index(_) => None,
            Self::Film(film) => film.streams(),
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
            growing: Arc::default(),
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

    /// Joins the reel of a file as a viewer, starting what fills it when nobody has. The reel may
    /// turn out to have nothing to play: see [`Reel::started`].
    ///
    /// # Errors
    /// When the file cannot be opened, or there is no room for a conversion.
    pub async fn open(self: &Arc<Self>, path: &LibraryPath, wanted: &Wanted) -> Result<Viewer, OpenError> {
        let (viewer, converted) = self.open_as(path, &wanted.form, true).await?;
        if converted || wanted.flv == FlvAsItIs::Any {
            return Ok(viewer);
        }
        match viewer.reel().started().await {
            Ok(codecs) if wanted.suits(codecs, viewer.reel().picture_size()) => Ok(viewer),
            Ok(_) => Ok(self.open_as(path, &wanted.form, false).await?.0),
            Err(reason) => Err(OpenError::NotPlayable(reason)),
        }
    }

    /// As [`open`](Self::open), and waits until playing can start.
    ///
    /// # Errors
    /// Also when there is nothing to play, or not the track that was chosen.
    pub async fn open_started(
        self: &Arc<Self>,
        path: &LibraryPath,
        wanted: &Wanted,
    ) -> Result<(Viewer, Codecs), OpenError> {
        let viewer = self.open(path, wanted).await?;
        let codecs = viewer.reel().started().await.map_err(OpenError::NotPlayable)?;
        match self.streams(viewer.reel()) {
            Some(streams) => wanted.check(&path.file_name(), &streams.contents)?,
            None => wanted.check(&path.file_name(), &wanted::contents_of_flv(codecs))?,
        }
        Ok((viewer, codecs))
    }

    /// True with a reel that is a conversion, which that of a FLV file is not when it may stay `as_it_is`.
    async fn open_as(
        self: &Arc<Self>,
        path: &LibraryPath,
        form: &Form,
        as_it_is: bool,
    ) -> Result<(Viewer, bool), OpenError> {
        let (this, path, form) = (self.clone(), path.clone(), form.clone());
        let remote = match self.web() {
            Some(web) => web.film(&path).await.transpose()?,
            None => None,
        };
        if let Some(film) = remote {
            let opened = tokio::task::spawn_blocking(move || this.open_remote(film, form)).await;
            return opened.map_err(|error| OpenError::Cache(io::Error::other(error)))?;
        }
        // Opening waits for the disk, which may have to spin up.
        tokio::task::spawn_blocking(move || this.open_blocking(&path, form, as_it_is))
            .await
            .map_err(|error| OpenError::Cache(io::Error::other(error)))?
    }

    fn open_blocking(
        &self,
        path: &LibraryPath,
        form: Form,
        as_it_is: bool,
    ) -> Result<(Viewer, bool), OpenError> {
        let file = self.library.open(path)?;
        if let (true, Some(reel)) = (as_it_is, self.growing.find(file.identity.file())) {
            return Ok((reel.join(), false));
        }
        let make = match as_it_is && flv_file::is_flv(&file.file) {
            true => Make::Nothing,
            false => Make::Converted(form),
        };
        let key = Key { film: Identity::File(file.identity), make };
        let mut reels = self.reels();
        if let Some(viewer) = join(&reels, &key) {
            return Ok((viewer, key.is_converted()));
        }
        let entry = match &key.make {
            Make::Nothing => self.index_flv(file, path)?,
            Make::Converted(form) => {
                self.make_place(&reels)?;
                self.convert(file.file.into(), path.file_name(), form.clone())?
            }
        };
        let (viewer, converted) = (entry.reel.join(), key.is_converted());
        if let Some(old) = reels.insert(key, entry) {
            old.work.stop();
        }
        Ok((viewer, converted))
    }

    /// A film of the web is always converted: its worker reads it as it needs it, and whoever wants the same shares that.
    fn open_remote(&self, film: Arc<RemoteFilm>, form: Form) -> Result<(Viewer, bool), OpenError> {
        let key = Key { film: Identity::Remote(film.identity()), make: Make::Converted(form.clone()) };
        let mut reels = self.reels();
        if let Some(viewer) = join(&reels, &key) {
            return Ok((viewer, true));
        }
        self.make_place(&reels)?;
        let name = film.name().to_owned();
        let entry = self.convert(Media::Remote(film), name, form)?;
        let viewer = entry.reel.join();
        if let Some(old) = reels.insert(key, entry) {
            old.work.stop();
        }
        Ok((viewer, true))
    }

    /// What the conversion behind a reel has found in its file; `None` for FLV as it is, and before anything is
    /// found.
    pub fn streams(&self, reel: &Arc<Reel>) -> Option<MediaStreams> {
        self.reels().values().find(|entry| Arc::ptr_eq(&entry.reel, reel))?.work.streams().cloned()
    }

    fn index_flv(&self, file: OpenFile, path: &LibraryPath) -> Result<Entry, OpenError> {
        let reel = Arc::new(Reel::new(Arc::new(file.file)));
        let job = Arc::new(Job::new());
        let (name, len) = (path.file_name(), file.len);
        let (to_fill, for_job) = (reel.clone(), job.clone());
        spawn("flv-index", move || flv_file::scan(&to_fill, len, &name, for_job.stopped()))?;
        Ok(Entry { reel, work: Work::Index(job), opened: Instant::now() })
    }

    fn convert(&self, media: Media, name: String, form: Form) -> Result<Entry, OpenError> {
        let film = Film::open(media, name, form, self.means.clone(), self.patience);
        let film = film.map_err(OpenError::Cache)?;
        // Opening happens on tokio's threads for what blocks.
        tokio::spawn(film.clone().run());
        Ok(Entry { reel: film.reel.clone(), work: Work::Film(film), opened: Instant::now() })
    }

    /// Makes sure that one more conversion may start, ending those that nobody watches if need be:
    /// somebody who zaps through files must not be stopped by what he left behind.
    fn make_place(&self, reels: &HashMap<Key, Entry>) -> Result<(), OpenError> {
        let growing = |e: &Entry| e.reel.progress().phase == Phase::Growing;
        let running = || reels.iter().filter(|(key, e)| key.is_converted() && growing(e)).map(|(_, e)| e);
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
        self.reels().iter().filter(|(key, entry)| key.is_converted() && growing(entry)).count()
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
            self.tend_once(Instant::now());
        }
    }

    fn tend_once(&self, now: Instant) {
        let mut reels = self.reels();
        for entry in reels.values() {
            entry.work.end_if_stalled(now);
        }
        reels.retain(|key, entry| {
            let Some(idle_since) = entry.idle_since() else { return true };
            let finished = key.is_converted() && entry.reel.progress().phase == Phase::Complete;
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
            .filter(|(key, _)| key.is_converted())
            .filter_map(|(key, e)| Some((e.idle_since()?, key.clone(), e.reel.progress().bytes)))
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

/// Joins the reel of this key, or that of a conversion to another form which makes no difference to the file.
fn join(reels: &HashMap<Key, Entry>, key: &Key) -> Option<Viewer> {
    // One that failed is tried again: the reason may be gone.
    let joined = |entry: &Entry| (entry.reel.progress().phase != Phase::Failed).then(|| entry.reel.join());
    if let Some(viewer) = reels.get(key).and_then(joined) {
        return Some(viewer);
    }
    let Make::Converted(wanted) = &key.make else { return None };
    reels.iter().filter(|(other, _)| other.film == key.film).find_map(|(other, entry)| match &other.make {
        Make::Converted(made) if wanted::same_result(wanted, made, entry.work.streams()?) => joined(entry),
        _ => None,
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(OpenError::Cache)
}
