//! What the plain page says, in the languages that it speaks.

use hyper::header::{self, HeaderMap};

/// The texts of one language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// For `lang`.
    pub(super) code: &'static str,
    pub(super) library: &'static str,
    pub(super) search: &'static str,
    pub(super) found: &'static str,
    pub(super) folders: &'static str,
    pub(super) files: &'static str,
    pub(super) live: &'static str,
    pub(super) nothing: &'static str,
    pub(super) nothing_found: &'static str,
    pub(super) play: &'static str,
    pub(super) play_all: &'static str,
    pub(super) stream: &'static str,
    pub(super) download: &'static str,
    pub(super) look: &'static str,
    pub(super) video: &'static str,
    pub(super) audio: &'static str,
    pub(super) picture: &'static str,
    pub(super) previous: &'static str,
    pub(super) next: &'static str,
    pub(super) of: &'static str,
    pub(super) sorted: &'static str,
    pub(super) by_name: &'static str,
    pub(super) latest: &'static str,
    pub(super) app: &'static str,
    pub(super) flash: &'static str,
    pub(super) back: &'static str,
}

pub(super) static ENGLISH: Words = Words {
    code: "en",
    library: "Library",
    search: "Search",
    found: "Found",
    folders: "Folders",
    files: "Files",
    live: "Live",
    nothing: "There is nothing to play or to look at in this folder.",
    nothing_found: "Nothing is called so. Try fewer or other words.",
    play: "Play in VLC or Kodi",
    play_all: "Play all in VLC or Kodi",
    stream: "Stream (FLV)",
    download: "Download",
    look: "Look at it",
    video: "Video",
    audio: "Audio",
    picture: "Picture",
    previous: "Previous page",
    next: "Next page",
    of: "of",
    sorted: "Order:",
    by_name: "by name",
    latest: "latest first",
    app: "The page with a player",
    flash: "The page for Flash players",
    back: "Back to the library",
};

pub(super) static GERMAN: Words = Words {
    code: "de",
    library: "Mediathek",
    search: "Suchen",
    found: "Gefunden",
    folders: "Ordner",
    files: "Dateien",
    live: "Live",
    nothing: "In diesem Ordner ist nichts, was man abspielen oder ansehen kann.",
    nothing_found: "Nichts heißt so. Weniger oder andere Wörter helfen vielleicht.",
    play: "In VLC oder Kodi abspielen",
    play_all: "Alle in VLC oder Kodi abspielen",
    stream: "Strom (FLV)",
    download: "Herunterladen",
    look: "Ansehen",
    video: "Video",
    audio: "Ton",
    picture: "Bild",
    previous: "Vorige Seite",
    next: "Nächste Seite",
    of: "von",
    sorted: "Reihenfolge:",
    by_name: "nach Namen",
    latest: "neueste zuerst",
    app: "Die Seite mit Abspieler",
    flash: "Die Seite für Flash-Abspieler",
    back: "Zurück zur Mediathek",
};

impl Words {
    /// In the language that a request likes best of those there are (RFC 9110 12.5.4); English when it likes none of them.
    pub(super) fn of(request: &HeaderMap) -> &'static Self {
        let wanted = request.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best = (0.0, &ENGLISH);
        for part in wanted.unwrap_or_default().split(',') {
            let mut parts = part.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let words = match tag.split('-').next() {
                Some("de") => &GERMAN,
                Some("en") => &ENGLISH,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.trim().parse::<f32>().ok());
            let weight = weight.unwrap_or(1.0);
            if weight > best.0 {
                best = (weight, words);
            }
        }
        best.1
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best_is_taken() {
        for (accepted, code) in [
            ("", "en"),
            ("de", "de"),
            ("de-AT, en;q=0.5", "de"),
            ("fr, de;q=0.3, en;q=0.9", "en"),
            ("en;q=0.3,DE;q=0.9", "de"),
            ("de;q=0", "en"),
            ("ja", "en"),
            ("de;q=x", "de"),
            ("deutsch", "en"),
        ] {
            let headers: HeaderMap =
                [(header::ACCEPT_LANGUAGE, accepted.parse().unwrap())].into_iter().collect();
            assert_eq!(Words::of(&headers).code, code, "{accepted}");
        }
    }
}
