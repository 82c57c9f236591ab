//! What is known about a file's streams: worker and server speak of the same values.

use super::form::Codec;
use crate::time::MediaTime;
use serde::{Deserialize, Serialize};

/// The picture lane of a conversion.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VideoStream {
    /// Width in pixels as it comes out; before the first frame of a transcode, as it goes in.
    pub width: u32,
    /// Height in pixels, likewise.
    pub height: u32,
    /// The file's codec in words: "H.264", "MPEG-4 part 2".
    pub source_codec: String,
    /// Taken over as it is, neither decoded nor encoded.
    pub passthrough: bool,
    /// What comes out.
    pub codec: Codec,
}

/// The sound lane of a conversion.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AudioStream {
    /// The file's codec in words: "AAC", "Dolby Digital".
    pub source_codec: String,
    /// Taken over as it is, neither decoded nor encoded.
    pub passthrough: bool,
    /// Samples a second of the file; 0 when its headers do not say.
    pub rate: u32,
    /// Channels of the file; 0 when its headers do not say.
    pub channels: u32,
    /// What comes out.
    pub codec: Codec,
}

/// One of the sounds of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AudioTrack {
    /// The codec in words.
    pub codec: String,
    /// ISO 639, as the file spells it.
    pub language: Option<String>,
    /// The file's own name for it: "Director's commentary".
    pub title: Option<String>,
    /// Channels; 0 when its headers do not say.
    pub channels: u32,
    /// This one plays when nobody chooses.
    #[serde(default)]
    #[schema(required)]
    pub default: bool,
    /// This one is converted.
    pub chosen: bool,
}

/// One of the subtitles of a film.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SubtitleTrack {
    /// The format in words.
    pub codec: String,
    /// ISO 639, as the file spells it.
    pub language: Option<String>,
    /// The file's own name for it.
    pub title: Option<String>,
    /// Made of text; otherwise of pictures.
    pub text: bool,
    /// The file marks it as one to be shown when nobody chooses.
    #[serde(default)]
    #[schema(required)]
    pub default: bool,
    /// This one is drawn into the picture.
    #[serde(default)]
    #[schema(required)]
    pub chosen: bool,
    /// It is in a file of its own beside the film.
    #[serde(default)]
    pub external: bool,
    /// Only for what has to be read by those who understand the film.
    #[serde(default)]
    pub forced: bool,
}

/// A place in a film that has a name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Chapter {
    /// Where it begins, in milliseconds of the file's timeline.
    pub start_ms: u64,
    /// Its name; may be empty.
    pub title: String,
}

/// What a file says of itself: `title`, `artist`, `date`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NamedTag {
    /// GStreamer's name for it.
    pub name: String,
    /// Its value, for people.
    pub value: String,
}

/// The tag with which a radio says what it is called.
pub const STATION: &str = "organization";

/// All there is in a file beside what is converted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Contents {
    /// Its sounds, in the file's order.
    pub audio_tracks: Vec<AudioTrack>,
    /// Its subtitles, in the file's order, then those in files of their own.
    pub subtitle_tracks: Vec<SubtitleTrack>,
    /// Its chapters, in order of time.
    pub chapters: Vec<Chapter>,
    /// What it says of itself.
    pub tags: Vec<NamedTag>,
}

impl Contents {
    /// The tag of that name.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.name == name).map(|tag| tag.value.as_str())
    }
}

/// What a file holds and what becomes of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MediaStreams {
    /// Length of the media, where the file tells. Some formats only guess until they were read.
    pub duration: Option<MediaTime>,
    /// The picture, unless the file is sound only.
    pub video: Option<VideoStream>,
    /// The sound, unless the file is silent.
    pub audio: Option<AudioStream>,
    /// What else is in it.
    pub contents: Contents,
    /// Another conversion could start in the middle.
    pub seekable: bool,
    /// Nanoseconds that were added to every time of the file (may be negative), so that the first
    /// decoding time is zero. A conversion that continues this timeline from another place asks for the same
    /// [`lead`](super::Request::lead). Zero from [`look`](super::look()).
    pub lead_ns: i64,
    /// The picture is encoded, and in a lighter way where films are harder than so many percent of what is expected:
    /// what [`Equipment::fell_behind`](super::Equipment::fell_behind) wants to know. `None`: there is no lighter way.
    pub spare: Option<u32>,
    /// What is missing from the result and why, each a sentence for people.
    pub warnings: Vec<String>,
}

/// The worker's view, sent as soon as the streams are known and again whenever it changes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Announcement {
    /// Each lane is decided: there will be no change except of sizes and durations.
    pub(super) settled: bool,
    pub(super) duration_ns: Option<u64>,
    pub(super) seekable: bool,
    /// See [`MediaStreams::spare`].
    #[serde(default)]
    pub(super) spare: Option<u32>,
    pub(super) video: Option<VideoStream>,
    pub(super) audio: Option<AudioStream>,
    #[serde(default)]
    pub(super) contents: Contents,
}
