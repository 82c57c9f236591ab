//! How a relay is doing: set by its task, read by the interfaces and by viewers who wait for it.

use crate::retry::Standing;
use crate::rtmp_url::RtmpUrl;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What a relay does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RelayState)]
pub enum State {
    /// Nothing to do: nobody watches, or nobody publishes.
    Idle,
    /// Connects, or waits for the server's answers.
    Connecting,
    /// The server plays, but nothing has come yet.
    Connected,
    /// Media go through.
    Running,
    /// Failed; tries again after a while.
    Waiting,
}

/// What there is to know of a relay.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) standing: Standing<State>,
    bytes: AtomicU64,
    lost_records: AtomicU64,
}

/// The direction of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RelayDirection)]
pub enum Direction {
    /// From another server.
    Pull,
    /// To another server.
    Push,
}

/// A relay's figures, as `/api/v1/relays` shows them.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Relay)]
pub struct Figures {
    /// Which way the media go.
    pub direction: Direction,
    /// Its place among the rules of that direction in the configuration, from 1: tells two pushes of one
    /// stream to one server apart, whose keys are not shown.
    pub rule: usize,
    /// The live stream here; a pattern for a push that has none yet.
    pub stream: String,
    /// The other server, without the stream's name, which may be a secret.
    pub url: String,
    /// A pull that waits for viewers.
    pub on_demand: bool,
    /// What it does.
    pub state: State,
    /// For so many seconds.
    pub state_seconds: f64,
    /// Why it failed last, if it did not run since.
    pub reason: Option<String>,
    /// Seconds until the next attempt.
    pub next_try_seconds: Option<f64>,
    /// Attempts and connections that failed.
    pub failures: u64,
    /// Bytes of media that went through.
    pub bytes: u64,
    /// Records that a push lost because the way to the server is slow.
    pub lost_records: u64,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            standing: Standing::new(State::Idle),
            bytes: AtomicU64::new(0),
            lost_records: AtomicU64::new(0),
        }
    }
}

impl Progress {
    /// Goes on to another state. What failed last stays told until it runs.
    pub(super) fn set(&self, state: State) {
        match state {
            State::Running => self.standing.well(state),
            _ => self.standing.set(state),
        }
    }

    /// It failed, and waits. True when that is news.
    pub(super) fn failed(&self, reason: String, next_try: Instant) -> bool {
        self.standing.failed(State::Waiting, reason, next_try, ())
    }

    pub(super) fn state(&self) -> State {
        self.standing.state()
    }

    pub(super) fn passed(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, records: u64) {
        self.lost_records.fetch_add(records, Ordering::Relaxed);
    }

    /// `rule` counts from 0.
    pub(super) fn figures(&self, direction: Direction, rule: usize, stream: &str, url: &RtmpUrl) -> Figures {
        let now = Instant::now();
        let moment = self.standing.moment();
        Figures {
            direction,
            rule: rule + 1,
            stream: stream.to_owned(),
            url: url.to_string(),
            on_demand: false,
            state: moment.state,
            state_seconds: moment.state_seconds(now),
            next_try_seconds: moment.next_try_seconds(now),
            reason: moment.reason,
            failures: moment.failures,
            bytes: self.bytes.load(Ordering::Relaxed),
            lost_records: self.lost_records.load(Ordering::Relaxed),
        }
    }
}
