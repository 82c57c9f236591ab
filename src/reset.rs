//! Forgetting, at the start, before anything is read: what was asked for is a file of the data folder, which is taken
//! away last, so that a power cut in between begins again.
//!
//! ```text
//!  reset              "settings" or "everything", written by the server for its next start
//!  recovery/reset-password   put there by the box when somebody put a file onto its card
//! ```

use crate::document::Document;
use std::path::Path;
use std::{fs, io};

/// How much to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// Settings, passwords, sources.
    Settings,
    /// Everything in the data folder: conversions and the index as well.
    Everything,
}

const FLAG: &str = "reset";
/// What settings are in; each with its copies.
const SETTINGS: [&str; 3] = ["settings.json", "access.json", "sources.json"];

/// Asks the next start for it.
///
/// # Errors
/// Those of the disk.
pub fn ask(data: &Path, what: Reset) -> io::Result<()> {
    let word = match what {
        Reset::Settings => "settings",
        Reset::Everything => "everything",
    };
    Document::new(data, FLAG, 100).write(word.as_bytes())
}

/// Does what was asked for. `Ok(None)` when nothing was.
///
/// # Errors
/// Those of the disk; it is tried again at the next start.
pub fn perform(data: &Path) -> io::Result<Option<Reset>> {
    let what = match fs::read_to_string(data.join(FLAG)) {
        Ok(word) if word.trim() == "everything" => Reset::Everything,
        Ok(_) => Reset::Settings,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match what {
        Reset::Settings => SETTINGS.iter().try_for_each(|name| Document::new(data, name, 0).remove())?,
        Reset::Everything => {
            for entry in fs::read_dir(data)? {
                let entry = entry?;
                if entry.file_name() == FLAG {
                    continue;
                }
                // What is a link is not followed: it is taken away itself.
                if entry.file_type()?.is_dir() {
                    fs::remove_dir_all(entry.path())?;
                } else {
                    fs::remove_file(entry.path())?;
                }
            }
        }
    }
    Document::new(data, FLAG, 0).remove()?;
    Ok(Some(what))
}

/// Whether somebody who can reach the card wants a new password; the wish is taken back by [`granted`].
pub fn wants_new_password(data: &Path) -> bool {
    data.join("recovery/reset-password").exists()
}

/// The wish was granted.
///
/// # Errors
/// Those of the disk.
pub fn granted(data: &Path) -> io::Result<()> {
    fs::remove_file(data.join("recovery/reset-password"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn house() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["settings.json", "settings.json.previous", "access.json", "sources.json", "encoders.json"]
        {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        fs::create_dir_all(folder.path().join("index/a")).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_forgotten_unasked_and_no_more_than_was_asked_for() {
        let folder = house();
        assert_eq!(perform(folder.path()).unwrap(), None);
        ask(folder.path(), Reset::Settings).unwrap();
        assert_eq!(perform(folder.path()).unwrap(), Some(Reset::Settings));
        assert_eq!(names(folder.path()), ["encoders.json", "index"]);
        assert_eq!(perform(folder.path()).unwrap(), None);
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("film"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
        ask(folder.path(), Reset::Everything).unwrap();
        assert_eq!(perform(folder.path()).unwrap(), Some(Reset::Everything));
        assert_eq!(names(folder.path()), [""; 0]);
        assert!(outside.path().join("film").exists(), "what a link leads to is not ours");
    }

    #[test]
    fn a_new_password_is_wanted_until_it_was_granted() {
        let folder = house();
        assert!(!wants_new_password(folder.path()));
        fs::create_dir_all(folder.path().join("recovery")).unwrap();
        fs::write(folder.path().join("recovery/reset-password"), "").unwrap();
        assert!(wants_new_password(folder.path()));
        granted(folder.path()).unwrap();
        assert!(!wants_new_password(folder.path()));
    }
}
