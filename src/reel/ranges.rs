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

use super::index::{Findings, HeaderChange, SeekPoint};
use super::plan::Start;
use super::speed::Speed;
use crate::flv::{Tag, TagKind};
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

/// A place where another range can be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Junction {
    /// Where: a seek point of the other range.
    pub(super) point: SeekPoint,
    /// How near a picture or frame of sound must be to be the same one, in ms.
    pub(super) tolerance: u32,
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

    /// Whether the chain from one range comes to another, or is that one.
    fn leads_to(&self, mut from: RangeId, to: RangeId) -> bool {
        for _ in &self.list {
            if from == to {
                return true;
            }
            match self.get(from).map(|range| range.fate) {
                Some(Fate::Joined { next, .. }) => from = next,
                _ => return false,
            }
        }
        true
    }

    /// Where a range that ends at `after` can go on in another one: the next place to come.
    pub(super) fn junction(&self, id: RangeId, after: MediaTime) -> Option<Junction> {
        // One that stops short of what this range was begun for is no place to go.
        let target = self.get(id)?.target;
        let too_short = |range: &Range<D>| {
            let tail = self.tail(range.id);
            tail.is_some_and(|tail| tail.fate == Fate::Parked && tail.available <= target)
        };
        let others = self.list.iter().filter(|range| range.id != id && !too_short(range));
        let next = others.filter_map(|range| {
            let after = after.saturating_add_millis(range.tolerance());
            let from = range.points.partition_point(|point| point.time <= after);
            let point = *range.points[from..].iter().find(|point| range.may_enter(point))?;
            Some(Junction { point, tolerance: range.tolerance() })
        });
        next.min_by_key(|junction| junction.point.time)
    }

    /// Ends a range at a junction, which its producer has reached. False when the junction is gone.
    pub(super) fn join(&mut self, id: RangeId, junction: Junction) -> bool {
        let point = junction.point;
        let there =
            self.get(point.range).is_some_and(|next| next.points.iter().any(|p| p.offset == point.offset));
        let Some(range) = self.get_mut(id).filter(|range| there && range.is_growing()) else { return false };
        range.fate = Fate::Joined { next: point.range, offset: point.offset };
        (range.available, range.clean_end) = (point.time, true);
        true
    }

    /// Joins parked ranges to others that have the same frames and go further, cutting off what both have.
    /// True when something has changed.
    pub(super) fn mend(&mut self) -> bool {
        let mut changed = false;
        for at in 0..self.list.len() {
            let parked = &self.list[at];
            if parked.fate != Fate::Parked {
                continue;
            }
            // Nothing is cut off that other ranges lead to.
            let entries = self.list.iter().filter_map(|range| match range.fate {
                Fate::Joined { next, offset } if next == parked.id => Some(offset),
                _ => None,
            });
            let entered = entries.max().unwrap_or(0);
            let others = self.list.iter().filter(|other| !self.leads_to(other.id, parked.id));
            let met = others.clone().find_map(|other| touching(parked, other).map(|point| (None, point)));
            let met = met.or_else(|| {
                others
                    .clone()
                    .find_map(|other| meeting(parked, entered, other).map(|(cut, p)| (Some(cut), p)))
            });
            let Some((cut, point)) = met else { continue };
            let parked = &mut self.list[at];
            if let Some(cut) = cut {
                parked.end_offset = parked.points[cut].offset;
                parked.points.truncate(cut);
                parked.headers.retain(|header| header.offset < parked.end_offset);
            }
            (parked.available, parked.clean_end) = (point.time, true);
            parked.fate = Fate::Joined { next: point.range, offset: point.offset };
            changed = true;
        }
        changed
    }

    /// Where a reader goes on who has read a range to its end and has everything up to `position`: in a range that
    /// has more, though there is no junction. Some of what follows there the reader has already.
    pub(super) fn detour(&self, id: RangeId, position: MediaTime) -> Option<SeekPoint> {
        let end = self.get(id).map_or(position, |range| range.available.max(position));
        let others = self.list.iter().filter(|range| range.id != id && range.available > end);
        let entry = |range: &Range<D>| {
            let until = range.points.partition_point(|point| point.time <= end);
            range.points[..until].iter().rfind(|point| range.may_enter(point)).copied()
        };
        others.filter_map(entry).max_by_key(|point| point.time)
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

    /// Forgets what of a range comes before the last points at or before `time`. Returns where its bytes begin then.
    /// Some points stay before that one: a range that is parked is continued from its last but one.
    pub(super) fn forget_before(&mut self, id: RangeId, time: MediaTime) -> Option<u64> {
        let range = self.get_mut(id)?;
        let behind = range.points.partition_point(|point| point.time <= time).saturating_sub(POINTS_BEHIND);
        range.points.drain(..behind);
        let first = *range.points.first()?;
        if behind > 0 {
            range.aim = first.time;
        }
        // Who would come from another range to a place that is gone goes another way.
        for other in &mut self.list {
            if matches!(other.fate, Fate::Joined { next, offset } if next == id && offset < first.offset) {
                other.fate = Fate::Parked;
            }
        }
        Some(first.offset)
    }

    /// Forgets a range that nobody fills.
    pub(super) fn forget(&mut self, id: RangeId) {
        self.list.retain(|range| range.id != id || range.is_growing());
        for range in &mut self.list {
            if matches!(range.fate, Fate::Joined { next, .. } if next == id) {
                range.fate = Fate::Parked;
            }
        }
    }

    /// Forgets all that is not needed to play a complete reel.
    pub(super) fn tidy(&mut self) {
        let Some(chain) = self.whole() else { return };
        let needed: Vec<RangeId> = chain.into_iter().map(|(range, _)| range.id).collect();
        self.list.retain(|range| needed.contains(&range.id));
    }

    /// Forgets a range that neither grows nor is `used`, nor begins the media, if there are `most` or more: the
    /// shortest. False when there is no place for one more.
    pub(super) fn make_room(&mut self, most: usize, used: impl Fn(&Range<D>) -> bool) -> bool {
        if self.list.len() < most {
            return true;
        }
        let first = self.list.iter().find(|r| r.aim == MediaTime::ZERO && !r.points.is_empty()).map(|r| r.id);
        let spare = self.list.iter().filter(|r| !r.is_growing() && Some(r.id) != first && !used(r));
        let length = |r: &&Range<D>| r.available.saturating_millis_since(r.start().unwrap_or(r.available));
        let Some(at) =
            spare.min_by_key(length).and_then(|gone| self.list.iter().position(|r| r.id == gone.id))
        else {
            return false;
        };
        let gone = self.list.remove(at);
        for range in &mut self.list {
            match range.fate {
                // Nothing of it was read by those who came this way.
                Fate::Joined { next, offset } if next == gone.id && offset >= gone.end_offset => {
                    range.fate = gone.fate
                }
                Fate::Joined { next, .. } if next == gone.id => range.fate = Fate::Parked,
                _ => {}
            }
        }
        true
    }
}

