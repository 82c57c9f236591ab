//! Message streams that watch a live stream, or publish one.

use super::Connection;
use super::starting::Play;
use crate::amf0::AmfString;
use crate::flv::codec::{AudioCodec, AudioHeader, VideoCodec, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::limits::WRITE_BATCH_BYTES;
use crate::rtmp::{
    Capabilities, PlayError, PlayStart, PublishError, Sent, Session, SessionError, StreamId, StreamKey,
};
use crate::stream::{PublishRefused, Publisher, Record, Stream, Subscription};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// A message stream that watches a live stream.
pub(super) struct LiveViewer {
    stream: StreamId,
    subscription: Subscription,
    /// The codecs beyond Adobe's that the client says it takes.
    capabilities: Capabilities,
    /// Taken from the stream, but the session had no room yet.
    held: VecDeque<Arc<Record>>,
    /// Not before this: frames gather meanwhile.
    due: Option<Instant>,
    on_air: bool,
    paused: bool,
    over: bool,
}

impl LiveViewer {
    pub(super) fn new(stream: StreamId, subscription: Subscription, capabilities: Capabilities) -> Self {
        let on_air = subscription.edge().on_air;
        Self {
            stream,
            subscription,
            capabilities,
            held: VecDeque::new(),
            due: None,
            on_air,
            paused: false,
            over: false,
        }
    }

    pub(super) fn stream(&self) -> StreamId {
        self.stream
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    /// Goes on with what is live now: what passed during a pause is past.
    pub(super) fn resume(&mut self) {
        self.paused = false;
        self.held.clear();
        self.subscription.jump_to_live();
    }

    /// When to look again although nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Waits for news of the stream; for ever while frames gather, or nothing may be sent.
    pub(super) async fn news(&mut self) {
        if self.over || self.due.is_some() {
            return std::future::pending().await;
        }
        self.subscription.changed().await;
    }

    /// Sends what is there and due.
    pub(super) fn advance(&mut self, session: &mut Session, now: Instant) -> Result<(), SessionError> {
        let edge = self.subscription.edge();
        if edge.on_air != self.on_air {
            self.on_air = edge.on_air;
            match edge.on_air {
                true => session.publish_notify(self.stream)?,
                false => session.unpublish_notify(self.stream, self.subscription.stream().name())?,
            }
        }
        if edge.over && !self.over {
            self.over = true;
            return session.finish_live(self.stream);
        }
        if self.due.is_some_and(|due| due > now) {
            return Ok(());
        }
        self.due = None;
        while !self.paused {
            // A peer that does not read gets nothing more; when it reads again, it may have lost some.
            while let Some(record) = self.held.front() {
                if session.send_record(self.stream, record.chunks())? == Sent::NotNow {
                    return Ok(());
                }
                self.held.pop_front();
            }
            if !self.subscription.has_more() {
                return Ok(());
            }
            if self.due.is_some() {
                return Ok(());
            }
            self.due = self.subscription.next_writing(now);
            if !self.take_next(session)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes the next records; false when there are none, or none to begin with.
    fn take_next(&mut self, session: &mut Session) -> Result<bool, SessionError> {
        let batch = self.subscription.take(WRITE_BATCH_BYTES);
        let Some(first) = batch.records.first() else { return Ok(false) };
        if let Some(codec) = batch.preface.iter().chain(&batch.records).find_map(|r| self.not_taken(r)) {
            let text = format!(
                "this stream is {codec}, which this player has not said it can play; \
                 use one that speaks Enhanced RTMP, or let the encoder send H.264 and AAC"
            );
            self.over = true;
            session.stream_failed(self.stream, &text)?;
            return Ok(false);
        }
        if batch.lost > 0 {
            let name = self.subscription.stream().name();
            tracing::info!(stream = name, lost = batch.lost, "a slow viewer goes on at the last keyframe");
        }
        for record in &batch.preface {
            let tag = Tag { timestamp: first.tag().timestamp, ..record.tag().clone() };
            session.send_tag(self.stream, &tag)?;
        }
        self.held.extend(batch.records);
        Ok(true)
    }
}

impl LiveViewer {
    /// The codec of a record that the client does not take.
    fn not_taken(&self, record: &Record) -> Option<String> {
        let tag = record.tag();
        let taken = &self.capabilities;
        let (codec, taken) = match tag.kind {
            TagKind::Video => match VideoHeader::parse(&tag.body)?.codec {
                VideoCodec::FourCc(codec) => (codec, taken.video_four_ccs.contains(&codec)),
                _ => return None,
            },
            TagKind::Audio => match AudioHeader::parse(&tag.body)?.codec {
                AudioCodec::FourCc(codec) => (codec, taken.audio_four_ccs.contains(&codec)),
                _ => return None,
            },
            TagKind::Script => return None,
        };
        (!taken).then(|| codec_name(codec))
    }
}

/// A FourCC by the name that people know.
fn codec_name(four_cc: [u8; 4]) -> String {
    let name = match &four_cc {
        b"hvc1" => "HEVC",
        b"av01" => "AV1",
        b"vp09" => "VP9",
        b"Opus" => "Opus",
        b"fLaC" => "FLAC",
        b"ac-3" | b"ec-3" => "Dolby Digital",
        other => return String::from_utf8_lossy(other).escape_default().to_string(),
    };
    name.to_owned()
}

/// A message stream that publishes.
pub(super) struct LivePublisher {
    pub(super) stream: StreamId,
    pub(super) publisher: Publisher,
}

impl Connection {
    /// Starts watching the live stream of that key.
    pub(super) fn watch(
        &mut self,
        stream: StreamId,
        key: &str,
        name: AmfString,
        reset: bool,
    ) -> Result<(), SessionError> {
        let play = Play { stream, name, reset };
        match self.server.live_now(key) {
            Some(live) => self.fetched(play, Ok(live)),
            None => {
                // Other events of this connection do not wait for it.
                self.starting.ask(self.server.clone(), key.to_owned(), play);
                Ok(())
            }
        }
    }

    /// The live stream that somebody wants to watch is there, or does not come.
    pub(super) fn fetched(
        &mut self,
        play: Play,
        live: Result<Arc<Stream>, String>,
    ) -> Result<(), SessionError> {
        let Play { stream, name, reset } = play;
        let live = match live {
            Ok(live) => live,
            Err(text) => return self.session.play_failed(stream, PlayError::NotFound, &text),
        };
        tracing::info!(peer = %self.peer, stream = live.name(), "watching");
        self.session.play_started(stream, PlayStart { details: name, metadata: None, reset, live: true })?;
        self.viewers.push(LiveViewer::new(stream, live.subscribe(), self.capabilities.clone()));
        Ok(())
    }

    /// Starts publishing, or says why not.
    pub(super) fn publish(
        &mut self,
        stream: StreamId,
        name: &[u8],
        now: Instant,
    ) -> Result<(), SessionError> {
        let Some(key) = key(&self.app, name) else {
            let text = "streams are published to the application \"live\": rtmp://<box>/live/<stream key>";
            return self.session.publish_denied(stream, PublishError::Denied, text);
        };
        if let Some(secret) = &self.server.publish_secret
            && !StreamKey::parse(name).opens(secret.as_bytes())
        {
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
            let text = format!("\"{key}\" is a source of this server; choose another stream key");
            return self.session.publish_denied(stream, PublishError::BadName, &text);
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

    pub(super) fn with_viewer(&mut self, stream: StreamId, act: impl FnOnce(&mut LiveViewer)) {
        if let Some(viewer) = self.viewers.iter_mut().find(|viewer| viewer.stream() == stream) {
            act(viewer);
        }
    }
}

/// The key of a live stream, when that is what application and name mean: `rtmp://box/live/<key>`.
/// What follows a question mark belongs to the encoder.
pub(super) fn key(app: &[u8], name: &[u8]) -> Option<String> {
    let app = String::from_utf8_lossy(app);
    let folder = app.trim_matches('/').strip_prefix("live")?;
    if !folder.is_empty() && !folder.starts_with('/') {
        return None;
    }
    let name = String::from_utf8_lossy(name);
    let name = name.split('?').next().unwrap_or_default().trim_matches('/');
    let folder = folder.trim_matches('/');
    Some(if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") })
}

/// Waits until one of the streams watched has news.
pub(super) async fn news(viewers: &mut [LiveViewer]) {
    match viewers {
        [] => std::future::pending().await,
        [viewer] => viewer.news().await,
        viewers => {
            let all = viewers.iter_mut().map(|viewer| Box::pin(viewer.news()));
            drop(futures_util::future::select_all(all).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn live_streams_are_named_below_the_application_live() {
        for (app, name, expected) in [
            ("live", "cam", Some("cam")),
            ("live/", "cam?token=1", Some("cam")),
            ("live/house", "cam", Some("house/cam")),
            ("vod", "cam", None),
            ("livestream", "cam", None),
        ] {
            assert_eq!(key(app.as_bytes(), name.as_bytes()).as_deref(), expected, "{app} {name}");
        }
    }
}
