//! One NetStream: what it waits for and which tags it lets through.

use super::media_record::SharedRecord;
use super::playback::Playback;
use crate::amf0::AmfString;
use crate::flv::codec::{Packet, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::limits::MAX_SOUND_BEFORE_PICTURE;
use crate::time::MediaTime;

/// What a NetStream waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// `play` or `publish`.
    ExpectPlay,
    /// The driver's answer to `play`; a seek may have come meanwhile.
    ExpectPlayAnswer {
        /// Where the play is to begin.
        start: MediaTime,
        /// Milliseconds to play.
        length: Option<u32>,
        /// To be raised once the play has started.
        seek: Option<MediaTime>,
    },
    /// Tags.
    Playing,
    /// The driver's answer to `seek`.
    ExpectSeekAnswer,
    /// Another seek or play: all has been sent.
    Ended,
    /// The driver's answer to `publish`.
    ExpectPublishAnswer,
    /// A publisher's media.
    Publishing,
}

/// Whether pictures pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum VideoGate {
    Open,
    /// Wanted again, but a decoder can only start at a keyframe.
    UntilKeyframe,
    Closed,
}

/// What to do with a tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passage {
    /// Send it.
    Send,
    /// It counts as sent.
    Skip,
    /// Keep it: it is not its turn.
    Hold,
    /// Keep it, but tell the client its time: a seek while paused, without pictures.
    HoldAndMark,
    /// It lies behind the length that was asked for.
    PastEnd,
}

pub(super) struct NetStream {
    pub(super) phase: Phase,
    pub(super) playback: Playback,
    /// End of the length asked for.
    pub(super) limit: Option<MediaTime>,
    /// Bytes of tags sent since the play began.
    pub(super) bytes: u64,
    /// What plays is live: sent as it comes, never paced, nothing kept for a pause or seek.
    pub(super) live: bool,
    /// Milliseconds of a live stream to play, until its first frame says from where on.
    pub(super) live_length: Option<u32>,
    /// The name that is published here, or is about to be.
    pub(super) published_name: AmfString,
    audio: bool,
    video: VideoGate,
    has_video: bool,
}

impl NetStream {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::ExpectPlay,
            playback: Playback::default(),
            limit: None,
            bytes: 0,
            live: false,
            live_length: None,
            published_name: AmfString::default(),
            audio: true,
            video: VideoGate::Open,
            has_video: false,
        }
    }

    /// Somebody publishes here, or is about to.
    pub(super) fn is_publisher(&self) -> bool {
        matches!(self.phase, Phase::ExpectPublishAnswer | Phase::Publishing)
    }

    /// Something plays or is published, or is about to be.
    pub(super) fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::ExpectPlay | Phase::Ended)
    }

    /// For the next play, or none.
    pub(super) fn reset(&mut self, phase: Phase) {
        let playback = self.playback.renewed();
        let audio = self.audio;
        let video = self.video;
        *self = Self { phase, playback, audio, ..Self::new() };
        self.video = if video == VideoGate::Closed { VideoGate::Closed } else { VideoGate::Open };
    }

    pub(super) fn receive_audio(&mut self, on: bool) {
        self.audio = on;
    }

    pub(super) fn receive_video(&mut self, on: bool) {
        self.video = match (on, self.video) {
            (false, _) => VideoGate::Closed,
            (true, VideoGate::Closed) => VideoGate::UntilKeyframe,
            (true, gate) => gate,
        };
    }

    /// Decides about a tag and moves the play clock.
    pub(super) fn admit(&mut self, tag: &Tag) -> Passage {
        if self.live {
            return self.admit_live(tag, tag.is_sequence_header(), tag.is_keyframe());
        }
        let paused = self.playback.paused();
        if self.phase != Phase::Playing || (paused && !self.playback.picture_due()) {
            return Passage::Hold;
        }
        // Configuration always passes: without it, what comes later cannot be decoded.
        if tag.kind == TagKind::Script || tag.is_sequence_header() {
            self.has_video |= tag.kind == TagKind::Video;
            return Passage::Send;
        }
        if self.limit.is_some_and(|limit| tag.timestamp > limit) {
            return Passage::PastEnd;
        }
        if paused {
            return self.admit_to_pause(tag);
        }
        let passage = self.pass(tag);
        self.playback.sent(tag.timestamp);
        passage
    }

    /// As [`admit`](Self::admit), for a record that has been looked into once for all its viewers.
    pub(super) fn admit_record(&mut self, record: &SharedRecord) -> Passage {
        if !self.live {
            return self.admit(record.tag());
        }
        self.admit_live(record.tag(), record.is_sequence_header(), record.is_keyframe())
    }

    fn admit_live(&mut self, tag: &Tag, is_sequence_header: bool, is_keyframe: bool) -> Passage {
        if self.phase != Phase::Playing || self.playback.paused() {
            return Passage::Hold;
        }
        if tag.kind == TagKind::Script || is_sequence_header {
            return Passage::Send;
        }
        if let Some(length) = self.live_length.take() {
            self.limit = Some(tag.timestamp.saturating_add_millis(length));
        }
        if self.limit.is_some_and(|limit| tag.timestamp > limit) {
            return Passage::PastEnd;
        }
        if self.passes(tag.kind, || is_keyframe) { Passage::Send } else { Passage::Skip }
    }

    /// Live, and nothing is held back, left out or counted.
    pub(super) fn passes_all(&self) -> bool {
        let unlimited = self.limit.is_none() && self.live_length.is_none();
        let all = self.audio && self.video == VideoGate::Open;
        self.live && self.phase == Phase::Playing && !self.playback.paused() && unlimited && all
    }

    fn pass(&mut self, tag: &Tag) -> Passage {
        if self.passes(tag.kind, || tag.is_keyframe()) { Passage::Send } else { Passage::Skip }
    }

    fn passes(&mut self, kind: TagKind, is_keyframe: impl FnOnce() -> bool) -> bool {
        if kind == TagKind::Audio {
            return self.audio;
        }
        self.has_video = true;
        if self.video == VideoGate::UntilKeyframe && is_keyframe() {
            self.video = VideoGate::Open;
        }
        self.video == VideoGate::Open
    }

    /// Paused, and a seek wants its one picture.
    fn admit_to_pause(&mut self, tag: &Tag) -> Passage {
        let passage = match tag.kind {
            TagKind::Video => {
                // A picture that is not wanted ends the wait as well, or the whole film would go by.
                let is_frame = VideoHeader::parse(&tag.body).is_some_and(|h| h.packet == Packet::Frame);
                if is_frame {
                    self.playback.picture_shown();
                }
                self.pass(tag)
            }
            _ if !self.has_video || self.playback.sent_while_paused() > MAX_SOUND_BEFORE_PICTURE => {
                self.playback.picture_shown();
                return Passage::HoldAndMark;
            }
            _ if self.audio => Passage::Send,
            _ => Passage::Skip,
        };
        self.playback.sent(tag.timestamp);
        passage
    }
}

