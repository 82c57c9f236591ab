//! What `fuzz/` needs of this module's inside. No part of the program uses it.

use super::interleave::{Interleaver, Lead};
use super::wire::{Lane, Message, Reader};
use crate::flv::Tag;
use std::io::Read;

/// The messages that `pipe` holds, each as it would be written again, and why reading ended before the
/// pipe did.
pub fn messages(pipe: impl Read) -> (Vec<Vec<u8>>, Option<String>) {
    let mut found = Vec::new();
    let end = each(pipe, |message| found.push(message.encode()));
    (found, end)
}

/// The tags that a conversion makes of what `pipe` holds.
pub fn tags(pipe: impl Read) -> Vec<Tag> {
    let mut lanes = Interleaver::new(Lead::ToZero);
    let mut tags = Vec::new();
    each(pipe, |message| {
        match message {
            Message::Config { codec, data } => lanes.push_config(codec, &data),
            Message::Unit(unit) => lanes.push_unit(unit),
            Message::Progress { lane, time_ns } => lanes.push_progress(lane, time_ns),
            Message::LaneEnd(lane) => lanes.end_lane(lane),
            Message::Streams(announced) => {
                let present = [announced.video.is_some(), announced.audio.is_some()];
                for (lane, _) in Lane::BOTH.into_iter().zip(present).filter(|(_, present)| !present) {
                    lanes.end_lane(lane);
                }
            }
            Message::Duration(_)
            | Message::Warning(_)
            | Message::Equipment(_)
            | Message::Picture(_)
            | Message::Cue(_)
            | Message::Failed { .. }
            | Message::End => {}
        }
        tags.extend(std::iter::from_fn(|| lanes.pop()));
    });
    lanes.end();
    tags.extend(std::iter::from_fn(|| lanes.pop()));
    tags
}

/// The bytes of a file as its demuxer sees them, read so many at a time.
pub fn mended(file: &[u8], step: usize) -> Vec<u8> {
    super::worker::mended(file, step)
}

fn each(pipe: impl Read, mut act: impl FnMut(Message)) -> Option<String> {
    let mut reader = Reader::new(pipe);
    loop {
        match reader.read_message() {
            Ok(Some(message)) => act(message),
            Ok(None) => return None,
            Err(error) => return Some(error.to_string()),
        }
    }
}
