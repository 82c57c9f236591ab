//! The server's side of taking the text out of a film. Blocking, for a thread of its own that lives as long as the
//! worker does.

use super::errand::{self, Input};
use super::error::ConversionError;
use super::form::Form;
use super::streams::SubtitleTrack;
use super::wire::Message;
use crate::limits;
use crate::subtitles::{Cue, Markup};
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

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
    let mut command = errand::command(program, "texts");
    command.args(["--form", &serde_json::to_string(&Form::default()).unwrap_or_default()]);
    errand::run(command, Input::File(media), limits::TEXT_TIMEOUT, |worker| {
        while let Some(message) = worker.next()? {
            let text = match message {
                Message::Streams(announced) => Text::Tracks(announced.contents.subtitle_tracks),
                Message::Cue(cue) => match Cue::new(cue.start_ms, cue.end_ms, Markup::of_html(&cue.text)) {
                    Some(shown) => Text::Cue(cue.track.into(), shown),
                    None => continue,
                },
                _ => continue,
            };
            if take(text).is_break() {
                break;
            }
        }
        Ok(())
    })
}
