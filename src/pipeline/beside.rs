//! Subtitles in files of their own: how the server hands them to a worker, which may open no file.
//!
//! They go as JSON in a file in memory, whose descriptor the worker inherits.

use super::streams::SubtitleTrack;
use crate::subtitles::Cue;
use rustix::fs::MemfdFlags;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};

/// A file of subtitles beside a film.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Beside {
    /// What is told of it.
    pub track: SubtitleTrack,
    /// What it shows: start and end in milliseconds of the film, and the text as markup. Empty when none is to be
    /// drawn.
    pub cues: Vec<(u32, u32, String)>,
}

impl Beside {
    /// A track and its cues.
    pub fn new(track: SubtitleTrack, cues: &[Cue]) -> Self {
        let cue = |cue: &Cue| (cue.start_ms, cue.end_ms, cue.text.as_str().to_owned());
        Self { track, cues: cues.iter().map(cue).collect() }
    }
}

/// Where a worker finds them.
pub(super) const CHILD_FD: i32 = 3;

/// Puts them into memory, to be inherited.
///
/// # Errors
/// When there is no memory left.
pub(super) fn write(beside: &[Beside]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("subtitles", MemfdFlags::CLOEXEC)?);
    file.write_all(&serde_json::to_vec(beside)?)?;
    Ok(file)
}

/// In the worker: what is there.
///
/// # Errors
/// When it was promised and is not there.
pub(super) fn read() -> io::Result<Vec<Beside>> {
    let file = File::open(format!("/proc/self/fd/{CHILD_FD}"))?;
    serde_json::from_reader(io::BufReader::new(file)).map_err(io::Error::from)
}
