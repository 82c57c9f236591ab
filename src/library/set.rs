//! Films in several files. The first stands for all of them.
//!
//! | names | how they belong together |
//! |---|---|
//! | `VTS_01_1.VOB`, `VTS_01_2.VOB` … | one run of bytes: a DVD's title, cut every gigabyte because its file system demands it |
//! | `film.cd1.avi`, `film.cd2.avi` …; `disc`, `disk`, `dvd`, `part`, `pt` | films of their own, one to be played behind the other |

use super::{Kind, Library, LibraryPath};
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Words before the number of a disc. Behind those of the second row it follows at once: "Part 2" with a space is how
/// films are called that are two.
const WORDS: [&str; 6] = ["cd", "dvd", "disc", "disk", "part", "pt"];
const CLOSE_WORDS: [&str; 2] = ["part", "pt"];

/// More parts than any film has.
const MOST: u32 = 20;

/// The files that a film goes on in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Continuation {
    /// All are one run of bytes.
    OneRun(Vec<LibraryPath>),
    /// Each begins anew.
    Discs(Vec<LibraryPath>),
}

impl Continuation {
    /// In order.
    pub fn paths(&self) -> &[LibraryPath] {
        match self {
            Self::OneRun(paths) | Self::Discs(paths) => paths,
        }
    }
}

/// A name with the number of a part in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    number: u32,
    /// Where its digits are.
    digits: Range<usize>,
    one_run: bool,
}

impl Part {
    fn of(name: &[u8]) -> Option<Self> {
        Self::of_title(name).or_else(|| Self::of_disc(name))
    }

    /// `0` is a title's menu.
    fn of_title(name: &[u8]) -> Option<Self> {
        let [b'V' | b'v', b'T' | b't', b'S' | b's', b'_', ten, one, b'_', part, b'.', extension @ ..] = name
        else {
            return None;
        };
        let digits = [ten, one, part].iter().all(|byte| byte.is_ascii_digit());
        (digits && extension.eq_ignore_ascii_case(b"vob")).then(|| Self {
            number: (part - b'0').into(),
            digits: 7..8,
            one_run: true,
        })
    }

    /// The last word of a film's name that says so.
    fn of_disc(name: &[u8]) -> Option<Self> {
        if Kind::of_file_name(&String::from_utf8_lossy(name)) != Some(Kind::Video) {
            return None;
        }
        let stem = name.iter().rposition(|byte| *byte == b'.')?;
        (1..stem).rev().find_map(|at| {
            // A word of its own, and not the whole name.
            let starts = b" ._-([".contains(&name[at - 1])
                && name[..at].iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
            let word = WORDS.iter().find(|word| {
                let found = name.get(at..at + word.len());
                found.is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
            })?;
            let mut from = at + word.len();
            if !CLOSE_WORDS.contains(word) && name.get(from).is_some_and(|byte| b" ._-".contains(byte)) {
                from += 1;
            }
            let len = name.get(from..stem)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let digits = from..from + len;
            let ends = name.get(digits.end).is_none_or(|byte| !byte.is_ascii_alphanumeric());
            let number = std::str::from_utf8(&name[digits.clone()]).ok()?.parse().ok()?;
            (starts && ends && (1..=2).contains(&len)).then_some(Self { number, digits, one_run: false })
        })
    }
}

/// Whether a name is that of a first part.
pub(super) fn is_first(name: &OsStr) -> bool {
    Part::of(name.as_bytes()).is_some_and(|part| part.number == 1)
}

/// The names that later parts would have, in order; none of what is no first part.
pub(super) fn later(first: &OsStr) -> impl Iterator<Item = OsString> + use<> {
    let name = first.as_bytes().to_vec();
    let part = Part::of(&name).filter(|part| part.number == 1);
    part.into_iter().flat_map(move |part| {
        let name = name.clone();
        let most = if part.one_run { 9 } else { MOST };
        (2..=most).map(move |number| {
            let (before, rest) = name.split_at(part.digits.start);
            let number = format!("{number:0width$}", width = part.digits.len());
            OsString::from_vec([before, number.as_bytes(), &rest[part.digits.len()..]].concat())
        })
    })
}

