//! Files that killed their converter again and again are left alone for a while: each attempt costs those who
//! wait half a minute, and everybody else a processor.
//!
//! A file whose converters were killed from outside may not be at fault: the kernel kills what is large when memory runs out,
//! whoever took it. It is suspected, and left alone only after the third time within a day.
//!
//! What is remembered lies in a small file of the data folder. A file that changes, or another version of this server,
//! is tried at once.

use super::kept::Making;
use crate::limits::{MAX_QUARANTINED, QUARANTINE_FIRST, QUARANTINE_KILLS, QUARANTINE_LONGEST};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// The files that are left alone.
#[derive(Debug)]
pub(super) struct Quarantine {
    file: PathBuf,
    cases: Mutex<Vec<Case>>,
}

/// A file that is left alone, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its path in the library, percent-encoded.
    pub path: String,
    /// Bytes of the version that was tried.
    len: u64,
    /// Its time of change, in nanoseconds since 1970.
    modified_ns: i64,
    /// What its converter died of, for people.
    pub reason: String,
    /// How often it was given up, the times not counted when its converters were only killed from outside.
    pub times: u32,
    /// How often they were, since `times` was counted up last.
    #[serde(default)]
    suspected: u32,
    /// When it was given up last, in seconds since 1970.
    pub since: u64,
    /// The server's version then.
    server: String,
}

/// This server's.
const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Case {
    /// When it is tried again, in seconds since 1970.
    pub fn until(&self) -> u64 {
        if self.times == 0 {
            return self.since;
        }
        let doubled = QUARANTINE_FIRST.saturating_mul(1 << self.times.saturating_sub(1).min(16));
        self.since.saturating_add(doubled.min(QUARANTINE_LONGEST).as_secs())
    }

    /// How long it is left alone from `now` on; `None`: it may be tried. A clock that was wrong when it failed (a box
    /// without one, before it has the network's time) holds nothing up for longer than it should.
    fn left(&self, now: u64) -> Option<Duration> {
        let left = self.until().checked_sub(now).filter(|left| *left > 0 && self.since <= now)?;
        Some(Duration::from_secs(left))
    }

    fn is_of(&self, making: &Making) -> bool {
        let (path, len, modified_ns) = making.source();
        self.path == path && self.len == len && self.modified_ns == modified_ns && self.server == VERSION
    }
}

