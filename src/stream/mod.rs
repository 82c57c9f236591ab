//! Live streams: one publisher, any number of viewers, each with nothing but a number.
//!
//! ```text
//!  publisher ── Tag ──▶ timeline ──▶ ring of records ◀── cursor ── viewer
//!                                        ▲       ▲────── cursor ── viewer
//!                                        └────────────── cursor ── viewer that fell behind:
//!                                                        jumps to the last keyframe, and is told
//! ```
//!
//! A tag becomes a [`Record`] once: the bytes that go to RTMP and HTTP viewers are made once and
//! shared. Memory is that of the ring, however many watch and however slow they are.
//!
//! What belongs here: who publishes, what is kept, where viewers are. What does not: sockets,
//! sessions, and what a viewer does with a record.

mod pace;
mod ring;
mod streams;
mod timeline;

pub use streams::{PublishRefused, Streams};

use crate::flv::Tag;
use crate::rtmp::SharedRecord;
use bytes::{Bytes, BytesMut};
use ring::Ring;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use timeline::Timeline;
use tokio::sync::watch;

/// A tag, and the bytes by which it reaches viewers, made at most once.
#[derive(Debug)]
pub struct Record {
    chunks: SharedRecord,
    flv: OnceLock<Bytes>,
}

impl Record {
    pub(crate) fn new(tag: Tag) -> Self {
        Self { chunks: SharedRecord::new(tag), flv: OnceLock::new() }
    }

    /// The tag.
    pub fn tag(&self) -> &Tag {
        self.chunks.tag()
    }

    /// As RTMP chunks.
    pub fn chunks(&self) -> &SharedRecord {
        &self.chunks
    }

    /// As an FLV file carries it.
    pub fn flv(&self) -> Bytes {
        let encode = || {
            let mut bytes = BytesMut::with_capacity(self.tag().encoded_len());
            self.tag().encode_into(&mut bytes);
            bytes.freeze()
        };
        self.flv.get_or_init(encode).clone()
    }

    /// Bytes of the tag's body.
    fn len(&self) -> usize {
        self.tag().body.len()
    }
}

/// A live stream.
#[derive(Debug)]
pub struct Stream {
    name: String,
    state: Mutex<State>,
    /// When it was made.
    epoch: Instant,
    /// The number of the next record, and whether a publisher is there.
    edge: watch::Sender<Edge>,
    counters: Counters,
}

#[derive(Debug)]
struct State {
    ring: Ring,
    timeline: Timeline,
    publisher: Option<PublisherState>,
    last_seen: Instant,
}

#[derive(Debug)]
struct PublisherState {
    /// Which of the stream's publishers; a replaced one finds another number here.
    number: u64,
    address: IpAddr,
}

/// Where a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The number of the next record.
    pub next: u64,
    /// Somebody publishes.
    pub on_air: bool,
    /// Nobody will ever publish to this stream again: viewers go.
    pub over: bool,
}

/// What happened since the stream began.
#[derive(Debug, Default)]
struct Counters {
    viewers: AtomicUsize,
    publishers: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    lost_records: AtomicU64,
}

/// A stream's figures at a moment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Figures {
    /// Its name, the stream key.
    pub name: String,
    /// Somebody publishes.
    pub on_air: bool,
    /// Viewers now.
    pub viewers: usize,
    /// Bytes of tags received.
    pub bytes_in: u64,
    /// Bytes of tags handed to viewers.
    pub bytes_out: u64,
    /// Records that viewers lost because they were slow.
    pub lost_records: u64,
    /// Jumps of the publisher's clock that viewers did not see.
    pub mended_times: u64,
}

impl Stream {
    fn new(name: String, now: Instant) -> Self {
        let state =
            State { ring: Ring::default(), timeline: Timeline::default(), publisher: None, last_seen: now };
        Self {
            name,
            state: Mutex::new(state),
            epoch: now,
            edge: watch::Sender::new(Edge { next: 0, on_air: false, over: false }),
            counters: Counters::default(),
        }
    }

    /// Its name, the stream key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The state is consistent between any two statements, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A viewer from now on: from the last keyframe, as soon as there is one.
    pub fn subscribe(self: &Arc<Self>) -> Subscription {
        self.counters.viewers.fetch_add(1, Ordering::Relaxed);
        Subscription { edge: self.edge.subscribe(), stream: self.clone(), at: None }
    }

    /// Viewers now.
    pub fn viewers(&self) -> usize {
        self.counters.viewers.load(Ordering::Relaxed)
    }

    /// Somebody publishes.
    pub fn is_on_air(&self) -> bool {
        self.edge.borrow().on_air
    }

