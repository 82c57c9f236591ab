//! The text that is in films: taken out by a worker when somebody asks for it, handed on while it comes, and kept
//! in memory for a while.

use super::transcodes::Transcodes;
use crate::library::FileIdentity;
use crate::limits::{MAX_TEXT_KEPT, MAX_TEXT_OF_FILM, MAX_TEXT_WORKERS, MAX_TEXTS, TEXT_TIMEOUT};
use crate::pipeline::{SubtitleTrack, Text, texts};
use crate::subtitles::Cue;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The text of all films that was asked for lately.
#[derive(Debug)]
pub(super) struct Texts {
    program: PathBuf,
    places: Arc<Transcodes>,
    /// The one that was asked for last comes first.
    films: Mutex<VecDeque<(FileIdentity, Arc<FilmText>)>>,
}

/// The text of one film, as far as it was taken out.
#[derive(Debug)]
pub(super) struct FilmText {
    state: Mutex<State>,
    /// Counts changes.
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    tracks: Option<Vec<SubtitleTrack>>,
    cues: Vec<(usize, Cue)>,
    bytes: usize,
    end: Option<Result<(), String>>,
}

/// Reads one track of it.
#[derive(Debug)]
pub struct TextReader {
    film: Arc<FilmText>,
    track: usize,
    /// Cues, of all tracks, that were looked at.
    seen: usize,
}

impl Texts {
    pub(super) fn new(program: PathBuf) -> Self {
        Self { program, places: Transcodes::new(MAX_TEXT_WORKERS), films: Mutex::default() }
    }

    /// The text of a film, which a worker begins to take out when nobody has.
    ///
    /// # Errors
    /// When too many are being worked on, or there is no thread for another.
    pub(super) fn of(&self, identity: FileIdentity, media: File) -> io::Result<Arc<FilmText>> {
        let mut films = self.films.lock().unwrap_or_else(PoisonError::into_inner);
        let known = films.iter().position(|(film, text)| *film == identity && !text.has_failed());
        let found = match known.and_then(|at| films.remove(at)) {
            Some((_, film)) => film,
            None => {
                films.retain(|(film, _)| *film != identity);
                make_room(&mut films);
                if films.len() >= MAX_TEXTS {
                    return Err(io::Error::other(
                        "subtitles are being taken out of too many films already; try again later",
                    ));
                }
                self.take_out(media)?
            }
        };
        films.push_front((identity, found.clone()));
        Ok(found)
    }

    fn take_out(&self, media: File) -> io::Result<Arc<FilmText>> {
        let film = Arc::new(FilmText { state: Mutex::default(), changed: watch::Sender::new(0) });
        let (places, program, filled) = (self.places.clone(), self.program.clone(), film.clone());
        let work = move || {
            let end = match places.enter(TEXT_TIMEOUT) {
                Some(_place) => {
                    texts(&program, media, |text| filled.take(text)).map_err(|error| error.to_string())
                }
                None => Err("subtitles are being taken out of too many films; try again later".to_owned()),
            };
            filled.change(|state| state.end = Some(end));
        };
        std::thread::Builder::new().name("texts".to_owned()).spawn(work)?;
        Ok(film)
    }
}

/// Forgets those that are whole, the oldest first, while they are too many.
fn make_room(films: &mut VecDeque<(FileIdentity, Arc<FilmText>)>) {
    let mut bytes: usize = films.iter().map(|(_, film)| film.state().bytes).sum();
    let mut at = films.len();
    while at > 0 && (bytes > MAX_TEXT_KEPT || films.len() >= MAX_TEXTS) {
        at -= 1;
        let (ended, len) = {
            let state = films[at].1.state();
            (state.end.is_some(), state.bytes)
        };
        if ended {
            films.remove(at);
            bytes -= len;
        }
    }
}

impl FilmText {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.send_modify(|count| *count += 1);
    }

    fn take(&self, text: Text) -> ControlFlow<()> {
        let mut full = false;
        self.change(|state| match text {
            Text::Tracks(tracks) => state.tracks = Some(tracks),
            Text::Cue(track, cue) => {
                state.bytes += cue.text.as_str().len() + size_of::<(usize, Cue)>();
                state.cues.push((track, cue));
                full = state.bytes > MAX_TEXT_OF_FILM;
            }
        });
        // A film without text need not be read to its end.
        let nothing = |tracks: &Vec<SubtitleTrack>| !tracks.iter().any(|track| track.text);
        if full || self.state().tracks.as_ref().is_some_and(nothing) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn has_failed(&self) -> bool {
        matches!(self.state().end, Some(Err(_)))
    }

    async fn wait_for<T>(&self, mut look: impl FnMut(&State) -> Option<T>) -> T {
        let mut changes = self.changed.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(&self.state()) {
                return found;
            }
            // The sender lives in `self`.
            let _ = changes.changed().await;
        }
    }

    /// Its subtitles, once they are known.
    ///
    /// # Errors
    /// The worker's reason.
    pub(super) async fn tracks(&self) -> Result<Vec<SubtitleTrack>, String> {
        let look = |state: &State| match (&state.tracks, &state.end) {
            (Some(tracks), _) => Some(Ok(tracks.clone())),
            (None, Some(Err(reason))) => Some(Err(reason.clone())),
            (None, Some(Ok(()))) => Some(Ok(Vec::new())),
            (None, None) => None,
        };
        self.wait_for(look).await
    }
}

impl TextReader {
    pub(super) fn new(film: Arc<FilmText>, track: usize) -> Self {
        Self { film, track, seen: 0 }
    }

    /// The next cues, as soon as there are some; empty at the end.
    ///
    /// # Errors
    /// Why the film could not be read to its end.
    pub async fn next(&mut self) -> Result<Vec<Cue>, String> {
        let (track, seen) = (self.track, self.seen);
        let (cues, seen) = self
            .film
            .wait_for(|state| {
                let fresh = state.cues[seen..].iter().filter(|(of, _)| *of == track);
                let cues: Vec<Cue> = fresh.map(|(_, cue)| cue.clone()).collect();
                match &state.end {
                    None if cues.is_empty() => None,
                    Some(Err(reason)) if cues.is_empty() => Some(Err(reason.clone())),
                    _ => Some(Ok((cues, state.cues.len()))),
                }
            })
            .await?;
        self.seen = seen;
        Ok(cues)
    }
}
