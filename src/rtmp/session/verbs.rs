//! What the driver tells the session to say.

use super::{Session, State};
use crate::amf0::{AmfString, Properties, Value};
use crate::flv::{Tag, TagKind};
use crate::limits::{IDLE_TIMEOUT, MAX_TAG_BODY, PING_INTERVAL, WINDOW_ACK_SIZE};
use crate::rtmp::error::SessionError;
use crate::rtmp::event::{Event, StreamId, Transaction};
use crate::rtmp::net_stream::{Passage, Phase};
use crate::rtmp::status::{Level, MediaInfo, PlayError, info};
use crate::time::MediaTime;
use bytes::Bytes;
use rml_rtmp::messages::{PeerBandwidthLimitType, RtmpMessage, UserControlEventType};
use std::time::Instant;

/// What `play_started` tells the client.
#[derive(Clone, Debug, Default)]
pub struct PlayStart {
    /// What plays: the name the client asked for.
    pub details: AmfString,
    /// `onMetaData` as FLV carries it, an ECMA array for ffmpeg's sake.
    pub metadata: Option<Tag>,
    /// From the event.
    pub reset: bool,
    /// It is live: nothing is recorded, paced or kept for a pause. Send it with
    /// [`send_record`](Session::send_record).
    pub live: bool,
}

/// What became of a tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// It is on its way.
    Queued,
    /// The client wants none of this kind: go on with the next one.
    Filtered,
    /// Not now (paused, a seek, no such stream; for records also: output waits for the socket). Keep it and
    /// wait for `media_demand`, or for the next write.
    NotNow,
    /// It lies behind the length asked for; the end was announced instead.
    Ended,
}

impl Session {
    /// Lets the client in.
    pub fn accept_connect(&mut self, now: Instant) -> Result<(), SessionError> {
        if !matches!(self.state, State::ExpectConnectAnswer { .. }) {
            return Ok(());
        }
        let State::ExpectConnectAnswer { transaction, enhanced, deferred } =
            std::mem::replace(&mut self.state, State::Connected)
        else {
            return Ok(());
        };
        self.patience = now + IDLE_TIMEOUT;
        self.ping.at = now + PING_INTERVAL;
        self.out.control(RtmpMessage::WindowAcknowledgement { size: WINDOW_ACK_SIZE })?;
        self.out.control(RtmpMessage::SetPeerBandwidth {
            size: WINDOW_ACK_SIZE,
            limit_type: PeerBandwidthLimitType::Dynamic,
        })?;
        self.out.set_chunk_size()?;
        // The version that nginx-rtmp and SRS claim as well; Flash looks at it before it plays H.264.
        let server = Properties::new().with("fmsVer", "FMS/3,5,7,7009").with("capabilities", 31.0);
        // Encoding 3 (AMF3) is never agreed to, whatever was asked for.
        let info = Properties::new()
            .with("level", "status")
            .with("code", "NetConnection.Connect.Success")
            .with("description", "Connection succeeded.")
            .with("objectEncoding", 0.0);
        self.out.result(transaction, server.into(), enhanced.add_to(info).into())?;
        for message in deferred {
            self.handle_message(message, now)?;
        }
        Ok(())
    }

    /// Sends the client away; [`wants_close`](Session::wants_close) is true from here on.
    pub fn reject_connect(&mut self, description: &str) -> Result<(), SessionError> {
        let State::ExpectConnectAnswer { transaction, .. } = self.state else { return Ok(()) };
        self.state = State::Closing;
        self.out.error(transaction, "NetConnection.Connect.Rejected", description)
    }

    /// Answers a call.
    pub fn reply(&mut self, transaction: Transaction, value: Value) -> Result<(), SessionError> {
        if transaction.0 > 0.0 { self.out.result(transaction.0, Value::Null, value) } else { Ok(()) }
    }

    /// Answers a call that failed.
    pub fn reply_error(&mut self, transaction: Transaction, description: &str) -> Result<(), SessionError> {
        if transaction.0 <= 0.0 {
            return Ok(());
        }
        self.out.error(transaction.0, "NetConnection.Call.Failed", description)
    }