impl Quarantine {
    /// What is remembered in the data folder. A file that cannot be read is begun anew: it is no reason not to start.
    pub(super) fn open(data: &Path) -> Self {
        let file = data.join("quarantine.json");
        let cases = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(file = %file.display(), %error, "nobody knows which files kill their converters");
                Vec::new()
            }),
            Err(_) => Vec::new(),
        };
        Self { file, cases: Mutex::new(cases) }
    }

    fn cases(&self) -> MutexGuard<'_, Vec<Case>> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long this file is left alone, and why.
    pub(super) fn check(&self, making: &Making) -> Option<(Duration, String)> {
        let cases = self.cases();
        let case = cases.iter().find(|case| case.is_of(making))?;
        Some((case.left(now())?, case.reason.clone()))
    }

    /// This file was given up: it kills its converters. Blocking.
    pub(super) fn add(&self, making: &Making, reason: &str) {
        self.count(making, reason, |times, _| (times.saturating_add(1), 0));
    }

    /// This file was given up because its converters were killed from outside. Blocking.
    pub(super) fn suspect(&self, making: &Making, reason: &str) {
        self.count(making, reason, |times, suspected| match suspected + 1 {
            QUARANTINE_KILLS.. => (times.saturating_add(1), 0),
            suspected => (times, suspected),
        });
    }

    fn count(&self, making: &Making, reason: &str, count: impl Fn(u32, u32) -> (u32, u32)) {
        let (mut cases, now) = (self.cases(), now());
        let known = cases.iter().find(|case| case.is_of(making));
        let (times, suspected) = known.map_or((0, 0), |case| {
            let recent = now.saturating_sub(case.since) <= QUARANTINE_LONGEST.as_secs();
            (case.times, if recent { case.suspected } else { 0 })
        });
        let (times, suspected) = count(times, suspected);
        let (path, len, modified_ns) = making.source();
        cases.retain(|case| case.path != path);
        if cases.len() >= MAX_QUARANTINED {
            cases.remove(0);
        }
        cases.push(Case {
            path: path.to_owned(),
            len,
            modified_ns,
            reason: reason.to_owned(),
            times,
            suspected,
            since: now,
            server: VERSION.to_owned(),
        });
        self.write(&cases);
    }

    /// A file, or all of them, may be tried again. Returns how many that were. Blocking.
    pub(super) fn release(&self, path: Option<&str>) -> usize {
        let mut cases = self.cases();
        let before = cases.len();
        cases.retain(|case| path.is_some_and(|path| case.path != path));
        if cases.len() < before {
            self.write(&cases);
        }
        before - cases.len()
    }

    /// Those that are left alone now.
    pub(super) fn list(&self) -> Vec<Case> {
        let now = now();
        self.cases()
            .iter()
            .filter(|case| case.server == VERSION && case.left(now).is_some())
            .cloned()
            .collect()
    }

    /// Beside its place and then moved there: a power cut leaves the old one.
    fn write(&self, cases: &[Case]) {
        let write = || -> io::Result<()> {
            let fresh = self.file.with_extension("new");
            let mut file = File::create(&fresh)?;
            file.write_all(&serde_json::to_vec(cases)?)?;
            file.sync_all()?;
            fs::rename(fresh, &self.file)
        };
        if let Err(error) = write() {
            tracing::warn!(%error, "which files kill their converters is forgotten at the next start");
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::kept::making;
    use super::*;

    #[test]
    fn a_file_is_left_alone_until_it_changes_and_over_restarts() {
        let data = tempfile::tempdir().unwrap();
        let quarantine = Quarantine::open(data.path());
        let (film, changed, other) = (making("a.avi", 1), making("a.avi", 2), making("b.avi", 1));
        assert_eq!(quarantine.check(&film), None);
        quarantine.add(&film, "signal 11");
        for quarantine in [&quarantine, &Quarantine::open(data.path())] {
            let (left, reason) = quarantine.check(&film).unwrap();
            assert!(left <= QUARANTINE_FIRST && left + Duration::from_secs(60) > QUARANTINE_FIRST);
            assert_eq!(reason, "signal 11");
            assert_eq!((quarantine.check(&changed), quarantine.check(&other)), (None, None));
        }
        quarantine.add(&film, "signal 11");
        assert!(quarantine.check(&film).unwrap().0 > QUARANTINE_FIRST, "the second time for longer");
        assert_eq!(quarantine.list().len(), 1);
        assert_eq!((quarantine.release(Some("b.avi")), quarantine.release(Some("a.avi"))), (0, 1));
        assert_eq!(quarantine.check(&film), None);
        assert!(Quarantine::open(data.path()).list().is_empty());
    }

    #[test]
    fn a_file_whose_converters_are_killed_from_outside_is_left_alone_after_the_third_time() {
        let data = tempfile::tempdir().unwrap();
        let film = making("a.avi", 1);
        for time in 1..=QUARANTINE_KILLS {
            // Also over restarts.
            let quarantine = Quarantine::open(data.path());
            assert_eq!((quarantine.check(&film), quarantine.list().len()), (None, 0), "before time {time}");
            quarantine.suspect(&film, "signal 9");
        }
        let quarantine = Quarantine::open(data.path());
        assert!(quarantine.check(&film).unwrap().0 <= QUARANTINE_FIRST);
        assert_eq!(quarantine.list().len(), 1);
        // Its own deaths count at once, and longer than the first time.
        quarantine.add(&film, "signal 11");
        assert!(quarantine.check(&film).unwrap().0 > QUARANTINE_FIRST);
        // What was killed a day before says nothing any more.
        let other = making("b.avi", 1);
        (1..QUARANTINE_KILLS).for_each(|_| quarantine.suspect(&other, "signal 9"));
        quarantine.cases().iter_mut().for_each(|case| case.since -= QUARANTINE_LONGEST.as_secs() + 1);
        quarantine.suspect(&other, "signal 9");
        assert_eq!(quarantine.check(&other), None);
    }

    #[test]
    fn another_server_and_a_wrong_clock_hold_nothing_up() {
        let data = tempfile::tempdir().unwrap();
        let quarantine = Quarantine::open(data.path());
        quarantine.add(&making("a.avi", 1), "x");
        let text = fs::read_to_string(&quarantine.file).unwrap();
        fs::write(&quarantine.file, text.replace(VERSION, "0.0.0-before")).unwrap();
        let quarantine = Quarantine::open(data.path());
        assert_eq!((quarantine.check(&making("a.avi", 1)), quarantine.list().len()), (None, 0));
        let case = Case { since: now() + 1_000_000, ..quarantine.cases()[0].clone() };
        assert_eq!(case.left(now()), None);
        let case = Case { times: u32::MAX, since: now(), ..case };
        assert!(case.left(now()).unwrap() <= QUARANTINE_LONGEST);
        fs::write(&quarantine.file, "{").unwrap();
        assert!(Quarantine::open(data.path()).list().is_empty());
    }
}
