//! How seeks were answered, and whether the estimates were right.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The way a seek's target is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It was there already.
    There,
    /// A conversion that ran already got there.
    Wait,
    /// A conversion was started for it.
    Start,
    /// It had to wait: the source can't be entered in the middle, or the machine has enough to do.
    NoOther,
}

impl Choice {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::There, Self::Wait, Self::Start, Self::NoOther];

    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Wait => "wait",
            Self::Start => "start",
            Self::NoOther => "no_other",
        }
    }
}

/// Counts of seeks, shared by all reels of a server.
#[derive(Debug, Default)]
pub struct Seeks {
    choices: [Counts; 4],
    given_up: AtomicU64,
}

#[derive(Debug, Default)]
struct Counts {
    answered: AtomicU64,
    micros: AtomicU64,
    estimated: AtomicU64,
    estimated_micros: AtomicU64,
    off_micros: AtomicU64,
}

/// What became of the seeks that were answered in one way.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SeekFigures {
    /// Seeks answered.
    pub answered: u64,
    /// How long they took, together.
    pub took: Duration,
    /// Those with an estimate.
    pub estimated: u64,
    /// Their estimates, together.
    pub estimate: Duration,
    /// By how much the estimates were wrong, either way, together.
    pub off: Duration,
}

impl Seeks {
    pub(super) fn answered(&self, choice: Choice, estimate: Option<Duration>, took: Duration) {
        let counts = &self.choices[choice as usize];
        let add = |sum: &AtomicU64, by: u64| {
            sum.fetch_add(by, Ordering::Relaxed);
        };
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        add(&counts.answered, 1);
        add(&counts.micros, micros(took));
        if let Some(estimate) = estimate {
            add(&counts.estimated, 1);
            add(&counts.estimated_micros, micros(estimate));
            add(&counts.off_micros, micros(estimate.abs_diff(took)));
        }
    }

    pub(super) fn given_up(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// The figures of one choice.
    pub fn figures(&self, choice: Choice) -> SeekFigures {
        let counts = &self.choices[choice as usize];
        let read = |sum: &AtomicU64| sum.load(Ordering::Relaxed);
        SeekFigures {
            answered: read(&counts.answered),
            took: Duration::from_micros(read(&counts.micros)),
            estimated: read(&counts.estimated),
            estimate: Duration::from_micros(read(&counts.estimated_micros)),
            off: Duration::from_micros(read(&counts.off_micros)),
        }
    }

    /// Seeks that were replaced by another one, or whose viewer left, before they were answered.
    pub fn abandoned(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }
}