#[cfg(test)]
mod tests {
    use super::super::playback::Demand;
    use super::*;
    use bytes::Bytes;
    use std::time::Instant;

    fn audio(ms: u32) -> Tag {
        Tag {
            kind: TagKind::Audio,
            timestamp: MediaTime::from_millis(ms),
            body: Bytes::from_static(&[0x2f, 1]),
        }
    }

    fn video(ms: u32, key: bool) -> Tag {
        let body = Bytes::from_static(if key { &[0x12, 1] } else { &[0x22, 1] });
        Tag { kind: TagKind::Video, timestamp: MediaTime::from_millis(ms), body }
    }

    fn playing() -> NetStream {
        let mut stream = NetStream::new();
        stream.phase = Phase::Playing;
        stream
    }

    #[test]
    fn pictures_wanted_again_begin_with_a_keyframe() {
        let mut stream = playing();
        stream.receive_video(false);
        assert_eq!(stream.admit(&video(0, true)), Passage::Skip);
        assert_eq!(stream.admit(&audio(0)), Passage::Send);
        stream.receive_video(true);
        assert_eq!(stream.admit(&video(40, false)), Passage::Skip);
        assert_eq!(stream.admit(&video(80, true)), Passage::Send);
        assert_eq!(stream.admit(&video(120, false)), Passage::Send);
    }

    #[test]
    fn a_paused_stream_shows_one_picture_after_a_seek() {
        let mut stream = playing();
        let now = Instant::now();
        stream.admit(&video(0, true));
        stream.playback.pause(now);
        assert_eq!(stream.admit(&video(40, false)), Passage::Hold);
        stream.playback.jumped();
        assert_eq!(stream.admit(&audio(9960)), Passage::Send);
        assert_eq!(stream.admit(&video(10_000, true)), Passage::Send);
        assert_eq!(stream.admit(&video(10_040, false)), Passage::Hold);
        assert_eq!(stream.playback.demand(now), Demand::Idle);
    }

    #[test]
    fn a_paused_stream_without_pictures_marks_its_time_and_keeps_the_sound() {
        let mut stream = playing();
        stream.admit(&audio(0));
        stream.playback.pause(Instant::now());
        stream.playback.jumped();
        assert_eq!(stream.admit(&audio(10_000)), Passage::HoldAndMark);
        assert_eq!(stream.admit(&audio(10_000)), Passage::Hold);
    }

    #[test]
    fn a_picture_nobody_wants_does_not_let_the_film_go_by_in_a_pause() {
        let mut stream = playing();
        stream.admit(&video(0, true));
        stream.receive_video(false);
        stream.playback.pause(Instant::now());
        stream.playback.jumped();
        assert_eq!(stream.admit(&video(10_000, true)), Passage::Skip);
        assert_eq!(stream.admit(&video(10_040, false)), Passage::Hold);
        // Nor does a tail without pictures.
        stream.playback.jumped();
        for ms in (20_000..21_100).step_by(20) {
            match stream.admit(&audio(ms)) {
                Passage::Send => assert!(ms <= 21_020, "{ms}"),
                other => assert_eq!((other, ms > 21_000), (Passage::HoldAndMark, true)),
            }
            if !stream.playback.picture_due() {
                return;
            }
        }
        panic!("the wait for a picture never ended");
    }

    #[test]
    fn what_lies_behind_the_length_asked_for_ends_the_stream() {
        let mut stream = playing();
        stream.limit = Some(MediaTime::from_millis(100));
        assert_eq!(stream.admit(&video(100, true)), Passage::Send);
        assert_eq!(stream.admit(&video(101, false)), Passage::PastEnd);
    }
}
