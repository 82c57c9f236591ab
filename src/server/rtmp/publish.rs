//! Message streams that publish a live stream.

use super::Connection;
use crate::flv::Tag;
use crate::rtmp::{PublishError, SessionError, StreamId, StreamKey};
use crate::stream::{PublishRefused, Publisher};
use std::time::Instant;

/// A message stream that publishes.
pub(super) struct LivePublisher {
    pub(super) stream: StreamId,
    pub(super) publisher: Publisher,
}

impl Connection {
    /// Starts publishing, or says why not.
    pub(super) fn publish(
        &mut self,
        stream: StreamId,
        name: &[u8],
        now: Instant,
    ) -> Result<(), SessionError> {
        let Some(key) = self.server.live_apps.stream(&self.app, name) else {
            let text = "streams are published to the application \"live\": rtmp://<box>/live/<stream key>";
            return self.session.publish_denied(stream, PublishError::Denied, text);
        };
        if let Some(secret) = self.server.live_apps.secret(&key)
            && !StreamKey::parse(name).opens(secret.as_bytes())
        {
            tracing::info!(peer = %self.peer, stream = key, "publisher refused: wrong secret");
            let text =
                "the stream key lacks the right secret; publish to rtmp://<box>/live/<name>?key=<secret>";
            return self.session.publish_denied(stream, PublishError::Denied, text);
        }
        match self.server.streams.publish(&key, self.peer.ip(), now) {
            Ok(publisher) => {
                tracing::info!(peer = %self.peer, stream = key, "publishing");
                self.publishers.push(LivePublisher { stream, publisher });
                self.session.publish_started(stream, now)
            }
            Err(error) => {
                tracing::info!(peer = %self.peer, stream = key, %error, "publisher refused");
                let kind = match error {
                    PublishRefused::InUse(_) => PublishError::BadName,
                    PublishRefused::BadName(_) | PublishRefused::TooMany => PublishError::Denied,
                };
                self.session.publish_denied(stream, kind, &error.to_string())
            }
        }
    }

    /// Passes a tag on to the stream it is published to.
    pub(super) fn published(&mut self, stream: StreamId, tag: Tag, now: Instant) -> Result<(), SessionError> {
        let publishing = self.publishers.iter().find(|publishing| publishing.stream == stream);
        if publishing.is_none_or(|publishing| publishing.publisher.push(tag, now)) {
            return Ok(());
        }
        self.publishers.retain(|publishing| publishing.stream != stream);
        let text = "another encoder has taken over this stream key; stop one of the two";
        self.session.publish_denied(stream, PublishError::BadName, text)
    }
}
