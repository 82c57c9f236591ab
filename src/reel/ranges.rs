//! Which stretches of a reel's time exist, and how one leads to the next. Pure.
//!
//! ```text
//!  time   0 ─────────────── 60 ─────────────── 120 ───────────── 180
//!  A      ██████████████┐                                          joined: goes on in B, at that offset
//!  B                    └█████████████▒▒▒▒▶                        growing
//!  C                                              ████┊            parked: nobody wanted more
//! ```
//!
//! A range is what one conversion wrote, in one file. Ranges may overlap: the one that grows goes on until a
//! place where the next can be *entered*, and ends exactly there. A chain of joined ranges is what one
//! conversion would have written. Times of joins grow along a chain, so it has no circles.

mod forget;
mod joins;

pub(super) use joins::{Junction, is_beyond};

use super::index::{Findings, HeaderChange, SeekPoint};
use super::plan::Start;
use super::speed::Speed;
use crate::flv::Tag;
use crate::limits::{
    AUDIO_JOIN_TOLERANCE, ENTRY_AFTER_SOUND, ENTRY_AFTER_START, ENTRY_WITHOUT_SOUND, KEYFRAME_INTERVAL,
    SEEK_NEAR, VIDEO_JOIN_TOLERANCE,
};
use crate::time::MediaTime;
use std::time::{Duration, Instant};

/// Names a range of one reel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RangeId(u32);

impl RangeId {
    /// The range that a reel is made with.
    pub const FIRST: Self = Self(0);

    /// The range that is begun after this one.
    pub(super) const fn after(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What a producer says of its range before the first tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Opening {
    /// There will be pictures.
    pub video: bool,
    /// There will be sound.
    pub sound: bool,
    /// Pictures are encoded: keyframes lie on multiples of
    /// [`KEYFRAME_INTERVAL`] of the source's timeline.
    pub grid: bool,
}

/// What follows a range's last tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// More, from its producer.
    Growing,
    /// More, once somebody wants it.
    Parked,
    /// This tag of another range.
    Joined { next: RangeId, offset: u64 },
    /// Nothing: it is the end of the media.
    Ended,
    /// Nothing: the producer failed for good.
    Broken,
}

/// One stretch of time. `D` is where its bytes are.
#[derive(Debug)]
pub(super) struct Range<D> {
    pub(super) id: RangeId,
    pub(super) data: D,
    /// The time it was begun for; zero for the beginning of the media.
    pub(super) aim: MediaTime,
    /// The time that it is to reach: where its viewer wants to be, or the end of what it continues.
    pub(super) target: MediaTime,
    pub(super) opening: Opening,
    pub(super) points: Vec<SeekPoint>,
    pub(super) headers: Vec<HeaderChange>,
    /// Readers may read up to here.
    pub(super) end_offset: u64,
    /// Up to here it is there.
    pub(super) available: MediaTime,
    /// `available` is the time of the very frame that would come next: it ended, or was cut, at a junction.
    pub(super) clean_end: bool,
    /// The first sound that its conversion has made, be it before the first picture.
    pub(super) sound_from: Option<MediaTime>,
    pub(super) fate: Fate,
    pub(super) speed: Speed,
    pub(super) begun: Instant,
    /// The producer need not go beyond this.
    pub(super) goal: MediaTime,
}

impl<D> Range<D> {
    /// The first time that is there.
    pub(super) fn start(&self) -> Option<MediaTime> {
        self.points.first().map(|point| point.time)
    }

    /// The first time that it answers for: a source without an earlier keyframe begins later than asked.
    fn covers_from(&self) -> Option<MediaTime> {
        self.start().map(|start| start.min(self.aim))
    }

    pub(super) fn is_growing(&self) -> bool {
        self.fate == Fate::Growing
    }

    /// The point to play `target` from, if that is certain by now.
    fn point_for(&self, target: MediaTime) -> Option<SeekPoint> {
        let (first, from) = (self.points.first()?, self.covers_from()?);
        // The last point at or before the target is certain once the range goes beyond the target, because
        // points come in order of time; or when the next keyframe can only be later.
        let no_other = self.opening.grid && target < first.time.saturating_add_millis(ms(KEYFRAME_INTERVAL));
        let certain = target < self.available || target <= first.time || no_other || self.fate == Fate::Ended;
        (from <= target && certain).then(|| self.last_point_until(target).unwrap_or(*first))
    }

