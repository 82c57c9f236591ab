//! The server's side of looking at a file: what is in it and, if wanted, pictures of it. Nothing is converted.
//!
//! Blocking, for a thread of its own that lives as long as the worker does.

use super::conversion::{Killer, Process, give_parts};
use super::error::ConversionError;
use super::form::Form;
use super::last_words::LastWords;
use super::picture::Picture;
use super::streams::{Announcement, MediaStreams};
use super::wire::{Message, Reader};
use crate::limits;
use crate::time::MediaTime;
use command_fds::CommandFdExt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};

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
    let mut command = Command::new(program);
    command
        .args(["worker", verb, "--parent", &std::process::id().to_string()])
        .args(["--form", &serde_json::to_string(&Form::default()).unwrap_or_default()]);
    let given = give_parts(&mut command, &media, continued).map_err(ConversionError::Spawn)?;
    if !given.is_empty() {
        let mapped = command.fd_mappings(given).map_err(io::Error::other);
        mapped.map_err(ConversionError::Spawn)?;
    }
    let mut child = command
        .stdin(Stdio::from(media))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(ConversionError::Spawn)?;
    let pipes = child.stdout.take().zip(child.stderr.take());
    let process = Arc::new(Process::new(child));
    // From here on an early return must not leave the child behind.
    let outcome = pipes.ok_or_else(|| io::Error::other("no pipes to the worker")).and_then(|(out, err)| {
        let watchdog = Watchdog::start(Killer(Arc::clone(&process)), patience)?;
        let mut words = LastWords::listen(err)?;
        let looked = read(Reader::new(out), &process, &mut words);
        drop(watchdog);
        Ok(looked)
    });
    process.end();
    outcome.map_err(ConversionError::Spawn)?
}

/// Kills a worker that takes too long.
pub(super) struct Watchdog(#[allow(dead_code)] mpsc::Sender<()>);

impl Watchdog {
    pub(super) fn start(killer: Killer, patience: std::time::Duration) -> io::Result<Self> {
        let (done, waiting) = mpsc::channel::<()>();
        let watch = move || {
            if waiting.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                killer.kill_stalled();
            }
        };
        std::thread::Builder::new().name("look watchdog".into()).spawn(watch)?;
        Ok(Self(done))
    }
}

fn read(
    mut pipe: Reader<impl io::Read>,
    process: &Process,
    words: &mut LastWords,
) -> Result<Looked, ConversionError> {
    let (mut announced, mut pictures, mut warnings) = (None::<Announcement>, Vec::new(), Vec::new());
    let trouble = loop {
        match pipe.read_message() {
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
            Ok(Some(Message::Failed { failure, text })) => {
                break Some(ConversionError::from_failure(failure, text));
            }
            Ok(Some(Message::End)) => break None,
            Ok(Some(_)) => {}
            Ok(None) => {
                let status = process.reap();
                break Some(
                    process.verdict().unwrap_or_else(|| ConversionError::crashed(status, words.take())),
                );
            }
            Err(error) => break Some(process.verdict().unwrap_or_else(|| ConversionError::from_wire(error))),
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
