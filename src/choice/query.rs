//! What an address says of profile, sound and subtitles, behind its question mark.
//!
//! ```text
//!  ?profile=small            tv, small, flash, audio
//!  &audio=1                  a track's number, from 0
//!  &audio=de,en              languages, the best first
//!  &subtitles=de             the same; "none" for no subtitles
//! ```
//!
//! Everything else behind a question mark belongs to somebody else and is left alone.

use super::{Language, LanguageError, Preferences, Profile, TrackChoice};
use crate::limits::{MAX_CHOICE_LANGUAGES, MAX_LISTED};
use percent_encoding::percent_decode_str;

/// What somebody chose. Nothing, by default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Choice {
    /// `profile=`
    pub profile: Option<Profile>,
    /// `audio=`
    pub audio: Option<TrackChoice>,
    /// `subtitles=`; `Some(None)` is "none".
    pub subtitles: Option<Option<TrackChoice>>,
}

/// A value that cannot be chosen, and what can.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChoiceError {
    /// There is no such profile.
    #[error("profile={0} does not exist; write profile=tv, small, flash or audio")]
    Profile(String),
    /// Neither number nor language.
    #[error("{key}={value} is neither a track's number nor a language; write for example {key}=1 or {key}=de{none}", none = none_of(.key))]
    Track {
        /// `audio`, `subtitles` or `track`.
        key: &'static str,
        /// What was asked for, cut.
        value: String,
    },
    /// More languages than anybody speaks.
    #[error(
        "{key}= names {count} languages, at most {MAX_CHOICE_LANGUAGES} are possible; name the best ones"
    )]
    ManyLanguages {
        /// `audio` or `subtitles`.
        key: &'static str,
        /// How many.
        count: usize,
    },
}

fn none_of(key: &str) -> &'static str {
    if key == "subtitles" { ", or subtitles=none" } else { "" }
}

/// Characters of a wrong value that are repeated to whoever sent it.
const SHOWN: usize = 40;

impl Choice {
    /// Reads a query, still percent-encoded, without its question mark. The first of several values counts;
    /// empty ones choose nothing.
    ///
    /// # Errors
    /// What cannot be chosen, with what can.
    pub fn from_query(query: &str) -> Result<Self, ChoiceError> {
        let value = |key: &str| value(query, key);
        let profile = |name: String| Profile::named(&name).ok_or_else(|| ChoiceError::Profile(shown(&name)));
        let subtitles = |value: String| match value.as_str() {
            "none" | "off" => Ok(None),
            _ => track("subtitles", &value).map(Some),
        };
        Ok(Self {
            profile: value("profile").map(profile).transpose()?,
            audio: value("audio").map(|value| track("audio", &value)).transpose()?,
            subtitles: value("subtitles").map(subtitles).transpose()?,
        })
    }

    /// This, and what `other` chose where this chose nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            profile: self.profile.or(other.profile),
            audio: self.audio.or(other.audio),
            subtitles: self.subtitles.or(other.subtitles),
        }
    }

    /// The sound, with what is preferred where there is nothing in the languages that were chosen.
    pub fn audio(&self, preferences: &Preferences) -> TrackChoice {
        let preferred = &preferences.audio_languages;
        match &self.audio {
            None => TrackChoice::of_languages(preferred.clone()),
            Some(TrackChoice::Languages(wanted)) => {
                let others = preferred.iter().filter(|language| !wanted.contains(language));
                TrackChoice::of_languages(wanted.iter().chain(others).cloned().collect())
            }
            Some(other) => other.clone(),
        }
    }

    /// The subtitles to be drawn into the picture.
    pub fn subtitles(&self, preferences: &Preferences) -> Option<TrackChoice> {
        let preferred = &preferences.subtitle_languages;
        let preferred = || Some(TrackChoice::Languages(preferred.clone())).filter(|_| !preferred.is_empty());
        self.subtitles.clone().unwrap_or_else(preferred)
    }
}

impl TrackChoice {
    /// What a query says of `key`: a track's number, from zero, or languages, the best first.
    ///
    /// # Errors
    /// When it is neither.
    pub fn from_query(query: &str, key: &'static str) -> Result<Option<Self>, ChoiceError> {
        value(query, key).map(|value| track(key, &value)).transpose()
    }
}

fn value(query: &str, key: &str) -> Option<String> {
    let raw = query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))?;
    Some(percent_decode_str(raw).decode_utf8_lossy().into_owned()).filter(|value| !value.is_empty())
}

