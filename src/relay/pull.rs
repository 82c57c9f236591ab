//! A stream of another server as a live stream of ours: always, or while somebody watches.
//!
//! ```text
//!  Idle ──wanted──▶ Connecting ──▶ Connected ──first tag──▶ Running ──nobody watches──▶ Idle
//!    ▲                  │              │                       │
//!    └──not wanted── Waiting ◀─────────┴────────failed─────────┘
//!                    1 s … 60 s, or until the next viewer asks
//! ```

use super::Pushed;
use super::dial::Dialer;
use super::error::RelayError;
use super::progress::{Direction, Figures, Progress, State};
use super::receiver::Receiver;
use crate::config;
use crate::limits::{
    PULL_LINGER, RELAY_BACKOFF_FIRST, RELAY_BACKOFF_MOST, RELAY_RETRY_SOONEST, RELAY_START_TIMEOUT,
    RELAY_STEADY, RELAY_TEND,
};
use crate::retry::{Backoff, random};
use crate::rtmp_url::RtmpUrl;
use crate::stream::{Publisher, Stream, Streams};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::sync::Notify;

pub(super) struct Pull {
    name: String,
    url: RtmpUrl,
    on_demand: bool,
    streams: Arc<Streams>,
    dialer: Arc<Dialer>,
    pushed: Arc<Pushed>,
    progress: Progress,
    /// Viewers who wait for the stream to begin.
    waiting: AtomicUsize,
    /// A viewer has come.
    asked: Notify,
}

/// The publisher is none that could be taken for another one's address.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Counts a viewer who waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pull {
    pub(super) fn new(
        rule: &config::Pull,
        streams: Arc<Streams>,
        dialer: Arc<Dialer>,
        pushed: Arc<Pushed>,
    ) -> Self {
        Self {
            name: rule.name.clone(),
            url: rule.url.clone(),
            on_demand: rule.on_demand,
            streams,
            dialer,
            pushed,
            progress: Progress::default(),
            waiting: AtomicUsize::new(0),
            asked: Notify::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn figures(&self, rule: usize) -> Figures {
        let figures = self.progress.figures(Direction::Pull, rule, &self.name, &self.url);
        Figures { on_demand: self.on_demand, ..figures }
    }

    /// The stream, once it is on air; or why it is not. Waits for [`RELAY_START_TIMEOUT`] at most, and not
    /// longer than the next attempt.
    pub(super) async fn request(&self) -> Result<Arc<Stream>, String> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        let mut news = self.progress.standing.news();
        let failures = news.borrow_and_update().failures;
        self.asked.notify_one();
        let on_air = async {
            loop {
                if let Some(stream) = self.streams.find(&self.name).filter(|stream| stream.is_on_air()) {
                    return Ok(stream);
                }
                let moment = news.borrow_and_update().clone();
                if moment.failures > failures {
                    return Err(moment.reason.unwrap_or_default());
                }
                // The sender is ours.
                let _ = news.changed().await;
            }
        };
        match tokio::time::timeout(RELAY_START_TIMEOUT, on_air).await {
            Ok(result) => result,
            Err(_) => Err(format!("nothing has come for {} s", RELAY_START_TIMEOUT.as_secs())),
        }
    }

    /// Somebody is there for whom the stream is to be fetched. Our own pushes are nobody.
    fn is_wanted(&self) -> bool {
        if !self.on_demand || self.waiting.load(Ordering::Relaxed) > 0 {
            return true;
        }
        let viewers = self.streams.find(&self.name).map_or(0, |stream| stream.viewers());
        viewers > self.pushed.count(&self.name)
    }

    /// Until it is dropped.
    pub(super) async fn run(&self) {
        let mut backoff = Backoff::default();
        loop {
            while !self.is_wanted() {
                self.progress.set(State::Idle);
                self.asked.notified().await;
            }
            let began = Instant::now();
            match self.relay().await {
                Ok(()) => {
                    tracing::info!(stream = self.name, "nobody watches any more: the relay rests");
                    backoff.reset();
                    continue;
                }
                Err(error) => {
                    if began.elapsed() >= RELAY_STEADY {
                        backoff.reset();
                    }
                    let wait = backoff.next_within(RELAY_BACKOFF_FIRST, RELAY_BACKOFF_MOST, random());
                    let error = self.url.hidden_in(&error.to_string());
                    if self.progress.failed(error.clone(), Instant::now() + wait) {
                        tracing::warn!(stream = self.name, url = %self.url, error, next_try = ?wait, "relay from there failed");
                    }
                    tokio::time::sleep(RELAY_RETRY_SOONEST.min(wait)).await;
                    tokio::select! {
                        () = tokio::time::sleep(wait.saturating_sub(RELAY_RETRY_SOONEST)) => {}
                        () = self.asked.notified() => {}
                    }
                }
            }
        }
    }

    /// One connection, until it fails or nobody wants it.
    async fn relay(&self) -> Result<(), RelayError> {
        self.progress.set(State::Connecting);
        let mut receiver = Receiver::open(&self.dialer, &self.url, &self.name).await?;
        self.progress.set(State::Connected);
        let mut publisher = None;
        let mut wanted = Instant::now();
        let mut tick = tokio::time::interval(RELAY_TEND);
        loop {
            tokio::select! {
                tag = receiver.next() => {
                    let (tag, now) = (tag?, Instant::now());
                    self.progress.passed(tag.body.len());
                    if !self.publisher(&mut publisher, now)?.push(tag, now) {
                        return Err(RelayError::Replaced);
                    }
                    // Behind the tag: who waits for this looks at the stream.
                    self.progress.set(State::Running);
                }
                _ = tick.tick() => {
                    if self.is_wanted() {
                        wanted = Instant::now();
                    } else if wanted.elapsed() >= PULL_LINGER {
                        drop(publisher);
                        receiver.close().await;
                        return Ok(());
                    }
                }
            }
        }
    }

    /// On air from the first tag on: a server may play what nobody publishes.
    fn publisher<'a>(
        &self,
        publisher: &'a mut Option<Publisher>,
        now: Instant,
    ) -> Result<&'a Publisher, RelayError> {
        match publisher {
            Some(publisher) => Ok(publisher),
            None => {
                tracing::info!(stream = self.name, url = %self.url, "relaying from there");
                Ok(publisher.insert(self.streams.publish(&self.name, NOBODY, now)?))
            }
        }
    }
}
