//! One viewer between its connection and its writer.

use super::framing::{Framing, Segments};
use super::writer::Crew;
use crate::stream::{Feed, Progress, UsedFourCcs};
use bytes::Bytes;
use rustix::net::{SendFlags, send};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::net::TcpStream;

/// Where a viewer is, and what it got.
#[derive(Debug)]
pub(super) struct Place {
    socket: Arc<TcpStream>,
    /// Number of the next record.
    at: u64,
    tag_bytes: u64,
    wire_bytes: u64,
    /// Of the record before `at`, what the socket did not take.
    rest: Bytes,
    progress: Progress,
}

impl Place {
    pub(super) fn new(socket: Arc<TcpStream>, at: u64, progress: Progress) -> Self {
        Self { socket, at, tag_bytes: 0, wire_bytes: 0, rest: Bytes::new(), progress }
    }
}

#[derive(Debug)]
enum State {
    /// The writer writes; this is woken when it does not any more.
    Lent(Place, Option<Waker>),
    /// The writer is done with it, and the connection does not know yet.
    Returned(Place),
    TakenBack,
}

/// What connection and writer share of a viewer.
#[derive(Debug)]
pub(super) struct Shared {
    crew: Arc<Crew>,
    framing: Framing,
    takes: Option<UsedFourCcs>,
    /// Held during a write, which never waits.
    state: Mutex<State>,
}

/// What has become of a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Gone,
}

impl Shared {
    pub(super) fn new(crew: Arc<Crew>, framing: Framing, takes: Option<UsedFourCcs>, place: Place) -> Self {
        Self { crew, framing, takes, state: Mutex::new(State::Lent(place, None)) }
    }

    /// Consistent between any two statements.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_lent(&self) -> bool {
        matches!(*self.state(), State::Lent(..))
    }

    /// Writes what there is. A viewer for which that is not all goes back to its connection.
    pub(super) fn write(&self, feed: &Feed, segments: &mut Segments, tag_bytes: &mut u64) -> Fate {
        let mut state = self.state();
        let State::Lent(place, _) = &mut *state else { return Fate::Gone };
        while place.at < segments.to {
            let segment = segments.get(feed, self.framing, place.at);
            let Some(segment) = segment.filter(|s| self.takes.is_none_or(|takes| takes.cover(s.codecs)))
            else {
                self.give_back(&mut state);
                return Fate::Gone;
            };
            // Past tokio, which need not know whether the socket is ready. Whether it is full or broken is for
            // the connection to find out.
            let written = send(&place.socket, &segment.bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
            let written = written.unwrap_or(0);
            if written > 0 {
                place.at = segment.to;
                if let Some(last) = segment.last {
                    place.progress.took(last);
                }
                place.tag_bytes += segment.tag_bytes;
                place.wire_bytes += segment.bytes.len() as u64;
                *tag_bytes += segment.tag_bytes;
            }
            if written < segment.bytes.len() {
                if written > 0 {
                    place.rest = segment.bytes.slice(written..);
                }
                self.give_back(&mut state);
                return Fate::Gone;
            }
        }
        Fate::Stays
    }

    /// The writer is done with this viewer.
    pub(super) fn return_it(&self) {
        self.give_back(&mut self.state());
    }

    fn give_back(&self, state: &mut State) {
        let was = std::mem::replace(state, State::TakenBack);
        if let State::Lent(place, waker) = was {
            *state = State::Returned(place);
            self.crew.leave();
            if let Some(waker) = waker {
                waker.wake();
            }
        } else {
            *state = was;
        }
    }

    fn take_back(&self) -> Option<Place> {
        match std::mem::replace(&mut *self.state(), State::TakenBack) {
            State::Lent(place, _) => {
                self.crew.leave();
                Some(place)
            }
            State::Returned(place) => Some(place),
            State::TakenBack => None,
        }
    }
}

/// A viewer that is handed over. Dropping this takes it back.
#[derive(Debug)]
pub(in crate::server) struct Lease {
    shared: Arc<Shared>,
}

/// What a viewer got meanwhile.
#[derive(Debug, Default)]
pub(in crate::server) struct TakenBack {
    /// Number of the next record.
    pub(in crate::server) at: u64,
    /// Bytes of the bodies of the tags sent.
    pub(in crate::server) tag_bytes: u64,
    /// Bytes given to the socket, `rest` included.
    pub(in crate::server) wire_bytes: u64,
    /// To be written before anything else: it belongs to records before `at`.
    pub(in crate::server) rest: Bytes,
}

impl Lease {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The writer has returned the viewer.
    pub(in crate::server) fn is_returned(&self) -> bool {
        !self.shared.is_lent()
    }

    /// Ready when the writer has returned the viewer.
    pub(in crate::server) fn poll_returned(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut *self.shared.state() {
            State::Lent(_, Some(waker)) => {
                waker.clone_from(cx.waker());
                Poll::Pending
            }
            State::Lent(_, none) => {
                *none = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Returned(_) | State::TakenBack => Poll::Ready(()),
        }
    }

    /// From here on the connection writes again.
    pub(in crate::server) fn take_back(self) -> TakenBack {
        match self.shared.take_back() {
            Some(Place { at, tag_bytes, wire_bytes, rest, .. }) => {
                TakenBack { at, tag_bytes, wire_bytes, rest }
            }
            // A lease is taken back once: this takes it.
            None => TakenBack::default(),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.shared.take_back());
    }
}
