//! What shall become of a file: the profile, what the client decodes beside it, and which tracks.
//!
//! Two viewers that ask for the same [`Form`] of a file can share one conversion.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the result of a conversion is made of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// H.264 up to 1920x1080 and AAC: televisions, computers, browsers.
    #[default]
    Tv,
    /// H.264 up to 854x480 and AAC: telephones, weak networks.
    Small,
    /// Sorenson H.263 up to 400x224 with frequent keyframes, and MP3 at 44.1 kHz: Flash 7, the Wii.
    Flash,
    /// AAC only.
    Audio,
}

impl Profile {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Tv, Self::Small, Self::Flash, Self::Audio];

    /// The name in addresses and configuration: `tv`, `small`, `flash`, `audio`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tv => "tv",
            Self::Small => "small",
            Self::Flash => "flash",
            Self::Audio => "audio",
        }
    }

    /// The profile of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// Most pixels of a picture's width and height, as they come out; `None` without picture.
    pub(super) const fn largest(self) -> Option<(i32, i32)> {
        match self {
            Self::Tv => Some((1920, 1080)),
            Self::Small => Some((854, 480)),
            Self::Flash => Some((400, 224)),
            Self::Audio => None,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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

/// Which one of several tracks.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackChoice {
    /// The one the file marks as its default, otherwise the first.
    #[default]
    Default,
    /// This one of [`Contents::audio_tracks`](super::Contents::audio_tracks), counted from zero.
    Index(u32),
    /// The first in this language (ISO 639, two or three letters); the default when there is none.
    Language(String),
}

/// What shall become of a file.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    /// What the result is made of.
    pub profile: Profile,
    /// What passes beside it.
    pub passes: Passes,
    /// Which sound.
    pub audio: TrackChoice,
    /// Draw this one of [`Contents::subtitle_tracks`](super::Contents::subtitle_tracks) into the
    /// picture, counted from zero.
    pub subtitles: Option<u32>,
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
    fn profiles_are_found_by_their_names() {
        for profile in Profile::ALL {
            assert_eq!(Profile::named(profile.name()), Some(profile));
        }
        assert_eq!(Profile::named("TV"), None);
    }

    #[test]
    fn what_a_client_lists_passes() {
        let mut passes = Passes::default();
        for code in [&b"hvc1"[..], b"av01", b"vp09", b"Opus", b"xxxx", b""] {
            passes.add_four_cc(code);
        }
        assert_eq!(passes, Passes { surround: false, interlaced: false, ..Passes::ALL });
    }
}