    pub(super) fn last_point_until(&self, target: MediaTime) -> Option<SeekPoint> {
        let behind = self.points.partition_point(|point| point.time <= target);
        behind.checked_sub(1).map(|at| self.points[at])
    }

    /// Whether a reader who comes from another range can go on at `point` without missing anything: the sound is
    /// there already, its encoder has found its feet, and the times have.
    fn may_enter(&self, point: &SeekPoint) -> bool {
        let Some(start) = self.start() else { return false };
        if self.aim == MediaTime::ZERO {
            return true;
        }
        let since_start = point.time.saturating_millis_since(start);
        let steady = self.opening.grid || since_start >= ms(ENTRY_AFTER_START);
        let heard = self
            .sound_from
            .is_some_and(|sound| point.time.saturating_millis_since(sound) >= ms(ENTRY_AFTER_SOUND));
        steady && (!self.opening.sound || heard || since_start >= ms(ENTRY_WITHOUT_SOUND))
    }

    /// How near two points must be to be the same frame.
    fn tolerance(&self) -> u32 {
        ms(if self.opening.video { VIDEO_JOIN_TOLERANCE } else { AUDIO_JOIN_TOLERANCE })
    }

    /// The latest sequence header of each kind up to `offset`.
    pub(super) fn headers_until(&self, offset: u64) -> heapless::Vec<&Tag, 2> {
        let mut latest: heapless::Vec<&Tag, 2> = heapless::Vec::new();
        for change in self.headers.iter().take_while(|header| header.offset <= offset) {
            match latest.iter_mut().find(|tag| tag.kind == change.tag.kind) {
                Some(slot) => *slot = &change.tag,
                // Two kinds have sequence headers, so two places are enough.
                None => drop(latest.push(&change.tag)),
            }
        }
        latest
    }

    /// The sequence headers for a viewer who starts at `point`, with its time.
    pub(super) fn headers_at(&self, point: SeekPoint) -> Vec<Tag> {
        let mut latest = self.headers_until(point.offset);
        // A header that comes a little behind its first frames (sound that starts late) is announced early:
        // players set up their decoders once, at the start.
        for change in &self.headers {
            if !latest.iter().any(|tag| tag.kind == change.tag.kind) {
                let _ = latest.push(&change.tag);
            }
        }
        latest.sort_by_key(|tag| std::cmp::Reverse(tag.kind.type_id()));
        latest.into_iter().map(|tag| Tag { timestamp: point.time, ..tag.clone() }).collect()
    }

    /// How long until `target` is there, if this range grows towards it.
    fn until(&self, target: MediaTime, start_takes: Duration, now: Instant) -> Option<Duration> {
        if !self.is_growing() || self.aim.min(self.start().unwrap_or(MediaTime::MAX)) > target {
            return None;
        }
        if !self.points.is_empty() {
            return self.speed.until(self.available, target, now);
        }
        let near = target.saturating_millis_since(self.aim) <= ms(SEEK_NEAR);
        near.then(|| start_takes.saturating_sub(now.saturating_duration_since(self.begun)))
    }
}

/// All ranges of a reel.
#[derive(Debug)]
pub(super) struct Ranges<D> {
    /// In order of their making.
    list: Vec<Range<D>>,
    next_id: u32,
}

impl<D> Default for Ranges<D> {
    fn default() -> Self {
        Self { list: Vec::new(), next_id: 0 }
    }
}

impl<D> Ranges<D> {
    /// Begins a range for `aim`.
    pub(super) fn begin(&mut self, data: D, start: Start, goal: MediaTime, now: Instant) -> RangeId {
        let id = RangeId(self.next_id);
        self.next_id += 1;
        self.list.push(Range {
            id,
            data,
            aim: start.aim,
            target: start.target,
            opening: Opening { video: true, sound: true, grid: false },
            points: Vec::new(),
            headers: Vec::new(),
            end_offset: 0,
            available: MediaTime::ZERO,
            clean_end: false,
            sound_from: None,
            fate: Fate::Growing,
            speed: Speed::default(),
            begun: now,
            goal,
        });
        id
    }

    pub(super) fn get(&self, id: RangeId) -> Option<&Range<D>> {
        self.list.iter().find(|range| range.id == id)
    }

