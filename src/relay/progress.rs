//! How a relay is doing: set by its task, read by the interfaces and by viewers who wait for it.

use crate::rtmp_url::RtmpUrl;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::watch;

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

/// A relay at a moment.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) state: State,
    pub(super) since: Instant,
    /// Why it failed last; forgotten when it runs again.
    pub(super) reason: Option<String>,
    pub(super) next_try: Option<Instant>,
    /// Attempts and connections that failed, ever.
    pub(super) failures: u64,
}

/// What there is to know of a relay.
#[derive(Debug)]
pub(super) struct Progress {
    moment: watch::Sender<Moment>,
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
        let moment =
            Moment { state: State::Idle, since: Instant::now(), reason: None, next_try: None, failures: 0 };
        Self { moment: watch::Sender::new(moment), bytes: AtomicU64::new(0), lost_records: AtomicU64::new(0) }
    }
}

impl Progress {
    /// Goes on to another state. What failed last stays told until it runs.
    pub(super) fn set(&self, state: State) {
        self.moment.send_if_modified(|moment| {
            let changes = moment.state != state;
            if changes {
                (moment.state, moment.since, moment.next_try) = (state, Instant::now(), None);
                if state == State::Running {
                    moment.reason = None;
                }
            }
            changes
        });
    }

    /// It failed, and waits. True when that is news: a server that is away for a night fills no log.
    pub(super) fn failed(&self, reason: String, next_try: Instant) -> bool {
        let mut is_news = false;
        self.moment.send_modify(|moment| {
            is_news = moment.reason.as_ref() != Some(&reason);
            *moment = Moment {
                state: State::Waiting,
                since: Instant::now(),
                reason: Some(reason),
                next_try: Some(next_try),
                failures: moment.failures + 1,
            };
        });
        is_news
    }

    pub(super) fn state(&self) -> State {
        self.moment.borrow().state
    }

    pub(super) fn passed(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, records: u64) {
        self.lost_records.fetch_add(records, Ordering::Relaxed);
    }

    pub(super) fn news(&self) -> watch::Receiver<Moment> {
        self.moment.subscribe()
    }

    /// `rule` counts from 0.
    pub(super) fn figures(&self, direction: Direction, rule: usize, stream: &str, url: &RtmpUrl) -> Figures {
        let now = Instant::now();
        let moment = self.moment.borrow().clone();
        let seconds = |time: std::time::Duration| time.as_millis() as f64 / 1000.0;
        Figures {
            direction,
            rule: rule + 1,
            stream: stream.to_owned(),
            url: url.to_string(),
            on_demand: false,
            state: moment.state,
            state_seconds: seconds(now.saturating_duration_since(moment.since)),
            reason: moment.reason,
            next_try_seconds: moment.next_try.map(|at| seconds(at.saturating_duration_since(now))),
            failures: moment.failures,
            bytes: self.bytes.load(Ordering::Relaxed),
            lost_records: self.lost_records.load(Ordering::Relaxed),
        }
    }
}
