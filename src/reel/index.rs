//! The index of a reel, made while its tags go by: where a viewer can start, and which codec
//! configuration holds there. Pure.

use super::ranges::RangeId;
use crate::flv::codec::{AudioCodec, AudioHeader, Packet, VideoCodec, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::limits::{AUDIO_INDEX_STEP, INDEX_MIN_STEP, MAX_HEADER_CHANGES, MAX_INDEX_ENTRIES};
use crate::time::MediaTime;

/// A place where a viewer can start: a video keyframe, or any audio tag of a reel without video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeekPoint {
    /// The tag's time.
    pub time: MediaTime,
    /// Where its header begins in the range's data.
    pub offset: u64,
    /// The range that has it.
    pub range: RangeId,
}

/// A sequence header and where it begins to hold.
#[derive(Debug, Clone)]
pub(super) struct HeaderChange {
    pub(super) offset: u64,
    pub(super) tag: Tag,
}

/// Which codecs a reel carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Codecs {
    /// The video codec, when there is video.
    pub video: Option<VideoCodec>,
    /// The audio codec, when there is audio.
    pub audio: Option<AudioCodec>,
}

impl Codecs {
    /// H.264, AAC, or both, and nothing else: what fragmented MP4 and every current player takes.
    pub fn are_avc_and_aac(&self) -> bool {
        self.video.is_none_or(|c| c == VideoCodec::Avc)
            && self.audio.is_none_or(|c| c == AudioCodec::Aac)
            && (self.video.is_some() || self.audio.is_some())
    }
}

/// What a tag means to the index, from the first bytes of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A decoder can start here.
    Keyframe(VideoCodec),
    /// Another frame of video.
    VideoFrame(VideoCodec),
    /// A frame of audio.
    AudioFrame(AudioCodec),
    /// A codec configuration.
    SequenceHeader,
    /// Script, command frames, end of sequence, empty tags.
    Other,
}

impl Role {
    /// From a tag's kind and at least the first eight bytes of its body (all, when shorter).
    pub fn of(kind: TagKind, body_head: &[u8]) -> Self {
        match kind {
            TagKind::Script => Self::Other,
            TagKind::Video => match VideoHeader::parse(body_head) {
                Some(VideoHeader { packet: Packet::SequenceHeader, .. }) => Self::SequenceHeader,
                Some(VideoHeader { packet: Packet::Frame, keyframe: true, codec, .. }) => {
                    Self::Keyframe(codec)
                }
                Some(VideoHeader { packet: Packet::Frame, codec, .. }) => Self::VideoFrame(codec),
                _ => Self::Other,
            },
            TagKind::Audio => match AudioHeader::parse(body_head) {
                Some(AudioHeader { packet: Packet::SequenceHeader, .. }) => Self::SequenceHeader,
                Some(AudioHeader { packet: Packet::Frame, codec, .. }) => Self::AudioFrame(codec),
                _ => Self::Other,
            },
        }
    }
}

/// Makes index entries from tags in the order of the data. What it has found since the last
/// [`take`](Self::take) waits until the data is there for readers too.
#[derive(Debug, Default)]
pub struct Indexer {
    codecs: Codecs,
    last_video: Option<MediaTime>,
    last_audio: Option<MediaTime>,
    frames: usize,
    last_point: Option<MediaTime>,
    points_made: usize,
    headers_made: usize,
    fresh: Findings,
}

/// What an [`Indexer`] has found in some stretch of data.
#[derive(Debug, Default)]
pub struct Findings {
    pub(super) points: Vec<SeekPoint>,
    pub(super) headers: Vec<HeaderChange>,
}

impl Indexer {
    /// A sequence header, whole.
    pub fn sequence_header(&mut self, tag: Tag, offset: u64) {
        let codecs = &mut self.codecs;
        match tag.kind {
            TagKind::Video => codecs.video = VideoHeader::parse(&tag.body).map(|h| h.codec).or(codecs.video),
            TagKind::Audio => codecs.audio = AudioHeader::parse(&tag.body).map(|h| h.codec).or(codecs.audio),
            TagKind::Script => {}
        }
        // A publisher that repeats its headers with every keyframe repeats the same ones.
        let repeated = self.fresh.headers.iter().rev().find(|h| h.tag.kind == tag.kind);
        if repeated.is_some_and(|h| h.tag.body == tag.body) || self.headers_made >= MAX_HEADER_CHANGES {
            return;
        }
        self.headers_made += 1;
        self.fresh.headers.push(HeaderChange { offset, tag });
    }