    /// Figures for people and monitoring.
    pub fn figures(&self) -> Figures {
        let mended_times = self.state().timeline.mended();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            name: self.name.clone(),
            on_air: self.edge.borrow().on_air,
            viewers: self.viewers(),
            bytes_in: count(&self.counters.bytes_in),
            bytes_out: count(&self.counters.bytes_out),
            lost_records: count(&self.counters.lost_records),
            mended_times,
        }
    }

    /// Ends the stream for its viewers when nobody has published for longer than `grace`.
    fn end_if_abandoned(&self, now: Instant, grace: Duration) -> bool {
        let state = self.state();
        let over = state.publisher.is_none() && now.saturating_duration_since(state.last_seen) >= grace;
        drop(state);
        if over {
            self.edge.send_modify(|edge| edge.over = true);
        }
        over
    }
}

/// The publisher's end of a stream; the stream is off air when it is dropped.
#[derive(Debug)]
pub struct Publisher {
    stream: Arc<Stream>,
    number: u64,
}

impl Publisher {
    /// Adds a tag to the stream. False when another publisher has replaced this one.
    pub fn push(&self, mut tag: Tag, now: Instant) -> bool {
        let counters = &self.stream.counters;
        let mut state = self.stream.state();
        if state.publisher.as_ref().is_none_or(|publisher| publisher.number != self.number) {
            return false;
        }
        state.last_seen = now;
        let mended = state.timeline.mended();
        tag.timestamp = state.timeline.place(tag.timestamp);
        if state.timeline.mended() != mended {
            tracing::warn!(stream = self.stream.name, at = %tag.timestamp, "the publisher's clock jumped; mended");
        }
        counters.bytes_in.fetch_add(tag.body.len() as u64, Ordering::Relaxed);
        state.ring.push(Arc::new(Record::new(tag)));
        let next = state.ring.next();
        drop(state);
        self.stream.edge.send_modify(|edge| edge.next = next);
        true
    }

    /// The stream published to.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let mut state = self.stream.state();
        if state.publisher.as_ref().is_some_and(|publisher| publisher.number == self.number) {
            state.publisher = None;
            state.last_seen = Instant::now();
            drop(state);
            self.stream.edge.send_modify(|edge| edge.on_air = false);
        }
    }
}

/// A viewer's place in a stream.
#[derive(Debug)]
pub struct Subscription {
    stream: Arc<Stream>,
    edge: watch::Receiver<Edge>,
    /// The number of the next record; `None` until the viewer has joined at a keyframe.
    at: Option<u64>,
}

/// What a viewer gets.
#[derive(Debug, Default)]
pub struct Batch {
    /// These come first: the viewer joins here, or has lost what lay between. Metadata and sequence
    /// headers, to be sent with the time of the first record.
    pub preface: Vec<Arc<Record>>,
    /// Records in order.
    pub records: Vec<Arc<Record>>,
    /// Records lost because the viewer was slow.
    pub lost: u64,
}

impl Subscription {
    /// The next records, at most `most` bytes of them (but at least one if there is one).
    pub fn take(&mut self, most: usize) -> Batch {
        let mut batch = Batch::default();
        // Marked before the state is looked at, so that nothing is missed.
        self.edge.mark_unchanged();
        let state = self.stream.state();
        let mut at = self.at;
        let Some(records) = at.and_then(|at| state.ring.from(at)).or_else(|| {
            let entry = state.ring.entry()?;
            batch.lost = at.map_or(0, |at| entry.saturating_sub(at));
            batch.preface = state.ring.preface().cloned().collect();
            at = Some(entry);
            state.ring.from(entry)
        }) else {
            return batch;
        };
        let mut bytes = 0;
        for record in records {
            if bytes > 0 && bytes + record.len() > most {
                break;
            }
            bytes += record.len();
            batch.records.push(record.clone());
        }
        drop(state);
        self.at = at.map(|at| at + batch.records.len() as u64);
        let counters = &self.stream.counters;
        counters.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
        counters.lost_records.fetch_add(batch.lost, Ordering::Relaxed);
        batch
    }

    /// Continues at the last keyframe, as a viewer who joins: after a pause.
    pub fn jump_to_live(&mut self) {
        self.at = None;
    }

    /// Where the stream is.
    pub fn edge(&self) -> Edge {
        *self.edge.borrow()
    }

    /// Waits until something has changed since the last [`take`](Self::take).
    pub async fn changed(&mut self) {
        // The sender lives in the stream that we hold.
        let _ = self.edge.changed().await;
    }

    /// There is more to take.
    pub fn has_more(&self) -> bool {
        self.at.is_none_or(|at| at < self.edge.borrow().next)
    }

    /// When this viewer is written to next, if it was at `now`: `None` is as soon as there is something.
    pub fn next_writing(&self, now: Instant) -> Option<Instant> {
        pace::next_writing(self.stream.epoch, now, self.stream.viewers())
    }

    /// The stream watched.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.stream.counters.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
