//! What a reel's conversions should do, given what exists and where its viewers are. Pure.
//!
//! A viewer is served by the cheapest of: what is there already · a conversion that runs and will be there within the
//! patience · a new conversion at the target · waiting, where a source can't be entered in the middle.

use super::ranges::{Fate, Range, RangeId, Ranges};
use super::seeks::Choice;
use crate::limits::{FASTEST_ENCODING, FASTEST_REMUX, RESUME_LEAD, RESUME_OVERLAP, SEEK_END_MARGIN};
use crate::time::MediaTime;
use std::time::{Duration, Instant};

/// Where one viewer is, or wants to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) viewer: u64,
    pub(super) time: MediaTime,
    /// The range it reads, if it reads.
    pub(super) range: Option<RangeId>,
    /// It has not said yet where it wants to be: the beginning is a guess.
    pub(super) arriving: bool,
    /// When it was uttered: the latest wins.
    pub(super) since: Instant,
}

/// What is known of the source and its conversions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// A conversion can start in the middle. `None`: the first one has not said yet.
    pub seekable: Option<bool>,
    /// How long a viewer is to wait for a conversion that runs already.
    pub patience: Duration,
    /// Nothing is there from here on, as conversions have found.
    pub ceiling: MediaTime,
}

/// What to do.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// Ranges whose producers somebody waits for, with the furthest time wanted of each.
    pub wanted: Vec<(RangeId, MediaTime)>,
    /// A conversion to start.
    pub start: Option<Start>,
    /// Wanted as well as long as `start` does not happen.
    pub meanwhile: Vec<(RangeId, MediaTime)>,
    /// Nobody wants anything: all may go on as it is.
    pub idle: bool,
    /// Seeks that are decided by this: viewer, choice, estimate.
    pub(super) decided: Vec<(u64, Choice, Option<Duration>)>,
}

/// A conversion to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Start {
    /// From this time on.
    pub aim: MediaTime,
    /// To get to this time.
    pub target: MediaTime,
    /// For this viewer.
    pub viewer: u64,
}

enum Way {
    /// Nothing is missing.
    There,
    /// This range will be there.
    Wait(RangeId, Option<Duration>),
    /// Nothing else is possible than to wait, for that range if there is one.
    Only(Option<RangeId>, Option<Duration>),
    /// A new conversion from one time to get to another; until it starts, the nearest that there is.
    Start { aim: MediaTime, target: MediaTime, nearest: Option<RangeId> },
    /// What would be best is not known yet.
    Unknown(Option<RangeId>),
}

impl<D> Ranges<D> {
    /// The plan for these viewers.
    pub(super) fn plan(&self, wishes: &[Wish], terms: &Terms, start_takes: Duration, now: Instant) -> Plan {
        let mut plan = Plan { idle: wishes.is_empty(), ..Plan::default() };
        let mut latest = None;
        for wish in wishes {
            let (way, end) = self.way(wish, terms, start_takes, now);
            match way {
                Way::There => {}
                Way::Wait(id, eta) => {
                    want(&mut plan.wanted, id, wish.time);
                    plan.decided.push((wish.viewer, Choice::Wait, eta));
                }
                Way::Only(id, eta) => {
                    id.into_iter().for_each(|id| want(&mut plan.wanted, id, wish.time));
                    plan.decided.push((wish.viewer, Choice::NoOther, eta));
                }
                Way::Start { aim, target, nearest } => {
                    nearest.into_iter().for_each(|id| want(&mut plan.meanwhile, id, wish.time));
                    if latest.is_none_or(|since| since < wish.since) {
                        latest = Some(wish.since);
                        plan.start = Some(Start { aim, target, viewer: wish.viewer });
                    }
                }
                Way::Unknown(nearest) => {
                    nearest.into_iter().for_each(|id| want(&mut plan.wanted, id, wish.time));
                }
            }
            if let Some(id) = end {
                want(&mut plan.wanted, id, wish.time);
            }
        }
        plan
    }

