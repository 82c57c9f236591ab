//! Live viewers written to together: what a stream of many viewers costs is waking a task for each.
//!
//! ```text
//!  connection's task                                  writer's task, one for many viewers of a stream
//!  ─────────────────                                  ───────────────────────────────────────────────
//!  handshake, commands, headers, the first GOP
//!  nothing left to send ──────── hand_over ─────────▶ at each writing moment, for each viewer:
//!  waits for input and for the lease                    one write of the same bytes, framed once
//!  rest, then what was missed ◀── Lease::returned ─── the socket took only part of it, the codec or the
//!                                                     publisher changed, the record is no longer kept
//!  something to say ──────────── Lease::take_back ──▶ never writes to this socket again
//! ```
//!
//! Exactly one of the two may write to the socket at any moment, and a whole message is behind it when it
//! changes hands, or the rest of one comes along: nothing is ever written into the middle of a message.
//!
//! What belongs here: who writes when. What does not: sessions, and how a viewer joins.

mod framing;
mod lease;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod writer;

pub(super) use framing::{FlvFraming, Framing};
pub(super) use lease::Lease;

use crate::limits::MAX_VIEWERS_PER_WRITER;
use crate::stream::{Feed, Stream, Subscription, UsedFourCcs};
use lease::{Place, Shared};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;
use writer::{Crew, Writer};

/// The writers of all live streams. Each lives as long as it has viewers.
#[derive(Debug, Default)]
pub struct Fanout {
    streams: Mutex<HashMap<String, StreamWriters>>,
}

#[derive(Debug)]
struct StreamWriters {
    stream: Arc<Stream>,
    crews: Vec<Arc<Crew>>,
}

/// A viewer whose connection has nothing left to send.
pub(super) struct Viewer<'a> {
    /// Nothing else writes to it until the lease is taken back.
    pub(super) socket: &'a Arc<TcpStream>,
    /// Has joined; counts as a viewer as long as it lasts.
    pub(super) subscription: &'a Subscription,
    /// How tags become bytes.
    pub(super) framing: Framing,
    /// Codecs beyond Adobe's that the viewer is known to take; `None`: any.
    pub(super) takes: Option<UsedFourCcs>,
}

impl Fanout {
    fn streams(&self) -> MutexGuard<'_, HashMap<String, StreamWriters>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on the viewer is written to together with others of its stream. `None` when it has yet to
    /// join, or nobody publishes.
    pub(super) fn hand_over(self: &Arc<Self>, viewer: &Viewer<'_>) -> Option<Lease> {
        let at = viewer.subscription.place().filter(|_| viewer.subscription.edge().on_air)?;
        let stream = viewer.subscription.stream();
        let mut streams = self.streams();
        let writers = streams
            .entry(stream.name().to_owned())
            .and_modify(|writers| {
                // A stream that ended, and another one of its name. Whoever writes for the first goes on.
                if !Arc::ptr_eq(&writers.stream, stream) {
                    *writers = StreamWriters { stream: stream.clone(), crews: Vec::new() };
                }
            })
            .or_insert_with(|| StreamWriters { stream: stream.clone(), crews: Vec::new() });
        let crew = match writers.crews.iter().find(|crew| crew.len() < MAX_VIEWERS_PER_WRITER) {
            Some(crew) => crew.clone(),
            None => {
                let crew = Arc::new(Crew::default());
                writers.crews.push(crew.clone());
                tokio::spawn(Writer::new(self.clone(), crew.clone(), Feed::new(stream.clone())).run());
                crew
            }
        };
        let place = Place::new(viewer.socket.clone(), at, viewer.subscription.progress());
        let shared = Arc::new(Shared::new(crew.clone(), viewer.framing, viewer.takes, place));
        crew.join(shared.clone());
        Some(Lease::new(shared))
    }

    /// Forgets a writer that has no viewers; false when it has some, and must go on.
    fn retire(&self, stream: &Arc<Stream>, crew: &Arc<Crew>) -> bool {
        let mut streams = self.streams();
        // Viewers only join under this lock.
        let ends = crew.len() == 0;
        if ends {
            remove(&mut streams, stream, crew);
        }
        ends
    }

    /// Nobody joins this crew any more.
    fn forget(&self, stream: &Arc<Stream>, crew: &Arc<Crew>) {
        remove(&mut self.streams(), stream, crew);
    }
}

fn remove(streams: &mut HashMap<String, StreamWriters>, stream: &Arc<Stream>, crew: &Arc<Crew>) {
    let Some(writers) = streams.get_mut(stream.name()).filter(|writers| Arc::ptr_eq(&writers.stream, stream))
    else {
        return;
    };
    writers.crews.retain(|other| !Arc::ptr_eq(other, crew));
    if writers.crews.is_empty() {
        streams.remove(stream.name());
    }
}
