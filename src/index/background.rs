//! The background: walks through the library, notices changes, and looks at what nobody has looked at, one file
//! after the other and only while the machine has nothing better to do. When that is switched off, it still knows all names.

use super::looking::Outcome;
use super::store;
use super::walk::Walk;
use super::watch::{Changes, Watch};
use super::{Activity, Index, seconds_now};
use crate::library::LibraryPath;
use crate::limits;
use crate::pipeline::Look;
use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// When to walk next.
#[derive(Debug)]
struct Rounds {
    /// Something changed, or may have: walk then.
    due: Option<Instant>,
    /// The last one began and ended.
    last: Option<(Instant, Instant)>,
    /// The tops and their devices: a disk came or went.
    tops: Vec<Option<u64>>,
    looked_at_tops: Instant,
}

impl Rounds {
    fn is_due(&self, now: Instant) -> bool {
        let first_or_old = self.last.is_none_or(|(_, ended)| now - ended >= limits::INDEX_ROUND);
        first_or_old || self.due.is_some_and(|due| due <= now)
    }

    /// Something changed: more may follow, so a moment later; and a walk that takes long is not made all the time.
    fn changed(&mut self, now: Instant) {
        let rest = self.last.map_or(now, |(began, ended)| {
            ended + limits::INDEX_REST * (ended - began).as_millis().try_into().unwrap_or(u32::MAX)
        });
        let due = (now + limits::INDEX_SETTLE).max(rest);
        // What goes on changing does not put it off for ever.
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }
}

impl Index {
    pub(super) fn run_in_background(&self) {
        self.sweep();
        let begun = Instant::now();
        let mut watch = Watch::new();
        let mut rounds = Rounds { due: None, last: None, tops: self.tops(), looked_at_tops: begun };
        while !self.stopped() {
            self.write_if_due();
            // The first film after the box was switched on comes first.
            if begun.elapsed() < limits::INDEX_DELAY {
                self.rest(limits::INDEX_TICK);
                continue;
            }
            self.notice(&mut watch, &mut rounds);
            if rounds.is_due(Instant::now()) {
                self.walk(&mut watch, &mut rounds);
                continue;
            }
            if !self.0.settings.background {
                self.rest(limits::INDEX_TICK);
                continue;
            }
            let next = self.state().waiting.front().cloned();
            let activity = match (&next, self.is_busy()) {
                (None, _) => Activity::Idle,
                (Some(_), true) => Activity::Paused,
                (Some(_), false) => Activity::Looking,
            };
            self.state().activity = activity;
            match next.filter(|_| activity == Activity::Looking) {
                Some(path) => self.look_at_next(&path, &mut rounds),
                None => self.rest(limits::INDEX_TICK),
            }
        }
        self.write();
    }

    /// What a server left that was killed.
    fn sweep(&self) {
        let (pictures, named) = {
            let state = self.state();
            (state.store.pictures(), state.catalogue.picture_ids())
        };
        if let Some(pictures) = pictures {
            store::sweep(&pictures, &named);
        }
    }

    fn is_busy(&self) -> bool {
        self.0.busy.get().is_some_and(|busy| busy())
    }

    fn rest(&self, time: Duration) {
        let state = self.state();
        drop(
            self.0.work.wait_timeout_while(state, time, |_| !self.stopped()).map_err(PoisonError::into_inner),
        );
    }

    fn write_if_due(&self) {
        let is_due = {
            let state = self.state();
            state.store.is_due(Instant::now()) || state.store.is_worn(state.catalogue.len())
        };
        if is_due {
            self.write();
        }
    }

    fn tops(&self) -> Vec<Option<u64>> {
        let device = |top: &LibraryPath| self.0.library.folder_id(top).ok().map(|id| id.device());
        self.0.library.tops().iter().map(device).collect()
    }

    fn notice(&self, watch: &mut Watch, rounds: &mut Rounds) {
        let now = Instant::now();
        match watch.changes() {
            Changes::Nothing => {}
            Changes::In(folders) => {
                folders.into_iter().for_each(|folder| self.0.feed.note(Some(folder)));
                rounds.changed(now);
            }
            Changes::Anywhere => {
                self.0.feed.note(None);
                rounds.changed(now);
            }
        }
        if now - rounds.looked_at_tops >= limits::INDEX_TOPS {
            rounds.looked_at_tops = now;
            let tops = self.tops();
            if tops != rounds.tops {
                rounds.tops = tops;
                self.0.feed.note(None);
                rounds.changed(now);
            }
        }
    }

    fn walk(&self, watch: &mut Watch, rounds: &mut Rounds) {
        let background = self.0.settings.background;
        if background {
            self.state().activity = Activity::Walking;
        }
        let began = Instant::now();
        rounds.due = None;
        watch.clear();
        let mut walk = Walk::through(&self.0.library, watch, &self.0.stop);
        self.set_names(std::mem::take(&mut walk.names));
        let now = seconds_now();
        let mut state = self.state();
        let changes = state.catalogue.compare(&walk, now);
        state.apply(changes);
        let wanted = |found: &&super::walk::Found| {
            background
                && !found.is_fresh
                && state.catalogue.wants(&found.path, &found.stamp, Look::Pictures, now)
        };
        let waiting: VecDeque<LibraryPath> =
            walk.files.iter().filter(wanted).map(|found| found.path.clone()).collect();
        let (files, folders) = (walk.files.len(), walk.folders.len());
        tracing::debug!(files, folders, waiting = waiting.len(), "went through the library");
        state.waiting = waiting;
        drop(state);
        if rounds.last.is_none() {
            // Nothing was watched before.
            self.0.feed.note(None);
        }
        rounds.last = Some((began, Instant::now()));
        if walk.files.iter().any(|found| found.is_fresh) {
            rounds.due = Some(Instant::now() + limits::INDEX_FRESH);
        }
    }

    fn look_at_next(&self, path: &LibraryPath, rounds: &mut Rounds) {
        let outcome = self.look_at(path, Look::Pictures);
        let mut state = self.state();
        if state.waiting.front() == Some(path) && outcome != Outcome::NoWorker {
            state.waiting.pop_front();
            if outcome == Outcome::Taken {
                state.waiting.push_back(path.clone());
            }
        }
        drop(state);
        match outcome {
            Outcome::Done => {}
            Outcome::Taken => self.rest(limits::INDEX_TICK),
            Outcome::Fresh => rounds.changed(Instant::now() + limits::INDEX_FRESH),
            Outcome::NoWorker => self.rest(limits::INDEX_NO_WORKER),
        }
    }
}
