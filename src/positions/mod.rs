//! Where viewers left off: a place in each file, by a name that they choose, so that the film that was begun on the
//! television goes on on the telephone.
//!
//! ```text
//!  put ─▶ memory ─▶ list
//!           └─ now and then, together ─▶ lines of a file ([`ledger`](crate::ledger))
//! ```
//!
//! What does not belong here: HTTP, and whether the file is still there.

mod store;

use crate::library::LibraryPath;
use crate::limits::{MAX_POSITION, MAX_POSITIONS, MAX_VIEWER_NAME, POSITIONS_FLUSH};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};
use store::{Record, Store};

/// A viewer's name: whatever a device says; those that say the same share their positions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ViewerName(String);

/// Why a text is no name of a viewer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a viewer's name has 1 to {MAX_VIEWER_NAME} bytes, no slash and no control characters; choose for example \"living-room\""
)]
pub struct NoViewerName;

impl TryFrom<String> for ViewerName {
    type Error = NoViewerName;

    fn try_from(name: String) -> Result<Self, NoViewerName> {
        let fits = (1..=MAX_VIEWER_NAME).contains(&name.len());
        if fits && !name.chars().any(|c| c.is_control() || c == '/') {
            Ok(Self(name))
        } else {
            Err(NoViewerName)
        }
    }
}

impl From<ViewerName> for String {
    fn from(name: ViewerName) -> Self {
        name.0
    }
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Seconds from the file's beginning; finite, not below zero.
    pub seconds: f64,
    /// How long the file plays, as far as the viewer knew, in seconds.
    pub duration: Option<f64>,
    /// When it was left there: seconds since 1970.
    pub at: u64,
}

impl Position {
    /// A place that was reached now. `None` when the numbers are no times.
    pub fn now(seconds: f64, duration: Option<f64>) -> Option<Self> {
        let is_time = |time: f64| time.is_finite() && (0.0..=MAX_POSITION).contains(&time);
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        (is_time(seconds) && duration.is_none_or(is_time)).then_some(Self { seconds, duration, at })
    }
}

type Key = (ViewerName, LibraryPath);

/// All positions. Those that are oldest give way to new ones.
#[derive(Debug)]
pub struct Positions {
    state: Mutex<State>,
    /// Held by whoever writes: one after the other.
    store: Mutex<Store>,
}

#[derive(Debug)]
struct State {
    known: BTreeMap<Key, Position>,
    /// By age, the oldest first: a number that grows, and whose it is.
    ages: BTreeMap<u64, Key>,
    age_of: BTreeMap<Key, u64>,
    next_age: u64,
    /// Not written yet; `None` for what was forgotten.
    pending: BTreeMap<Key, Option<Position>>,
    pending_since: Option<Instant>,
}

impl Default for Positions {
    /// Forgets all at the server's end.
    fn default() -> Self {
        Self::with(Store::in_memory(), Vec::new())
    }
}

impl Positions {
    /// Those that are kept in a folder. One that can't be used is told of, and all is kept in memory.
    pub fn open(folder: &Path) -> Self {
        let (store, records) = Store::open(folder);
        Self::with(store, records)
    }

    fn with(store: Store, mut records: Vec<Record>) -> Self {
        let mut state = State {
            known: BTreeMap::new(),
            ages: BTreeMap::new(),
            age_of: BTreeMap::new(),
            next_age: 0,
            pending: BTreeMap::new(),
            pending_since: None,
        };
        records.sort_by_key(|record| record.position.map(|position| position.at));
        for Record { viewer, path, position } in records {
            if let (Ok(path), Some(position)) = (LibraryPath::from_percent_encoded(&path), position) {
                state.set((viewer, path), position);
            }
        }
        state.pending.clear();
        state.pending_since = None;
        Self { state: Mutex::new(state), store: Mutex::new(store) }
    }

