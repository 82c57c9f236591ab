//! Why a tag cannot become MP4.

use crate::flv::aac::AacConfigError;
use crate::flv::avc::AvcConfigError;
use crate::flv::codec::{AudioCodec, VideoCodec};
use crate::time::MediaTime;
use std::fmt;

/// One of the two lanes of a medium: what RTMP and FLV call the audio and the video messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Lane {
    /// The picture.
    Video,
    /// The sound.
    Audio,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Video => "video",
            Self::Audio => "audio",
        })
    }
}

/// A tag that was not taken. The muxer goes on without it. A lane whose codec or first
/// configuration is refused is left out: its further tags are ignored.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MuxError {
    /// Browsers play no such video from MP4.
    #[error("the video is {}, expected H.264; browsers play no other FLV codec, so ask for the converted H.264", *.0)]
    VideoCodec(VideoCodec),
    /// Browsers play no such audio from MP4.
    #[error("the audio is {}, expected AAC; browsers play no other FLV codec in MP4, so ask for the converted AAC", *.0)]
    AudioCodec(AudioCodec),
    /// AAC, but of a kind that browsers do not play.
    #[error(
        "the audio is AAC of object type {0}, expected 2 (LC), 5 (HE) or 29 (HE v2); convert it to AAC-LC"
    )]
    AacObjectType(u8),
    /// The AVC sequence header cannot be used.
    #[error(transparent)]
    AvcConfig(#[from] AvcConfigError),
    /// The AAC sequence header cannot be used.
    #[error(transparent)]
    AacConfig(#[from] AacConfigError),
    /// A tag body without the bytes that every body of its codec begins with.
    #[error(
        "the {lane} tag at {at} has {len} bytes, too few for its codec's header; the file is damaged there"
    )]
    Truncated {
        /// The lane of the tag.
        lane: Lane,
        /// Its timestamp.
        at: MediaTime,
        /// Bytes in its body.
        len: usize,
    },
    /// The init segment went out without this lane, which cannot join later: Media Source
    /// Extensions refuse another init segment with more tracks.
    #[error("the {lane} begins at {at} without a sequence header before it; push the sequence headers first")]
    HeaderTooLate {
        /// The lane that is left out.
        lane: Lane,
        /// Timestamp of its sequence header.
        at: MediaTime,
    },
}