    /// The play begins. Send the sequence headers at its time next, then from a keyframe on; the same for
    /// a live stream.
    pub fn play_started(&mut self, id: StreamId, play: PlayStart) -> Result<(), SessionError> {
        let Some(stream) = self.stream(id) else { return Ok(()) };
        let Phase::ExpectPlayAnswer { start, length, seek } = stream.phase else { return Ok(()) };
        stream.live = play.live;
        match play.live {
            true => stream.live_length = length,
            false => stream.limit = length.map(|length| start.saturating_add_millis(length)),
        }
        stream.playback.jumped();
        let waits = seek.is_some() && !play.live;
        stream.phase = if waits { Phase::ExpectSeekAnswer } else { Phase::Playing };

        let wire_id = id.as_u32();
        if !play.live {
            self.out.stream_event(UserControlEventType::StreamIsRecorded, wire_id)?;
        }
        self.out.stream_event(UserControlEventType::StreamBegin, wire_id)?;
        let details = play.details.as_str();
        if play.reset {
            let reset = format!("Playing and resetting {details}.");
            self.out.status(wire_id, "NetStream.Play.Reset", &reset)?;
        }
        let info = info(Level::Status, "NetStream.Play.Start", &format!("Started playing {details}."));
        self.out.status_info(wire_id, info.with("details", play.details.clone()))?;
        self.sample_access(wire_id)?;
        if let Some(metadata) = play.metadata.filter(|tag| tag.kind == TagKind::Script) {
            self.check_length(&metadata)?;
            self.out.tag(wire_id, &metadata)?;
        }
        match seek {
            Some(_) if play.live => self.answer_live_seek(id),
            Some(target) => self.raise_seek(id, target),
            None => Ok(()),
        }
    }

    /// The play cannot begin. Every known client leaves, or plays the next one.
    pub fn play_failed(
        &mut self,
        id: StreamId,
        error: PlayError,
        description: &str,
    ) -> Result<(), SessionError> {
        let Some(stream) = self.stream(id) else { return Ok(()) };
        let Phase::ExpectPlayAnswer { seek, .. } = stream.phase else { return Ok(()) };
        stream.reset(Phase::ExpectPlay);
        let wire_id = id.as_u32();
        if seek.is_some() {
            self.out.status(wire_id, "NetStream.Seek.Notify", description)?;
        }
        if error != PlayError::NotFound {
            self.out.status_error(wire_id, "NetStream.Play.Failed", description)?;
        }
        // ffmpeg, librtmp and rtmp2src were all seen to leave on this one; the 2007 player on the next.
        self.out.status_error(wire_id, "NetStream.Play.StreamNotFound", description)?;
        self.out.status_error(wire_id, "NetStream.Error", description)
    }

    /// Sends a tag, unless it is not wanted or not its turn.
    pub fn send_tag(&mut self, id: StreamId, tag: &Tag) -> Result<Sent, SessionError> {
        self.check_length(tag)?;
        let Some(stream) = self.stream(id) else { return Ok(Sent::NotNow) };
        match stream.admit(tag) {
            Passage::Send => {
                stream.bytes += tag.body.len() as u64;
                self.out.tag(id.as_u32(), tag)?;
                Ok(Sent::Queued)
            }
            Passage::Skip => Ok(Sent::Filtered),
            Passage::Hold => Ok(Sent::NotNow),
            Passage::HoldAndMark => {
                let mark = Tag { kind: TagKind::Audio, timestamp: tag.timestamp, body: Bytes::new() };
                self.out.tag(id.as_u32(), &mark)?;
                Ok(Sent::NotNow)
            }
            Passage::PastEnd => self.end_at_length(id),
        }
    }

    /// The length asked for has been sent.
    pub(super) fn end_at_length(&mut self, id: StreamId) -> Result<Sent, SessionError> {
        if let Some(stream) = self.stream(id) {
            let (end, bytes) = (stream.limit.unwrap_or_default(), stream.bytes);
            self.finish(id, end, bytes)?;
            self.raise(Event::LengthReached { stream: id })?;
        }
        Ok(Sent::Ended)
    }

    /// `Server.Media.Info`: how much of the media is ready. While something grows, about every
    /// [`MEDIA_INFO_INTERVAL`](crate::limits::MEDIA_INFO_INTERVAL).
    pub fn media_info(&mut self, id: StreamId, media: &MediaInfo) -> Result<(), SessionError> {
        match self.stream(id) {
            Some(stream) if stream.phase != Phase::ExpectPlay => {
                self.out.status_info(id.as_u32(), media.as_status())
            }
            _ => Ok(()),
        }
    }

    /// A seek has to wait: [`media_info`](Self::media_info), and `onSeekPending` for our own player. About
    /// every [`SEEK_PENDING_INTERVAL`](crate::limits::SEEK_PENDING_INTERVAL).
    pub fn seek_pending(&mut self, id: StreamId, media: &MediaInfo) -> Result<(), SessionError> {
        match self.stream(id) {
            Some(stream) if stream.phase == Phase::ExpectSeekAnswer => {
                self.out.status_info(id.as_u32(), media.as_status())?;
                self.out.data(id.as_u32(), "onSeekPending", [media.as_seek_pending().into()])
            }
            _ => Ok(()),
        }
    }

