//! The stream that the server plays: from its messages to tags, within bounds.

use super::{ClientError, ClientEvent, ClientSession, Purpose, State};
use crate::flv::{Tag, TagKind};
use crate::limits::{MAX_PUBLISHED_BYTES, MAX_PUBLISHED_TAGS};
use crate::rtmp::chunk_reader::Message;
use crate::rtmp::message_type;
use crate::rtmp::published::{parts, script_body};
use crate::time::MediaTime;
use bytes::Bytes;

impl ClientSession {
    /// What comes before `Play.Start` or on another stream is not ours.
    pub(super) fn handle_media(&mut self, message: Message) -> Result<(), ClientError> {
        match self.state {
            State::Running(stream) if self.purpose == Purpose::Play && message.stream_id == stream => {}
            _ => return Ok(()),
        }
        if message.type_id != message_type::AGGREGATE {
            return self.push_tag(message.type_id, message.timestamp, message.payload);
        }
        for part in parts(message.timestamp, &message.payload) {
            // Copied: one short part that is kept must not keep the whole aggregate.
            self.push_tag(part.type_id, part.timestamp, Bytes::copy_from_slice(part.body))?;
        }
        Ok(())
    }

    fn push_tag(&mut self, type_id: u8, timestamp: MediaTime, payload: Bytes) -> Result<(), ClientError> {
        let (kind, body) = match type_id {
            message_type::AUDIO => (TagKind::Audio, payload),
            message_type::VIDEO => (TagKind::Video, payload),
            message_type::DATA | message_type::DATA_AMF3 => match script_body(type_id, payload) {
                Some(body) if !is_between_player_and_server(&body) => (TagKind::Script, body),
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        if body.is_empty() {
            return Ok(());
        }
        let (tags, bytes) = (self.waiting.0 + 1, self.waiting.1 + body.len());
        if tags > MAX_PUBLISHED_TAGS || bytes > MAX_PUBLISHED_BYTES {
            return Err(ClientError::TooMuchMedia { tags, bytes });
        }
        self.waiting = (tags, bytes);
        self.events.push_back(ClientEvent::Tag(Tag { kind, timestamp, body }));
        Ok(())
    }
}

/// `|RtmpSampleAccess`, `onStatus`, `onPlayStatus`: said to the player, no part of the stream.
fn is_between_player_and_server(script: &[u8]) -> bool {
    let name = script.get(3..).unwrap_or_default();
    name.starts_with(b"|") || name.starts_with(b"onStatus") || name.starts_with(b"onPlayStatus")
}