fn track(key: &'static str, value: &str) -> Result<TrackChoice, ChoiceError> {
    let wrong = || ChoiceError::Track { key, value: shown(value) };
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // No file has more tracks that anybody is told of.
        let index = value.parse::<u32>().ok().filter(|index| (*index as usize) < MAX_LISTED);
        return index.map(TrackChoice::Index).ok_or_else(wrong);
    }
    let count = value.split(',').count();
    if count > MAX_CHOICE_LANGUAGES {
        return Err(ChoiceError::ManyLanguages { key, count });
    }
    let languages: Result<Vec<Language>, LanguageError> = value.split(',').map(Language::parse).collect();
    languages.map(TrackChoice::Languages).map_err(|_| wrong())
}

fn shown(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn languages(codes: &[&str]) -> Vec<Language> {
        codes.iter().map(|code| Language::parse(code).unwrap()).collect()
    }

    #[test]
    fn queries_are_read_as_people_write_them() {
        let language = |codes: &[&str]| Some(TrackChoice::Languages(languages(codes)));
        for (query, expected) in [
            ("", Choice::default()),
            ("token=1&start=3", Choice::default()),
            ("profile=&audio=&subtitles=", Choice::default()),
            ("start=1&profile=small", Choice { profile: Some(Profile::Small), ..Choice::default() }),
            ("profile=%66lash&profile=x", Choice { profile: Some(Profile::Flash), ..Choice::default() }),
            ("audio=1", Choice { audio: Some(TrackChoice::Index(1)), ..Choice::default() }),
            ("audio=ger", Choice { audio: language(&["de"]), ..Choice::default() }),
            ("audio=de%2Cen-GB", Choice { audio: language(&["de", "en"]), ..Choice::default() }),
            ("subtitles=none", Choice { subtitles: Some(None), ..Choice::default() }),
            ("subtitles=fr", Choice { subtitles: Some(language(&["fr"])), ..Choice::default() }),
            ("xaudio=1&audio2=1", Choice::default()),
        ] {
            assert_eq!(Choice::from_query(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_chosen_is_refused_with_what_can() {
        for (query, said) in [
            ("profile=best", "profile=best does not exist; write profile=tv, small, flash or audio"),
            ("profile=TV", "profile=TV does not exist"),
            ("audio=4294967295", "neither a track's number"),
            ("audio=99999999999999999999", "neither a track's number"),
            ("audio=-1", "neither"),
            ("audio=1.5", "neither"),
            ("audio=german", "audio=1 or audio=de"),
            ("audio=de,", "neither"),
            ("subtitles=yes%0A%00", "subtitles=de, or subtitles=none"),
            ("audio=de,en,fr,es,it,pt,nl,da,sv", "names 9 languages, at most 8"),
        ] {
            let error = Choice::from_query(query).unwrap_err().to_string();
            assert!(error.contains(said), "{query}: {error}");
            assert!(!error.contains('\n'), "{query}: {error}");
        }
        let long = format!("audio={}", "x".repeat(100_000));
        assert!(Choice::from_query(&long).unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn preferences_fill_what_nobody_chose() {
        let preferences = Preferences {
            audio_languages: languages(&["de", "en"]),
            subtitle_languages: languages(&["fr"]),
            ..Preferences::default()
        };
        let none = Choice::default();
        assert_eq!(none.audio(&preferences), TrackChoice::Languages(languages(&["de", "en"])));
        assert_eq!(none.subtitles(&preferences), Some(TrackChoice::Languages(languages(&["fr"]))));
        assert_eq!(none.audio(&Preferences::default()), TrackChoice::Default);
        assert_eq!(none.subtitles(&Preferences::default()), None);
        let chosen = Choice::from_query("audio=en&subtitles=none").unwrap();
        assert_eq!(chosen.audio(&preferences), TrackChoice::Languages(languages(&["en", "de"])));
        assert_eq!(chosen.subtitles(&preferences), None);
    }

    #[test]
    fn the_nearer_address_wins() {
        let name = Choice::from_query("audio=1").unwrap();
        let app = Choice::from_query("audio=2&profile=small").unwrap();
        assert_eq!(name.or(app), Choice::from_query("audio=1&profile=small").unwrap());
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused_in_one_line(query in "(profile|audio|subtitles|x)?=?[ -~\\x00-\\x1f]{0,60}") {
            if let Err(error) = Choice::from_query(&query) {
                prop_assert!(error.to_string().len() < 300 && !error.to_string().contains('\n'));
            }
        }
    }
}
