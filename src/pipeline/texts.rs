//! The server's side of taking the text out of a film. Blocking, for a thread of its own that lives as long as the
//! worker does.

use super::conversion::{Killer, Process};
use super::error::ConversionError;
use super::form::Form;
use super::last_words::LastWords;
use super::look::Watchdog;
use super::streams::SubtitleTrack;
use super::wire::{Message, Reader};
use crate::limits;
use crate::subtitles::{Cue, Markup};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// What comes out of a film.
#[derive(Debug)]
pub enum Text {
    /// Its subtitles, those of pictures among them. Comes first, and may come again with more known of them.
    Tracks(Vec<SubtitleTrack>),
    /// One of them, counted from zero, shows this.
    Cue(usize, Cue),
}

/// Takes the text out of a regular file, in a worker process of `program`, as long as `take` says so.
///
/// # Errors
/// When the file could not be read to its end; what came before is valid.
pub fn texts(
    program: &Path,
    media: File,
    mut take: impl FnMut(Text) -> ControlFlow<()>,
) -> Result<(), ConversionError> {
    let mut child = Command::new(program)
        .args(["worker", "texts", "--parent", &std::process::id().to_string()])
        .args(["--form", &serde_json::to_string(&Form::default()).unwrap_or_default()])
        .stdin(Stdio::from(media))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(ConversionError::Spawn)?;
    let pipes = child.stdout.take().zip(child.stderr.take());
    let process = Arc::new(Process::new(child));
    // From here on an early return must not leave the child behind.
    let outcome = pipes.ok_or_else(|| io::Error::other("no pipes to the worker")).and_then(|(out, err)| {
        let watchdog = Watchdog::start(Killer(Arc::clone(&process)), limits::TEXT_TIMEOUT)?;
        let mut words = LastWords::listen(err)?;
        let outcome = read(Reader::new(out), &process, &mut words, &mut take);
        drop(watchdog);
        Ok(outcome)
    });
    process.end();
    outcome.map_err(ConversionError::Spawn)?
}

fn read(
    mut pipe: Reader<impl io::Read>,
    process: &Process,
    words: &mut LastWords,
    take: &mut impl FnMut(Text) -> ControlFlow<()>,
) -> Result<(), ConversionError> {
    loop {
        let text = match pipe.read_message() {
            Ok(Some(Message::Streams(announced))) => Text::Tracks(announced.contents.subtitle_tracks),
            Ok(Some(Message::Cue(cue))) => {
                match Cue::new(cue.start_ms, cue.end_ms, Markup::of_html(&cue.text)) {
                    Some(shown) => Text::Cue(cue.track.into(), shown),
                    None => continue,
                }
            }
            Ok(Some(Message::Failed { failure, text })) => {
                return Err(ConversionError::from_failure(failure, text));
            }
            Ok(Some(Message::End)) => return Ok(()),
            Ok(Some(_)) => continue,
            Ok(None) => {
                let status = process.reap();
                let verdict = process.verdict();
                return Err(verdict.unwrap_or_else(|| ConversionError::crashed(status, words.take())));
            }
            Err(error) => {
                return Err(process.verdict().unwrap_or_else(|| ConversionError::from_wire(error)));
            }
        };
        if take(text).is_break() {
            return Ok(());
        }
    }
}
