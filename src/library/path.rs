//! Paths inside the library: names only, checked where they are made.

use crate::limits::MAX_PATH_BYTES;
use crate::web_address::{WEB_FOLDER, WebAddress};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// What stays as it is in an address (RFC 3986 `unreserved`); everything else is percent-encoded.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path relative to the top of the library: zero or more names, none of them empty, `.`, `..`,
/// or with a NUL or slash inside. File names are bytes on Linux, so are these.
#[derive(Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct LibraryPath(Vec<OsString>);

/// Why bytes are no path into the library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// `..` somewhere in it.
    #[error("the path has a \"..\" in it, which is not allowed; name the file from the top of the library")]
    Parent,
    /// A NUL byte.
    #[error("the path has a NUL byte in it, which no file name can have; check how it was encoded")]
    Nul,
    /// Longer than any path.
    #[error("the path is {0} bytes long, at most {MAX_PATH_BYTES} are possible; check how it was made")]
    TooLong(usize),
}

impl LibraryPath {
    /// From the bytes of a path with slashes between names. Leading, trailing and double slashes
    /// and `.` mean nothing: the 2007 player sends `//films/`.
    ///
    /// # Errors
    /// When it tries to leave the library or cannot be a path.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PathError> {
        if bytes.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong(bytes.len()));
        }
        if bytes.contains(&0) {
            return Err(PathError::Nul);
        }
        let mut names = Vec::new();
        for name in bytes.split(|b| *b == b'/') {
            match name {
                b"" | b"." => {}
                b".." => return Err(PathError::Parent),
                name => names.push(OsStr::from_bytes(name).to_owned()),
            }
        }
        Ok(Self(names))
    }

    /// From the path of an address: decoded once, then as [`from_bytes`](Self::from_bytes). A
    /// `%2F` inside a name becomes a separator, which is harmless here.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_percent_encoded(encoded: &str) -> Result<Self, PathError> {
        if encoded.len() > 3 * MAX_PATH_BYTES {
            return Err(PathError::TooLong(encoded.len()));
        }
        Self::from_bytes(&percent_decode(encoded.as_bytes()).collect::<Vec<u8>>())
    }

    /// The path by which an address of the web is played; no folder of a disk.
    pub fn of_web(address: &WebAddress) -> Self {
        Self(vec![WEB_FOLDER.into(), address.encoded().into()])
    }

    /// As addresses carry it, without a leading slash.
    pub fn percent_encoded(&self) -> String {
        let mut out = String::new();
        for name in &self.0 {
            if !out.is_empty() {
                out.push('/');
            }
            out.extend(percent_encode(name.as_bytes(), NOT_UNRESERVED));
        }
        out
    }

    /// The names from the top down.
    pub fn names(&self) -> &[OsString] {
        &self.0
    }

    /// True for the top of the library.
    pub fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    /// The last name, for people; the whole path's `Display` for the top.
    pub fn file_name(&self) -> String {
        self.0.last().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// This path with one more name, as read from a directory.
    pub fn join(&self, name: &OsStr) -> Self {
        debug_assert!(!name.as_bytes().contains(&b'/'), "a directory entry has no slash");
        let mut names = self.0.clone();
        names.push(name.to_owned());
        Self(names)
    }

    /// The folder that holds this path, and its last name.
    pub fn split_last(&self) -> Option<(Self, &OsStr)> {
        let (last, rest) = self.0.split_last()?;
        Some((Self(rest.to_vec()), last))
    }

    /// The path without its first name, and that name.
    pub fn split_first(&self) -> Option<(&OsStr, Self)> {
        let (first, rest) = self.0.split_first()?;
        Some((first, Self(rest.to_vec())))
    }

    /// For `openat`: relative, `.` for the top.
    pub(super) fn to_relative(&self) -> PathBuf {
        if self.0.is_empty() {
            return PathBuf::from(".");
        }
        let mut bytes = Vec::new();
        for name in &self.0 {
            if !bytes.is_empty() {
                bytes.push(b'/');
            }
            bytes.extend_from_slice(name.as_bytes());
        }
        PathBuf::from(OsString::from_vec(bytes))
    }
}

impl fmt::Display for LibraryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        for (i, name) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("/")?;
            }
            // Log lines stay one line whatever a file is called.
            for c in name.to_string_lossy().chars() {
                if c.is_control() { f.write_str("\u{fffd}")? } else { fmt::Write::write_char(f, c)? }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for LibraryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_read_as_clients_write_them() {
        for (given, display, encoded) in [
            ("", "/", ""),
            ("/", "/", ""),
            ("//films//a%20b.avi", "films/a b.avi", "films/a%20b.avi"),
            ("films/./x.flv", "films/x.flv", "films/x.flv"),
            ("Zw%C3%B6lf/%E3%83%86.mp4", "Zwölf/テ.mp4", "Zw%C3%B6lf/%E3%83%86.mp4"),
            // Encoded twice stays what it says after one decoding.
            ("%252e%252e/x", "%2e%2e/x", "%252e%252e/x"),
            ("100%25.mp4", "100%.mp4", "100%25.mp4"),
            ("100%.mp4", "100%.mp4", "100%25.mp4"),
            ("a%0Ab", "a\u{fffd}b", "a%0Ab"),
        ] {
            let path = LibraryPath::from_percent_encoded(given).unwrap();
            assert_eq!(path.to_string(), display, "given {given}");
            assert_eq!(path.percent_encoded(), encoded, "given {given}");
        }
    }

    #[test]
    fn paths_that_leave_the_library_are_refused() {
        for bad in ["..", "../x", "a/../../x", "%2e%2e/x", "a/%2E%2E", "..%2f..%2fetc/passwd", "a/.%2e"] {
            assert_eq!(LibraryPath::from_percent_encoded(bad), Err(PathError::Parent), "given {bad}");
        }
        assert_eq!(LibraryPath::from_percent_encoded("a%00.mp4"), Err(PathError::Nul));
        assert_eq!(LibraryPath::from_bytes(&[b'a'; 5000]), Err(PathError::TooLong(5000)));
    }

    proptest! {
        #[test]
        fn any_path_survives_its_encoding(bytes in prop::collection::vec(1u8.., 0..60)) {
            if let Ok(path) = LibraryPath::from_bytes(&bytes) {
                prop_assert_eq!(LibraryPath::from_percent_encoded(&path.percent_encoded()).unwrap(), path);
            }
        }
    }
}
