//! All names of the library, in memory, for searches: made anew by every walk. No I/O.

use crate::library::{Kind, LibraryPath, Order, PageQuery, Sort, SortKey, fold};
use crate::limits::MAX_INDEX_NAMES;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::ffi::OsStr;

/// The names.
#[derive(Debug, Default)]
pub(super) struct Names {
    folders: Vec<Folder>,
    names: Vec<Name>,
}

#[derive(Debug)]
struct Folder {
    path: LibraryPath,
    folded: Box<str>,
}

/// A folder or file, 140 bytes of it with its texts.
#[derive(Debug)]
struct Name {
    folder: u32,
    kind: Kind,
    os_name: Box<OsStr>,
    folded: Box<str>,
    size: u64,
    /// Nanoseconds since 1970.
    modified_ns: i64,
}

/// What a search found: a part of it, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// All that was found.
    pub total: usize,
    /// Where the part begins.
    pub offset: usize,
    /// The part. A file may be gone by now.
    pub paths: Vec<LibraryPath>,
}

/// How well something fits; the smallest is best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fit {
    /// The name begins with a word that is looked for.
    Start,
    /// A word of the name does.
    Word,
    /// It is somewhere in the name.
    Within,
    /// The file says it of itself: its title, its artist.
    Tag,
}

struct Hit {
    fit: Fit,
    path: LibraryPath,
    kind: Kind,
    size: u64,
    modified_ns: i64,
}

impl Names {
    /// Takes the names of a folder; false when there is no more room for them.
    pub(super) fn add<'a>(
        &mut self,
        path: &LibraryPath,
        entries: impl Iterator<Item = (&'a OsStr, Kind, u64, i64)>,
    ) -> bool {
        let number = self.folders.len() as u32;
        self.folders.push(Folder { path: path.clone(), folded: fold(&path.to_string()).into() });
        for (name, kind, size, modified_ns) in entries {
            if self.names.len() >= MAX_INDEX_NAMES {
                return false;
            }
            let folded = fold(&name.to_string_lossy()).into();
            self.names.push(Name { folder: number, kind, os_name: name.into(), folded, size, modified_ns });
        }
        true
    }

    /// Looks for what has all the words in its path, and one at least in its name; `tagged` are files that say the words
    /// of themselves. Without words, all there is.
    pub(super) fn find(
        &self,
        query: &PageQuery,
        tagged: Vec<LibraryPath>,
        duration: impl Fn(&LibraryPath) -> Option<u32>,
    ) -> Found {
        let mut hits: Vec<Hit> = self
            .names
            .iter()
            .filter(|name| query.takes(name.kind))
            .filter_map(|name| self.hit(name, query))
            .collect();
        let named: HashSet<&LibraryPath> = hits.iter().map(|hit| &hit.path).collect();
        let tagged: Vec<Hit> = tagged
            .into_iter()
            .filter(|path| !named.contains(path))
            .filter_map(|path| by_tag(path, query))
            .collect();
        hits.extend(tagged);
        let name_of = |hit: &Hit| SortKey::of(hit.path.names().last().map_or(OsStr::new(""), |name| name));
        match query.sort {
            Sort::Name => hits.sort_by_cached_key(|hit| (hit.fit, hit.kind != Kind::Folder, name_of(hit))),
            Sort::Date => hits.sort_by_cached_key(|hit| (hit.kind == Kind::Folder, hit.modified_ns)),
            Sort::Size => hits.sort_by_cached_key(|hit| (hit.kind == Kind::Folder, hit.size)),
            Sort::Duration => hits.sort_by_cached_key(|hit| duration(&hit.path).unwrap_or(u32::MAX)),
        }
        if query.order == Order::Desc {
            match query.sort {
                Sort::Name => hits.sort_by_cached_key(|hit| Reverse(name_of(hit))),
                Sort::Date => {
                    hits.sort_by_cached_key(|hit| (hit.kind == Kind::Folder, Reverse(hit.modified_ns)))
                }
                Sort::Size => hits.sort_by_cached_key(|hit| (hit.kind == Kind::Folder, Reverse(hit.size))),
                Sort::Duration => hits.sort_by_cached_key(|hit| Reverse(duration(&hit.path))),
            }
        }
        let total = hits.len();
        let range = query.range(total);
        let offset = range.start;
        let paths = hits.into_iter().skip(offset).take(range.len()).map(|hit| hit.path).collect();
        Found { total, offset, paths }
    }

