//! Files of subtitles beside a film: `film.de.srt` beside `film.mkv`.

use crate::library::{FileIdentity, Kind, Library, LibraryError, LibraryPath, SortKey};
use crate::limits::{MAX_SUBTITLE_FILE, MAX_SUBTITLE_FILES, MAX_TEXT_OF_FILM};
use crate::pipeline::{Beside, SubtitleTrack};
use crate::subtitles::{self, Cue, Named};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

/// A file of subtitles that belongs to a film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubtitleFile {
    /// Where it is.
    pub path: LibraryPath,
    /// What its name says of it.
    pub named: Named,
}

impl SubtitleFile {
    /// What people are told of it.
    pub fn track(&self) -> SubtitleTrack {
        SubtitleTrack {
            codec: self.named.format.name().to_owned(),
            language: self.named.language.as_ref().map(|language| language.code().to_owned()),
            title: self.named.title.clone(),
            text: true,
            external: true,
            forced: self.named.forced,
            ..SubtitleTrack::default()
        }
    }

    /// What is in it. Blocking.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn cues(&self, library: &Library) -> Result<(FileIdentity, Vec<Cue>), LibraryError> {
        let opened = library.open(&self.path)?;
        let mut bytes = Vec::new();
        let read = opened.file.take(MAX_SUBTITLE_FILE).read_to_end(&mut bytes);
        read.map_err(|error| LibraryError::Io { path: self.path.clone(), error })?;
        Ok((opened.identity, subtitles::parse(&bytes, self.named.format)))
    }
}

/// The files of subtitles of a film, in the order of their names: those that are called as it is, up to its extension.
/// Blocking.
pub fn subtitle_files(library: &Library, film: &LibraryPath) -> Vec<SubtitleFile> {
    let Some((folder, name)) = film.split_last() else { return Vec::new() };
    let name = name.as_bytes();
    let stem = &name[..name.iter().rposition(|byte| *byte == b'.').unwrap_or(name.len())];
    let behind = |name: &[u8]| Some(name.strip_prefix(stem)?.strip_prefix(b".")?.to_vec());
    let Ok(names) = library.names_with(&folder, |name| behind(name).is_some()) else { return Vec::new() };
    let rest = |name: &[u8]| String::from_utf8_lossy(&behind(name).unwrap_or_default()).into_owned();
    // "film.extended.mkv" has subtitles of its own.
    let longer: Vec<String> = names
        .iter()
        .map(|name| rest(name.as_bytes()))
        .filter(|rest| rest.contains('.') && Kind::of_file_name(rest).is_some_and(Kind::is_playable))
        .filter_map(|rest| Some(format!("{}.", rest.rsplit_once('.')?.0)))
        .collect();
    let mut files: Vec<SubtitleFile> = names
        .iter()
        .filter_map(|name| {
            let rest = rest(name.as_bytes());
            let named =
                subtitles::named(&rest).filter(|_| !longer.iter().any(|longer| rest.starts_with(longer)))?;
            Some(SubtitleFile { path: folder.join(name), named })
        })
        .collect();
    files.sort_by_cached_key(|file| SortKey::of(file.path.file_name().as_ref()));
    files.truncate(MAX_SUBTITLE_FILES);
    files
}

/// What a conversion is told of them; with their cues, and which versions of the files these are from, when one may be
/// drawn. Blocking. A file that cannot be read is listed, and empty.
pub(super) fn for_conversion(
    library: &Library,
    files: &[SubtitleFile],
    drawn: bool,
) -> (Vec<Beside>, Vec<FileIdentity>) {
    let (mut beside, mut identities, mut bytes) = (Vec::new(), Vec::new(), 0);
    for file in files {
        let mut cues = Vec::new();
        if drawn && bytes < MAX_TEXT_OF_FILM {
            match file.cues(library) {
                Ok((identity, read)) => {
                    bytes += read.iter().map(|cue| cue.text.as_str().len() + size_of::<Cue>()).sum::<usize>();
                    identities.push(identity);
                    cues = read;
                }
                Err(error) => tracing::warn!(file = %file.path, %error, "subtitles can't be read"),
            }
        }
        beside.push(Beside::new(file.track(), &cues));
    }
    (beside, identities)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_film_has_the_subtitles_that_are_called_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "film.mkv",
            "film.srt",
            "film.de.srt",
            "film.en.forced.VTT",
            "film.extended.mkv",
            "film.extended.srt",
            "film.extended.fr.srt",
            "film 2.srt",
            "film.txt",
            ".film.srt",
            "other.srt",
        ] {
            std::fs::write(folder.path().join(name), "1\n00:00:01,000 --> 00:00:02,000\nx\n").unwrap();
        }
        let library = Library::new([folder.path().to_owned()]);
        let names = |film: &str| -> Vec<String> {
            let film = LibraryPath::from_bytes(film.as_bytes()).unwrap();
            subtitle_files(&library, &film).iter().map(|file| file.path.file_name()).collect()
        };
        assert_eq!(names("film.mkv"), ["film.de.srt", "film.en.forced.VTT", "film.srt"]);
        assert_eq!(names("film.extended.mkv"), ["film.extended.fr.srt", "film.extended.srt"]);
        assert_eq!(names("none.mkv"), [] as [&str; 0]);
        assert_eq!(names(""), [] as [&str; 0]);
        let film = LibraryPath::from_bytes(b"film.mkv").unwrap();
        let files = subtitle_files(&library, &film);
        let (beside, identities) = for_conversion(&library, &files, true);
        assert_eq!((beside[0].cues.len(), beside[0].track.language.as_deref()), (1, Some("de")));
        assert!(beside[1].track.forced && beside[1].track.external && identities.len() == 3);
        let (beside, identities) = for_conversion(&library, &files, false);
        assert!(beside.iter().all(|beside| beside.cues.is_empty()) && identities.is_empty());
    }
}
