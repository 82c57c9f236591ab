//! What a stream keeps of each tag.

use crate::flv::codec::{AudioCodec, AudioHeader, VideoCodec, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::rtmp::SharedRecord;
use std::time::Instant;

/// A tag, and the chunks by which it reaches RTMP viewers.
#[derive(Debug)]
pub struct Record {
    chunks: SharedRecord,
    four_ccs: UsedFourCcs,
    arrived: Instant,
}

/// The codecs beyond Adobe's of one or some records: not every viewer takes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsedFourCcs {
    /// Of the picture, unless it is one that FLV has a number for.
    pub video: Option<[u8; 4]>,
    /// Of the sound, likewise.
    pub audio: Option<[u8; 4]>,
}

impl UsedFourCcs {
    fn of(tag: &Tag) -> Self {
        let video = || match VideoHeader::parse(&tag.body)?.codec {
            VideoCodec::FourCc(code) => Some(code),
            _ => None,
        };
        let audio = || match AudioHeader::parse(&tag.body)?.codec {
            AudioCodec::FourCc(code) => Some(code),
            _ => None,
        };
        match tag.kind {
            TagKind::Video => Self { video: video(), audio: None },
            TagKind::Audio => Self { video: None, audio: audio() },
            TagKind::Script => Self::default(),
        }
    }

    /// Both together; `None` when they have different codecs of one kind.
    pub fn joined(self, other: Self) -> Option<Self> {
        let one = |a: Option<_>, b: Option<_>| (a.is_none() || b.is_none() || a == b).then_some(a.or(b));
        Some(Self { video: one(self.video, other.video)?, audio: one(self.audio, other.audio)? })
    }

    /// There is nothing in `other` that is not here.
    pub fn cover(self, other: Self) -> bool {
        self.joined(other) == Some(self)
    }
}

impl Record {
    pub(crate) fn new(tag: Tag, now: Instant) -> Self {
        let four_ccs = UsedFourCcs::of(&tag);
        Self { chunks: SharedRecord::new(tag), four_ccs, arrived: now }
    }

    /// The tag.
    pub fn tag(&self) -> &Tag {
        self.chunks.tag()
    }

    /// As RTMP chunks.
    pub fn chunks(&self) -> &SharedRecord {
        &self.chunks
    }

    /// Its codec, when that is one beyond Adobe's.
    pub fn four_ccs(&self) -> UsedFourCcs {
        self.four_ccs
    }

    /// When the publisher brought it.
    pub fn arrived(&self) -> Instant {
        self.arrived
    }

    /// Bytes of the tag's body.
    pub(super) fn len(&self) -> usize {
        self.tag().body.len()
    }
}