    /// A viewer's positions, the latest first.
    pub fn of(&self, viewer: &ViewerName) -> Vec<(LibraryPath, Position)> {
        let state = self.state();
        let first = (viewer.clone(), LibraryPath::default());
        let own = state.known.range(first..).take_while(|((name, _), _)| name == viewer);
        let mut own: Vec<_> =
            own.map(|(key, position)| (state.age_of.get(key), key.1.clone(), *position)).collect();
        own.sort_by(|a, b| b.0.cmp(&a.0));
        own.into_iter().map(|(_, path, position)| (path, position)).collect()
    }

    /// Where a viewer left a file.
    pub fn get(&self, viewer: &ViewerName, path: &LibraryPath) -> Option<Position> {
        self.state().known.get(&(viewer.clone(), path.clone())).copied()
    }

    /// Remembers where a viewer is.
    pub fn put(&self, viewer: ViewerName, path: LibraryPath, position: Position) {
        self.state().set((viewer, path), position);
    }

    /// Forgets where a viewer left a file; false when that is not known.
    pub fn forget(&self, viewer: &ViewerName, path: &LibraryPath) -> bool {
        self.state().remove(&(viewer.clone(), path.clone()))
    }

    /// Forgets all of a viewer's positions.
    pub fn forget_all(&self, viewer: &ViewerName) {
        let mut state = self.state();
        let own: Vec<Key> = state.known.keys().filter(|(name, _)| name == viewer).cloned().collect();
        for key in own {
            state.remove(&key);
        }
    }

    /// It is time to [write](Self::write).
    pub fn is_due(&self, now: Instant) -> bool {
        let since = self.state().pending_since;
        since.is_some_and(|since| now.saturating_duration_since(since) >= POSITIONS_FLUSH)
    }

