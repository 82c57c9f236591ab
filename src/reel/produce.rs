//! What producers tell a reel, and what a reel asks of them.
//!
//! A producer of one range (an index of a `.flv`, a recording) needs [`Reel::publish`] and
//! [`complete`](Reel::complete) or [`fail`](Reel::fail). Those of conversions come in any number: each
//! [`begin`](Reel::begin)s a range, publishes into it, and ends it in one of four ways.

use super::plan::{Plan, Start, Terms, Wish};
use super::ranges::{Fate, Junction, Opening, RangeId, Ranges};
use super::seeks::Choice;
use super::{Codecs, Findings, Phase, Reel, State};
use crate::limits::MAX_RANGES;
use crate::time::MediaTime;
use bytes::Bytes;
use std::fs::File;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

impl Reel {
    // ---- what is known of the medium ------------------------------------------------------------

    /// The time in the data that counts as zero. Set at most once, before the first
    /// [`publish`](Self::publish).
    pub fn set_origin(&self, origin: MediaTime) {
        let _ = self.origin.set(origin);
    }

    /// The length the source says it has.
    pub fn set_duration(&self, duration: MediaTime) {
        self.state().duration = Some(duration);
    }

    /// The picture's size in pixels.
    pub fn set_picture_size(&self, width: u32, height: u32) {
        self.state().picture_size = Some((width, height));
    }

    /// The body of the source's `onMetaData` tag.
    pub fn set_source_metadata(&self, body: Bytes) {
        self.state().source_metadata = Some(body);
    }

    /// Playing can start.
    pub fn start(&self, codecs: Codecs) {
        self.state().codecs = Some(codecs);
        self.progress.send_modify(|p| p.started = true);
        self.stir();
    }

    // ---- one range ------------------------------------------------------------------------------

    /// Readers may read up to `end_offset`, which is behind a whole tag.
    pub fn publish(&self, findings: Findings, end_offset: u64, available: MediaTime, now: Instant) {
        self.publish_in(RangeId::FIRST, findings, end_offset, available, now);
    }

    /// All is there, the last of it at `end`.
    pub fn complete(&self, end: MediaTime) {
        self.end(RangeId::FIRST, end);
    }

    /// No more comes, and why. The text is shown to people.
    pub fn fail(&self, reason: String) {
        let mut state = self.state();
        state.failure.get_or_insert(reason);
        self.tell(&state);
    }

    // ---- any range ------------------------------------------------------------------------------

    /// Begins a range in an empty file; its producer need not go beyond `goal` at first. `None` when there are [`MAX_RANGES`] already, all in use.
    pub fn begin(&self, data: Arc<File>, start: Start, goal: MediaTime, now: Instant) -> Option<RangeId> {
        let mut state = self.state();
        let State { ranges, audience, .. } = &mut *state;
        let places: Vec<MediaTime> = audience.wishes().iter().map(|wish| wish.time).collect();
        let room = ranges.make_room(MAX_RANGES, |range| {
            let span = range.start().unwrap_or(range.aim)..=range.available;
            places.iter().any(|place| span.contains(place))
        });
        room.then(|| ranges.begin(data, start, goal, now))
    }

    /// What there will be in a range, once that is known.
    pub fn open(&self, id: RangeId, opening: Opening) {
        if let Some(range) = self.state().ranges.get_mut(id) {
            range.opening = opening;
        }
    }

    /// Readers of a range may read up to `end_offset`, which is behind a whole tag.
    pub fn publish_in(
        &self,
        id: RangeId,
        findings: Findings,
        end_offset: u64,
        available: MediaTime,
        now: Instant,
    ) {
        let news = !findings.points.is_empty();
        let mut state = self.state();
        let State { ranges, start_takes, .. } = &mut *state;
        if let Some(range) = ranges.get(id).filter(|range| range.points.is_empty() && news) {
            *start_takes = (*start_takes + now.saturating_duration_since(range.begun)) / 2;
        }
        ranges.grow(id, findings, end_offset, available, now);
        ranges.mend();
        self.tell(&state);
        drop(state);
        if news {
            self.stir();
        }
    }

    /// The conversion of a range has made sound from this time on.
    pub(super) fn heard(&self, id: RangeId, from: MediaTime) {
        if let Some(range) = self.state().ranges.get_mut(id) {
            range.sound_from.get_or_insert(from);
        }
    }

