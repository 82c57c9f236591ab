//! A viewer's place in a reel's audience: where it is, where it wants to be, and what became of its seeks.

use super::plan::Wish;
use super::seeks::Choice;
use super::{Cursor, RangeId, Reel, Seek, State};
use crate::time::MediaTime;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// All viewers of a reel.
#[derive(Debug, Default)]
pub(super) struct Audience {
    viewers: HashMap<u64, Place>,
    next: u64,
    last_left: Option<Instant>,
}

#[derive(Debug)]
struct Place {
    /// `None`: it only looks on.
    time: Option<MediaTime>,
    range: Option<RangeId>,
    /// It has not said yet where it wants to be.
    arriving: bool,
    since: Instant,
    seek: Option<PendingSeek>,
    /// Where it wants to be cannot be made now: the nearest that there is will do.
    settles: bool,
}

#[derive(Debug)]
struct PendingSeek {
    target: MediaTime,
    since: Instant,
    /// Once decided, with the estimate of that moment.
    choice: Option<(Choice, Option<Duration>)>,
}

impl Audience {
    pub(super) fn wishes(&self) -> Vec<Wish> {
        let wish = |(id, place): (&u64, &Place)| {
            let Place { range, arriving, since, .. } = *place;
            Some(Wish { viewer: *id, time: place.time?, range, arriving, since })
        };
        self.viewers.iter().filter_map(wish).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.viewers.len()
    }

    pub(super) fn last_left(&self) -> Option<Instant> {
        self.last_left
    }

    /// What this viewer waits for cannot be made.
    pub(super) fn settle(&mut self, viewer: u64) {
        if let Some(place) = self.viewers.get_mut(&viewer) {
            place.settles = true;
        }
    }

    /// A viewer's seek will be answered in this way. The first word counts, unless it was to wait.
    pub(super) fn decide(&mut self, viewer: u64, choice: Choice, estimate: Option<Duration>) {
        let Some(seek) = self.viewers.get_mut(&viewer).and_then(|place| place.seek.as_mut()) else { return };
        let changed =
            matches!(seek.choice, Some((Choice::Wait | Choice::NoOther, _))) && choice == Choice::Start;
        let late_estimate = matches!(seek.choice, Some((known, None)) if known == choice);
        if seek.choice.is_none() || changed || late_estimate {
            seek.choice = Some((choice, estimate));
        }
    }
}

/// A viewer of a reel, until dropped.
#[derive(Debug)]
pub struct Viewer {
    reel: Arc<Reel>,
    id: u64,
}

impl Reel {
    /// Joins as a viewer from the beginning: producers work for as long as there is one.
    pub fn join(self: &Arc<Self>) -> Viewer {
        let mut state = self.state();
        let audience = &mut state.audience;
        let id = audience.next;
        audience.next += 1;
        let place = Place {
            time: Some(MediaTime::ZERO),
            range: None,
            arriving: true,
            since: Instant::now(),
            seek: None,
            settles: false,
        };
        audience.viewers.insert(id, place);
        drop(state);
        self.stir();
        Viewer { reel: self.clone(), id }
    }

    /// Viewers now, and when the last one left if there is none.
    pub fn audience(&self) -> (usize, Option<Instant>) {
        let state = self.state();
        (state.audience.len(), state.audience.last_left())
    }
}

impl Viewer {
    /// The reel watched.
    pub fn reel(&self) -> &Arc<Reel> {
        &self.reel
    }

    fn with_place(&self, change: impl FnOnce(&mut Place, &Reel)) {
        let mut state = self.reel.state();
        if let Some(place) = state.audience.viewers.get_mut(&self.id) {
            change(place, &self.reel);
        }
    }

    /// This viewer is at `time`.
    pub fn wants(&self, time: MediaTime) {
        self.with_place(|place, reel| {
            (place.time, place.range, place.settles) = (Some(time), None, false);
            if std::mem::replace(&mut place.arriving, false) {
                reel.stir();
            }
        });
    }

    /// This viewer is where the cursor is.
    pub fn follows(&self, cursor: &Cursor) {
        self.with_place(|place, _| {
            (place.time, place.range) = (Some(cursor.position()), Some(cursor.range()));
            place.arriving = false;
        });
    }

    /// Where this viewer is, or wants to be.
    pub fn place(&self) -> MediaTime {
        let state = self.reel.state();
        state.audience.viewers.get(&self.id).and_then(|place| place.time).unwrap_or_default()
    }

    /// This viewer looks on and wants nothing to be made for it.
    pub fn looks_on(&self) {
        self.with_place(|place, _| place.time = None);
    }

    /// This viewer wants to be at `target`. Ends with [`arrived`](Self::arrived), or another seek.
    pub fn seek(&self, target: MediaTime, now: Instant) {
        self.with_place(|place, reel| {
            if place.seek.take().is_some() {
                reel.seeks.given_up();
            }
            *place = Place {
                time: Some(target),
                range: None,
                arriving: false,
                since: now,
                seek: Some(PendingSeek { target, since: now, choice: None }),
                settles: false,
            };
        });
        if matches!(self.reel.seek(target, now), Seek::Ready(_)) {
            self.reel.state().audience.decide(self.id, Choice::There, Some(Duration::ZERO));
        }
        self.reel.stir();
    }

    /// Where this viewer, who waits for `target`, can go. As [`Reel::seek`], but for who waits for what cannot be made.
    pub fn find(&self, target: MediaTime, now: Instant) -> Seek {
        let found = self.reel.seek(target, now);
        if !matches!(found, Seek::Pending { .. }) {
            return found;
        }
        let state = self.reel.state();
        match state.audience.viewers.get(&self.id) {
            Some(place) if place.settles => state.ranges.nearest(target).map_or(found, Seek::Ready),
            _ => found,
        }
    }

    /// The seek was answered. Nothing happens when there was none.
    pub fn arrived(&self, now: Instant) {
        self.with_place(|place, reel| {
            let Some(PendingSeek { target, since, choice }) = place.seek.take() else { return };
            let took = now.saturating_duration_since(since);
            // Reached before anybody had decided anything.
            let (choice, estimate) = choice.unwrap_or((Choice::Wait, None));
            reel.seeks.answered(choice, estimate, took);
            let estimate_ms = estimate.map(|estimate| estimate.as_millis() as u64);
            let took_ms = took.as_millis() as u64;
            tracing::info!(viewer = self.id, %target, choice = choice.as_str(), estimate_ms, took_ms, "seek answered");
        });
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let mut state = self.reel.state();
        let State { audience, .. } = &mut *state;
        if audience.viewers.remove(&self.id).is_some_and(|place| place.seek.is_some()) {
            self.reel.seeks.given_up();
        }
        if audience.viewers.is_empty() {
            audience.last_left = Some(Instant::now());
        }
        drop(state);
        self.reel.stir();
    }
}
