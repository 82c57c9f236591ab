//! What shall become of a file: the profile, what the client decodes beside it, and which tracks.
//!
//! Two viewers that ask for the same [`Form`] of a file can share one conversion.

pub use crate::choice::{Profile, TrackChoice};

use serde::{Deserialize, Serialize};

/// What a client decodes beside what its [`Profile`] is made of: streams of this kind pass as they are.
///
/// The enhanced codecs are what a client of Enhanced RTMP lists by FourCC in `connect`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Passes {
    /// HEVC, `hvc1`, of 8 or 10 bits.
    pub hevc: bool,
    /// AV1, `av01`.
    pub av1: bool,
    /// VP9, `vp09`.
    pub vp9: bool,
    /// Opus, `Opus`.
    pub opus: bool,
    /// AAC of more than two channels.
    pub surround: bool,
    /// Interlaced H.264: players that deinterlace by themselves.
    pub interlaced: bool,
    /// H.264 larger than the `tv` profile's pictures.
    pub large: bool,
}

impl Passes {
    /// Every codec: a client that said it takes any (`"*"`), which says nothing of sizes.
    pub const ALL: Self =
        Self { hevc: true, av1: true, vp9: true, opus: true, surround: true, interlaced: true, large: false };

    /// Adds the codec of a FourCC that a client listed; unknown ones change nothing.
    pub fn add_four_cc(&mut self, four_cc: &[u8]) {
        match four_cc {
            b"hvc1" => self.hevc = true,
            b"av01" => self.av1 = true,
            b"vp09" => self.vp9 = true,
            b"Opus" => self.opus = true,
            _ => {}
        }
    }
}

/// What shall become of a file.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    /// What the result is made of.
    pub profile: Profile,
    /// What passes beside it.
    pub passes: Passes,
    /// Which of [`Contents::audio_tracks`](super::Contents::audio_tracks); the default when there is none like that.
    pub audio: TrackChoice,
    /// Draw this one of [`Contents::subtitle_tracks`](super::Contents::subtitle_tracks) into the picture; none when
    /// there is none like that.
    pub subtitles: Option<TrackChoice>,
}

/// How an access unit is coded: what the result of a conversion consists of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// H.264 with length-prefixed NAL units; its configuration is an AVCDecoderConfigurationRecord.
    H264,
    /// HEVC with length-prefixed NAL units; HEVCDecoderConfigurationRecord.
    Hevc,
    /// AV1 temporal units; AV1CodecConfigurationRecord.
    Av1,
    /// VP9 superframes; VPCodecConfigurationRecord.
    Vp9,
    /// Sorenson H.263, without configuration.
    Flv1,
    /// Raw AAC; AudioSpecificConfig.
    Aac,
    /// Opus packets; the identification header of RFC 7845, 5.1.
    Opus,
    /// MP3 frames, without configuration.
    Mp3,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_lists_passes() {
        let mut passes = Passes::default();
        for code in [&b"hvc1"[..], b"av01", b"vp09", b"Opus", b"xxxx", b""] {
            passes.add_four_cc(code);
        }
        assert_eq!(passes, Passes { surround: false, interlaced: false, ..Passes::ALL });
    }
}
