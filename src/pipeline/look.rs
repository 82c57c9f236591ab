//! The server's side of looking at a file: what is in it and, if wanted, pictures of it. Nothing is converted.
//!
//! Blocking, for a thread of its own that lives as long as the worker does.

use super::conversion::give_parts;
use super::errand::{self, Errand, Input};
use super::error::ConversionError;
use super::form::Form;
use super::picture::Picture;
use super::streams::{Announcement, MediaStreams};
use super::wire::Message;
use crate::limits;
use crate::time::MediaTime;
use command_fds::CommandFdExt;
use std::fs::File;
use std::io;
use std::path::Path;

/// How closely to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// Streams, tags, chapters: what headers say. Quick, somebody may be waiting.
    Contents,
    /// Those and pictures, at the lowest priority.
    Pictures,
}

/// What was seen.
#[derive(Debug)]
pub struct Looked {
    /// What is in the file.
    pub streams: MediaStreams,
    /// Pictures that could be made.
    pub pictures: Vec<Picture>,
    /// Why there are not all of them, although they were asked for.
    pub trouble: Option<ConversionError>,
}

/// Looks at a regular file, and those that it goes on in, in a worker process of `program`. Ends within [`LOOK_TIMEOUT`](limits::LOOK_TIMEOUT).
///
/// # Errors
/// When nothing is known of the file; what is known despite of an error is [`Looked::trouble`].
pub fn look(program: &Path, media: File, continued: &[File], look: Look) -> Result<Looked, ConversionError> {
    let (verb, patience) = match look {
        Look::Contents => ("probe", limits::PROBE_TIMEOUT),
        Look::Pictures => ("look", limits::LOOK_TIMEOUT),
    };
    let mut command = errand::command(program, verb);
    command.args(["--form", &serde_json::to_string(&Form::default()).unwrap_or_default()]);
    let given = give_parts(&mut command, &media, continued).map_err(ConversionError::Spawn)?;
    if !given.is_empty() {
        let mapped = command.fd_mappings(given).map_err(io::Error::other);
        mapped.map_err(ConversionError::Spawn)?;
    }
    errand::run(command, Input::File(media), patience, read)
}

fn read(worker: &mut Errand) -> Result<Looked, ConversionError> {
    let (mut announced, mut pictures, mut warnings) = (None::<Announcement>, Vec::new(), Vec::new());
    let trouble = loop {
        match worker.next() {
            Ok(Some(Message::Streams(streams))) => announced = Some(streams),
            Ok(Some(Message::Duration(ns))) => {
                if let Some(announced) = &mut announced {
                    announced.duration_ns = Some(ns);
                }
            }
            Ok(Some(Message::Picture(picture))) if pictures.len() < 2 => pictures.push(picture),
            Ok(Some(Message::Warning(text))) if warnings.len() < limits::MAX_FEED_WARNINGS => {
                warnings.push(text)
            }
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let Some(announced) = announced.filter(|announced| announced.settled) else {
        let nothing = || ConversionError::Unreadable { detail: "it ends before its first frame".into() };
        return Err(trouble.unwrap_or_else(nothing));
    };
    let streams = MediaStreams {
        duration: announced.duration_ns.map(MediaTime::from_nanos),
        video: announced.video,
        audio: announced.audio,
        contents: announced.contents,
        seekable: announced.seekable,
        lead_ns: 0,
        spare: None,
        warnings,
    };
    Ok(Looked { streams, pictures, trouble })
}
