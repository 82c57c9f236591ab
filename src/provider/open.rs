//! Opening a file: which way it becomes tags, and whose reel the viewer joins.

use super::film::{Film, Media, Source};
use super::job::Job;
use super::kept::Making;
use super::{
    Entry, FlvAsItIs, Identity, Keeping, Key, Make, OpenError, Providers, SubtitleFile, Wanted, Work, beside,
    flv_file, subtitle_files, wanted,
};
use crate::choice::Language;
use crate::library::{Continuation, LibraryPath, OpenFile};
use crate::limits::MAX_CONVERSIONS;
use crate::pipeline::Form;
use crate::reel::{Codecs, Phase, Reel, Viewer};
use crate::web_media::RemoteFilm;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Providers {
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
            None => {
                wanted.check(&path.file_name(), &wanted::contents_of_flv(codecs, &self.beside(path).await))?
            }
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
        self: &Arc<Self>,
        path: &LibraryPath,
        form: Form,
        as_it_is: bool,
    ) -> Result<(Viewer, bool), OpenError> {
        let file = self.library.open(path)?;
        if let (true, Some(reel)) = (as_it_is, self.growing.find(file.identity.file())) {
            return Ok((reel.join(), false));
        }
        let files = subtitle_files(&self.library, path);
        // Those of a `.flv` are all beside it.
        let draws =
            form.subtitles.as_ref().is_some_and(|choice| choice.find(&languages_of(&files)).is_some());
        let continuation = self.library.continuation(path);
        // So is a film in several files, whose first says nothing of the others.
        let alone = continuation.paths().is_empty();
        let make = match as_it_is && alone && flv_file::is_flv(&file.file) && !draws {
            true => Make::Nothing,
            false => Make::Converted(form),
        };
        let drawn = matches!(&make, Make::Converted(form) if form.subtitles.is_some());
        let (beside, mut identities) = beside::for_conversion(&self.library, &files, drawn);
        let mut rest = Vec::new();
        for part in continuation.paths() {
            let part = self.library.open(part)?;
            identities.push(part.identity);
            rest.push(part.file);
        }
        let (continued, discs) = match continuation {
            Continuation::OneRun(_) => (rest, Vec::new()),
            Continuation::Discs(_) => (Vec::new(), rest),
        };
        let key = Key { film: Identity::File(file.identity), make, beside: identities };
        if let Some(viewer) = join(&self.reels(), &key) {
            return Ok((viewer, key.is_converted()));
        }
        let making = match &key.make {
            Make::Nothing => None,
            Make::Converted(form) => Some(Making::new(path, file.identity, &key.beside, form)),
        };
        // Looked at before anybody has to wait for the lock.
        let kept = making.as_ref().and_then(|making| self.restore(making));
        let mut reels = self.reels();
        if let Some(viewer) = join(&reels, &key) {
            return Ok((viewer, key.is_converted()));
        }
        let entry = match (&key.make, kept, making) {
            (_, Some(entry), _) => entry,
            (Make::Converted(form), None, Some(making)) => {
                if let Some((left, reason)) = self.means.quarantine.check(&making) {
                    return Err(OpenError::Quarantined { name: path.file_name(), left, reason });
                }
                self.make_place(&reels)?;
                let source = Source {
                    media: file.file.into(),
                    name: path.file_name(),
                    beside,
                    continued,
                    discs,
                    making: Some(making),
                };
                self.convert(source, form.clone())?
            }
            _ => self.index_flv(file, path)?,
        };
        let (viewer, converted) = (entry.reel.join(), key.is_converted());
        if let Some(old) = reels.insert(key, entry) {
            old.work.stop();
        }
        Ok((viewer, converted))
    }

    /// A film of the web is always converted: its worker reads it as it needs it, and whoever wants the same shares that.
    fn open_remote(&self, film: Arc<RemoteFilm>, form: Form) -> Result<(Viewer, bool), OpenError> {
        let make = Make::Converted(form.clone());
        let key = Key { film: Identity::Remote(film.identity()), make, beside: Vec::new() };
        let mut reels = self.reels();
        if let Some(viewer) = join(&reels, &key) {
            return Ok((viewer, true));
        }
        self.make_place(&reels)?;
        let name = film.name().to_owned();
        let (media, beside, continued, discs) = (Media::Remote(film), Vec::new(), Vec::new(), Vec::new());
        let entry = self.convert(Source { media, name, beside, continued, discs, making: None }, form)?;
        let viewer = entry.reel.join();
        if let Some(old) = reels.insert(key, entry) {
            old.work.stop();
        }
        Ok((viewer, true))
    }

    fn index_flv(&self, file: OpenFile, path: &LibraryPath) -> Result<Entry, OpenError> {
        let reel = Arc::new(Reel::new(Arc::new(file.file)));
        let job = Arc::new(Job::new());
        let (name, len) = (path.file_name(), file.len);
        let (to_fill, for_job) = (reel.clone(), job.clone());
        spawn("flv-index", move || flv_file::scan(&to_fill, len, &name, for_job.stopped()))?;
        Ok(Entry { reel, work: Work::Index(job), opened: Instant::now(), keeping: Keeping::new(None) })
    }

    fn convert(&self, source: Source, form: Form) -> Result<Entry, OpenError> {
        let making = source.making.clone();
        let film = Film::open(source, form, self.means.clone(), self.patience);
        let film = film.map_err(OpenError::Cache)?;
        // Opening happens on tokio's threads for what blocks.
        tokio::spawn(film.clone().run());
        let (reel, keeping) = (film.reel.clone(), Keeping::new(making));
        Ok(Entry { reel, work: Work::Film(film), opened: Instant::now(), keeping })
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
}

/// Joins the reel of this key, or that of a conversion to another form which makes no difference to the file.
fn join(reels: &HashMap<Key, Entry>, key: &Key) -> Option<Viewer> {
    // One that failed is tried again: the reason may be gone.
    let joined = |entry: &Entry| {
        let is_good =
            entry.reel.progress().phase != Phase::Failed && !entry.keeping.damaged.load(Ordering::Relaxed);
        is_good.then(|| entry.reel.join())
    };
    if let Some(viewer) = reels.get(key).and_then(joined) {
        return Some(viewer);
    }
    let Make::Converted(wanted) = &key.make else { return None };
    // The same track may have been drawn from an older file.
    let drawn_alike =
        |other: &Key| other.beside == key.beside || other.beside.is_empty() || key.beside.is_empty();
    let others = reels.iter().filter(|(other, _)| other.film == key.film && drawn_alike(other));
    others.into_iter().find_map(|(other, entry)| match &other.make {
        Make::Converted(made) if wanted::same_result(wanted, made, entry.work.streams()?) => joined(entry),
        _ => None,
    })
}

fn languages_of(files: &[SubtitleFile]) -> Vec<Option<Language>> {
    files.iter().map(|file| file.named.language.clone()).collect()
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(OpenError::Cache)
}
