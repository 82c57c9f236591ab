//! Subtitles of a film as text: from the file beside it, or taken out of it.

use super::texts::TextReader;
use super::wanted::NoTrack;
use super::{Identity, Make, Providers, SubtitleFile, flv_file, subtitle_files};
use crate::choice::{Language, TrackChoice};
use crate::library::{FileIdentity, LibraryError, LibraryPath, OpenFile};
use crate::limits::PROBE_TIMEOUT;
use crate::pipeline::{Form, SubtitleTrack};
use crate::subtitles::Cue;
use std::io;
use std::sync::Arc;

/// Subtitles of a film as text.
#[derive(Debug)]
pub struct Subtitles {
    /// What is added to their times, in milliseconds: the film is sent so much later than it is in its file.
    pub shift_ms: i64,
    /// What they show.
    pub text: TextSource,
}

/// Where they come from.
#[derive(Debug)]
pub enum TextSource {
    /// A file of their own, which was read.
    File(Vec<Cue>),
    /// The film, from which they are being taken out.
    Film(TextReader),
}

/// Why there are none. The texts are shown to people.
#[derive(Debug, thiserror::Error)]
pub enum SubtitlesError {
    /// The film or the file cannot be read.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// There are no such subtitles.
    #[error(transparent)]
    NoTrack(#[from] NoTrack),
    /// They are pictures.
    #[error(
        "subtitles {index} of \"{name}\" are pictures ({codec}), which no page can show; have them drawn into the film with subtitles={index}"
    )]
    Pictures {
        /// The film.
        name: String,
        /// Their number.
        index: usize,
        /// Their format.
        codec: String,
    },
    /// The film could not be read.
    #[error("the subtitles of \"{name}\" can't be read: {reason}")]
    Unreadable {
        /// The film.
        name: String,
        /// Why.
        reason: String,
    },
    /// There is no place for it now.
    #[error("the subtitles of \"{name}\" can't be read now: {error}")]
    Busy {
        /// The film.
        name: String,
        /// Why.
        error: io::Error,
    },
}

/// What is known of a film without a look into it.
struct Known {
    file: OpenFile,
    files: Vec<SubtitleFile>,
    /// Its own, when a conversion has found them.
    tracks: Option<Vec<SubtitleTrack>>,
    lead_ns: i64,
}

impl Providers {
    /// The subtitles beside a film, as people are told of them.
    pub async fn beside(self: &Arc<Self>, path: &LibraryPath) -> Vec<SubtitleTrack> {
        let (library, path) = (self.library.clone(), path.clone());
        let found = tokio::task::spawn_blocking(move || subtitle_files(&library, &path)).await;
        found.unwrap_or_default().iter().map(SubtitleFile::track).collect()
    }

    /// The subtitles of a film that `choice` means, as text whose times are those of the conversion to `form`, if
    /// that is played.
    ///
    /// # Errors
    /// When there are no such ones, or they are pictures, or nothing can be read.
    pub async fn subtitles(
        self: &Arc<Self>,
        path: &LibraryPath,
        choice: &TrackChoice,
        form: &Form,
    ) -> Result<Subtitles, SubtitlesError> {
        let name = path.file_name();
        let (this, at, form) = (self.clone(), path.clone(), form.clone());
        let known = tokio::task::spawn_blocking(move || this.known(&at, &form)).await;
        let known = known.map_err(|error| busy(&name, io::Error::other(error)))??;
        let mut film = None;
        let mut tracks = match known.tracks {
            Some(tracks) => tracks,
            None => {
                let text = self.texts.of(known.file.identity, clone_of(&known.file, &name)?);
                let text = text.map_err(|error| busy(&name, error))?;
                let tracks = tokio::time::timeout(PROBE_TIMEOUT, text.tracks()).await;
                let tracks = tracks.unwrap_or_else(|_| Err("its disk may be slow, try again".to_owned()));
                film = Some(text);
                // What can't be read has no subtitles of its own, but may have some beside it.
                match tracks {
                    Err(reason) if known.files.is_empty() => {
                        return Err(SubtitlesError::Unreadable { name, reason });
                    }
                    tracks => tracks.unwrap_or_default(),
                }
            }
        };
        let own = tracks.len();
        tracks.extend(known.files.iter().map(SubtitleFile::track));
        let index = find(choice, &tracks).ok_or_else(|| NoTrack::subtitles(&name, choice, &tracks))?;
        if let Some(file) = index.checked_sub(own).and_then(|at| known.files.get(at)) {
            let (library, file) = (self.library.clone(), file.clone());
            let read = tokio::task::spawn_blocking(move || file.cues(&library)).await;
            let (_, cues) = read.map_err(|error| busy(&name, io::Error::other(error)))??;
            // They count from the film's beginning, wherever its times begin.
            let shift_ms = known.lead_ns.max(0) / 1_000_000;
            return Ok(Subtitles { shift_ms, text: TextSource::File(cues) });
        }
        if !tracks[index].text {
            return Err(SubtitlesError::Pictures { name, index, codec: tracks[index].codec.clone() });
        }
        let film = match film {
            Some(film) => film,
            None => {
                let text = self.texts.of(known.file.identity, clone_of(&known.file, &name)?);
                text.map_err(|error| busy(&name, error))?
            }
        };
        let text = TextSource::Film(TextReader::new(film, index));
        Ok(Subtitles { shift_ms: known.lead_ns / 1_000_000, text })
    }

