//! Subtitles: files of them, and those that are taken out of films.

use std::time::Duration;

/// Bytes of a subtitle file that are read: ten times the longest of a film with all its colours. Scripts with
/// their fonts embedded are longer, but those come behind the text.
pub const MAX_SUBTITLE_FILE: u64 = 8 << 20;

/// Cues of one track: karaoke has a cue a syllable, a film without two thousand.
pub const MAX_CUES: usize = 50_000;

/// Bytes of one cue's text: a screen full.
pub const MAX_CUE_TEXT: usize = 4096;

/// Files of subtitles that are listed beside one film: a film in all languages of the European Union, plain and for the
/// hard of hearing.
pub const MAX_SUBTITLE_FILES: usize = 48;

/// Bytes of cues taken out of one film, of all its tracks together.
pub const MAX_TEXT_OF_FILM: usize = 16 << 20;

/// Bytes of cues, taken out of films, that are kept in memory for those who ask again.
pub const MAX_TEXT_KEPT: usize = 16 << 20;

/// Films of which text is taken out at a time: each reads a whole film from its disk.
pub const MAX_TEXT_WORKERS: usize = 2;

/// Films of which text is kept or waits to be taken out.
pub const MAX_TEXTS: usize = 64;

/// For a worker to take the text out of a film: 100 GB at the speed of a disk on USB 2.
pub const TEXT_TIMEOUT: Duration = Duration::from_secs(3600);

/// An answer waits this long for the first cue of a film, so that a film which can't be read is refused and not just
/// without subtitles.
pub const FIRST_CUE_PATIENCE: Duration = Duration::from_secs(2);
