//! Which part of a folder, or of what a search found, is wanted, and in which order. Reading it is pure.

use super::{Entry, FileIdentity, Kind, Library, LibraryError, LibraryPath, Listing, Outline, fold};
use crate::limits::{MAX_PAGE, MAX_QUERY_CHARS};
use percent_encoding::percent_decode;
use std::cmp::Ordering;
use std::ops::Range;

/// By what a listing is ordered; folders come first in any case, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// As people order names.
    #[default]
    Name,
    /// When they were changed.
    Date,
    /// How long they play; those of which that is not known yet come last.
    Duration,
    /// Bytes.
    Size,
}

/// Which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The first, oldest, shortest or smallest first.
    #[default]
    Asc,
    /// The other way round.
    Desc,
}

/// `offset`, `limit`, `sort`, `order`, `q` and `kind` of an address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageQuery {
    /// Entries that are skipped.
    pub offset: usize,
    /// At most so many; all without it.
    pub limit: Option<usize>,
    /// By what they are ordered.
    pub sort: Sort,
    /// Which direction.
    pub order: Order,
    /// Words that a name must have in it, [folded](fold).
    pub words: Vec<String>,
    /// Only entries of these kinds; of all when empty.
    pub kinds: Vec<Kind>,
}

/// Why a page can't be asked for like this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageQueryError {
    /// No number, or one too large.
    #[error(
        "{key}={value} is no number from {least} to {most}; write for example {key}={example}",
        example = 100
    )]
    Number {
        /// Which parameter.
        key: &'static str,
        /// As written, cut.
        value: String,
        /// The smallest.
        least: usize,
        /// The largest.
        most: usize,
    },
    /// A word that is none of those there are.
    #[error("{key}={value} is not possible; write one of: {known}")]
    Word {
        /// Which parameter.
        key: &'static str,
        /// As written, cut.
        value: String,
        /// What is possible.
        known: &'static str,
    },
    /// Nobody looks for so long a text.
    #[error(
        "the words to look for are {0} characters long, at most {MAX_QUERY_CHARS} are possible; use fewer"
    )]
    TooLong(usize),
}

impl PageQuery {
    /// From an address's query, still percent-encoded. Other parameters are left alone.
    ///
    /// # Errors
    /// When a value is not possible.
    pub fn from_query(query: Option<&str>) -> Result<Self, PageQueryError> {
        let mut page = Self::default();
        for pair in query.unwrap_or_default().split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if value.is_empty() {
                continue;
            }
            match key {
                "offset" => page.offset = number("offset", value, 0, usize::MAX >> 1)?,
                "limit" => page.limit = Some(number("limit", value, 1, MAX_PAGE)?),
                "sort" => {
                    let known = [
                        ("name", Sort::Name),
                        ("date", Sort::Date),
                        ("duration", Sort::Duration),
                        ("size", Sort::Size),
                    ];
                    page.sort = word("sort", value, &known, "name, date, duration, size")?;
                }
                "order" => {
                    page.order =
                        word("order", value, &[("asc", Order::Asc), ("desc", Order::Desc)], "asc, desc")?;
                }
                "kind" => {
                    let known = [
                        ("folder", Kind::Folder),
                        ("video", Kind::Video),
                        ("audio", Kind::Audio),
                        ("picture", Kind::Picture),
                    ];
                    page.kinds = plain(value)
                        .split(',')
                        .map(|kind| word("kind", kind, &known, "folder, video, audio, picture"))
                        .collect::<Result<_, _>>()?;
                }
                "q" => {
                    let text = plain(value);
                    let count = text.chars().count();
                    if count > MAX_QUERY_CHARS {
                        return Err(PageQueryError::TooLong(count));
                    }
                    page.words = fold(&text).split_whitespace().map(str::to_owned).collect();
                }
                _ => {}
            }
        }
        Ok(page)
    }

    /// Of so many entries, those that are wanted.
    pub fn range(&self, total: usize) -> Range<usize> {
        let start = self.offset.min(total);
        let end = self.limit.map_or(total, |limit| start.saturating_add(limit).min(total));
        start..end
    }

    /// Entries of this kind are wanted.
    pub fn takes(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

/// A query's text: a plus sign is a space, unlike in a path.
fn plain(value: &str) -> String {
    let spaced = value.replace('+', " ");
    String::from_utf8_lossy(&percent_decode(spaced.as_bytes()).collect::<Vec<u8>>()).into_owned()
}

fn cut(value: &str) -> String {
    value.chars().take(40).collect()
}

fn number(key: &'static str, value: &str, least: usize, most: usize) -> Result<usize, PageQueryError> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| digits && (least..=most).contains(number));
    number.ok_or_else(|| PageQueryError::Number { key, value: cut(value), least, most })
}

fn word<T: Copy>(
    key: &'static str,
    value: &str,
    known: &[(&str, T)],
    list: &'static str,
) -> Result<T, PageQueryError> {
    let found = known.iter().find(|(name, _)| *name == value).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| PageQueryError::Word { key, value: cut(value), known: list })
}