/// Points that stay before what is forgotten of a range.
const POINTS_BEHIND: usize = 3;

/// The point of `other` that is the very next frame of `parked`.
fn touching<D>(parked: &Range<D>, other: &Range<D>) -> Option<SeekPoint> {
    let near = |point: &&SeekPoint| {
        point.time.as_millis().abs_diff(parked.available.as_millis()) <= other.tolerance()
            && other.may_enter(point)
    };
    other.points.iter().find(near).copied().filter(|_| parked.clean_end)
}

/// The index in `parked.points`, behind `entered`, and the point of `other` that are the same frame, where `other` can
/// be entered: the last such, so that least is lost.
fn meeting<D>(parked: &Range<D>, entered: u64, other: &Range<D>) -> Option<(usize, SeekPoint)> {
    let further = other.available > parked.available
        || (other.available == parked.available && matches!(other.fate, Fate::Joined { .. }));
    if !further {
        return None;
    }
    let near = other.tolerance();
    let from = parked.points.partition_point(|point| point.offset < entered);
    let first = parked.points.get(from)?.time;
    let until = other.points.partition_point(|point| point.time <= parked.available);
    let shared = other.points[..until].iter().rev();
    let mut shared = shared.take_while(|point| point.time.saturating_add_millis(near) >= first);
    shared.find_map(|point| {
        let at = parked.points.partition_point(|p| p.time.saturating_add_millis(near) < point.time);
        let same = |p: &SeekPoint| p.time.as_millis().abs_diff(point.time.as_millis()) <= near;
        let found = at >= from && parked.points.get(at).is_some_and(same) && other.may_enter(point);
        found.then_some((at, *point))
    })
}

/// Whether a tag of this kind and time lies beyond a junction.
pub(super) fn is_beyond(junction: &Junction, kind: TagKind, time: MediaTime, pictures: bool) -> bool {
    let same = if kind == TagKind::Audio && pictures { 0 } else { junction.tolerance };
    time.saturating_add_millis(same) >= junction.point.time
}

fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