    fn known(&self, path: &LibraryPath, form: &Form) -> Result<Known, SubtitlesError> {
        let file = self.library.open(path)?;
        let files = subtitle_files(&self.library, path);
        let converted = self.converted(file.identity, form);
        let (tracks, lead_ns) = match converted {
            Some((tracks, lead_ns)) => (Some(tracks), lead_ns),
            // FLV has none.
            None => (flv_file::is_flv(&file.file).then(Vec::new), 0),
        };
        Ok(Known { file, files, tracks, lead_ns })
    }

    /// A film's own subtitles and its lead, as the conversion to `form` has found them, or any other.
    fn converted(&self, file: FileIdentity, form: &Form) -> Option<(Vec<SubtitleTrack>, i64)> {
        let reels = self.reels();
        let film = Identity::File(file);
        let of_film = || reels.iter().filter(|(key, _)| key.film == film);
        let exact = of_film().find(|(key, _)| matches!(&key.make, Make::Converted(made) if made == form));
        let found = exact.into_iter().chain(of_film()).find_map(|(_, entry)| entry.work.streams())?;
        let own = found.contents.subtitle_tracks.iter().filter(|track| !track.external);
        Some((own.cloned().collect(), found.lead_ns))
    }
}

/// Languages mean text, where there are both; forced ones only where there are no others.
fn find(choice: &TrackChoice, tracks: &[SubtitleTrack]) -> Option<usize> {
    let language = |track: &SubtitleTrack| Language::parse(track.language.as_deref()?).ok();
    let pick = |wanted: &dyn Fn(&SubtitleTrack) -> bool| {
        choice.find(&tracks.iter().map(|track| language(track).filter(|_| wanted(track))).collect::<Vec<_>>())
    };
    match choice {
        TrackChoice::Default => (!tracks.is_empty()).then_some(0),
        TrackChoice::Index(_) => pick(&|_| true),
        TrackChoice::Languages(_) => pick(&|track| track.text && !track.forced)
            .or_else(|| pick(&|track| track.text))
            .or_else(|| pick(&|_| true)),
    }
}

fn clone_of(file: &OpenFile, name: &str) -> Result<std::fs::File, SubtitlesError> {
    file.file.try_clone().map_err(|error| busy(name, error))
}

fn busy(name: &str, error: io::Error) -> SubtitlesError {
    SubtitlesError::Busy { name: name.to_owned(), error }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_language_means_the_text_that_says_everything() {
        let track = |language: Option<&str>, text, forced| SubtitleTrack {
            language: language.map(str::to_owned),
            text,
            forced,
            ..SubtitleTrack::default()
        };
        let tracks = [
            track(Some("de"), false, false),
            track(Some("de"), true, true),
            track(Some("ger"), true, false),
            track(None, true, false),
            track(Some("fr"), false, false),
        ];
        let language = |code: &str| TrackChoice::of_languages(vec![Language::parse(code).unwrap()]);
        for (choice, found) in [
            (language("de"), Some(2)),
            (language("fr"), Some(4)),
            (language("en"), None),
            (TrackChoice::Index(1), Some(1)),
            (TrackChoice::Index(5), None),
            (TrackChoice::Default, Some(0)),
        ] {
            assert_eq!(find(&choice, &tracks), found, "{choice:?}");
        }
        assert_eq!(find(&TrackChoice::Default, &[]), None);
    }
}