/// A part of a folder.
#[derive(Debug)]
pub struct Page {
    /// How many entries there are in all.
    pub total: usize,
    /// Where the part begins.
    pub offset: usize,
    /// The part.
    pub listing: Listing,
}

impl Library {
    /// A part of a folder. `durations` says how long files play, in milliseconds, as far as that is known; it is asked only
    /// when they are ordered by it.
    ///
    /// # Errors
    /// When there is no such folder or it cannot be read.
    pub fn page(
        &self,
        path: &LibraryPath,
        query: &PageQuery,
        durations: impl FnOnce(&[(LibraryPath, FileIdentity)]) -> Vec<Option<u32>>,
    ) -> Result<Page, LibraryError> {
        let mut outline = self.outline(path)?;
        outline
            .items
            .retain(|item| query.takes(item.kind) && has_words(&item.os_name.to_string_lossy(), query));
        if query.sort == Sort::Name {
            if query.order == Order::Desc {
                let folders = outline.items.partition_point(|item| item.kind == Kind::Folder);
                outline.items[..folders].reverse();
                outline.items[folders..].reverse();
            }
            let total = outline.items.len();
            let range = query.range(total);
            return Ok(Page { total, offset: range.start, listing: self.fill(&outline, range)? });
        }
        let mut listing = self.fill_all(&outline)?;
        sort_files(path, &mut listing.entries, query, durations);
        let total = listing.entries.len();
        let range = query.range(total);
        let offset = range.start;
        listing.entries.truncate(range.end);
        listing.entries.drain(..offset);
        Ok(Page { total, offset, listing })
    }

    fn fill_all(&self, outline: &Outline) -> Result<Listing, LibraryError> {
        self.fill(outline, 0..outline.items.len())
    }
}

fn has_words(name: &str, query: &PageQuery) -> bool {
    if query.words.is_empty() {
        return true;
    }
    let name = fold(name);
    query.words.iter().all(|word| name.contains(word.as_str()))
}

/// Orders the files of a listing, which are behind its folders. Sorting is stable, so that names decide ties.
fn sort_files(
    path: &LibraryPath,
    entries: &mut [Entry],
    query: &PageQuery,
    durations: impl FnOnce(&[(LibraryPath, FileIdentity)]) -> Vec<Option<u32>>,
) {
    let folders = entries.partition_point(|entry| entry.kind == Kind::Folder);
    let files = &mut entries[folders..];
    let key: Vec<Option<i128>> = match query.sort {
        Sort::Name => return,
        Sort::Size => files.iter().map(|file| file.size.map(i128::from)).collect(),
        Sort::Date => files.iter().map(|file| Some(file.identity?.modified_ns())).collect(),
        Sort::Duration => {
            let known: Vec<(LibraryPath, FileIdentity)> =
                files.iter().filter_map(|file| Some((path.join(&file.os_name), file.identity?))).collect();
            durations(&known).into_iter().map(|ms| ms.map(i128::from)).collect()
        }
    };
    let mut places: Vec<usize> = (0..files.len()).collect();
    places.sort_by(|a, b| order(key.get(*a).copied().flatten(), key.get(*b).copied().flatten(), query.order));
    let sorted: Vec<Entry> = places.iter().map(|at| files[*at].clone()).collect();
    files.clone_from_slice(&sorted);
}

