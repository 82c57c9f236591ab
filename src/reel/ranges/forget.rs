//! What is forgotten of ranges: what nobody needs, what there is no room for, and what lies behind those who watch from a
//! little memory. Pure.

use super::{Fate, Range, RangeId, Ranges};
use crate::time::MediaTime;

/// Points that stay before what is forgotten of a range.
const POINTS_BEHIND: usize = 3;

impl<D> Ranges<D> {
    /// Forgets what of a range comes before the last points at or before `time`. Returns where its bytes begin then.
    /// Some points stay before that one: a range that is parked is continued from its last but one.
    pub(in crate::reel) fn forget_before(&mut self, id: RangeId, time: MediaTime) -> Option<u64> {
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
    pub(in crate::reel) fn forget(&mut self, id: RangeId) {
        self.list.retain(|range| range.id != id || range.is_growing());
        for range in &mut self.list {
            if matches!(range.fate, Fate::Joined { next, .. } if next == id) {
                range.fate = Fate::Parked;
            }
        }
    }

    /// Forgets all that is not needed to play a complete reel.
    pub(in crate::reel) fn tidy(&mut self) {
        let Some(chain) = self.whole() else { return };
        let needed: Vec<RangeId> = chain.into_iter().map(|(range, _)| range.id).collect();
        self.list.retain(|range| needed.contains(&range.id));
    }

    /// Forgets a range that neither grows nor is `used`, nor begins the media, if there are `most` or more: the
    /// shortest. False when there is no place for one more.
    pub(in crate::reel) fn make_room(&mut self, most: usize, used: impl Fn(&Range<D>) -> bool) -> bool {
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
