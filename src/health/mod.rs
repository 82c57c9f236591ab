//! How the machine is, and how it was within the last hour: what the owner wants to know, with one thing to do when
//! something is wrong.
//!
//! ```text
//!  /proc, /sys ──▶ machine: Figures ──▶ verdict: findings, the gravest first
//!                                └────▶ History: rings of numbers, for graphs
//! ```
//!
//! What is not there on a machine is left out, not guessed. HTTP is not known here.

mod machine;
mod verdict;

pub use machine::{Disk, Figures, Link, Processor, Throttled, Ticks};
pub use verdict::{Finding, Grave, findings};

use crate::limits::{HEALTH_HISTORY, HEALTH_INTERVAL, HEALTH_STREAMS};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use utoipa::ToSchema;

/// Numbers of one kind over time, the latest last; null where there was none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[schema(value_type = Vec<Option<f32>>)]
pub struct Curve(VecDeque<Option<f32>>);

impl Curve {
    /// Adds the latest; what is older than the hour goes.
    fn push(&mut self, value: Option<f32>) {
        if self.0.len() >= HEALTH_HISTORY {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }
}

/// What is remembered of a stream.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct StreamCurves {
    /// Bits a second from its publisher.
    pub bits_in: Curve,
    /// Bits a second to its viewers.
    pub bits_out: Curve,
    /// Who watches.
    pub viewers: Curve,
    #[serde(skip)]
    bytes: Option<(u64, u64)>,
    #[serde(skip)]
    here: bool,
}

/// The server's own figures at a moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Served {
    /// Conversions that run.
    pub conversions: usize,
    /// Viewers of files and streams.
    pub viewers: usize,
}

/// A stream's figures at a moment.
#[derive(Debug, Clone)]
pub struct StreamNow {
    /// Its name.
    pub name: String,
    /// Bytes from its publisher since it began.
    pub bytes_in: u64,
    /// Bytes to its viewers.
    pub bytes_out: u64,
    /// Who watches.
    pub viewers: usize,
}

/// The last hour.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct History {
    /// Seconds between two numbers.
    pub step: u64,
    /// Share of the processors in use, 0 to 1.
    pub processor: Curve,
    /// Share of the memory in use, 0 to 1.
    pub memory: Curve,
    /// Degrees Celsius.
    pub temperature: Curve,
    /// Conversions that run.
    pub conversions: Curve,
    /// Viewers of files and streams.
    pub viewers: Curve,
    /// Each live stream.
    pub streams: BTreeMap<String, StreamCurves>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            step: HEALTH_INTERVAL.as_secs(),
            processor: Curve::default(),
            memory: Curve::default(),
            temperature: Curve::default(),
            conversions: Curve::default(),
            viewers: Curve::default(),
            streams: BTreeMap::new(),
        }
    }
}

impl History {
    /// Adds a moment, one [`HEALTH_INTERVAL`] after the last.
    pub fn push(&mut self, figures: &Figures, served: Served, streams: &[StreamNow]) {
        self.processor.push(figures.processor.map(|processor| processor.busy));
        self.memory.push(figures.memory_used());
        self.temperature.push(figures.temperature);
        self.conversions.push(Some(served.conversions as f32));
        self.viewers.push(Some(served.viewers as f32));
        for now in streams {
            if self.streams.len() >= HEALTH_STREAMS && !self.streams.contains_key(&now.name) {
                continue;
            }
            let curves = self.streams.entry(now.name.clone()).or_default();
            let (before_in, before_out) = curves.bytes.unwrap_or((now.bytes_in, now.bytes_out));
            let bits = |now: u64, before: u64| {
                now.saturating_sub(before) as f32 * 8.0 / HEALTH_INTERVAL.as_secs_f32()
            };
            curves.bits_in.push(Some(bits(now.bytes_in, before_in)));
            curves.bits_out.push(Some(bits(now.bytes_out, before_out)));
            curves.viewers.push(Some(now.viewers as f32));
            curves.bytes = Some((now.bytes_in, now.bytes_out));
            curves.here = true;
        }
        // A stream that has ended is shown for as long as anything of it is within the hour.
        self.streams.retain(|_, curves| {
            if !std::mem::take(&mut curves.here) {
                curves.bytes = None;
                curves.bits_in.push(None);
                curves.bits_out.push(None);
                curves.viewers.push(None);
            }
            curves.viewers.0.iter().any(Option::is_some)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str, bytes_in: u64) -> StreamNow {
        StreamNow { name: name.into(), bytes_in, bytes_out: 0, viewers: 1 }
    }

    #[test]
    fn an_hour_is_remembered_and_no_more_and_streams_that_ended_are_forgotten_after_it() {
        let mut history = History::default();
        let figures = Figures { temperature: Some(50.0), ..Figures::default() };
        for n in 0..HEALTH_HISTORY as u64 + 10 {
            history.push(&figures, Served::default(), &[stream("cam", n * 125_000 * history.step)]);
        }
        assert_eq!(history.temperature.0.len(), HEALTH_HISTORY);
        let cam = &history.streams["cam"];
        assert_eq!((cam.bits_in.0.len(), cam.bits_in.0.back()), (HEALTH_HISTORY, Some(&Some(1_000_000.0))));
        for n in 0..HEALTH_HISTORY {
            assert!(history.streams.contains_key("cam"), "{n}");
            history.push(&figures, Served::default(), &[]);
        }
        assert!(history.streams.is_empty());
    }

    #[test]
    fn streams_without_number_are_not_all_remembered() {
        let mut history = History::default();
        for n in 0..10 * HEALTH_STREAMS {
            history.push(&Figures::default(), Served::default(), &[stream(&n.to_string(), 0)]);
        }
        assert_eq!(history.streams.len(), HEALTH_STREAMS);
    }
}