    /// The seek lands at `at`. Send the sequence headers at that time next, then the keyframe.
    pub fn seek_done(&mut self, id: StreamId, at: MediaTime) -> Result<(), SessionError> {
        let Some(stream) = self.stream(id) else { return Ok(()) };
        if stream.phase != Phase::ExpectSeekAnswer {
            return Ok(());
        }
        stream.phase = Phase::Playing;
        stream.playback.jumped();
        let wire_id = id.as_u32();
        self.out.stream_event(UserControlEventType::StreamEof, wire_id)?;
        self.out.stream_event(UserControlEventType::StreamIsRecorded, wire_id)?;
        self.out.stream_event(UserControlEventType::StreamBegin, wire_id)?;
        let description = format!("Seeking to {}.", at.as_millis());
        self.out.status(wire_id, "NetStream.Seek.Notify", &description)?;
        self.out.status(wire_id, "NetStream.Play.Start", &description)?;
        self.sample_access(wire_id)
    }

    /// All has been sent: `duration` of the media, `bytes` of it.
    pub fn finish(&mut self, id: StreamId, duration: MediaTime, bytes: u64) -> Result<(), SessionError> {
        if !self.end(id)? {
            return Ok(());
        }
        let info = Properties::new()
            .with("level", "status")
            .with("code", "NetStream.Play.Complete")
            .with("duration", duration.as_secs_f64())
            .with("bytes", bytes as f64);
        self.out.data(id.as_u32(), "onPlayStatus", [info.into()])?;
        self.stop(id, "the end")
    }

    /// The media broke off. Every known client leaves, or plays the next one.
    pub fn stream_failed(&mut self, id: StreamId, description: &str) -> Result<(), SessionError> {
        if !self.end(id)? {
            return Ok(());
        }
        self.out.status_error(id.as_u32(), "NetStream.Play.Failed", description)?;
        self.out.status_error(id.as_u32(), "NetStream.Error", description)?;
        self.stop(id, description)
    }

    /// The server goes down: tells every player, every publisher and the connection, then
    /// [`wants_close`](Session::wants_close).
    pub fn shutdown(&mut self, reason: &str) -> Result<(), SessionError> {
        if matches!(self.state, State::Connected) {
            for index in 0..self.streams.len() {
                let id = StreamId::new(index as u32 + 1);
                self.end_publishing(id, reason)?;
                if self.end(id)? {
                    self.out.status(id.as_u32(), "NetStream.Play.UnpublishNotify", reason)?;
                    self.stop(id, reason)?;
                }
            }
            self.out.status_error(0, "NetConnection.Connect.AppShutdown", reason)?;
        }
        self.state = State::Closing;
        Ok(())
    }

    /// Puts a stream to its end; a seek that waits is answered first, since ffmpeg hears nothing else
    /// until then. False when there is nothing to end.
    pub(super) fn end(&mut self, id: StreamId) -> Result<bool, SessionError> {
        let Some(stream) = self.stream(id) else { return Ok(false) };
        let was = std::mem::replace(&mut stream.phase, Phase::Ended);
        match was {
            Phase::Playing => Ok(true),
            Phase::ExpectPlayAnswer { seek: None, .. } => Ok(true),
            Phase::ExpectSeekAnswer | Phase::ExpectPlayAnswer { .. } => {
                self.out.status(id.as_u32(), "NetStream.Seek.Notify", "the media ends here")?;
                Ok(true)
            }
            Phase::ExpectPlay | Phase::Ended | Phase::ExpectPublishAnswer | Phase::Publishing => {
                stream.phase = was;
                Ok(false)
            }
        }
    }

    /// Together with `onPlayStatus` what each client needs to see the end: rtmp2src the first, ffmpeg and
    /// librtmp the second.
    pub(super) fn stop(&mut self, id: StreamId, description: &str) -> Result<(), SessionError> {
        self.out.stream_event(UserControlEventType::StreamEof, id.as_u32())?;
        self.out.status(id.as_u32(), "NetStream.Play.Stop", description)
    }

    /// Only a broken provider makes a longer one; what it would make next is not to be trusted.
    pub(super) fn check_length(&mut self, tag: &Tag) -> Result<(), SessionError> {
        let length = tag.body.len();
        if length <= MAX_TAG_BODY {
            return Ok(());
        }
        self.end_for_good();
        Err(SessionError::TagTooLong { length })
    }

    /// Lets Flash read pixels and samples (BitmapData.draw); FMS sends it with every play.
    fn sample_access(&mut self, wire_id: u32) -> Result<(), SessionError> {
        self.out.data(wire_id, "|RtmpSampleAccess", [true.into(), true.into()])
    }
}