    fn hit(&self, name: &Name, query: &PageQuery) -> Option<Hit> {
        let folder = self.folders.get(name.folder as usize)?;
        let mut best = query.words.is_empty().then_some(Fit::Start);
        for word in &query.words {
            match fit(&name.folded, word) {
                Some(fit) => best = Some(best.map_or(fit, |best| best.min(fit))),
                None if folder.folded.contains(word.as_str()) => {}
                None => return None,
            }
        }
        let path = folder.path.join(&name.os_name);
        Some(Hit { fit: best?, path, kind: name.kind, size: name.size, modified_ns: name.modified_ns })
    }
}

/// Where a word is in a name.
fn fit(name: &str, word: &str) -> Option<Fit> {
    let mut best = None;
    for (at, _) in name.match_indices(word) {
        if at == 0 {
            return Some(Fit::Start);
        }
        let begins = name[..at].chars().next_back().is_some_and(|before| !before.is_alphanumeric());
        if begins {
            return Some(Fit::Word);
        }
        best = Some(Fit::Within);
    }
    best
}

fn by_tag(path: LibraryPath, query: &PageQuery) -> Option<Hit> {
    let kind = Kind::of_file_name(&path.file_name()).filter(|kind| query.takes(*kind))?;
    Some(Hit { fit: Fit::Tag, path, kind, size: 0, modified_ns: 0 })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn path(text: &str) -> LibraryPath {
        LibraryPath::from_bytes(text.as_bytes()).unwrap()
    }

    fn names() -> Names {
        let mut names = Names::default();
        let file = |name: &'static str, n: u64| {
            (OsStr::new(name), Kind::of_file_name(name).unwrap_or(Kind::Folder), n, n as i64)
        };
        assert!(names.add(&path(""), [file("Serie", 0), file("Ärger im Büro.mkv", 5)].into_iter()));
        assert!(
            names.add(
                &path("Serie"),
                [file("s01e10.mkv", 1), file("s01e02.mkv", 2), file("cover.jpg", 3), file("Das Büro.mp3", 4)]
                    .into_iter(),
            )
        );
        names
    }

    fn found(query: &str) -> Vec<String> {
        let query = PageQuery::from_query(Some(query)).unwrap();
        let found = names().find(&query, vec![path("Serie/s01e02.mkv"), path("Musik/x.ogg")], |path| {
            path.file_name().contains("02").then_some(1)
        });
        assert!(found.paths.len() <= found.total);
        found.paths.iter().map(LibraryPath::to_string).collect()
    }

    #[test]
    fn words_are_found_in_names_and_in_the_folders_above() {
        assert_eq!(found("q=BURO")[..2], ["Ärger im Büro.mkv", "Serie/Das Büro.mp3"]);
        assert_eq!(found("q=serie+e02"), ["Serie/s01e02.mkv", "Musik/x.ogg"]);
        assert_eq!(
            found("q=serie&kind=folder,picture"),
            ["Serie"],
            "a folder's name is not that of its files"
        );
        assert_eq!(found("q=nothing"), ["Serie/s01e02.mkv", "Musik/x.ogg"], "tags alone");
    }

    #[test]
    fn what_begins_with_the_word_comes_first_then_by_name() {
        assert_eq!(found("q=s&kind=folder,video")[..3], ["Serie", "Serie/s01e02.mkv", "Serie/s01e10.mkv"]);
        assert_eq!(found("q=s01&limit=1&offset=1"), ["Serie/s01e10.mkv"]);
    }

    #[test]
    fn without_words_all_is_found_and_the_latest_can_be_asked_for() {
        assert_eq!(found("sort=date&order=desc&limit=2"), ["Ärger im Büro.mkv", "Serie/Das Büro.mp3"]);
        assert_eq!(found("sort=size&kind=video&limit=2"), ["Serie/s01e10.mkv", "Serie/s01e02.mkv"]);
        assert_eq!(found("sort=duration&order=desc&limit=1"), ["Serie/s01e02.mkv"]);
    }
}
