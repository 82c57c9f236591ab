//! Files that are written whole: what the server must not lose when the power goes.
//!
//! ```text
//!  write:  x.new ── sync ──┐            x ── copy, sync ──▶ x.previous
//!                          └── rename ──▶ x ── sync of the folder
//!  read:   x, else x.previous
//! ```
//!
//! Whenever the power goes, `x` is the old content or the new one; a card that has lost it all the same (they do) costs
//! one change, not the house's settings. Only the server's user may read them. What is in them is not known here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// One such file.
#[derive(Debug, Clone)]
pub struct Document {
    path: PathBuf,
    most: u64,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// There is none, and has been none.
    Nothing,
    /// What was written last.
    Latest(T),
    /// What was written before that, and why not the latest.
    Previous(T, String),
    /// There is one that nobody can read, and why.
    Unreadable(String),
}

impl Document {
    /// The file `name` of a folder that may not exist yet; more than `most` bytes of it are not read.
    pub fn new(folder: &Path, name: &str, most: u64) -> Self {
        Self { path: folder.join(name), most }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    /// What `parse` makes of it, or of the previous copy when it can't be read. A file that can't be is put aside under
    /// another name when the previous one takes its place, never thrown away.
    pub fn read<T>(&self, parse: impl Fn(&[u8]) -> Result<T, String>) -> Found<T> {
        let latest = match self.read_one(&self.path, &parse) {
            Ok(Some(content)) => return Found::Latest(content),
            Ok(None) => "it is not there".to_owned(),
            Err(reason) => reason,
        };
        match self.read_one(&self.beside(".previous"), &parse) {
            Ok(Some(content)) => {
                let _ = fs::rename(&self.path, self.beside(".unreadable"));
                Found::Previous(content, latest)
            }
            Ok(None) if !self.path.exists() => Found::Nothing,
            _ => Found::Unreadable(latest),
        }
    }

    fn read_one<T>(
        &self,
        path: &Path,
        parse: &impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| error.to_string())?,
        };
        let mut bytes = Vec::new();
        file.take(self.most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > self.most {
            return Err(format!("it is longer than {} bytes", self.most));
        }
        parse(&bytes).map(Some)
    }

    /// Writes new content. When that fails, what was there before still is.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn write(&self, content: &[u8]) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder)?;
        let new = self.beside(".new");
        write_synced(&new, content)?;
        match fs::read(&self.path) {
            Ok(old) => {
                let copy = self.beside(".previous.new");
                write_synced(&copy, &old)?;
                fs::rename(&copy, self.beside(".previous"))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        fs::rename(&new, &self.path)?;
        // The names are on the disk as well.
        File::open(folder)?.sync_all()
    }

    /// Takes it and its copies away.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn remove(&self) -> io::Result<()> {
        // The latest last: a power cut on the way leaves it, and not an older one in its place.
        for path in [self.beside(".unreadable"), self.beside(".previous"), self.path.clone()] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match self.path.parent().map(File::open) {
            Some(Ok(folder)) => folder.sync_all(),
            _ => Ok(()),
        }
    }
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn text(bytes: &[u8]) -> Result<String, String> {
        let text = String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())?;
        text.strip_suffix('.').map(str::to_owned).ok_or_else(|| "no end".to_owned())
    }

    #[test]
    fn what_was_written_last_is_read_and_the_one_before_when_it_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let document = Document::new(&folder.path().join("made"), "x.json", 100);
        assert_eq!(document.read(text), Found::Nothing);
        document.write(b"one.").unwrap();
        document.write(b"two.").unwrap();
        assert_eq!(document.read(text), Found::Latest("two".into()));
        let mode = fs::metadata(document.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for cut in 0..4 {
            fs::write(document.path(), &b"two."[..cut]).unwrap();
            assert!(matches!(document.read(text), Found::Previous(one, _) if one == "one"), "{cut}");
            assert!(!document.path().exists(), "put aside");
        }
        // The next write makes it whole again, and nothing of the broken one is its copy.
        document.write(b"three.").unwrap();
        assert_eq!(document.read(text), Found::Latest("three".into()));
    }

    #[test]
    fn a_file_that_nobody_can_read_is_not_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let document = Document::new(folder.path(), "x.json", 10);
        fs::write(document.path(), "broken").unwrap();
        assert!(matches!(document.read(text), Found::Unreadable(_)));
        fs::write(document.path(), "far too long for it.").unwrap();
        assert!(matches!(document.read(text), Found::Unreadable(reason) if reason.contains("10 bytes")));
    }

    #[test]
    fn what_is_left_of_a_write_that_broke_off_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let document = Document::new(folder.path(), "x.json", 100);
        document.write(b"one.").unwrap();
        fs::write(folder.path().join("x.json.new"), "tw").unwrap();
        fs::write(folder.path().join("x.json.previous.new"), "on").unwrap();
        assert_eq!(document.read(text), Found::Latest("one".into()));
        document.write(b"two.").unwrap();
        assert_eq!(document.read(text), Found::Latest("two".into()));
        document.remove().unwrap();
        assert_eq!(document.read(text), Found::Nothing);
    }
}