    /// A frame, or anything else that is no sequence header.
    pub fn frame(&mut self, role: Role, time: MediaTime, offset: u64) {
        let step = match role {
            Role::Keyframe(codec) => {
                self.codecs.video = Some(codec);
                Some(INDEX_MIN_STEP)
            }
            Role::VideoFrame(codec) => {
                self.codecs.video = Some(codec);
                None
            }
            Role::AudioFrame(codec) => {
                self.codecs.audio = Some(codec);
                self.codecs.video.is_none().then_some(AUDIO_INDEX_STEP)
            }
            Role::SequenceHeader | Role::Other => return,
        };
        let last =
            if matches!(role, Role::AudioFrame(_)) { &mut self.last_audio } else { &mut self.last_video };
        *last = (*last).max(Some(time));
        // The very first frame is where playing starts, keyframe or not.
        let first = self.frames == 0;
        self.frames += 1;
        let due = match (step, self.last_point) {
            (_, None) => first || step.is_some(),
            // On a grid of the timeline: conversions that start at different places choose the same frames.
            (Some(step), Some(last)) => {
                let slot = |time: MediaTime| u128::from(time.as_millis()) / step.as_millis();
                slot(time) > slot(last)
            }
            (None, Some(_)) => false,
        };
        // The first real keyframe counts however near the first frame it is.
        let first_keyframe =
            matches!(role, Role::Keyframe(_)) && self.points_made == 1 && self.last_point < Some(time);
        if (due || first_keyframe) && self.points_made < MAX_INDEX_ENTRIES {
            self.points_made += 1;
            self.last_point = Some(time);
            self.fresh.points.push(SeekPoint { time, offset, range: RangeId::FIRST });
        }
    }

    /// What was found since the last call.
    pub fn take(&mut self) -> Findings {
        std::mem::take(&mut self.fresh)
    }

    /// The codecs seen so far.
    pub fn codecs(&self) -> Codecs {
        self.codecs
    }

    /// Up to here everything is there. Where there is video it decides: sound may be written far
    /// ahead of it.
    pub fn available(&self) -> MediaTime {
        self.last_video.or(self.last_audio).unwrap_or_default()
    }

    /// The latest time seen so far, of either.
    pub fn end(&self) -> MediaTime {
        self.last_video.max(self.last_audio).unwrap_or_default()
    }

    /// Frames of audio and video seen so far.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// True once a frame of audio or video was seen.
    pub fn has_media(&self) -> bool {
        self.frames > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const KEY: Role = Role::Keyframe(VideoCodec::Avc);
    const INTER: Role = Role::VideoFrame(VideoCodec::Avc);
    const SOUND: Role = Role::AudioFrame(AudioCodec::Aac);

    /// Feeds `(role, ms)` with the position as offset and returns the times of the seek points.
    fn points(frames: &[(Role, u32)]) -> Vec<u32> {
        let mut indexer = Indexer::default();
        for (at, (role, ms)) in frames.iter().enumerate() {
            indexer.frame(*role, MediaTime::from_millis(*ms), at as u64);
        }
        indexer.take().points.iter().map(|p| p.time.as_millis()).collect()
    }

    #[test]
    fn keyframes_are_points_and_sound_beside_video_is_not() {
        // K i i K with sound between
        let gops =
            [(KEY, 0), (SOUND, 10), (INTER, 40), (SOUND, 1500), (INTER, 1960), (KEY, 2000), (SOUND, 4000)];
        assert_eq!(points(&gops), [0, 2000]);
    }

    #[test]
    fn sound_that_starts_before_the_first_keyframe_is_the_first_point() {
        assert_eq!(points(&[(SOUND, 0), (SOUND, 23), (KEY, 40), (INTER, 80), (KEY, 1040)]), [0, 40, 1040]);
    }

    #[test]
    fn sound_alone_has_a_point_each_step() {
        let frames: Vec<_> = (0..130).map(|n| (SOUND, n * 23)).collect();
        assert_eq!(points(&frames), [0, 1012, 2001]);
    }

    #[test]
    fn keyframes_that_follow_closely_or_go_back_are_thinned() {
        assert_eq!(
            points(&[(KEY, 0), (KEY, 40), (KEY, 80), (KEY, 120), (KEY, 160), (KEY, 60), (KEY, 400)]),
            [0, 40, 120, 400]
        );
    }

    #[test]
    fn roles_need_only_the_head_of_a_body() {
        assert_eq!(Role::of(TagKind::Video, &[0x17, 1, 0, 0, 0]), KEY);
        assert_eq!(Role::of(TagKind::Video, &[0x17, 0, 0, 0, 0]), Role::SequenceHeader);
        assert_eq!(Role::of(TagKind::Audio, &[0xaf, 0]), Role::SequenceHeader);
        assert_eq!(Role::of(TagKind::Audio, &[0x2f, 0xff]), Role::AudioFrame(AudioCodec::Mp3));
        assert_eq!(Role::of(TagKind::Video, &[]), Role::Other);
        let mut indexer = Indexer::default();
        let tag =
            Tag { kind: TagKind::Audio, timestamp: MediaTime::ZERO, body: Bytes::from_static(&[0xaf, 0, 1]) };
        indexer.sequence_header(tag, 0);
        assert!(indexer.codecs().are_avc_and_aac());
    }
}