/// What is not known comes last, whichever the direction.
fn order(a: Option<i128>, b: Option<i128>, order: Order) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if order == Order::Asc => a.cmp(&b),
        (Some(a), Some(b)) => b.cmp(&a),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// What is before and behind an entry of its folder.
#[derive(Debug, Default)]
pub struct Neighbours {
    /// The one before.
    pub previous: Option<Entry>,
    /// The one behind.
    pub next: Option<Entry>,
    /// Its place among its like, from 0; `None` when it is not listed.
    pub place: Option<usize>,
    /// How many of its like there are.
    pub total: usize,
}

impl Library {
    /// The neighbours of a file in its folder: for what plays, what plays; for a picture, pictures.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn neighbours(
        &self,
        path: &LibraryPath,
        query: &PageQuery,
        durations: impl FnOnce(&[(LibraryPath, FileIdentity)]) -> Vec<Option<u32>>,
    ) -> Result<Neighbours, LibraryError> {
        let own = self.entry_at(path)?;
        let Some((folder, name)) = path.split_last() else { return Ok(Neighbours::default()) };
        let mut outline = self.outline(&folder)?;
        let is_like = |kind: Kind| match own.kind {
            Kind::Video | Kind::Audio => kind.is_playable(),
            other => kind == other,
        };
        let wanted = |kind: Kind| if query.kinds.is_empty() { is_like(kind) } else { query.takes(kind) };
        outline.items.retain(|item| wanted(item.kind));
        if query.sort != Sort::Name {
            let mut listing = self.fill_all(&outline)?;
            sort_files(&folder, &mut listing.entries, query, durations);
            let item = |entry: Entry| super::Item { os_name: entry.os_name, kind: entry.kind };
            outline.items = listing.entries.into_iter().map(item).collect();
        } else if query.order == Order::Desc {
            outline.items.reverse();
        }
        let total = outline.items.len();
        let place = outline.items.iter().position(|item| item.os_name == name);
        let at = |place: Option<usize>| {
            let item = outline.items.get(place?)?;
            self.entry_at(&folder.join(&item.os_name)).ok()
        };
        let previous = at(place.and_then(|place| place.checked_sub(1)));
        Ok(Neighbours { previous, next: at(place.map(|place| place + 1)), place, total })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(text: &str) -> PageQuery {
        PageQuery::from_query(Some(text)).unwrap()
    }

    fn library(names: &[&str]) -> (tempfile::TempDir, Library) {
        let dir = tempfile::tempdir().unwrap();
        for (n, name) in names.iter().enumerate() {
            let path = dir.path().join(name);
            match name.strip_suffix('/') {
                Some(_) => std::fs::create_dir(path).unwrap(),
                None => {
                    // Each larger and older than the one before.
                    let file = std::fs::File::create(path).unwrap();
                    file.set_len(n as u64).unwrap();
                    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 - n as u64);
                    file.set_modified(time).unwrap();
                }
            }
        }
        let library = Library::new([dir.path().to_owned()]);
        (dir, library)
    }

    fn names(library: &Library, text: &str) -> (usize, usize, Vec<String>) {
        let page = library.page(&LibraryPath::default(), &query(text), |files| {
            files.iter().map(|(path, _)| path.file_name().contains("10").then_some(7)).collect()
        });
        let page = page.unwrap();
        (page.total, page.offset, page.listing.entries.into_iter().map(|entry| entry.name).collect())
    }

    const NAMES: &[&str] = &["z/", "Ä/", "film 10.avi", "film 2.avi", "Film 1.mp3", "p.jpg", "notes.txt"];

    #[test]
    fn a_folder_comes_in_pages_and_in_any_order() {
        let (_dir, library) = library(NAMES);
        for (text, total, offset, expected) in [
            ("", 6, 0, &["Ä", "z", "Film 1.mp3", "film 2.avi", "film 10.avi", "p.jpg"][..]),
            ("offset=1&limit=3", 6, 1, &["z", "Film 1.mp3", "film 2.avi"]),
            ("offset=5&limit=3", 6, 5, &["p.jpg"]),
            ("offset=50", 6, 6, &[]),
            ("order=desc", 6, 0, &["z", "Ä", "p.jpg", "film 10.avi", "film 2.avi", "Film 1.mp3"]),
            ("sort=size", 6, 0, &["Ä", "z", "film 10.avi", "film 2.avi", "Film 1.mp3", "p.jpg"]),
            ("sort=date&limit=3", 6, 0, &["Ä", "z", "p.jpg"]),
            ("sort=date&order=desc&offset=2&limit=2", 6, 2, &["film 10.avi", "film 2.avi"]),
            ("sort=duration&offset=2&limit=2", 6, 2, &["film 10.avi", "Film 1.mp3"]),
            ("sort=duration&order=desc&offset=2&limit=2", 6, 2, &["film 10.avi", "Film 1.mp3"]),
            ("q=FILM+1", 2, 0, &["Film 1.mp3", "film 10.avi"]),
            ("q=a&kind=folder", 1, 0, &["Ä"]),
            ("kind=audio,picture", 2, 0, &["Film 1.mp3", "p.jpg"]),
            ("q=%20&offset=&x=1", 6, 0, &["Ä", "z", "Film 1.mp3", "film 2.avi", "film 10.avi", "p.jpg"]),
        ] {
            let expected = (total, offset, expected.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(names(&library, text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused_with_what_can() {
        for text in [
            "offset=-1",
            "offset=x",
            "offset=+1",
            "limit=0",
            "limit=99999999",
            "sort=Name",
            "order=up",
            "kind=film",
        ] {
            let error = PageQuery::from_query(Some(text)).unwrap_err().to_string();
            assert!(error.contains("write"), "{text}: {error}");
        }
        let long = format!("q={}", "a".repeat(MAX_QUERY_CHARS + 1));
        assert!(matches!(PageQuery::from_query(Some(&long)), Err(PageQueryError::TooLong(_))));
    }

    #[test]
    fn neighbours_are_of_the_same_kind() {
        let (_dir, library) = library(NAMES);
        let of = |name: &str, text: &str| {
            let path = LibraryPath::from_bytes(name.as_bytes()).unwrap();
            let found = library.neighbours(&path, &query(text), |files| vec![None; files.len()]).unwrap();
            let name = |entry: Option<Entry>| entry.map_or("-".to_owned(), |entry| entry.name);
            (name(found.previous), name(found.next), found.place, found.total)
        };
        let expect = |previous: &str, next: &str, place, total| {
            (previous.to_owned(), next.to_owned(), Some(place), total)
        };
        assert_eq!(of("film 2.avi", ""), expect("Film 1.mp3", "film 10.avi", 1, 3));
        assert_eq!(of("film 2.avi", "order=desc"), expect("film 10.avi", "Film 1.mp3", 1, 3));
        assert_eq!(of("film 2.avi", "sort=size"), expect("film 10.avi", "Film 1.mp3", 1, 3));
        assert_eq!(of("film 2.avi", "kind=video"), expect("-", "film 10.avi", 0, 2));
        assert_eq!(of("p.jpg", ""), expect("-", "-", 0, 1));
        let gone = LibraryPath::from_bytes(b"gone.avi").unwrap();
        assert!(library.neighbours(&gone, &query(""), |_| Vec::new()).is_err());
    }

    proptest! {
        #[test]
        fn pages_put_together_are_the_whole(total in 0usize..50, limit in 1usize..20) {
            let mut seen = 0;
            loop {
                let range = PageQuery { offset: seen, limit: Some(limit), ..PageQuery::default() }.range(total);
                prop_assert_eq!(range.start, seen);
                if range.is_empty() { break; }
                seen = range.end;
            }
            prop_assert_eq!(seen, total);
        }

        #[test]
        fn any_query_is_read_or_refused(text in "[a-z=&%+0-9]{0,60}") {
            let _ = PageQuery::from_query(Some(&text));
        }
    }
}
