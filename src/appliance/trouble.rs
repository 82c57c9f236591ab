//! What the box's start found wrong with its card: `/run/wiidia/trouble.json`, written by its `data-mount`.

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
