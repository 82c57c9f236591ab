//! What a film is made of: its bytes, and the files beside it.

use super::super::kept::Making;
use crate::pipeline::{self, Beside};
use crate::web_media::RemoteFilm;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// What is converted.
#[derive(Debug)]
pub(in crate::provider) struct Source {
    pub(in crate::provider) media: Media,
    pub(in crate::provider) name: String,
    /// Files of subtitles beside it.
    pub(in crate::provider) beside: Vec<Beside>,
    /// Files that it goes on in, as one run of bytes.
    pub(in crate::provider) continued: Vec<File>,
    /// Files that are played behind it.
    pub(in crate::provider) discs: Vec<File>,
    /// By what it is found again; nothing for what is not ours to keep.
    pub(in crate::provider) making: Option<Making>,
}

/// Where a film's bytes are.
#[derive(Debug)]
pub(in crate::provider) enum Media {
    File(File),
    Remote(Arc<RemoteFilm>),
}

impl From<File> for Media {
    fn from(file: File) -> Self {
        Self::File(file)
    }
}

impl Media {
    /// For one more worker.
    pub(super) fn open(&self) -> io::Result<pipeline::Media> {
        Ok(match self {
            Self::File(file) => file.try_clone()?.into(),
            Self::Remote(film) => pipeline::Media::Remote { socket: film.feed()?, len: film.len() },
        })
    }
}