impl Library {
    /// The files that a film goes on in behind `path`, in order. Most have none. Blocking.
    pub fn continuation(&self, path: &LibraryPath) -> Continuation {
        let found = path.split_last().and_then(|(folder, name)| {
            let one_run = Part::of(name.as_bytes()).filter(|part| part.number == 1)?.one_run;
            // One that is missing ends it: what comes behind belongs to something else.
            let later =
                later(name).map(|name| folder.join(&name)).take_while(|path| self.is_file(path)).collect();
            Some(if one_run { Continuation::OneRun(later) } else { Continuation::Discs(later) })
        });
        found.unwrap_or(Continuation::OneRun(Vec::new()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn library(names: &[&str]) -> (tempfile::TempDir, Library) {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let library = Library::new([folder.path().to_owned()]);
        (folder, library)
    }

    fn path(name: &str) -> LibraryPath {
        LibraryPath::from_bytes(name.as_bytes()).unwrap()
    }

    fn listed(library: &Library) -> Vec<(String, Option<u64>)> {
        let listed = library.list(&path("")).unwrap().entries;
        listed.into_iter().map(|entry| (entry.name, entry.size)).collect()
    }

    #[test]
    fn a_title_is_found_with_all_its_parts_and_listed_once() {
        let (_folder, library) = library(&[
            "VIDEO_TS.VOB",
            "VTS_01_0.VOB",
            "VTS_01_1.VOB",
            "VTS_01_2.VOB",
            "VTS_01_3.VOB",
            "VTS_01_5.VOB",
            "VTS_02_1.vob",
            "VTS_03_2.VOB",
        ]);
        let later = |of: &str| library.continuation(&path(of));
        let parts = ["VTS_01_2.VOB", "VTS_01_3.VOB"].map(path).to_vec();
        assert_eq!(later("VTS_01_1.VOB"), Continuation::OneRun(parts));
        for none in ["VTS_01_2.VOB", "VTS_01_0.VOB", "VTS_02_1.vob", "VIDEO_TS.VOB", "x.mkv", ""] {
            assert_eq!(later(none).paths(), [], "{none}");
        }
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
        assert_eq!(listed(&library), expected.map(|(name, size)| (name.to_owned(), size)));
    }

    #[test]
    fn discs_are_one_film_and_listed_once() {
        let (folder, library) = library(&[
            "film.cd1.avi",
            "film.cd2.avi",
            "film.cd3.avi",
            "film.cd5.avi",
            "other.cd2.avi",
            "x (Disc 01).mkv",
            "x (Disc 02).mkv",
            "y.cd2.avi",
        ]);
        // A folder is no part of a film.
        std::fs::create_dir(folder.path().join("y.cd1.avi")).unwrap();
        assert_eq!(
            library.continuation(&path("film.cd1.avi")),
            Continuation::Discs(["film.cd2.avi", "film.cd3.avi"].map(path).to_vec())
        );
        let expected = [
            ("y.cd1.avi", None),
            ("film.cd1.avi", Some(36)),
            ("film.cd5.avi", Some(12)),
            ("other.cd2.avi", Some(13)),
            ("x (Disc 01).mkv", Some(30)),
            ("y.cd2.avi", Some(9)),
        ];
        assert_eq!(listed(&library), expected.map(|(name, size)| (name.to_owned(), size)));
    }

    #[test]
    fn a_number_is_a_discs_only_where_a_word_says_so() {
        let second = |first: &str| later(OsStr::new(first)).next().map(|name| name.into_string().unwrap());
        for (first, wanted) in [
            ("film.cd1.avi", "film.cd2.avi"),
            ("Film CD1.avi", "Film CD2.avi"),
            ("film-cd-1.xvid-group.avi", "film-cd-2.xvid-group.avi"),
            ("Film [disc 1].mkv", "Film [disc 2].mkv"),
            ("Film (Disk01).mp4", "Film (Disk02).mp4"),
            ("film_dvd1.mpg", "film_dvd2.mpg"),
            ("film.part1.mkv", "film.part2.mkv"),
            ("film.pt1.mkv", "film.pt2.mkv"),
            ("cd1 film cd1.avi", "cd1 film cd2.avi"),
        ] {
            assert_eq!(second(first).as_deref(), Some(wanted));
        }
        for alone in [
            "cd1.avi",
            "film.cd2.avi",
            "film1.avi",
            "filmcd1.avi",
            "film.cd1a.avi",
            "film.cd123.avi",
            "The Film Part 1.mkv",
            "film.cd1",
            "song.cd1.mp3",
            "film.cd1.srt",
            ".cd1.avi",
            "film.cd.avi",
        ] {
            assert_eq!(second(alone), None, "{alone}");
        }
        // The tenth has two digits, whatever the first had.
        assert_eq!(later(OsStr::new("film.cd1.avi")).nth(8), Some("film.cd10.avi".into()));
        assert_eq!(
            later(OsStr::from_bytes(b"\xff.cd1.avi")).next(),
            Some(OsString::from_vec(b"\xff.cd2.avi".to_vec()))
        );
    }

    proptest::proptest! {
        /// Names are anybody's bytes.
        #[test]
        fn whatever_a_name_is_its_later_parts_are_counted_up(
            stem in proptest::collection::vec(proptest::sample::select(b"cdvptiskar .-_0129[(\xff".to_vec()), 0..24),
        ) {
            let name = [&stem[..], b".avi"].concat();
            for (later, number) in later(OsStr::from_bytes(&name)).zip(2..) {
                proptest::prop_assert_eq!(Part::of(later.as_bytes()).map(|part| part.number), Some(number));
            }
        }
    }
}