    /// Where a range that has everything up to `after` could go on in another one.
    pub(super) fn junction(&self, id: RangeId, after: MediaTime) -> Option<Junction> {
        self.state().ranges.junction(id, after)
    }

    /// A range ends at a junction. False when that is not there any more.
    pub(super) fn hand_over(&self, id: RangeId, junction: Junction) -> bool {
        let mut state = self.state();
        let joined = state.ranges.join(id, junction);
        state.ranges.mend();
        self.tell(&state);
        drop(state);
        self.stir();
        joined
    }

    /// A range has reached the end of the medium; its last frame is at `end`.
    pub fn end(&self, id: RangeId, end: MediaTime) {
        self.stop(id, Fate::Ended, Some(end));
    }

    /// The producer of a range has stopped in the middle; another one may go on.
    pub fn park(&self, id: RangeId) {
        self.stop(id, Fate::Parked, None);
    }

    /// The producer of a range has failed, and another one would at the same place.
    pub fn break_off(&self, id: RangeId) {
        self.stop(id, Fate::Broken, None);
    }

    fn stop(&self, id: RangeId, fate: Fate, end: Option<MediaTime>) {
        let mut state = self.state();
        if let (Some(range), Some(end)) = (state.ranges.get_mut(id), end) {
            range.available = range.available.max(end);
        }
        state.ranges.stop(id, fate);
        state.ranges.mend();
        self.tell(&state);
        drop(state);
        self.stir();
    }

    /// How far a range goes by now.
    pub fn available_in(&self, id: RangeId) -> Option<MediaTime> {
        self.state().ranges.get(id).map(|range| range.available)
    }

    /// Forgets what of a range lies so far behind all who watch it; when nobody does, all but its end. Returns where the
    /// bytes begin that are still needed. Such a reel will never be complete.
    pub fn forget_behind(&self, id: RangeId, behind: Duration) -> Option<u64> {
        let behind = u32::try_from(behind.as_millis()).unwrap_or(u32::MAX);
        let mut state = self.state();
        let available = state.ranges.get(id)?.available;
        let first = state.watchers(id).map_or(available, |(first, _)| first);
        let before = MediaTime::from_millis(first.as_millis().saturating_sub(behind));
        let from = state.ranges.forget_before(id, before);
        self.tell(&state);
        from
    }

    /// Where those who watch a range are, the first and the last of them.
    pub fn watchers(&self, id: RangeId) -> Option<(MediaTime, MediaTime)> {
        self.state().watchers(id)
    }

    /// Those who wait longer than `patience` for what this range will not reach while others watch it are content with
    /// the nearest that there is.
    pub fn settle_beyond(&self, id: RangeId, patience: Duration, now: Instant) {
        let mut state = self.state();
        let State { ranges, audience, .. } = &mut *state;
        let Some(available) = ranges.get(id).map(|range| range.available) else { return };
        let waits_for_this = |wish: &Wish| {
            let long = now.saturating_duration_since(wish.since) >= patience;
            long && wish.range.is_none()
                && wish.time > available
                && ranges.leading_to(wish.time).is_some_and(|range| range.id == id)
        };
        let waiting: Vec<u64> =
            audience.wishes().iter().filter(|wish| waits_for_this(wish)).map(|wish| wish.viewer).collect();
        waiting.iter().for_each(|viewer| audience.settle(*viewer));
        if !waiting.is_empty() {
            self.tell(&state);
        }
    }

    /// A viewer waits for what cannot be made, and is content with the nearest that there is.
    pub fn settle(&self, viewer: u64) {
        let mut state = self.state();
        state.audience.settle(viewer);
        self.tell(&state);
    }

    /// Forgets a range that nobody fills, unless somebody watches it. A complete reel loses nothing: what it lost would
    /// never be made again, because nobody directs producers of what is complete.
    pub fn forget_unwatched(&self, id: RangeId) {
        let mut state = self.state();
        let State { ranges, audience, .. } = &mut *state;
        let watched = audience.wishes().iter().any(|wish| wish.range == Some(id));
        if !watched && ranges.whole().is_none() {
            ranges.forget(id);
        }
        self.tell(&state);
    }

