//! What the name of a subtitle file says: `film.srt`, `film.de.srt`, `film.en.forced.srt`, `film.eng.sdh.ass`.

use super::Format;
use crate::choice::Language;

/// What a name says of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// How it is written, by its extension.
    pub format: Format,
    /// Its language.
    pub language: Option<Language>,
    /// Only what has to be read by those who understand the film: signs, a few words of a third language.
    pub forced: bool,
    /// The words in the name that say something else: "sdh", "commentary".
    pub title: Option<String>,
}

/// What `rest` says, which is a file's name without the film's own name and the dot behind that. `None`: it is no file
/// of subtitles.
pub fn named(rest: &str) -> Option<Named> {
    let (words, extension) = rest.rsplit_once('.').unwrap_or(("", rest));
    let mut found =
        Named { format: Format::of_extension(extension)?, language: None, forced: false, title: None };
    let mut others = Vec::new();
    for word in words.split('.').filter(|word| !word.is_empty()) {
        match (word.to_ascii_lowercase().as_str(), Language::parse(word)) {
            ("forced", _) => found.forced = true,
            // Three letters that are a word of ours, and a language somewhere.
            ("sdh" | "cc" | "hi", _) if found.language.is_some() => others.push(word),
            (_, Ok(language)) if found.language.is_none() && is_code(word) => found.language = Some(language),
            _ => others.push(word),
        }
    }
    found.title = Some(others.join(" ")).filter(|title| !title.is_empty());
    Some(found)
}

/// Three letters are more often a word than a language that has no code of two.
fn is_code(word: &str) -> bool {
    let letters = word.split(['-', '_']).next().unwrap_or_default();
    letters.len() == 2 || Language::parse(letters).is_ok_and(|language| language.code().len() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_language_and_purpose() {
        for (rest, language, forced, title) in [
            ("srt", None, false, None),
            ("SRT", None, false, None),
            ("de.srt", Some("de"), false, None),
            ("ger.srt", Some("de"), false, None),
            ("pt-BR.srt", Some("pt"), false, None),
            ("en.forced.srt", Some("en"), true, None),
            ("forced.en.vtt", Some("en"), true, None),
            ("en.sdh.ass", Some("en"), false, Some("sdh")),
            ("en.hi.srt", Some("en"), false, Some("hi")),
            ("hi.srt", Some("hi"), false, None),
            ("cut.srt", None, false, Some("cut")),
            ("Director's Commentary.en.ssa", Some("en"), false, Some("Director's Commentary")),
        ] {
            let found = named(rest).unwrap_or_else(|| panic!("{rest}"));
            let code = found.language.as_ref().map(|language| language.code());
            assert_eq!((code, found.forced, found.title.as_deref()), (language, forced, title), "{rest}");
        }
        for rest in ["mkv", "txt", "", ".", "de.sub", "srt."] {
            assert_eq!(named(rest), None, "{rest}");
        }
    }
}