    /// How to get on with a wish; and the growing range that goes on behind it, if it is there already.
    fn way(&self, wish: &Wish, terms: &Terms, start_takes: Duration, now: Instant) -> (Way, Option<RangeId>) {
        let time = wish.time;
        let reads = wish.range.filter(|id| self.get(*id).is_some());
        let Some(range) = reads.or_else(|| Some(self.place(time)?.range)) else {
            // Just behind what was made once: better a little of that again than a gap.
            let behind = |range: &&Range<D>| {
                time.saturating_millis_since(range.available) < 2 * ms(RESUME_OVERLAP)
                    && range.available <= time
            };
            let parked = self.iter().filter(|range| range.fate == Fate::Parked).find(behind);
            let aim = parked.map_or(time, resume_at);
            return (self.way_to(time, aim, terms, start_takes, now), None);
        };
        match self.tail(range) {
            Some(tail) if tail.is_growing() => (Way::There, Some(tail.id)),
            Some(tail) if tail.fate == Fate::Parked => {
                let ahead = tail.available.saturating_millis_since(time);
                if u128::from(ahead) >= RESUME_LEAD.as_millis() {
                    return (Way::There, None);
                }
                (self.way_to(tail.available, resume_at(tail), terms, start_takes, now), None)
            }
            _ => (Way::There, None),
        }
    }

    /// How to get to `target`, which is not there; a conversion would be begun for `aim`.
    fn way_to(
        &self,
        target: MediaTime,
        aim: MediaTime,
        terms: &Terms,
        start_takes: Duration,
        now: Instant,
    ) -> Way {
        // Where a range is to be continued, only what begins before its last frames can be joined to it.
        let nearest = self.leading_to(target.min(aim));
        let eta = self.eta(target, start_takes, now);
        let id = nearest.map(|range| range.id);
        let Some(range) = nearest else {
            return match terms.seekable {
                Some(true) => Way::Start { aim: lowered(aim, terms), target, nearest: None },
                // From the beginning, then: what runs, if anything does, is beyond, and has forgotten where it came from.
                Some(false) => Way::Start { aim: MediaTime::ZERO, target, nearest: None },
                None if self.growing().next().is_none() => {
                    Way::Start { aim: MediaTime::ZERO, target, nearest: None }
                }
                None => Way::Unknown(None),
            };
        };
        // Another one would begin at the same place, or nearly, and be there later.
        let meant = range.aim.saturating_add_millis(2 * ms(RESUME_OVERLAP)) >= lowered(aim, terms);
        // Before its speed is known, the best that there is.
        let times = if range.opening.grid { FASTEST_ENCODING } else { FASTEST_REMUX };
        let missing = target.saturating_millis_since(range.available.max(range.aim));
        let at_best = || Duration::from_millis((missing / times).into());
        let soon = eta.unwrap_or_else(at_best) <= terms.patience.max(start_takes);
        match terms.seekable {
            _ if meant || soon => Way::Wait(range.id, eta),
            Some(true) => Way::Start { aim: lowered(aim, terms), target, nearest: id },
            Some(false) => Way::Only(id, eta),
            None => Way::Unknown(id),
        }
    }
}

/// Begins where old and new have some frames in common.
fn resume_at<D>(parked: &Range<D>) -> MediaTime {
    let before = MediaTime::from_millis(parked.available.as_millis().saturating_sub(ms(RESUME_OVERLAP)));
    let points = &parked.points;
    let last_but_one = points.len().checked_sub(2).map_or(MediaTime::ZERO, |at| points[at].time);
    let first = parked.start().unwrap_or_default().min(parked.aim);
    match parked.last_point_until(before) {
        Some(point) if points.len() >= 2 => point.time.min(last_but_one),
        _ => first,
    }
}

fn lowered(aim: MediaTime, terms: &Terms) -> MediaTime {
    aim.min(MediaTime::from_millis(terms.ceiling.as_millis().saturating_sub(ms(SEEK_END_MARGIN))))
}

fn want(wanted: &mut Vec<(RangeId, MediaTime)>, id: RangeId, time: MediaTime) {
    match wanted.iter_mut().find(|(known, _)| *known == id) {
        Some((_, furthest)) => *furthest = (*furthest).max(time),
        None => wanted.push((id, time)),
    }
}

fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
