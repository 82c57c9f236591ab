//! Films in several files that are one run of bytes: a DVD's title, cut every gigabyte because its file system demands it.
//!
//! `VTS_01_1.VOB`, `VTS_01_2.VOB` … `VTS_01_9.VOB`. The first stands for all of them.

use super::{Library, LibraryPath};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Where the number of the part is: `VTS_01_` is before it.
const NUMBER_AT: usize = 7;

/// The number of the part, when a name is that of one; `0` is the title's menu.
fn part(name: &[u8]) -> Option<u8> {
    let [b'V' | b'v', b'T' | b't', b'S' | b's', b'_', ten, one, b'_', part, b'.', extension @ ..] = name
    else {
        return None;
    };
    let digits = [ten, one, part].iter().all(|byte| byte.is_ascii_digit());
    (digits && extension.eq_ignore_ascii_case(b"vob")).then(|| part - b'0')
}

/// Whether a name is that of a first part.
pub(super) fn is_first(name: &OsStr) -> bool {
    part(name.as_bytes()) == Some(1)
}

/// The names that later parts would have, in order.
pub(super) fn later(first: &OsStr) -> impl Iterator<Item = OsString> + use<> {
    let mut name = first.as_bytes().to_vec();
    (b'2'..=b'9').map(move |number| {
        if let Some(byte) = name.get_mut(NUMBER_AT) {
            *byte = number;
        }
        OsString::from_vec(name.clone())
    })
}

impl Library {
    /// The files that a film goes on in behind `path`, in order. Most have none. Blocking.
    pub fn continuations(&self, path: &LibraryPath) -> Vec<LibraryPath> {
        let Some((folder, name)) = path.split_last().filter(|(_, name)| is_first(name)) else {
            return Vec::new();
        };
        // One that is missing ends it: what comes behind belongs to something else.
        later(name).map(|name| folder.join(&name)).take_while(|path| self.is_file(path)).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_found_with_all_its_parts_and_listed_once() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "VIDEO_TS.VOB",
            "VTS_01_0.VOB",
            "VTS_01_1.VOB",
            "VTS_01_2.VOB",
            "VTS_01_3.VOB",
            "VTS_01_5.VOB",
            "VTS_02_1.vob",
            "VTS_03_2.VOB",
        ] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let library = Library::new([folder.path().to_owned()]);
        let path = |name: &str| LibraryPath::from_bytes(name.as_bytes()).unwrap();
        let names = |of: &str| {
            library.continuations(&path(of)).iter().map(LibraryPath::file_name).collect::<Vec<_>>()
        };
        assert_eq!(names("VTS_01_1.VOB"), ["VTS_01_2.VOB", "VTS_01_3.VOB"]);
        for none in ["VTS_01_2.VOB", "VTS_01_0.VOB", "VTS_02_1.vob", "VIDEO_TS.VOB", "x.mkv", ""] {
            assert_eq!(names(none), [] as [&str; 0], "{none}");
        }
        let listed = library.list(&path("")).unwrap();
        let listed: Vec<(&str, Option<u64>)> =
            listed.entries.iter().map(|entry| (entry.name.as_str(), entry.size)).collect();
        let alone = Some(12);
        // A part without those before it is a film of its own.
        let expected = [
            ("VIDEO_TS.VOB", alone),
            ("VTS_01_0.VOB", alone),
            ("VTS_01_1.VOB", Some(36)),
            ("VTS_01_5.VOB", alone),
            ("VTS_02_1.vob", alone),
            ("VTS_03_2.VOB", alone),
        ];
        assert_eq!(listed, expected);
    }
}
