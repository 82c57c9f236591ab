//! What people choose of a film: its quality, its sound, its subtitles. Pure.
//!
//! ```text
//!  ?profile=small&audio=de&subtitles=0      an address: Choice::from_query
//!  rtmp://box/small/…                       an application: Profile::named
//!  [playback] profile, audio_languages …    the configuration: Preferences
//! ```
//!
//! Whoever chooses nothing gets what the configuration prefers. What a choice makes of one file is the
//! [`provider`](crate::provider)'s business, and what a worker does the [`pipeline`](crate::pipeline)'s.

mod language;
mod query;

pub use language::{Language, LanguageError};
pub use query::{Choice, ChoiceError};

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the result of a conversion is made of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
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
    pub const fn largest(self) -> Option<(i32, i32)> {
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

/// Which one of several tracks.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackChoice {
    /// The one the file marks as its default, otherwise the first.
    #[default]
    Default,
    /// This one, counted from zero.
    Index(u32),
    /// The first in the first of these languages that there is one in.
    Languages(Vec<Language>),
}

impl TrackChoice {
    /// In these languages, the best first; the default when there are none.
    pub fn of_languages(languages: Vec<Language>) -> Self {
        if languages.is_empty() { Self::Default } else { Self::Languages(languages) }
    }

    /// Which track that is, of a file that says of each in what language it is. `None`: there is none,
    /// or the default.
    pub fn find(&self, languages: &[Option<Language>]) -> Option<usize> {
        match self {
            Self::Default => None,
            Self::Index(index) => Some(*index as usize).filter(|index| *index < languages.len()),
            Self::Languages(wanted) => wanted
                .iter()
                .find_map(|wanted| languages.iter().position(|language| language.as_ref() == Some(wanted))),
        }
    }
}

/// What whoever chooses nothing gets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Preferences {
    /// What results are made of.
    pub profile: Profile,
    /// The sound's languages, the best first. Empty: the file's own default.
    pub audio_languages: Vec<Language>,
    /// Subtitles in the first of these languages are drawn into the picture. Empty: none are.
    pub subtitle_languages: Vec<Language>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
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
    fn the_best_language_wins_and_then_the_first_track_in_it() {
        let language = |code: &str| Language::parse(code).unwrap();
        let tracks = [None, Some(language("eng")), Some(language("de")), Some(language("de"))];
        let of =
            |codes: &[&str]| TrackChoice::of_languages(codes.iter().map(|code| language(code)).collect());
        for (choice, found) in [
            (of(&["de", "en"]), Some(2)),
            (of(&["fr", "en"]), Some(1)),
            (of(&["fr"]), None),
            (of(&[]), None),
            (TrackChoice::Index(0), Some(0)),
            (TrackChoice::Index(3), Some(3)),
            (TrackChoice::Index(4), None),
            (TrackChoice::Index(u32::MAX), None),
        ] {
            assert_eq!(choice.find(&tracks), found, "{choice:?}");
        }
    }
}
