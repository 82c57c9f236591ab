//! What the box says in files: what its start found wrong with its card (`/run/wiidia/trouble.json`, written by `data-mount`), and the
//! code on its screen (`/run/wiidia/screen/code`, written by `console`).

use super::Appliance;
use crate::limits::MAX_TROUBLE_FILE;
use serde::Deserialize;
use std::io::Read;
use std::path::Path;

const TROUBLE: &str = "/run/wiidia/trouble.json";

/// Something that the start could not put right.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Trouble {
    /// A name for it: `card_damaged`, `card_protected`, `card_repaired`.
    pub code: String,
    /// In English: what is, and what to do.
    pub text: String,
}

impl Appliance {
    /// What the start found; none where all was well, and on machines that are no box.
    pub fn trouble(&self) -> Option<Trouble> {
        self.here.then(|| read(Path::new(TROUBLE))).flatten()
    }
}

/// Digits of the code on the screen.
const CODE_DIGITS: usize = 6;

impl Appliance {
    /// What the screen at the box shows for whoever wants to claim it; none when no screen is attached, and on other machines.
    pub fn claim_code(&self) -> Option<String> {
        self.here.then(|| code(&self.places.code)).flatten()
    }
}

fn code(path: &Path) -> Option<String> {
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(MAX_TROUBLE_FILE).read_to_string(&mut text).ok()?;
    let code = text.trim();
    (code.len() == CODE_DIGITS && code.bytes().all(|b| b.is_ascii_digit())).then(|| code.to_owned())
}

fn read(path: &Path) -> Option<Trouble> {
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(MAX_TROUBLE_FILE).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_six_digits_are_a_code() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code");
        assert_eq!(code(&path), None);
        for (text, expected) in
            [("042917\n", Some("042917")), ("04291", None), ("0429171", None), ("04291x", None), ("", None)]
        {
            std::fs::write(&path, text).unwrap();
            assert_eq!(code(&path).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_the_start_wrote_is_read_and_anything_else_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trouble.json");
        assert_eq!(read(&path), None);
        let written = r#"{"code":"card_protected","text":"The card is write-protected."}"#;
        for cut in 0..written.len() {
            std::fs::write(&path, &written[..cut]).unwrap();
            assert_eq!(read(&path), None, "{cut}");
        }
        std::fs::write(&path, written).unwrap();
        assert_eq!(read(&path).unwrap().code, "card_protected");
    }
}
