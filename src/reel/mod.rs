//! Reels: recorded FLV that is complete, or that grows while it is watched.
//!
//! A reel is a file of FLV tags (the library's own `.flv`, or what a conversion writes), an index
//! of the places where a viewer can start, and how far it goes by now. One producer (see
//! [`provider`](crate::provider)) fills it; any number of viewers read it, each with nothing but a
//! [`Cursor`].
//!
//! What belongs here: what exists, where, and how long until more exists. What does not: sockets,
//! protocols, and where the tags come from.

mod cursor;
mod index;
mod recorder;
mod speed;

pub use cursor::{Cursor, Next};
pub use index::{Codecs, Findings, Indexer, Role, SeekPoint};
pub use recorder::Recorder;

use crate::flv::Tag;
use crate::limits::DURATION_MARGIN;
use crate::time::MediaTime;
use bytes::Bytes;
use index::HeaderChange;
use speed::Speed;
use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A recorded or growing reel.
#[derive(Debug)]
pub struct Reel {
    /// FLV tags; read with positions (`pread`), so readers do not disturb each other.
    data: Arc<File>,
    /// Subtracted from every time in the data; not zero for files cut from a long recording.
    origin: std::sync::OnceLock<MediaTime>,
    state: Mutex<State>,
    /// Wakes the producer when a viewer moves on or leaves.
    wanted: Condvar,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct State {
    points: Vec<SeekPoint>,
    headers: Vec<HeaderChange>,
    codecs: Option<Codecs>,
    duration: Option<MediaTime>,
    picture_size: Option<(u32, u32)>,
    source_metadata: Option<Bytes>,
    failure: Option<String>,
    speed: Speed,
    viewers: HashMap<u64, MediaTime>,
    next_viewer: u64,
    last_left: Option<Instant>,
}

/// How far a reel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of data that readers may read.
    pub end_offset: u64,
    /// The latest time in them.
    pub available: MediaTime,
    /// Whether more comes.
    pub phase: Phase,
    /// The codecs are known: playing can start.
    pub started: bool,
}

/// Whether more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The producer is at work.
    Growing,
    /// All is there.
    Complete,
    /// The producer failed; what is there stays readable. See [`Reel::failure`].
    Failed,
}

/// The answer to a seek.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seek {
    /// Go here: the last point at or before the target.
    Ready(SeekPoint),
    /// The target is not there yet.
    Pending {
        /// How far the reel goes now.
        available: MediaTime,
        /// How long until the target is there, once the producer's speed is known.
        eta: Option<Duration>,
    },
    /// There is nothing to go to: the reel has ended without a single frame.
    Empty,
}

impl Reel {
    /// A reel that nothing is known of yet, over `data`.
    pub fn new(data: Arc<File>) -> Self {
        let progress =
            Progress { end_offset: 0, available: MediaTime::ZERO, phase: Phase::Growing, started: false };
        Self {
            data,
            origin: std::sync::OnceLock::new(),
            state: Mutex::default(),
            wanted: Condvar::new(),
            progress: watch::Sender::new(progress),
        }
    }

    /// The state is plain data that is consistent between any two statements, so a panic
    /// elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- for viewers --------------------------------------------------------------------------

