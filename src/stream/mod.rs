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

mod audience;
mod feed;
mod keyframe;
mod pace;
mod record;
mod ring;
mod streams;
mod tap;
mod timeline;

pub(crate) use audience::Progress;
pub use audience::{Lag, Via};
pub use feed::Feed;
pub use keyframe::Keyframe;
pub use record::{Record, UsedFourCcs};
pub use streams::{PublishRefused, Streams};
pub use tap::{Tap, Tapped};

use crate::flv::Tag;
use crate::time::MediaTime;
use audience::{Audience, Seat};
use ring::Ring;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use timeline::Timeline;
use tokio::sync::watch;

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
    audience: Arc<Audience>,
}

#[derive(Debug)]
struct State {
    ring: Ring,
    timeline: Timeline,
    publisher: Option<PublisherState>,
    last_seen: Instant,
    /// What records the stream.
    tap: Option<Arc<Tap>>,
}

#[derive(Debug)]
struct PublisherState {
    /// Which of the stream's publishers; a replaced one finds another number here.
    number: u64,
    address: IpAddr,
    since: Instant,
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
    lost_gops: AtomicU64,
}

/// A stream's figures at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Its name, the stream key.
    pub name: String,
    /// Since the stream was made: it outlives publishers that come back soon.
    pub uptime: Duration,
    /// Somebody publishes, and has for so long.
    pub on_air: Option<Duration>,
    /// Publishers that the stream has had, the present one among them.
    pub publishers: u64,
    /// Viewers now.
    pub viewers: usize,
    /// … by the way they watch.
    pub viewers_by_way: [(&'static str, usize); Via::ALL.len()],
    /// How far they are behind the live edge.
    pub lag: Lag,
    /// Bytes of tags received.
    pub bytes_in: u64,
    /// Bytes of tags handed to viewers.
    pub bytes_out: u64,
    /// Records that viewers lost because they were slow.
    pub lost_records: u64,
    /// Groups of pictures that lost records: one jump of a slow viewer may pass over several.
    pub lost_gops: u64,
    /// Jumps of the publisher's clock that viewers did not see.
    pub mended_times: u64,
}

impl Stream {
    fn new(name: String, now: Instant) -> Self {
        let state = State {
            ring: Ring::default(),
            timeline: Timeline::default(),
            publisher: None,
            last_seen: now,
            tap: None,
        };
        Self {
            name,
            state: Mutex::new(state),
            epoch: now,
            edge: watch::Sender::new(Edge { next: 0, on_air: false, over: false }),
            counters: Counters::default(),
            audience: Arc::default(),
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
    pub fn subscribe(self: &Arc<Self>, via: Via) -> Subscription {
        self.counters.viewers.fetch_add(1, Ordering::Relaxed);
        let seat = self.audience.join(via);
        Subscription { edge: self.edge.subscribe(), stream: self.clone(), at: None, gops: 0, seat }
    }

    /// Everything from the last keyframe on and until the stream is over, for a recording. A stream
    /// has one tap: the one before gets nothing more.
    pub fn tap(&self) -> Arc<Tap> {
        let tap = Arc::new(Tap::default());
        let mut state = self.state();
        let entry = state.ring.entry().and_then(|entry| state.ring.from(entry));
        let records = state.ring.preface().chain(entry.into_iter().flatten());
        records.for_each(|record| tap.push(record.tag().clone()));
        if let Some(before) = state.tap.replace(tap.clone()) {
            before.close();
        }
        if self.edge.borrow().over {
            tap.close();
        }
        tap
    }

    /// Which of its publishers the stream has, or had last: a number that grows.
    pub fn publication(&self) -> u64 {
        self.counters.publishers.load(Ordering::Relaxed)
    }

    /// Its codecs beyond Adobe's, as its sequence headers tell them; none before there are any.
    pub fn four_ccs(&self) -> UsedFourCcs {
        let all = self.state().ring.preface().map(|record| record.four_ccs()).collect::<Vec<_>>();
        all.into_iter().fold(UsedFourCcs::default(), |all, one| all.joined(one).unwrap_or(all))
    }

    /// The last picture that can be decoded by itself; `None` before there is one, and for sound alone.
    pub fn keyframe(&self) -> Option<Keyframe> {
        self.state().ring.keyframe()
    }

    /// Something has come.
    pub fn has_any(&self) -> bool {
        self.edge.borrow().next > 0
    }

    /// There is a picture in it, or there was.
    pub fn has_video(&self) -> bool {
        self.state().ring.has_video()
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
    pub fn figures(&self, now: Instant) -> Figures {
        let state = self.state();
        let mended_times = state.timeline.mended();
        let on_air = state.publisher.as_ref().map(|present| now.saturating_duration_since(present.since));
        drop(state);
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            name: self.name.clone(),
            uptime: now.saturating_duration_since(self.epoch),
            on_air,
            publishers: count(&self.counters.publishers),
            viewers: self.viewers(),
            viewers_by_way: self.audience.by_way(),
            lag: self.audience.lag(),
            bytes_in: count(&self.counters.bytes_in),
            bytes_out: count(&self.counters.bytes_out),
            lost_records: count(&self.counters.lost_records),
            lost_gops: count(&self.counters.lost_gops),
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
            if let Some(tap) = self.state().tap.take() {
                tap.close();
            }
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
    pub fn push(&self, tag: Tag, now: Instant) -> bool {
        self.put(tag, now, true)
    }

    /// As [`push`](Self::push), but recordings leave it out: it only says that there is nothing.
    pub fn push_unrecorded(&self, tag: Tag, now: Instant) -> bool {
        self.put(tag, now, false)
    }

    fn put(&self, mut tag: Tag, now: Instant, recorded: bool) -> bool {
        let counters = &self.stream.counters;
        let mut state = self.stream.state();
        if state.publisher.as_ref().is_none_or(|publisher| publisher.number != self.number) {
            return false;
        }
        state.last_seen = now;
        let mended = state.timeline.mended();
        // Metadata is of no time: other servers send it with zero in mid-stream, which is no jump.
        let now_there = state.timeline.now().filter(|_| tag.is_metadata());
        tag.timestamp = now_there.unwrap_or_else(|| state.timeline.place(tag.kind, tag.timestamp));
        if state.timeline.mended() != mended {
            tracing::warn!(stream = self.stream.name, at = %tag.timestamp, "the publisher's clock jumped; mended");
        }
        counters.bytes_in.fetch_add(tag.body.len() as u64, Ordering::Relaxed);
        self.stream.audience.edge_at(tag.timestamp);
        if let Some(tap) = state.tap.as_ref().filter(|_| recorded) {
            tap.push(tag.clone());
        }
        if tag.is_metadata() {
            tag.timestamp = METADATA_TIME;
        }
        state.ring.push(Arc::new(Record::new(tag, now)));
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
    /// Keyframes of the stream up to what it took last.
    gops: u64,
    seat: Seat,
}

/// What a viewer gets.
#[derive(Debug, Default)]
pub struct Batch {
    /// These come first: the viewer joins here, or has lost what lay between. Metadata and sequence
    /// headers, to be sent with the times of [`opening`](Self::opening).
    pub preface: Vec<Arc<Record>>,
    /// Records in order.
    pub records: Vec<Arc<Record>>,
    /// Records lost because the viewer was slow.
    pub lost: u64,
    /// Groups of pictures that lost these records, the one that the viewer was in among them.
    pub lost_gops: u64,
}

impl Batch {
    /// The preface with its times: headers have that of the first record, metadata has none.
    pub fn opening(&self) -> impl Iterator<Item = (&Tag, MediaTime)> {
        let start = self.records.first().map_or(MediaTime::ZERO, |record| record.tag().timestamp);
        let time = move |tag: &Tag| if tag.is_metadata() { METADATA_TIME } else { start };
        self.preface.iter().map(move |record| (record.tag(), time(record.tag())))
    }

    /// Where the viewer is after it.
    fn end(&self) -> Option<MediaTime> {
        last_time(&self.records)
    }
}

/// Metadata is of no time. At any other than zero ffmpeg (libavformat/flvdec.c, `flv_read_packet`) takes it for the first packet
/// of a stream of subtitles, for whose next one `ffmpeg -c copy` then waits.
const METADATA_TIME: MediaTime = MediaTime::ZERO;

/// Of the last of these that has a time.
pub(crate) fn last_time(records: &[Arc<Record>]) -> Option<MediaTime> {
    let last = records.iter().rfind(|record| !record.tag().is_metadata())?;
    Some(last.tag().timestamp)
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
            let before_entry = state.ring.keyframes_before(entry);
            // Those it has nothing of, and the one that it was in.
            batch.lost_gops = if batch.lost > 0 { before_entry.saturating_sub(self.gops) + 1 } else { 0 };
            self.gops = before_entry;
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
        self.note_taken(&batch, bytes);
        batch
    }

    fn note_taken(&mut self, batch: &Batch, bytes: usize) {
        self.gops += batch.records.iter().filter(|record| record.tag().is_keyframe()).count() as u64;
        if let Some(end) = batch.end() {
            self.seat.progress().took(end);
        }
        let counters = &self.stream.counters;
        counters.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
        counters.lost_records.fetch_add(batch.lost, Ordering::Relaxed);
        counters.lost_gops.fetch_add(batch.lost_gops, Ordering::Relaxed);
    }

    /// The number of the next record, unless the viewer has yet to join.
    pub fn place(&self) -> Option<u64> {
        self.at
    }

    /// Somebody else has given the viewer what comes before record `at`.
    pub fn go_on_at(&mut self, at: u64) {
        self.at = Some(at);
        self.gops = self.stream.state().ring.keyframes_before(at);
    }

    /// Where somebody else notes what it gives to the viewer.
    pub(crate) fn progress(&self) -> Progress {
        self.seat.progress().clone()
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
