//! What `fuzz/` needs of this module's inside. No part of the program uses it.

use super::head::{Head, Mark};
use super::{name, survey};
use crate::time::MediaTime;
use std::io::Cursor;

/// Where the media of a recording begin.
pub const HEAD_LEN: u64 = super::head::HEAD_LEN;

/// What a file that was broken off has.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Behind its last whole tag.
    pub end: u64,
    /// What would be in its table.
    pub keyframes: Vec<(MediaTime, u64)>,
}

/// The head of a recording that has just begun.
pub fn head(stream: &str) -> Vec<u8> {
    Head { stream: stream.to_owned(), ..Head::default() }.encode()
}

/// What a repair finds in a file of these bytes; `None` when it is none of ours.
pub fn broken_off(file: &[u8]) -> Option<Found> {
    Mark::of(file)?;
    let _ = Head::stream_of(file);
    let survey = survey::survey(Cursor::new(file)).ok()?;
    Some(Found { end: survey.end_offset, keyframes: survey.table.entries().to_vec() })
}

/// What a recording of that stream is called, and whether that is known again.
pub fn file_name(stream: &str) -> (String, bool) {
    let name = format!("{}.flv", name::base_name(stream, "2026-11-22 18-30-05"));
    let known = name::split(&name).is_some_and(|(of, _)| of == name::safe(stream));
    (name, known)
}