    /// Writes what has gathered. Blocking, for as long as the disk takes; others go on meanwhile.
    pub fn write(&self) {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let (pending, all) = {
            let mut state = self.state();
            state.pending_since = None;
            let pending = std::mem::take(&mut state.pending);
            let all = store.is_worn(pending.len(), state.known.len()).then(|| state.known.clone());
            (pending, all)
        };
        let record = |viewer: &ViewerName, path: &LibraryPath, position| Record {
            viewer: viewer.clone(),
            path: path.percent_encoded(),
            position,
        };
        let written = match &all {
            Some(all) => {
                store.replace(all.iter().map(|((viewer, path), at)| record(viewer, path, Some(*at))))
            }
            None => store.append(pending.iter().map(|((viewer, path), at)| record(viewer, path, *at))),
        };
        if let Err(error) = written {
            tracing::warn!(%error, "where viewers left off can't be written; make room on the disk of the data folder");
            let mut state = self.state();
            for (key, position) in pending {
                // What came meanwhile is newer.
                state.pending.entry(key).or_insert(position);
            }
            state.pending_since.get_or_insert_with(Instant::now);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set(&mut self, key: Key, position: Position) {
        self.known.insert(key.clone(), position);
        if let Some(age) = self.age_of.insert(key.clone(), self.next_age) {
            self.ages.remove(&age);
        }
        self.ages.insert(self.next_age, key.clone());
        self.next_age += 1;
        self.note(key, Some(position));
        while self.known.len() > MAX_POSITIONS {
            let Some((_, oldest)) = self.ages.first_key_value() else { break };
            let oldest = oldest.clone();
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &Key) -> bool {
        if let Some(age) = self.age_of.remove(key) {
            self.ages.remove(&age);
        }
        let was_known = self.known.remove(key).is_some();
        if was_known {
            self.note(key.clone(), None);
        }
        was_known
    }

    fn note(&mut self, key: Key, position: Option<Position>) {
        self.pending.insert(key, position);
        self.pending_since.get_or_insert_with(Instant::now);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn viewer(name: &str) -> ViewerName {
        ViewerName::try_from(name.to_owned()).unwrap()
    }

    fn path(text: &str) -> LibraryPath {
        LibraryPath::from_bytes(text.as_bytes()).unwrap()
    }

    fn place(seconds: f64) -> Position {
        Position::now(seconds, Some(100.0)).unwrap()
    }

    fn listed(positions: &Positions, name: &str) -> Vec<(String, f64)> {
        let own = positions.of(&viewer(name)).into_iter();
        own.map(|(path, position)| (path.to_string(), position.seconds)).collect()
    }

    #[test]
    fn those_of_one_name_are_shared_and_the_latest_comes_first() {
        let positions = Positions::default();
        for (name, file, seconds) in
            [("anna", "a", 1.0), ("anna", "b", 2.0), ("bert", "a", 3.0), ("anna", "a", 4.0)]
        {
            positions.put(viewer(name), path(file), place(seconds));
        }
        assert_eq!(listed(&positions, "anna"), [("a".to_owned(), 4.0), ("b".to_owned(), 2.0)]);
        assert_eq!(listed(&positions, "bert"), [("a".to_owned(), 3.0)]);
        assert!(
            positions.forget(&viewer("anna"), &path("a")) && !positions.forget(&viewer("anna"), &path("a"))
        );
        positions.forget_all(&viewer("bert"));
        assert_eq!((listed(&positions, "anna").len(), listed(&positions, "bert").len()), (1, 0));
    }

    #[test]
    fn what_was_written_is_there_after_the_next_start_and_a_cut_file_costs_its_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let positions = Positions::open(folder.path());
        for n in 0..20 {
            positions.put(viewer("änna"), path(&format!("film {n}")), place(f64::from(n)));
        }
        positions.forget(&viewer("änna"), &path("film 19"));
        positions.write();
        positions.put(viewer("änna"), path("film 0"), place(50.0));
        positions.write();
        let again = listed(&Positions::open(folder.path()), "änna");
        assert_eq!(again.len(), 19);
        assert!(again.contains(&("film 0".to_owned(), 50.0)), "{again:?}");
        let file = folder.path().join("positions");
        let whole = std::fs::read(&file).unwrap();
        for cut in (0..whole.len()).step_by(37) {
            std::fs::write(&file, &whole[..cut]).unwrap();
            let positions = Positions::open(folder.path());
            let before = listed(&positions, "änna").len();
            positions.put(viewer("x"), path("y"), place(1.0));
            positions.write();
            let again = Positions::open(folder.path());
            assert_eq!(
                (listed(&again, "x").len(), listed(&again, "änna").len()),
                (1, before),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn there_are_never_more_than_there_may_be_and_the_file_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let positions = Positions::open(folder.path());
        for n in 0..MAX_POSITIONS + 10 {
            positions.put(viewer("x"), path(&n.to_string()), place(1.0));
        }
        let own = listed(&positions, "x");
        assert_eq!((own.len(), own[0].0.as_str()), (MAX_POSITIONS, (MAX_POSITIONS + 9).to_string().as_str()));
        assert!(positions.get(&viewer("x"), &path("9")).is_none());
        positions.write();
        let len = || std::fs::metadata(folder.path().join("positions")).unwrap().len();
        let first = len();
        for _ in 0..12 {
            for n in 10..MAX_POSITIONS + 10 {
                positions.put(viewer("x"), path(&n.to_string()), place(2.0));
            }
            positions.write();
        }
        assert!(len() < 5 * first, "{} is more than five times {first}", len());
        assert_eq!(listed(&Positions::open(folder.path()), "x").len(), MAX_POSITIONS);
    }

    #[test]
    fn names_and_places_that_cannot_be_are_refused() {
        for bad in ["", "a/b", "a\nb", &"x".repeat(MAX_VIEWER_NAME + 1)] {
            assert_eq!(ViewerName::try_from(bad.to_owned()), Err(NoViewerName), "{bad:?}");
        }
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e300, MAX_POSITION + 1.0] {
            assert_eq!(Position::now(bad, None), None, "{bad}");
            assert_eq!(Position::now(0.0, Some(bad)), None, "{bad}");
        }
    }
}
