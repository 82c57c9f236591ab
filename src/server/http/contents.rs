//! What is in a file beside what is sent of it: the tracks that can be chosen, chapters, and what becomes of
//! picture and sound.

use crate::choice::{Language, Profile};
use crate::library::LibraryPath;
use crate::pipeline::{AudioTrack, MediaStreams, SubtitleTrack};
use crate::provider::Wanted;
use crate::reel::Codecs;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What was chosen, as it came out.
#[derive(Serialize, ToSchema)]
pub(super) struct Form {
    #[schema(value_type = Profile)]
    profile: &'static str,
    /// Numbers of tracks.
    audio: Option<usize>,
    subtitles: Option<usize>,
}

/// One of the profiles there are.
#[derive(Serialize, ToSchema)]
pub(super) struct ProfileEntry {
    #[schema(value_type = Profile)]
    name: &'static str,
    width: Option<i32>,
    height: Option<i32>,
    /// The page can play it.
    browser: bool,
}

/// A picture or a sound, and what becomes of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Fate {
    /// The file's codec in words.
    pub(super) source: String,
    /// It is not encoded.
    pub(super) passes: bool,
}

/// What can be chosen in a file, and what it says of itself.
#[derive(Serialize, ToSchema)]
pub(super) struct Contents {
    audio: Vec<Track>,
    subtitles: Vec<Track>,
    chapters: Vec<Chapter>,
    tags: BTreeMap<String, String>,
    /// What is missing, and why.
    warnings: Vec<String>,
}

/// A sound, or subtitles.
#[derive(Serialize, ToSchema)]
struct Track {
    codec: String,
    language: Option<String>,
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    channels: Option<u32>,
    /// Subtitles made of text; otherwise of pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    text: Option<bool>,
    default: bool,
    chosen: bool,
    /// Subtitles in a file of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<bool>,
    /// Subtitles only for what those who understand the film have to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    forced: Option<bool>,
    /// Where subtitles of text are as WebVTT.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Chapter)]
struct Chapter {
    start: f64,
    title: String,
}

/// All that is told of a file.
pub(super) struct Description {
    pub(super) form: Form,
    pub(super) contents: Contents,
    pub(super) video: Fate,
    pub(super) audio: Fate,
}

pub(super) fn profiles() -> Vec<ProfileEntry> {
    let entry = |profile: Profile| ProfileEntry {
        name: profile.name(),
        width: profile.largest().map(|(width, _)| width),
        height: profile.largest().map(|(_, height)| height),
        browser: profile != Profile::Flash,
    };
    Profile::ALL.into_iter().map(entry).collect()
}

impl Description {
    /// Of a file that is converted.
    pub(super) fn of(wanted: &Wanted, streams: MediaStreams, path: &LibraryPath) -> Self {
        let (contents, profile) = (streams.contents, wanted.form.profile.name());
        let fate = |stream: Option<(String, bool)>| {
            let (source, passes) = stream.unwrap_or_default();
            Fate { source, passes }
        };
        Self {
            form: Form {
                profile,
                audio: contents.audio_tracks.iter().position(|track| track.chosen),
                subtitles: contents.subtitle_tracks.iter().position(|track| track.chosen),
            },
            video: fate(streams.video.map(|video| (video.source_codec, video.passthrough))),
            audio: fate(streams.audio.map(|audio| (audio.source_codec, audio.passthrough))),
            contents: Contents {
                audio: contents.audio_tracks.into_iter().map(Track::from).collect(),
                subtitles: subtitles(contents.subtitle_tracks, path),
                chapters: contents
                    .chapters
                    .into_iter()
                    .map(|chapter| Chapter { start: chapter.start_ms as f64 / 1000.0, title: chapter.title })
                    .collect(),
                tags: contents.tags.into_iter().map(|tag| (tag.name, tag.value)).collect(),
                warnings: streams.warnings,
            },
        }
    }

    /// Of a `.flv` that stays as it is, with what is beside it.
    pub(super) fn of_flv(
        wanted: &Wanted,
        codecs: Codecs,
        beside: Vec<SubtitleTrack>,
        path: &LibraryPath,
    ) -> Self {
        let sound = codecs.audio.map(|_| Track {
            codec: "AAC".to_owned(),
            language: None,
            title: None,
            channels: None,
            text: None,
            default: true,
            chosen: true,
            external: None,
            forced: None,
            address: None,
        });
        let passes = |source: &str| Fate { source: source.to_owned(), passes: true };
        Self {
            form: Form {
                profile: wanted.form.profile.name(),
                audio: sound.as_ref().map(|_| 0),
                subtitles: None,
            },
            video: passes("H.264"),
            audio: passes("AAC"),
            contents: Contents {
                audio: sound.into_iter().collect(),
                subtitles: subtitles(beside, path),
                chapters: Vec::new(),
                tags: BTreeMap::new(),
                warnings: Vec::new(),
            },
        }
    }
}

/// In two letters where there are two, so that it can be chosen as it stands here.
pub(super) fn code(language: Option<String>) -> Option<String> {
    Some(Language::parse(&language?).ok()?.code().to_owned())
}

impl From<AudioTrack> for Track {
    fn from(track: AudioTrack) -> Self {
        Self {
            codec: track.codec,
            language: code(track.language),
            title: track.title,
            channels: Some(track.channels).filter(|channels| *channels > 0),
            text: None,
            default: track.default,
            chosen: track.chosen,
            external: None,
            forced: None,
            address: None,
        }
    }
}

fn subtitles(tracks: Vec<SubtitleTrack>, path: &LibraryPath) -> Vec<Track> {
    let addressed = |(index, track): (usize, SubtitleTrack)| Track {
        address: track.text.then(|| super::subtitles::address(path, index)),
        ..Track::from(track)
    };
    tracks.into_iter().enumerate().map(addressed).collect()
}

impl From<SubtitleTrack> for Track {
    fn from(track: SubtitleTrack) -> Self {
        Self {
            codec: track.codec,
            language: code(track.language),
            title: track.title,
            channels: None,
            text: Some(track.text),
            default: track.default,
            chosen: track.chosen,
            external: Some(track.external),
            forced: Some(track.forced),
            address: None,
        }
    }
}
