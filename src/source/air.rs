//! A source's place on air. It outlives the worker: over a short outage viewers keep their stream, with nothing new
//! in it, and go on where it stopped.

use crate::flv::Tag;
use crate::limits::SOURCE_OUTAGE;
use crate::relay::Relays;
use crate::stream::{Keyframe, PublishRefused, Publisher, Streams};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The publisher's address. Nobody comes from there, so nobody replaces a source that is well.
const THIS_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Who publishes a source's stream, if it is on air.
pub(super) struct Air {
    name: String,
    streams: Arc<Streams>,
    relays: Arc<Relays>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    publisher: Option<Publisher>,
    /// When nothing more came, if that is so.
    lost: Option<Instant>,
    /// Its last picture before it went off air.
    last: Option<Keyframe>,
}

impl Air {
    pub(super) fn new(name: String, streams: Arc<Streams>, relays: Arc<Relays>) -> Self {
        Self { name, streams, relays, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker's first tag is here: its stream takes the place of what was on air before.
    pub(super) fn begin(&self, now: Instant) -> Result<(), PublishRefused> {
        let publisher = self.streams.publish(&self.name, THIS_SERVER, now)?;
        // The one before is dropped behind its replacement, so that viewers see no gap.
        let mut state = self.state();
        (state.publisher, state.lost) = (Some(publisher), None);
        Ok(())
    }

    /// False when somebody else publishes the stream now.
    pub(super) fn push(&self, tag: Tag, now: Instant) -> bool {
        self.state().publisher.as_ref().is_some_and(|publisher| publisher.push(tag, now))
    }

    /// Nothing more comes; it may come again.
    pub(super) fn lose(&self, now: Instant) {
        self.state().lost.get_or_insert(now);
    }

    /// Goes off air when nothing has come for too long.
    pub(super) fn tend(&self, now: Instant) {
        let state = self.state();
        let over = state.lost.is_some_and(|lost| now.saturating_duration_since(lost) >= SOURCE_OUTAGE);
        drop(state);
        if over {
            self.end();
        }
    }

    pub(super) fn end(&self) {
        let last = self.last_keyframe();
        *self.state() = State { last, ..State::default() };
    }

    /// What it showed last, also when it is off air.
    pub(super) fn last_keyframe(&self) -> Option<Keyframe> {
        let on_air = self.streams.find(&self.name).and_then(|stream| stream.keyframe());
        on_air.or_else(|| self.state().last.clone())
    }

    /// Viewers of the stream now. Our own pushes to other servers are none: they send on what is on air, and a
    /// source would never rest for them.
    pub(super) fn viewers(&self) -> usize {
        let all = self.streams.find(&self.name).map_or(0, |stream| stream.viewers());
        all.saturating_sub(self.relays.pushes_of(&self.name))
    }
}
