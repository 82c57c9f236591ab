//! The picture that viewers see while nothing comes: the server's side of its making. Blocking.
//!
//! It is a short film with silence, encoded once, by the encoder and in the size that the source's own pictures have,
//! and then shown over and over. So it costs nothing while it is shown.

use super::equipment::Equipment;
use super::errand::{self, Input};
use super::error::ConversionError;
use super::interleave::{Interleaver, Lead};
use super::wire::Message;
use crate::flv::codec::AAC_HEADER_LEN;
use crate::flv::{Tag, TagKind};
use crate::limits;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// What shall be seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SlateOrder {
    /// Pixels of the source's pictures.
    pub width: u32,
    /// Likewise.
    pub height: u32,
    /// Pictures a second, as a fraction.
    pub rate: (u32, u32),
    /// Large letters.
    pub title: String,
    /// Small letters.
    pub subtitle: String,
    /// With silence: the source has sound.
    pub sound: bool,
}

/// A film to be shown over and over.
#[derive(Clone, PartialEq, Debug)]
pub struct Slate {
    /// Sequence headers.
    pub headers: Vec<Tag>,
    /// Pictures and silence, from time zero on; the first one is a keyframe.
    pub frames: Vec<Tag>,
    /// When to begin again.
    pub length: Duration,
}

/// Silence, to be put beside pictures that have no sound.
#[derive(Clone, PartialEq, Debug)]
pub struct Quiet {
    /// The sequence header's body.
    pub header: Bytes,
    /// A frame's body: 1024 samples at 48 kHz.
    pub frame: Bytes,
}

impl Slate {
    /// Its silence, if it has any.
    pub fn silence(&self) -> Option<Quiet> {
        let of_sound = |tags: &[Tag]| {
            tags.iter().rev().find(|tag| tag.kind == TagKind::Audio).map(|tag| tag.body.clone())
        };
        let (header, frame) = (of_sound(&self.headers)?, of_sound(&self.frames)?);
        (frame.len() > AAC_HEADER_LEN).then_some(Quiet { header, frame })
    }
}

/// Makes a slate in a worker process of `program`; behind the letters is the `picture`, a JPEG, if there is one.
///
/// # Errors
/// Why there is none.
pub fn slate(program: &Path, order: &SlateOrder, picture: Option<&[u8]>) -> Result<Slate, ConversionError> {
    let equipment = Equipment::installed().unwrap_or_default();
    let text = |value: serde_json::Result<String>| value.unwrap_or_default();
    let mut command = errand::command(program, "slate");
    command
        .args(["--equipment", &text(serde_json::to_string(&*equipment))])
        .args(["--order", &text(serde_json::to_string(order))]);
    let picture = [picture.unwrap_or_default()];
    errand::run(command, Input::Bytes(&picture), limits::SLATE_TIMEOUT, |worker| {
        let mut lanes = Interleaver::new(Lead::Given(0));
        if !order.sound {
            lanes.end_lane(super::wire::Lane::Audio);
        }
        let mut tags = Vec::new();
        while let Some(message) = worker.next()? {
            match message {
                Message::Config { codec, data } => lanes.push_config(codec, &data),
                Message::Unit(unit) => lanes.push_unit(unit),
                _ => {}
            }
            tags.extend(std::iter::from_fn(|| lanes.pop()));
        }
        lanes.end();
        tags.extend(std::iter::from_fn(|| lanes.pop()));
        of_tags(tags)
    })
}

fn of_tags(tags: Vec<Tag>) -> Result<Slate, ConversionError> {
    let length = limits::SLATE_LENGTH;
    let within = |tag: &Tag| u128::from(tag.timestamp.as_millis()) < length.as_millis();
    let (headers, frames): (Vec<_>, Vec<_>) = tags.into_iter().partition(Tag::is_sequence_header);
    let mut frames: Vec<_> = frames.into_iter().filter(within).collect();
    // Sound that begins before the picture is of no use.
    let first = frames.iter().position(Tag::is_keyframe);
    let nothing = || ConversionError::Unreadable { detail: "it was encoded to nothing".into() };
    let first = first.ok_or_else(nothing)?;
    frames.drain(..first);
    Ok(Slate { headers, frames, length })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::time::MediaTime;

    #[test]
    fn a_slate_begins_with_a_keyframe_and_has_its_headers_apart() {
        let tag = |kind, ms, body: &[u8]| Tag {
            kind,
            timestamp: MediaTime::from_millis(ms),
            body: Bytes::copy_from_slice(body),
        };
        let (video, audio) = (TagKind::Video, TagKind::Audio);
        let long = limits::SLATE_LENGTH.as_millis() as u32;
        let slate = of_tags(vec![
            tag(video, 0, &[0x17, 0, 0, 0, 0, 1]),
            tag(audio, 0, &[0xaf, 0, 0x11, 0x90]),
            tag(audio, 0, &[0xaf, 1, 7]),
            tag(video, 0, &[0x17, 1, 0, 0, 0, 2]),
            tag(audio, 21, &[0xaf, 1, 8]),
            tag(video, 40, &[0x27, 1, 0, 0, 0, 3]),
            tag(video, long, &[0x17, 1, 0, 0, 0, 4]),
        ])
        .unwrap();
        assert_eq!(slate.headers.len(), 2);
        assert_eq!(slate.frames.iter().map(|tag| tag.timestamp.as_millis()).collect::<Vec<_>>(), [0, 21, 40]);
        let silence = slate.silence().unwrap();
        assert_eq!(
            (&silence.header[..], &silence.frame[..]),
            (&[0xaf, 0, 0x11, 0x90][..], &[0xaf, 1, 8][..])
        );
        assert!(of_tags(Vec::new()).is_err());
    }
}
