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

/// Where a damaged one is put.
const ASIDE: &str = "sources.json.unreadable";

impl Store {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What is kept. Of a damaged list, what can still be read, with the damaged one put aside; one source that cannot be is
    /// left out.
    pub(super) fn load(&self) -> Vec<Source> {
        let path = self.folder.join(FILE);
        let text = match read(&path) {
            Ok(Some(text)) => text,
            Ok(None) => return Vec::new(),
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "the list of sources can't be read; nothing of it is played");
                return Vec::new();
            }
        };
        match serde_json::from_slice::<Content>(&text) {
            Ok(content) => checked(&content.sources),
            Err(error) => self.salvage(&path, &text, &error),
        }
    }

    fn salvage(&self, path: &Path, text: &[u8], error: &serde_json::Error) -> Vec<Source> {
        let found = checked(&whole_ones(text));
        let aside = self.folder.join(ASIDE);
        let names: Vec<&str> = found.iter().map(|source| source.name.as_str()).collect();
        tracing::error!(
            file = %path.display(), %error, still_there = ?names, kept_as = %aside.display(),
            "the list of sources is damaged; what is not named here has to be added again"
        );
        // Only what was put aside may be written over.
        if fs::rename(path, &aside).is_ok()
            && let Err(error) = self.save(&found)
        {
            tracing::error!(%error, "what is left of the list of sources can't be kept");
        }
        found
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

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut text = Vec::new();
    file.take(MAX_SOURCES_FILE).read_to_end(&mut text)?;
    Ok(Some(text))
}

fn checked(written: &[WrittenSource]) -> Vec<Source> {
    let checked = written.iter().take(MAX_SOURCES).filter_map(|written| match Source::check(written) {
        Ok(source) => Some(source),
        Err(error) => {
            tracing::error!(source = written.name, %error, "a source of the list is left out");
            None
        }
    });
    checked.collect()
}

/// The sources of a damaged list that are whole: each begins with a brace, and no other object looks like one.
fn whole_ones(text: &[u8]) -> Vec<WrittenSource> {
    let mut found: Vec<WrittenSource> = Vec::new();
    let mut at = 0;
    while let Some(brace) = text[at..].iter().position(|byte| *byte == b'{') {
        at += brace;
        let mut objects = serde_json::Deserializer::from_slice(&text[at..]).into_iter::<WrittenSource>();
        at += match objects.next() {
            Some(Ok(source)) => {
                if found.iter().all(|other| other.name != source.name) {
                    found.push(source);
                }
                objects.byte_offset()
            }
            _ => 1,
        };
    }
    found
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

    fn kept_of(text: &[u8]) -> (Vec<String>, Option<Vec<u8>>) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        fs::write(folder.path().join(FILE), text).unwrap();
        let names = |sources: Vec<Source>| sources.into_iter().map(|source| source.name).collect::<Vec<_>>();
        let found = names(store.load());
        assert_eq!(names(store.load()), found, "and after the next start");
        (found, fs::read(folder.path().join(ASIDE)).ok())
    }

    #[test]
    fn a_file_cut_or_spoilt_anywhere_loses_what_is_there_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let sources = ["door", "radio", "tv"].map(|name| source(name, "rtsp://u:p@h/1"));
        Store::new(folder.path()).save(&sources).unwrap();
        let whole = fs::read(folder.path().join(FILE)).unwrap();
        let end = |name: &str| {
            let text = String::from_utf8_lossy(&whole);
            let begins = text.find(&format!("\"{name}\"")).unwrap();
            begins + text[begins..].find('}').unwrap() + 1
        };
        let ends = ["door", "radio", "tv"].map(end);
        for cut in 0..whole.len() {
            let (found, aside) = kept_of(&whole[..cut]);
            assert_eq!(found.len(), ends.iter().filter(|end| **end <= cut).count(), "cut at {cut}");
            assert_eq!(aside.as_deref(), Some(&whole[..cut]), "cut at {cut}");
        }
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            spoilt[at] = 0;
            let (found, aside) = kept_of(&spoilt);
            let hit = ends.iter().position(|end| at < *end).filter(|_| found.len() < 3);
            let lost = ["door", "radio", "tv"].iter().position(|name| !found.contains(&(*name).to_owned()));
            assert!(found.len() >= 2 && lost == hit, "spoilt at {at}: {found:?}");
            assert_eq!(aside, Some(spoilt), "spoilt at {at}");
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
