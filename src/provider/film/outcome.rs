//! What a conversion's end means for its film: whether another one goes on, and from where; when the film is given up.

use super::{Film, State, ms};
use crate::limits::{
    DEATH_PLACE, DURATION_MARGIN, KILLED_PAUSE, KILLED_PAUSE_DOUBLINGS, MAX_DEATHS, MAX_DEATHS_AT_A_PLACE,
    MISS_STEP,
};
use crate::reel::RangeId;
use crate::time::MediaTime;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// How a conversion came to its end.
#[derive(Debug)]
pub(in crate::provider) enum Outcome {
    /// At the end of the file; the last frame is at this time.
    Ended(MediaTime),
    /// Where another range begins.
    Joined,
    /// Nobody wants it.
    Stopped,
    /// The disk has no room for more of it.
    NoRoom(String),
    /// It went slower than it is watched: at this part of the film's speed.
    Behind(f64),
    /// It found nothing at all.
    Nothing,
    /// Another one may do better; the text is for people.
    Died(String),
    /// Somebody else has ended it, which says little about the file; the text is for people.
    Killed(String),
    /// Another one would not; the text is for people.
    Failed(String),
}

impl Film {
    /// A conversion has come to its end; its worker is gone.
    pub(super) fn ended(&self, id: RangeId, outcome: Outcome) {
        let mut state = self.state();
        let aim = state.running.remove(&id).map_or(MediaTime::ZERO, |running| running.aim);
        let reached = self.reel.available_in(id).unwrap_or_default().max(aim);
        let name = &self.name;
        match outcome {
            Outcome::Ended(end) => {
                tracing::info!(file = name, %aim, %end, "converted to the end");
                if self.length() > end.saturating_add_millis(ms(DURATION_MARGIN)) {
                    // The source said more than it has: nobody need seek there.
                    self.reel.set_duration(end);
                }
                self.reel.end(id, end);
            }
            Outcome::Joined => tracing::info!(file = name, %aim, "converted up to what was there"),
            Outcome::Stopped => {
                tracing::debug!(file = name, %aim, "conversion stopped: nobody waits for it");
                self.reel.park(id);
            }
            Outcome::NoRoom(reason) => {
                tracing::warn!(file = name, %reached, reason, "conversion goes on in memory");
                self.short_of_space.store(true, Ordering::Relaxed);
                self.reel.park(id);
            }
            Outcome::Behind(speed) => {
                tracing::info!(file = name, %reached, speed, "conversion falls behind; it goes on in a lighter way");
                self.reel.park(id);
            }
            Outcome::Nothing if aim > MediaTime::ZERO => {
                tracing::debug!(file = name, %aim, "there is nothing from there on");
                // Lengths may be wrong by hours: each miss goes twice as far back.
                state.misses += 1;
                let step = ms(MISS_STEP).saturating_mul(1 << state.misses.min(16));
                let before = MediaTime::from_millis(aim.as_millis().saturating_sub(step));
                state.ceiling = state.ceiling.min(before);
                self.reel.park(id);
            }
            Outcome::Nothing => self
                .reel
                .fail(format!("\"{name}\" can't be played: there is neither picture nor sound in it")),
            Outcome::Died(reason) => {
                state.only_killed = false;
                self.died(state, id, reached, reason);
            }
            Outcome::Killed(reason) => {
                let times = state.deaths.values().sum::<u32>().min(KILLED_PAUSE_DOUBLINGS);
                state.not_before = Some(Instant::now() + KILLED_PAUSE * (1 << times));
                self.died(state, id, reached, reason);
            }
            Outcome::Failed(reason) => {
                tracing::warn!(file = name, %aim, reason, "conversion failed");
                // Others still run: theirs is what there will be.
                if state.running.is_empty() { self.give_up(id, reason) } else { self.reel.break_off(id) }
            }
        }
    }

    /// A worker is dead. Another one goes on, unless that has been tried often enough.
    fn died(&self, mut state: MutexGuard<'_, State>, id: RangeId, reached: MediaTime, reason: String) {
        let place = u128::from(reached.as_millis()) / DEATH_PLACE.as_millis();
        let here = state.deaths.entry(place).or_default();
        *here += 1;
        let last = *here >= MAX_DEATHS_AT_A_PLACE || state.deaths.values().sum::<u32>() >= MAX_DEATHS;
        let only_killed = state.only_killed;
        drop(state);
        tracing::warn!(file = self.name, %reached, reason, goes_on = !last, "conversion died");
        if !last {
            return self.reel.park(id);
        }
        match &self.making {
            Some(making) if only_killed => self.means.quarantine.suspect(making, &reason),
            Some(making) => self.means.quarantine.add(making, &reason),
            None => {}
        }
        self.give_up(id, reason);
    }

    fn give_up(&self, id: RangeId, reason: String) {
        self.reel.break_off(id);
        self.reel.fail(format!("\"{}\" can't be played: {reason}", self.name));
    }
}
