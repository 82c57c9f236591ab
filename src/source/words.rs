//! What stands in the picture while nothing comes, in the languages that this server knows.

use super::ended::Caption;
use crate::choice::Language;

/// A language of slates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Words {
    /// What is spoken when nothing else is known.
    #[default]
    English,
    /// German.
    German,
}

impl Words {
    /// The first of these languages that there are words in.
    pub fn first_of(languages: impl IntoIterator<Item = Language>) -> Self {
        let known = [("de", Self::German), ("en", Self::English)]
            .map(|(code, words)| (Language::parse(code).ok(), words));
        let words = |language: Language| {
            known.iter().find(|(known, _)| known.as_ref() == Some(&language)).map(|(_, words)| *words)
        };
        languages.into_iter().find_map(words).unwrap_or_default()
    }

    /// Large letters on the picture.
    pub(super) fn of(self, caption: Caption) -> &'static str {
        match (self, caption) {
            (Self::English, Caption::Starting) => "Starting …",
            (Self::English, Caption::NoSignal) => "No signal",
            (Self::English, Caption::Unavailable) => "Not available",
            (Self::German, Caption::Starting) => "Startet …",
            (Self::German, Caption::NoSignal) => "Kein Signal",
            (Self::German, Caption::Unavailable) => "Nicht verfügbar",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_there_are_words_in_is_spoken() {
        let first =
            |codes: &[&str]| Words::first_of(codes.iter().filter_map(|code| Language::parse(code).ok()));
        assert_eq!(first(&["fr", "ger", "en"]), Words::German);
        assert_eq!(first(&["en-GB", "de"]), Words::English);
        assert_eq!(first(&["fr"]), Words::English);
        assert_eq!(first(&["de_DE"]).of(Caption::NoSignal), "Kein Signal");
    }
}