    /// Holds the producer of a range back while it is beyond its goal, for at most `patience`. Returns
    /// whether it was held back the whole time.
    pub fn hold_back(&self, id: RangeId, patience: Duration) -> bool {
        let beyond =
            |state: &mut State| state.ranges.get(id).is_some_and(|range| range.available > range.goal);
        let mut state = self.state();
        if !beyond(&mut state) {
            return false;
        }
        // Waiting says nothing about how fast the producer works.
        if let Some(range) = state.ranges.get_mut(id) {
            range.speed.pause();
        }
        let (mut state, waited) =
            self.wanted.wait_timeout_while(state, patience, beyond).unwrap_or_else(PoisonError::into_inner);
        waited.timed_out() && beyond(&mut state)
    }

    /// How far a range goes beyond the furthest of those who want it, when its goal is `lead` beyond that.
    pub fn lead_of(&self, id: RangeId, lead: Duration) -> Option<Duration> {
        let state = self.state();
        let range = state.ranges.get(id)?;
        let wanted =
            range.goal.as_millis().saturating_sub(u32::try_from(lead.as_millis()).unwrap_or(u32::MAX));
        Some(Duration::from_millis(range.available.as_millis().saturating_sub(wanted).into()))
    }

    // ---- for whoever starts and ends producers --------------------------------------------------

    /// Waits until something has happened that may need another plan.
    pub async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// Which producers the viewers need now. Seeks are told how they will be answered.
    pub fn plan(&self, terms: &Terms, now: Instant) -> Plan {
        let mut state = self.state();
        let State { ranges, audience, start_takes, codecs, .. } = &mut *state;
        let mut wishes = audience.wishes();
        // Who has only just come says in a moment where to; nothing is begun at the beginning for who seeks elsewhere.
        if codecs.is_some() {
            wishes.retain(|wish| !wish.arriving);
        }
        let mut plan = ranges.plan(&wishes, terms, *start_takes, now);
        for (viewer, choice, estimate) in plan.decided.drain(..) {
            audience.decide(viewer, choice, estimate);
        }
        plan
    }

    /// A conversion was, or could not be, started for a viewer's seek to `target`.
    pub fn decide(&self, viewer: u64, started: bool, target: MediaTime, now: Instant) {
        let mut state = self.state();
        let State { ranges, audience, start_takes, .. } = &mut *state;
        match started {
            true => audience.decide(viewer, Choice::Start, Some(*start_takes)),
            false => audience.decide(viewer, Choice::NoOther, ranges.eta(target, *start_takes, now)),
        }
    }

    /// Producers may go `lead` beyond these times.
    pub fn set_goals(&self, wanted: &[(RangeId, MediaTime)], lead: Duration) {
        let lead = u32::try_from(lead.as_millis()).unwrap_or(u32::MAX);
        let mut state = self.state();
        for (id, time) in wanted {
            if let Some(range) = state.ranges.get_mut(*id) {
                range.goal = time.saturating_add_millis(lead);
            }
        }
        drop(state);
        self.wanted.notify_all();
    }

    /// Forgets ranges that a complete reel does not need, and the files behind them.
    pub fn tidy(&self) {
        let mut state = self.state();
        state.ranges.tidy();
        self.tell(&state);
    }

    /// Lets everybody see what the state is now.
    pub(super) fn tell(&self, state: &State) {
        let ranges: &Ranges<_> = &state.ranges;
        let bytes = ranges.iter().map(|range| range.end_offset).sum();
        let first = ranges.extents().first().copied();
        let available = first.filter(|(start, _)| *start == MediaTime::ZERO).map(|(_, end)| end);
        let phase = match (ranges.whole(), &state.failure) {
            (Some(_), _) => Phase::Complete,
            (None, Some(_)) => Phase::Failed,
            (None, None) => Phase::Growing,
        };
        self.progress.send_modify(|p| {
            p.bytes = bytes;
            p.available = available.unwrap_or_default();
            p.phase = phase;
        });
    }
}

impl State {
    /// Where those are who watch a range, or are on their way to what it has. Whoever is still in another range finds
    /// another way: one who is far behind must not hold up the others.
    fn watchers(&self, id: RangeId) -> Option<(MediaTime, MediaTime)> {
        let range = self.ranges.get(id)?;
        let span = range.start().unwrap_or(range.aim).min(range.aim)..=range.available;
        let watches = |wish: &Wish| wish.range.map_or(span.contains(&wish.time), |range| range == id);
        let times = || self.audience.wishes().into_iter().filter(watches).map(|wish| wish.time);
        times().min().zip(times().max())
    }
}