    pub(super) fn get_mut(&mut self, id: RangeId) -> Option<&mut Range<D>> {
        self.list.iter_mut().find(|range| range.id == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Range<D>> {
        self.list.iter()
    }

    pub(super) fn growing(&self) -> impl Iterator<Item = &Range<D>> {
        self.list.iter().filter(|range| range.is_growing())
    }

    /// Of those that grow and begin at or before `target`, the one that begins last.
    pub(super) fn leading_to(&self, target: MediaTime) -> Option<&Range<D>> {
        let from = |range: &Range<D>| range.start().unwrap_or(range.aim).min(range.aim);
        self.growing().filter(|range| from(range) <= target).max_by_key(|range| from(range))
    }

    /// More of a range is there. `available` never steps back.
    pub(super) fn grow(
        &mut self,
        id: RangeId,
        found: Findings,
        end_offset: u64,
        available: MediaTime,
        now: Instant,
    ) {
        let Some(range) = self.get_mut(id) else { return };
        range.points.extend(found.points.into_iter().map(|point| SeekPoint { range: id, ..point }));
        range.headers.extend(found.headers);
        range.end_offset = end_offset;
        range.available = range.available.max(available);
        range.speed.advance(range.available, now);
    }

    /// The range's producer has stopped. One that has nothing is forgotten.
    pub(super) fn stop(&mut self, id: RangeId, fate: Fate) {
        let Some(range) = self.get_mut(id).filter(|range| range.is_growing()) else { return };
        range.fate = fate;
        let forget = range.points.is_empty() && fate == Fate::Parked;
        if forget {
            self.list.retain(|range| range.id != id);
        }
    }

    /// The place to play `target` from: of all ranges that have it, in the one that starts last.
    pub(super) fn place(&self, target: MediaTime) -> Option<SeekPoint> {
        let found = self.list.iter().filter_map(|range| Some((range.start()?, range.point_for(target)?)));
        found.max_by_key(|(start, point)| (*start, point.range)).map(|(_, point)| point)
    }

    /// The nearest that there is to `target`, before it if possible: when nothing more comes.
    pub(super) fn nearest(&self, target: MediaTime) -> Option<SeekPoint> {
        let before = self.list.iter().filter_map(|range| range.last_point_until(target));
        let after = || self.list.iter().filter_map(|range| range.points.first().copied());
        before.max_by_key(|point| point.time).or_else(|| after().min_by_key(|point| point.time))
    }

    /// The range at the end of the chain that `id` is part of.
    pub(super) fn tail(&self, mut id: RangeId) -> Option<&Range<D>> {
        // As many steps as there are ranges, at the most.
        for _ in &self.list {
            match self.get(id)?.fate {
                Fate::Joined { next, .. } => id = next,
                _ => break,
            }
        }
        self.get(id)
    }

    /// How long until `target` is there with what runs now.
    pub(super) fn eta(&self, target: MediaTime, start_takes: Duration, now: Instant) -> Option<Duration> {
        self.list.iter().filter_map(|range| range.until(target, start_takes, now)).min()
    }

    /// What is there, in order of time, as start and end; neighbours without a gap are one.
    pub(super) fn extents(&self) -> Vec<(MediaTime, MediaTime)> {
        let mut found: Vec<_> =
            self.list.iter().filter_map(|r| Some((r.covers_from()?, r.available.max(r.start()?)))).collect();
        found.sort_unstable();
        let mut merged: Vec<(MediaTime, MediaTime)> = Vec::with_capacity(found.len());
        for (start, end) in found {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        merged
    }

    /// The chain from the beginning of the media to its end, each range with the bytes that count, once there is one.
    pub(super) fn whole(&self) -> Option<Vec<(&Range<D>, std::ops::Range<u64>)>> {
        let first = |range: &&Range<D>| range.aim == MediaTime::ZERO && !range.points.is_empty();
        // A seek may have led to the first picture as well.
        let at_zero = |range: &&Range<D>| range.start() == Some(MediaTime::ZERO);
        let mut range = self.list.iter().find(first).or_else(|| self.list.iter().find(at_zero))?;
        let mut from = range.points.first()?.offset;
        let mut chain = Vec::new();
        for _ in &self.list {
            chain.push((range, from..range.end_offset));
            match range.fate {
                Fate::Joined { next, offset } => (range, from) = (self.get(next)?, offset),
                Fate::Ended => return Some(chain),
                _ => return None,
            }
        }
        None
    }
}

fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
