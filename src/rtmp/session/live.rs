//! Verbs for those who watch a live stream.

use super::{Sent, Session};
use crate::limits::RTMP_OUTPUT_HIGH_WATER;
use crate::rtmp::error::SessionError;
use crate::rtmp::event::StreamId;
use crate::rtmp::media_record::SharedRecord;
use crate::rtmp::net_stream::{Passage, Phase};

impl Session {
    /// Sends what all viewers of a live stream share, unless it is not wanted or not its turn.
    ///
    /// Above [`RTMP_OUTPUT_HIGH_WATER`] of [`buffered_output`](Self::buffered_output) the answer is
    /// [`Sent::NotNow`]: a viewer that does not keep up costs that much memory and no more. Let it wait at
    /// the record it is at, or skip to a keyframe.
    pub fn send_record(&mut self, id: StreamId, record: &SharedRecord) -> Result<Sent, SessionError> {
        self.check_length(record.tag())?;
        let is_full = self.out.queued() > RTMP_OUTPUT_HIGH_WATER;
        let Some(stream) = self.stream(id).filter(|_| !is_full) else { return Ok(Sent::NotNow) };
        match stream.admit_record(record) {
            Passage::Send => {
                stream.bytes += record.tag().body.len() as u64;
                self.out.record(id.as_u32(), record)?;
                Ok(Sent::Queued)
            }
            Passage::Skip => Ok(Sent::Filtered),
            // Marks are for recorded streams, which go through `send_tag`.
            Passage::Hold | Passage::HoldAndMark => Ok(Sent::NotNow),
            Passage::PastEnd => self.end_at_length(id),
        }
    }

    /// Whether every record of the live stream goes to this viewer as it is, and nothing waits to be sent
    /// before: then its records may be written past the session, as [`SharedRecord::encode_into`] makes
    /// them. Take in what you like meanwhile, but tell [`sent_past`](Self::sent_past) before the next verb,
    /// timeout or transmit.
    pub fn passes_all(&mut self, id: StreamId) -> bool {
        self.out.queued() == 0 && self.stream(id).is_some_and(|stream| stream.passes_all())
    }

    /// Records were written past the session: `tag_bytes` of tags, `wire_bytes` in all.
    pub fn sent_past(&mut self, id: StreamId, tag_bytes: u64, wire_bytes: u64) {
        self.out.sent_past(wire_bytes);
        if let Some(stream) = self.stream(id) {
            stream.bytes += tag_bytes;
        }
    }

    /// The publisher is gone, and may come back: [`publish_notify`](Self::publish_notify), or
    /// [`finish_live`](Self::finish_live). Flash and rtmp2src wait; ffmpeg and librtmp leave, and
    /// their players are started again or ask anew by themselves (rtmpsrc).
    pub fn unpublish_notify(&mut self, id: StreamId, name: &str) -> Result<(), SessionError> {
        if !self.plays_live(id) {
            return Ok(());
        }
        self.out.status(id.as_u32(), "NetStream.Play.UnpublishNotify", &format!("{name} is now unpublished."))
    }

    /// The publisher is back. Send sequence headers and a keyframe next.
    pub fn publish_notify(&mut self, id: StreamId) -> Result<(), SessionError> {
        if !self.plays_live(id) {
            return Ok(());
        }
        self.out.status(id.as_u32(), "NetStream.Play.PublishNotify", "the stream is published again")
    }

    /// The publisher will not come back: every client leaves, or plays the next one.
    pub fn finish_live(&mut self, id: StreamId) -> Result<(), SessionError> {
        if !self.end(id)? {
            return Ok(());
        }
        let reason = "the publisher has ended the stream";
        self.out.status(id.as_u32(), "NetStream.Play.UnpublishNotify", reason)?;
        self.stop(id, reason)
    }

    /// There is nowhere to go to, but ffmpeg and mpv drop everything until they hear this.
    pub(super) fn answer_live_seek(&mut self, id: StreamId) -> Result<(), SessionError> {
        self.out.status(id.as_u32(), "NetStream.Seek.Notify", "a live stream goes on where it is")
    }

    fn plays_live(&mut self, id: StreamId) -> bool {
        self.stream(id).is_some_and(|stream| stream.live && stream.phase == Phase::Playing)
    }
}
