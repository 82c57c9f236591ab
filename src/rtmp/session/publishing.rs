//! A publisher: what it asks for, what it sends, and the driver's answers.
//!
//! ```text
//!  ExpectPlay ──publish──▶ ExpectPublishAnswer ──publish_started──▶ Publishing
//!      ▲                            │                                  │
//!      └──publish_denied, FCUnpublish, closeStream, deleteStream───────┘
//! ```

use super::Session;
use crate::amf0::{AmfString, Value};
use crate::flv::{Tag, TagKind};
use crate::limits::{IDLE_TIMEOUT, MAX_PATH_BYTES, MAX_PUBLISHER_PARTIAL, MAX_TAG_BODY};
use crate::rtmp::chunk_reader::Message;
use crate::rtmp::command::PublishMode;
use crate::rtmp::error::SessionError;
use crate::rtmp::event::{Event, StreamId, Transaction};
use crate::rtmp::message_type::{AGGREGATE, AUDIO, DATA, DATA_AMF3, VIDEO};
use crate::rtmp::net_stream::Phase;
use crate::rtmp::published::{parts, script_body};
use crate::rtmp::status::{Level, PublishError, RecordStatus, info};
use crate::time::MediaTime;
use bytes::Bytes;
use rml_rtmp::messages::UserControlEventType;
use std::time::Instant;

impl Session {
    /// The publisher may send. Its media come as [`Event::Published`].
    pub fn publish_started(&mut self, id: StreamId, now: Instant) -> Result<(), SessionError> {
        let Some(stream) = self.stream(id) else { return Ok(()) };
        if stream.phase != Phase::ExpectPublishAnswer {
            return Ok(());
        }
        stream.phase = Phase::Publishing;
        let name = without_query(&stream.published_name);
        self.patience = now + IDLE_TIMEOUT;
        // For as long as the connection lives: who may publish may also publish again.
        self.reader.admit_media(MAX_TAG_BODY, MAX_PUBLISHER_PARTIAL);
        let wire_id = id.as_u32();
        self.out.stream_event(UserControlEventType::StreamBegin, wire_id)?;
        let description = format!("{name} is now published.");
        let info = info(Level::Status, "NetStream.Publish.Start", &description).with("details", name);
        self.out.status_info(wire_id, info)
    }

    /// Refuses a publisher, or sends one away that has started: another one takes its place. Every known
    /// one closes the connection.
    pub fn publish_denied(
        &mut self,
        id: StreamId,
        error: PublishError,
        description: &str,
    ) -> Result<(), SessionError> {
        match self.stream(id) {
            Some(stream) if stream.is_publisher() => stream.reset(Phase::ExpectPlay),
            _ => return Ok(()),
        }
        self.out.status_error(id.as_u32(), error.code(), description)
    }

    /// Tells a publisher what becomes of the recording it has asked for (ActionScript 3, `NetStatusEvent`).
    /// Only those who asked: ffmpeg ends on an error, whatever it is about.
    pub fn record_status(
        &mut self,
        id: StreamId,
        status: RecordStatus,
        description: &str,
    ) -> Result<(), SessionError> {
        if self.stream(id).is_none() {
            return Ok(());
        }
        self.out.status_info(id.as_u32(), info(status.level(), status.code(), description))
    }

    pub(super) fn publish(
        &mut self,
        id: StreamId,
        name: AmfString,
        mode: PublishMode,
    ) -> Result<(), SessionError> {
        self.close_stream(id)?;
        if name.is_empty() || name.len() > MAX_PATH_BYTES {
            let reason = format!("stream name of {} bytes; expected 1 to {MAX_PATH_BYTES}", name.len());
            return self.out.status_error(id.as_u32(), PublishError::BadName.code(), &reason);
        }
        if let Some(stream) = self.stream(id) {
            stream.reset(Phase::ExpectPublishAnswer);
            stream.published_name = name.clone();
        }
        self.raise(Event::Publish { stream: id, name, mode })
    }

    /// FMLE's announcement, before it has a stream. Whether it may publish is said when it does.
    pub(super) fn fc_publish(
        &mut self,
        transaction: Transaction,
        name: AmfString,
    ) -> Result<(), SessionError> {
        self.fc_notify("onFCPublish", "NetStream.Publish.Start", &name)?;
        self.acknowledge_call(transaction)
    }

    /// On the connection, not the stream, so that only the name says which one is meant.
    pub(super) fn fc_unpublish(
        &mut self,
        transaction: Transaction,
        name: AmfString,
    ) -> Result<(), SessionError> {
        self.fc_notify("onFCUnpublish", "NetStream.Unpublish.Success", &name)?;
        self.acknowledge_call(transaction)?;
        let wanted = without_query(&name);
        let is_meant = |stream: &super::NetStream| {
            stream.is_publisher() && without_query(&stream.published_name) == wanted
        };
        match self.streams.iter().position(|stream| stream.as_ref().is_some_and(is_meant)) {
            Some(index) => self.unpublish(StreamId::new(index as u32 + 1)),
            None => Ok(()),
        }
    }

    fn fc_notify(
        &mut self,
        name: &'static str,
        code: &'static str,
        stream_name: &AmfString,
    ) -> Result<(), SessionError> {
        let info = info(Level::Status, code, &without_query(stream_name));
        let values = [Value::from_static(name), 0.0.into(), Value::Null, info.into_object()];
        self.out.command(0, &values)
    }

    /// The publisher's own wish.
    pub(super) fn unpublish(&mut self, id: StreamId) -> Result<(), SessionError> {
        self.end_publishing(id, "unpublished")?;
        self.raise(Event::Unpublish { stream: id })
    }

    /// Ends publishing on a stream, if there is any, and says so.
    pub(super) fn end_publishing(&mut self, id: StreamId, reason: &str) -> Result<(), SessionError> {
        let Some(stream) = self.stream(id).filter(|stream| stream.is_publisher()) else { return Ok(()) };
        let had_started = stream.phase == Phase::Publishing;
        stream.reset(Phase::ExpectPlay);
        if !had_started {
            return Ok(());
        }
        self.out.status(id.as_u32(), "NetStream.Unpublish.Success", reason)
    }

    /// Media and data. What nobody publishes is ignored: a client that was told no may have sent some on.
    pub(super) fn handle_media(&mut self, message: Message) -> Result<(), SessionError> {
        let id = StreamId::new(message.stream_id);
        if !self.stream(id).is_some_and(|stream| stream.phase == Phase::Publishing) {
            return Ok(());
        }
        if message.type_id != AGGREGATE {
            return self.published(id, message.type_id, message.timestamp, message.payload);
        }
        for part in parts(message.timestamp, &message.payload) {
            // Copied: one short part that is kept must not keep the whole aggregate.
            self.published(id, part.type_id, part.timestamp, Bytes::copy_from_slice(part.body))?;
        }
        Ok(())
    }

    fn published(
        &mut self,
        id: StreamId,
        type_id: u8,
        timestamp: MediaTime,
        payload: Bytes,
    ) -> Result<(), SessionError> {
        let (kind, body) = match type_id {
            AUDIO => (TagKind::Audio, payload),
            VIDEO => (TagKind::Video, payload),
            DATA | DATA_AMF3 => match script_body(type_id, payload) {
                Some(body) => (TagKind::Script, body),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        if body.is_empty() {
            return Ok(());
        }
        self.events.push_published(id, Tag { kind, timestamp, body })
    }
}

/// A stream's name for people and for comparisons: what follows may be a secret.
fn without_query(name: &AmfString) -> String {
    let name = name.as_str();
    name.split('?').next().unwrap_or_default().to_owned()
}