    /// How far the reel goes now.
    pub fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Follows the reel's growth.
    pub fn subscribe(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Waits until playing can start.
    ///
    /// # Errors
    /// The producer's reason, when it failed before there was anything to play.
    pub async fn started(&self) -> Result<Codecs, String> {
        let mut progress = self.subscribe();
        // The sender lives in `self`, so this cannot fail while we are borrowed.
        let _ = progress.wait_for(|p| p.started || p.phase != Phase::Growing).await;
        let state = self.state();
        match (state.codecs, &state.failure) {
            (Some(codecs), _) => Ok(codecs),
            (None, Some(reason)) => Err(reason.clone()),
            (None, None) => Err("there is neither picture nor sound in it; choose another file".to_owned()),
        }
    }

    /// Why the producer failed.
    pub fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    /// The media's whole length, once known: the source's while converting, the last tag's time
    /// at the end.
    pub fn duration(&self) -> Option<MediaTime> {
        let progress = self.progress();
        let said = self.state().duration;
        match progress.phase {
            Phase::Growing => said.map(|d| d.max(progress.available)),
            // The last tag's time lacks the last frame's own length, which the source may know; a
            // source that says much more than there is was cut off.
            Phase::Complete => {
                let margin = u32::try_from(DURATION_MARGIN.as_millis()).unwrap_or(u32::MAX);
                let limit = progress.available.saturating_add_millis(margin);
                Some(said.filter(|d| (progress.available..=limit).contains(d)).unwrap_or(progress.available))
            }
            Phase::Failed => Some(progress.available),
        }
    }

    /// How much can be played, as viewers are told: all of it once the reel is complete, the last
    /// frame's own length included.
    pub fn playable(&self) -> MediaTime {
        let progress = self.progress();
        match progress.phase {
            Phase::Complete => self.duration().unwrap_or(progress.available),
            Phase::Growing | Phase::Failed => progress.available,
        }
    }

    /// The codecs, once known.
    pub fn codecs(&self) -> Option<Codecs> {
        self.state().codecs
    }

    /// Width and height in pixels, once known.
    pub fn picture_size(&self) -> Option<(u32, u32)> {
        self.state().picture_size
    }

    /// The body of the source's own `onMetaData` tag, when the source is FLV.
    pub fn source_metadata(&self) -> Option<Bytes> {
        self.state().source_metadata.clone()
    }

    /// The seek points so far, in order of time.
    pub fn points(&self) -> Vec<SeekPoint> {
        self.state().points.clone()
    }

    /// Where playing from the start begins.
    pub fn first_point(&self) -> Option<SeekPoint> {
        self.state().points.first().copied()
    }

    /// Where to go for `target`, or how long until that is known.
    pub fn seek(&self, target: MediaTime, now: Instant) -> Seek {
        let progress = self.progress();
        let state = self.state();
        // The last point at or before the target is final once the reel goes beyond the target,
        // because points come in order of time.
        let reached = progress.available > target || (target == MediaTime::ZERO && !state.points.is_empty());
        if progress.phase == Phase::Growing && !reached {
            let eta = state.speed.until(progress.available, target, now);
            return Seek::Pending { available: progress.available, eta };
        }
        let behind = state.points.partition_point(|p| p.time <= target);
        match state.points.get(behind.saturating_sub(1)) {
            Some(point) => Seek::Ready(*point),
            None => Seek::Empty,
        }
    }

    /// The sequence headers that hold at `point`, with its time: they precede its tags to any
    /// viewer who starts there.
    pub fn headers_at(&self, point: SeekPoint) -> Vec<Tag> {
        let state = self.state();
        let mut latest: heapless::Vec<&Tag, 2> = heapless::Vec::new();
        for change in state.headers.iter().take_while(|h| h.offset <= point.offset) {
            match latest.iter_mut().find(|t| t.kind == change.tag.kind) {
                Some(slot) => *slot = &change.tag,
                // Two kinds have sequence headers, so two places are enough.
                None => {
                    let _ = latest.push(&change.tag);
                }
            }
        }
        // A header that comes a little behind its first frames (sound that starts late) is
        // announced early: players set up their decoders once, at the start.
        for change in &state.headers {
            if !latest.iter().any(|t| t.kind == change.tag.kind) {
                {
                    let _ = latest.push(&change.tag);
                };
            }
        }
        latest.sort_by_key(|t| std::cmp::Reverse(t.kind.type_id()));
        latest.into_iter().map(|t| Tag { timestamp: point.time, ..t.clone() }).collect()
    }

    /// Joins as a viewer: the producer works for as long as there is one.
    pub fn join(self: &Arc<Self>) -> Viewer {
        let mut state = self.state();
        let id = state.next_viewer;
        state.next_viewer += 1;
        state.viewers.insert(id, MediaTime::ZERO);
        drop(state);
        self.wanted.notify_all();
        Viewer { reel: self.clone(), id }
    }

    /// Viewers now, and when the last one left if there is none.
    pub fn audience(&self) -> (usize, Option<Instant>) {
        let state = self.state();
        (state.viewers.len(), state.last_left)
    }

    /// Times in the data begin here; see [`set_origin`](Self::set_origin).
    fn origin(&self) -> MediaTime {
        self.origin.get().copied().unwrap_or_default()
    }

    /// The data file, for serving its bytes as they are.
    pub fn data(&self) -> &Arc<File> {
        &self.data
    }

    // ---- for the producer ---------------------------------------------------------------------

    /// The time in the data that counts as zero. Set at most once, before the first
    /// [`publish`](Self::publish).
    pub fn set_origin(&self, origin: MediaTime) {
        let _ = self.origin.set(origin);
    }

    /// The length the source says it has.
    pub fn set_duration(&self, duration: MediaTime) {
        self.state().duration = Some(duration);
    }

    /// The picture's size in pixels.
    pub fn set_picture_size(&self, width: u32, height: u32) {
        self.state().picture_size = Some((width, height));
    }

    /// The body of the source's `onMetaData` tag.
    pub fn set_source_metadata(&self, body: Bytes) {
        self.state().source_metadata = Some(body);
    }

    /// Playing can start.
    pub fn start(&self, codecs: Codecs) {
        self.state().codecs = Some(codecs);
        self.progress.send_modify(|p| p.started = true);
    }

    /// Readers may read up to `end_offset`, which is behind a whole tag.
    pub fn publish(&self, findings: Findings, end_offset: u64, available: MediaTime, now: Instant) {
        let mut state = self.state();
        state.points.extend(findings.points);
        state.headers.extend(findings.headers);
        state.speed.advance(available, now);
        drop(state);
        self.progress.send_modify(|p| {
            p.end_offset = end_offset;
            p.available = p.available.max(available);
        });
    }

    /// All is there, the last of it at `end`.
    pub fn complete(&self, end: MediaTime) {
        self.progress.send_modify(|p| {
            p.available = p.available.max(end);
            p.phase = Phase::Complete;
        });
    }

    /// No more comes, and why. The text is shown to people.
    pub fn fail(&self, reason: String) {
        self.state().failure = Some(reason);
        self.progress.send_modify(|p| p.phase = Phase::Failed);
    }

    /// Holds the producer back while the reel is more than `lead` ahead of every viewer, for at
    /// most `patience`. Returns whether it was held back the whole time.
    pub fn hold_back(&self, lead: Duration, patience: Duration) -> bool {
        let lead = u32::try_from(lead.as_millis()).unwrap_or(u32::MAX);
        let available = self.progress().available;
        let ahead = |state: &mut State| {
            let furthest = state.viewers.values().max().copied().unwrap_or_default();
            available > furthest.saturating_add_millis(lead)
        };
        let mut state = self.state();
        if !ahead(&mut state) {
            return false;
        }
        // Waiting says nothing about how fast the producer works.
        state.speed.pause();
        let (mut state, waited) =
            self.wanted.wait_timeout_while(state, patience, ahead).unwrap_or_else(PoisonError::into_inner);
        let still = waited.timed_out() && ahead(&mut state);
        drop(state);
        still
    }
}

/// A viewer's place in a reel's audience, until dropped.
#[derive(Debug)]
pub struct Viewer {
    reel: Arc<Reel>,
    id: u64,
}

impl Viewer {
    /// Tells the producer where this viewer is, or where it wants to be.
    pub fn wants(&self, time: MediaTime) {
        self.reel.state().viewers.insert(self.id, time);
        self.reel.wanted.notify_all();
    }

    /// The reel watched.
    pub fn reel(&self) -> &Arc<Reel> {
        &self.reel
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let mut state = self.reel.state();
        state.viewers.remove(&self.id);
        if state.viewers.is_empty() {
            state.last_left = Some(Instant::now());
        }
    }
}
