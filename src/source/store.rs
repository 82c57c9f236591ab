//! The sources that were made through the interface, kept in a file of the data folder.
//!
//! Written anew beside the old one, synced, and renamed over it: whenever the power goes, there is the old list or
//! the new one. Only we may read it, because addresses hold passwords.

use crate::config::{Source, WrittenSource};
use crate::limits::{MAX_SOURCES, MAX_SOURCES_FILE};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where the list is.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    sources: Vec<WrittenSource>,
}

const FILE: &str = "sources.json";

impl Store {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What is kept. A list that cannot be read is put aside, not overwritten; one source that cannot be is left out.
    pub(super) fn load(&self) -> Vec<Source> {
        let path = self.folder.join(FILE);
        let written = match read(&path) {
            Ok(Some(content)) => content.sources,
            Ok(None) => return Vec::new(),
            Err(error) => {
                let aside = self.folder.join("sources.json.unreadable");
                tracing::error!(file = %path.display(), %error, kept_as = %aside.display(), "the list of sources can't be read");
                let _ = fs::rename(&path, &aside);
                return Vec::new();
            }
        };
        let checked = written.iter().take(MAX_SOURCES).filter_map(|written| match Source::check(written) {
            Ok(source) => Some(source),
            Err(error) => {
                tracing::error!(source = written.name, %error, "a source of the list is left out");
                None
            }
        });
        checked.collect()
    }

    /// Keeps this list instead of the last one. When it fails, the last one is still there.
    pub(super) fn save(&self, sources: &[Source]) -> io::Result<()> {
        let content = Content { sources: sources.iter().map(Source::to_written).collect() };
        fs::create_dir_all(&self.folder)?;
        let new = self.folder.join("sources.json.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec_pretty(&content)?)?;
        file.sync_all()?;
        fs::rename(&new, self.folder.join(FILE))?;
        // The new name is on the disk as well.
        File::open(&self.folder)?.sync_all()
    }
}

fn read(path: &Path) -> io::Result<Option<Content>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut text = Vec::new();
    file.take(MAX_SOURCES_FILE).read_to_end(&mut text)?;
    Ok(Some(serde_json::from_slice(&text)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn source(name: &str, url: &str) -> Source {
        let written = WrittenSource {
            mode: Some("always".into()),
            start_timeout_seconds: Some(3),
            stop_delay_seconds: Some(0),
            ..WrittenSource::of_url(name, url)
        };
        Source::check(&written).unwrap()
    }

    #[test]
    fn what_is_kept_comes_back_and_only_we_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(&folder.path().join("data"));
        assert_eq!(store.load(), []);
        let sources = [source("door", "rtsp://u:p@h/1"), source("house/radio", "http://h/x?t=1")];
        store.save(&sources).unwrap();
        assert_eq!(store.load(), sources);
        let mode = fs::metadata(folder.path().join("data/sources.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_cut_anywhere_is_put_aside_and_never_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        store.save(&[source("door", "rtsp://u:p@h/1")]).unwrap();
        let whole = fs::read(folder.path().join(FILE)).unwrap();
        for cut in 0..whole.len() {
            fs::write(folder.path().join(FILE), &whole[..cut]).unwrap();
            assert_eq!(store.load(), []);
            assert_eq!(fs::read(folder.path().join("sources.json.unreadable")).unwrap(), whole[..cut]);
        }
    }

    #[test]
    fn a_source_that_can_no_longer_be_does_not_cost_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"sources":[{"name":"../x","url":"http://h/"},{"name":"a","url":"http://h/"}]}"#;
        fs::write(folder.path().join(FILE), text).unwrap();
        assert_eq!(Store::new(folder.path()).load().len(), 1);
    }
}
