//! Message streams that publish a live stream.

use super::Connection;
use crate::flv::Tag;
use crate::recording::{By, Mode, Recording, State};
use crate::rtmp::{PublishError, PublishMode, RecordStatus, SessionError, StreamId, StreamKey};
use crate::stream::{PublishRefused, Publisher};
use std::sync::Arc;
use std::time::Instant;

/// A message stream that publishes.
pub(super) struct LivePublisher {
    pub(super) stream: StreamId,
    pub(super) publisher: Publisher,
    /// The recording that this publisher has asked for.
    recording: Option<Arc<Recording>>,
}

impl Connection {
    /// Starts publishing, or says why not.
    pub(super) fn publish(
        &mut self,
        stream: StreamId,
        name: &[u8],
        mode: PublishMode,
        now: Instant,
    ) -> Result<(), SessionError> {
        let live_apps = self.server.live_apps();
        let Some(key) = live_apps.stream(&self.app, name) else {
            self.server.connections.refusal("rtmp", "publish_elsewhere");
            let text = "streams are published to the application \"live\": rtmp://<box>/live/<stream key>";
            return self.session.publish_denied(stream, PublishError::Denied, text);
        };
        if let Some(secret) = live_apps.secret(&key)
            && !StreamKey::parse(name).opens(secret.as_bytes())
        {
            self.server.connections.refusal("rtmp", "publish_secret");
            tracing::info!(peer = %self.peer, stream = key, "publisher refused: wrong secret");
            let text =
                "the stream key lacks the right secret; publish to rtmp://<box>/live/<name>?key=<secret>";
            return self.session.publish_denied(stream, PublishError::Denied, text);
        }
        if self.is_relay && self.server.relays.sends(&key, self.peer.ip()) {
            tracing::info!(peer = %self.peer, stream = key, "publisher refused: a circle");
            let text = "this stream goes from here to there, and would come back in a circle; let one of the two not push it";
            return self.session.publish_denied(stream, PublishError::Denied, text);
        }
        if self.server.sources.provides(&key) {
            self.server.connections.refusal("rtmp", "publish_in_use");
            tracing::info!(peer = %self.peer, stream = key, "publisher refused: a source has this name");
            let text = format!("\"{key}\" is a source of this server; choose another stream key");
            return self.session.publish_denied(stream, PublishError::BadName, &text);
        }
        match self.server.streams.publish(&key, self.peer.ip(), now) {
            Ok(publisher) => {
                tracing::info!(peer = %self.peer, stream = key, "publishing");
                self.session.publish_started(stream, now)?;
                self.server.recordings.published(publisher.stream());
                let recording = self.record(stream, &publisher, mode)?;
                self.publishers.push(LivePublisher { stream, publisher, recording });
                Ok(())
            }
            Err(error) => {
                tracing::info!(peer = %self.peer, stream = key, %error, "publisher refused");
                let (kind, reason) = match error {
                    PublishRefused::InUse(_) => (PublishError::BadName, "publish_in_use"),
                    PublishRefused::BadName(_) => (PublishError::Denied, "publish_name"),
                    PublishRefused::TooMany => (PublishError::Denied, "publish_too_many"),
                };
                self.server.connections.refusal("rtmp", reason);
                self.session.publish_denied(stream, kind, &error.to_string())
            }
        }
    }

    /// Records what is published when the publisher wants it. When that can't be, the stream is live all
    /// the same: nobody's broadcast ends for want of a recording.
    fn record(
        &mut self,
        stream: StreamId,
        publisher: &Publisher,
        mode: PublishMode,
    ) -> Result<Option<Arc<Recording>>, SessionError> {
        let mode = match mode {
            PublishMode::Live => return Ok(None),
            PublishMode::Record => Mode::New,
            PublishMode::Append => Mode::Append,
        };
        let live = publisher.stream();
        match self.server.recordings.start(live, mode, By::Publisher) {
            Ok(recording) => {
                let text = format!("{} is being recorded", live.name());
                self.session.record_status(stream, RecordStatus::Start, &text)?;
                Ok(Some(recording))
            }
            Err(error) => {
                tracing::info!(peer = %self.peer, stream = live.name(), %error, "not recorded");
                self.session.record_status(stream, RecordStatus::NoAccess, &error.to_string())?;
                Ok(None)
            }
        }
    }

    /// Passes a tag on to the stream it is published to.
    pub(super) fn published(&mut self, stream: StreamId, tag: Tag, now: Instant) -> Result<(), SessionError> {
        let Some(publishing) = self.publishers.iter_mut().find(|publishing| publishing.stream == stream)
        else {
            return Ok(());
        };
        if publishing.publisher.push(tag, now) {
            let over = publishing.recording.take_if(|recording| recording.is_over());
            return over.map_or(Ok(()), |recording| self.say_recorded(stream, &recording));
        }
        self.publishers.retain(|publishing| publishing.stream != stream);
        let text = "another encoder has taken over this stream key; stop one of the two";
        self.session.publish_denied(stream, PublishError::BadName, text)
    }

    /// The publisher is done. A recording that it has asked for is done with it; one that somebody else
    /// wants goes on for as long as the stream waits for a publisher.
    pub(super) fn unpublish(&mut self, stream: StreamId) -> Result<(), SessionError> {
        let Some(at) = self.publishers.iter().position(|publishing| publishing.stream == stream) else {
            return Ok(());
        };
        let publishing = self.publishers.swap_remove(at);
        let Some(recording) = publishing.recording else { return Ok(()) };
        if recording.report().by == By::Publisher {
            recording.stop();
        }
        self.say_recorded(stream, &recording)
    }

    fn say_recorded(&mut self, stream: StreamId, recording: &Recording) -> Result<(), SessionError> {
        let report = recording.report();
        match (report.state, report.error) {
            (State::Failed, Some(error)) => self.session.record_status(stream, RecordStatus::Failed, &error),
            _ => {
                let text = report.name.unwrap_or_else(|| "the recording has ended".to_owned());
                self.session.record_status(stream, RecordStatus::Stop, &text)
            }
        }
    }
}
