//! A live stream of ours to another server, while it is on air.
//!
//! A push is a viewer: it has a place in the stream's ring and nothing else, so that a slow way to the other
//! server costs that server whole groups of pictures, and nobody here anything.

use super::dial::Dialer;
use super::error::RelayError;
use super::link::Link;
use super::progress::{Direction, Figures, Progress, State};
use super::{Pushed, is_own_stream};
use crate::flv::Tag;
use crate::limits::{
    PUSH_OFF_AIR, RELAY_BACKOFF_FIRST, RELAY_BACKOFF_MOST, RELAY_STEADY, RELAY_TEND, WRITE_BATCH_BYTES,
};
use crate::retry::{Backoff, random};
use crate::rtmp::client::{ClientEvent, ClientSession, Purpose};
use crate::rtmp_url::RtmpUrl;
use crate::stream::{Stream, Subscription, UsedFourCcs, Via};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// One stream to one server.
pub(super) struct Push {
    name: String,
    url: RtmpUrl,
    /// The server need not announce codecs to get them.
    any_codec: bool,
    dialer: Arc<Dialer>,
    pushed: Arc<Pushed>,
    progress: Progress,
    /// The server that takes the stream now.
    target: Mutex<Option<IpAddr>>,
}

impl Push {
    pub(super) fn new(
        name: String,
        url: RtmpUrl,
        any_codec: bool,
        dialer: Arc<Dialer>,
        pushed: Arc<Pushed>,
    ) -> Self {
        let (progress, target) = (Progress::default(), Mutex::default());
        Self { name, url, any_codec, dialer, pushed, progress, target }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The stream goes to that machine now.
    pub(super) fn goes_to(&self, address: IpAddr) -> bool {
        *self.target() == Some(address)
    }

    fn target(&self) -> MutexGuard<'_, Option<IpAddr>> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its stream is off air.
    pub(super) fn is_idle(&self) -> bool {
        self.progress.state() == State::Idle
    }

    pub(super) fn figures(&self, rule: usize) -> Figures {
        self.progress.figures(Direction::Push, rule, &self.name, &self.url)
    }

    /// Until the stream has been off air for a while.
    pub(super) async fn run(&self, stream: Arc<Stream>) {
        let mut backoff = Backoff::default();
        while stream.is_on_air() {
            let began = Instant::now();
            let result = self.relay(&stream).await;
            *self.target() = None;
            let Err(error) = result else { break };
            if began.elapsed() >= RELAY_STEADY {
                backoff.reset();
            }
            let wait = backoff.next_within(RELAY_BACKOFF_FIRST, RELAY_BACKOFF_MOST, random());
            let error = self.url.hidden_in(&error.to_string());
            if self.progress.failed(error.clone(), Instant::now() + wait) {
                tracing::warn!(stream = self.name, url = %self.url, error, next_try = ?wait, "relay to there failed");
            }
            tokio::time::sleep(wait).await;
        }
        self.progress.set(State::Idle);
    }

    /// One connection, until it fails or the stream is off air.
    async fn relay(&self, stream: &Arc<Stream>) -> Result<(), RelayError> {
        self.progress.set(State::Connecting);
        let is_loop = |url: &RtmpUrl| is_own_stream(url, &self.name);
        // Refused before it has begun, if the stream's headers are known already.
        let codecs = if self.any_codec { UsedFourCcs::default() } else { stream.four_ccs() };
        let mut link = Link::open(&self.dialer, &self.url, Purpose::Publish, codecs, is_loop).await?;
        tracing::info!(stream = self.name, url = %self.url, "relaying to there");
        self.progress.set(State::Running);
        *self.target() = link.peer();
        let _pushed = self.pushed.enter(&self.name);
        let mut subscription = stream.subscribe(Via::Relay);
        let mut on_air = Instant::now();
        let mut tick = tokio::time::interval(RELAY_TEND);
        loop {
            let is_fed = self.feed(&mut subscription, link.session())?;
            tokio::select! {
                result = link.step() => result?,
                () = subscription.changed(), if is_fed => {}
                _ = tick.tick() => {
                    if subscription.edge().on_air {
                        on_air = Instant::now();
                    } else if on_air.elapsed() >= PUSH_OFF_AIR {
                        link.close().await;
                        return Ok(());
                    }
                    if link.is_stalled() {
                        return Err(RelayError::Stalled);
                    }
                }
            }
            while let Some(event) = link.session().poll_event() {
                if let ClientEvent::Ended(text) = event {
                    return Err(RelayError::Ended(text));
                }
            }
        }
    }

    /// Gives the session what it has room for. True when it has had all there is.
    fn feed(&self, subscription: &mut Subscription, session: &mut ClientSession) -> Result<bool, RelayError> {
        while session.has_room() {
            if !subscription.has_more() {
                return Ok(true);
            }
            let batch = subscription.take(WRITE_BATCH_BYTES);
            // No keyframe yet.
            if batch.records.is_empty() {
                return Ok(true);
            }
            if batch.lost > 0 {
                tracing::info!(stream = self.name, url = %self.url, lost = batch.lost, "the way there is too slow: going on at the last keyframe");
                self.progress.lost(batch.lost);
            }
            let codecs = batch.preface.iter().chain(&batch.records).map(|record| record.four_ccs());
            for UsedFourCcs { video, audio } in codecs.filter(|_| !self.any_codec) {
                session.check_codecs(video, audio)?;
            }
            for (tag, timestamp) in batch.opening() {
                session.send_tag(&Tag { timestamp, ..tag.clone() })?;
            }
            for record in &batch.records {
                self.progress.passed(record.tag().body.len());
                session.send_record(record.chunks())?;
            }
        }
        Ok(false)
    }
}
