//! Where one range leads to another: how the one that grows ends, how those that have ended are put together, and where a
//! reader goes on who finds neither. Pure.

use super::{Fate, Range, RangeId, Ranges};
use crate::flv::TagKind;
use crate::reel::SeekPoint;
use crate::time::MediaTime;

/// A place where another range can be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::reel) struct Junction {
    /// Where: a seek point of the other range.
    pub(in crate::reel) point: SeekPoint,
    /// How near a picture or frame of sound must be to be the same one, in ms.
    pub(in crate::reel) tolerance: u32,
}

impl<D> Ranges<D> {
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
    pub(in crate::reel) fn junction(&self, id: RangeId, after: MediaTime) -> Option<Junction> {
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
    pub(in crate::reel) fn join(&mut self, id: RangeId, junction: Junction) -> bool {
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
    pub(in crate::reel) fn mend(&mut self) -> bool {
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
    pub(in crate::reel) fn detour(&self, id: RangeId, position: MediaTime) -> Option<SeekPoint> {
        let end = self.get(id).map_or(position, |range| range.available.max(position));
        let others = self.list.iter().filter(|range| range.id != id && range.available > end);
        let entry = |range: &Range<D>| {
            let until = range.points.partition_point(|point| point.time <= end);
            range.points[..until].iter().rfind(|point| range.may_enter(point)).copied()
        };
        others.filter_map(entry).max_by_key(|point| point.time)
    }
}

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
pub(in crate::reel) fn is_beyond(
    junction: &Junction,
    kind: TagKind,
    time: MediaTime,
    pictures: bool,
) -> bool {
    let same = if kind == TagKind::Audio && pictures { 0 } else { junction.tolerance };
    time.saturating_add_millis(same) >= junction.point.time
}
