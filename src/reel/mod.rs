//! Reels: recorded FLV that is complete, or that grows while it is watched.
//!
//! A reel is the set of time ranges of a medium that exist: each a file of FLV tags (the library's own
//! `.flv`, or what a conversion writes) with an index of the places where a viewer can start.
//! Producers (see [`provider`](crate::provider)) fill ranges; any number of viewers read them, each
//! with nothing but a [`Cursor`], which goes from one range to the next without noticing.
//!
//! | module | what it is |
//! |---|---|
//! | `ranges` | which times exist, how ranges are joined; pure |
//! | `plan` | which conversions are needed for these viewers; pure |
//! | `index`, `speed` | seek points and headers of a range; how fast it grows; pure |
//! | `viewer`, `seeks` | who is where, and what became of seeks |
//! | `recorder` | the writing end of a range |
//! | `cursor` | the reading end |
//! | `archive` | a complete reel taken apart, to be kept |
//!
//! What belongs here: what exists, where, and how long until more exists. What does not: sockets,
//! protocols, and where the tags come from.

mod archive;
mod cursor;
mod index;
mod plan;
mod produce;
mod ranges;
#[cfg(test)]
mod ranges_laws;
mod recorder;
mod seeks;
mod speed;
mod viewer;

pub use archive::{Archive, Part};
pub use cursor::{Cursor, Next};
pub use index::{Codecs, Findings, Indexer, Role, SeekPoint};
pub use plan::{Plan, Start, Terms};
pub use ranges::{Opening, RangeId};
pub use recorder::{Pushed, Recorder};
pub use seeks::{Choice, SeekFigures, Seeks};
pub use viewer::Viewer;

use crate::flv::Tag;
use crate::limits::{DURATION_MARGIN, START_ESTIMATE};
use crate::time::MediaTime;
use bytes::Bytes;
use ranges::{Fate, Ranges};
use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use viewer::Audience;

/// A recorded or growing reel.
#[derive(Debug)]
pub struct Reel {
    /// Subtracted from every time in the data; not zero for files cut from a long recording.
    origin: std::sync::OnceLock<MediaTime>,
    state: Mutex<State>,
    /// Wakes producers that are held back.
    wanted: Condvar,
    /// Something has happened that may need another plan.
    stirred: Notify,
    progress: watch::Sender<Progress>,
    seeks: Arc<Seeks>,
}

#[derive(Debug)]
struct State {
    ranges: Ranges<Arc<File>>,
    codecs: Option<Codecs>,
    duration: Option<MediaTime>,
    picture_size: Option<(u32, u32)>,
    source_metadata: Option<Bytes>,
    failure: Option<String>,
    audience: Audience,
    /// How long a conversion took to its first picture, the last few times.
    start_takes: Duration,
}

/// How far a reel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that readers may read, of all ranges together.
    pub bytes: u64,
    /// From the beginning up to here it is there without a gap.
    pub available: MediaTime,
    /// Whether more comes.
    pub phase: Phase,
    /// The codecs are known: playing can start.
    pub started: bool,
}

/// Whether more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not all is there.
    Growing,
    /// All is there.
    Complete,
    /// The producers have failed; what is there stays readable. See [`Reel::failure`].
    Failed,
}

/// The answer to a seek.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seek {
    /// Go here: the last point at or before the target.
    Ready(SeekPoint),
    /// The target is not there yet.
    Pending {
        /// How far the reel goes now, in the part before the target.
        available: MediaTime,
        /// How long until the target is there, once the producer's speed is known.
        eta: Option<Duration>,
    },
    /// There is nothing to go to: the reel has ended without a single frame.
    Empty,
}

/// Part of a complete reel's bytes.
#[derive(Debug, Clone)]
pub enum Piece {
    /// These bytes of this file.
    File {
        /// The file.
        data: Arc<File>,
        /// Its bytes.
        range: Range<u64>,
    },
    /// Sequence headers of what follows: they differ from those before.
    Headers(Bytes),
}

impl Piece {
    /// Bytes in it.
    pub fn len(&self) -> u64 {
        match self {
            Self::File { range, .. } => range.end.saturating_sub(range.start),
            Self::Headers(bytes) => bytes.len() as u64,
        }
    }

    /// Nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A complete reel as one run of bytes, from its first frame on, in order of time.
#[derive(Debug, Clone)]
pub struct Whole {
    /// One behind the other. A reel that was made in one go, and every `.flv` of the library, has one.
    pub pieces: Vec<Piece>,
    /// Seek points: their times and where they are in the run.
    pub points: Vec<(MediaTime, u64)>,
}

impl Whole {
    /// Bytes in all.
    pub fn len(&self) -> u64 {
        self.pieces.iter().map(Piece::len).sum()
    }

    /// Nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is behind a place in a range's data.
#[derive(Debug)]
enum Ahead {
    /// Data, up to this offset.
    Data(u64),
    /// Nothing yet.
    NotYet,
    /// Another range, after these sequence headers. `known`: it begins with what the reader may have already.
    Cross { data: Arc<File>, point: SeekPoint, headers: Vec<Tag>, known: bool },
    /// Nothing any more.
    End { failed: bool },
}

impl Reel {
    /// A reel that nothing is known of yet, with one range over `data`.
    pub fn new(data: Arc<File>) -> Self {
        let reel = Self::without_ranges(Arc::default());
        reel.state().ranges.begin(data, Start::default(), MediaTime::MAX, Instant::now());
        reel
    }

    /// A reel for producers that [`begin`](Self::begin) its ranges. Its seeks are counted in `seeks`.
    pub fn without_ranges(seeks: Arc<Seeks>) -> Self {
        let progress =
            Progress { bytes: 0, available: MediaTime::ZERO, phase: Phase::Growing, started: false };
        Self {
            origin: std::sync::OnceLock::new(),
            state: Mutex::new(State {
                ranges: Ranges::default(),
                codecs: None,
                duration: None,
                picture_size: None,
                source_metadata: None,
                failure: None,
                audience: Audience::default(),
                start_takes: START_ESTIMATE,
            }),
            wanted: Condvar::new(),
            stirred: Notify::new(),
            progress: watch::Sender::new(progress),
            seeks,
        }
    }

    /// The state is plain data that is consistent between any two statements, so a panic
    /// elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
    /// frame's own length included; before that, the end of the part that `at` is in, or of the first.
    pub fn playable(&self, at: MediaTime) -> MediaTime {
        let progress = self.progress();
        if progress.phase == Phase::Complete {
            return self.duration().unwrap_or(progress.available);
        }
        let extents = self.extents();
        let around = extents.iter().find(|(start, end)| (*start..=*end).contains(&at));
        around.map_or(progress.available, |(_, end)| *end)
    }

    /// What exists, as start and end in order of time.
    pub fn extents(&self) -> Vec<(MediaTime, MediaTime)> {
        self.state().ranges.extents()
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

    /// The seek points of the range that begins the media, in order of time.
    pub fn points(&self) -> Vec<SeekPoint> {
        let state = self.state();
        state.ranges.iter().next().map(|range| range.points.clone()).unwrap_or_default()
    }

    /// Where playing from the earliest time that is there begins.
    pub fn first_point(&self) -> Option<SeekPoint> {
        self.state().ranges.nearest(MediaTime::ZERO)
    }

    /// Where to go for `target`, or how long until that is known.
    pub fn seek(&self, target: MediaTime, now: Instant) -> Seek {
        let phase = self.progress().phase;
        let state = self.state();
        if let Some(point) = state.ranges.place(target) {
            return Seek::Ready(point);
        }
        if phase == Phase::Growing {
            let extents = state.ranges.extents();
            let before = extents.iter().rfind(|(start, _)| *start <= target).or(extents.first());
            let available = before.map_or(MediaTime::ZERO, |(_, end)| *end);
            return Seek::Pending { available, eta: state.ranges.eta(target, state.start_takes, now) };
        }
        // Past the end, or never made: what is nearest is what can be shown.
        state.ranges.nearest(target).map_or(Seek::Empty, Seek::Ready)
    }

    /// The sequence headers that hold at `point`, with its time: they precede its tags to any
    /// viewer who starts there.
    pub fn headers_at(&self, point: SeekPoint) -> Vec<Tag> {
        self.state().ranges.get(point.range).map(|range| range.headers_at(point)).unwrap_or_default()
    }

    /// The sequence headers of the range that begins the media, and from which time on they hold: the first at the
    /// beginning, others from the seek point behind them on.
    pub fn configurations(&self) -> Vec<(MediaTime, Vec<Tag>)> {
        let state = self.state();
        let Some(range) = state.ranges.iter().next() else { return Vec::new() };
        let mut found: Vec<(MediaTime, Vec<Tag>)> = Vec::new();
        let changes = range.headers.iter().map(|change| change.offset);
        for offset in [0].into_iter().chain(changes) {
            let at = range.points.partition_point(|point| point.offset < offset);
            let Some(point) = range.points.get(at) else { continue };
            let headers = range.headers_at(*point);
            let same = |before: &Tag, after: &Tag| before.kind == after.kind && before.body == after.body;
            let known = found.last().is_some_and(|(_, last)| {
                last.len() == headers.len() && last.iter().zip(&headers).all(|(last, new)| same(last, new))
            });
            if !known && !headers.is_empty() {
                found.push((if found.is_empty() { MediaTime::ZERO } else { point.time }, headers));
            }
        }
        found
    }

    /// All of a complete reel as one run of bytes.
    pub fn whole(&self) -> Option<Whole> {
        let state = self.state();
        let chain = state.ranges.whole()?;
        let mut whole = Whole { pieces: Vec::with_capacity(chain.len()), points: Vec::new() };
        let mut len = 0;
        let mut before = None;
        for (range, bytes) in chain {
            let headers = before.map(|before| changed_headers(&state.ranges, before, range.id, bytes.start));
            let headers = headers.unwrap_or_default();
            if !headers.is_empty() {
                let mut encoded = Vec::new();
                headers.iter().for_each(|tag| tag.encode_into(&mut encoded));
                len += encoded.len() as u64;
                whole.pieces.push(Piece::Headers(encoded.into()));
            }
            let points = range.points.iter().filter(|point| bytes.contains(&point.offset));
            whole.points.extend(points.map(|point| (point.time, len + point.offset - bytes.start)));
            len += bytes.end.saturating_sub(bytes.start);
            before = Some((range.id, bytes.end));
            if !bytes.is_empty() {
                whole.pieces.push(Piece::File { data: range.data.clone(), range: bytes });
            }
        }
        Some(whole)
    }

    /// The file that a range's bytes are in.
    pub fn data_of(&self, range: RangeId) -> Option<Arc<File>> {
        self.state().ranges.get(range).map(|range| range.data.clone())
    }

    /// What a reader finds behind `offset`, who has everything up to `position`.
    fn ahead(&self, id: RangeId, offset: u64, position: MediaTime) -> Ahead {
        let phase = self.progress().phase;
        let state = self.state();
        let ranges = &state.ranges;
        let cross = |point: SeekPoint, known: bool| {
            let data = ranges.get(point.range)?.data.clone();
            let headers = changed_headers(ranges, (id, offset), point.range, point.offset);
            Some(Ahead::Cross { data, headers, point, known })
        };
        let detour = || ranges.detour(id, position).and_then(|point| cross(point, true));
        let Some(range) = ranges.get(id) else {
            return detour().unwrap_or(Ahead::End { failed: true });
        };
        if offset < range.end_offset {
            return Ahead::Data(range.end_offset);
        }
        let next = match range.fate {
            Fate::Ended => return Ahead::End { failed: false },
            Fate::Growing => None,
            Fate::Joined { next, offset: to } => {
                let point = SeekPoint { time: range.available, offset: to, range: next };
                // Beyond the cut, when ranges were joined behind a reader's back.
                cross(point, offset > range.end_offset)
            }
            Fate::Parked | Fate::Broken => detour(),
        };
        match (next, phase) {
            (Some(next), _) => next,
            (None, Phase::Growing) => Ahead::NotYet,
            (None, Phase::Complete) => Ahead::End { failed: false },
            (None, Phase::Failed) => Ahead::End { failed: true },
        }
    }

    /// Times in the data begin here; see [`set_origin`](Self::set_origin).
    fn origin(&self) -> MediaTime {
        self.origin.get().copied().unwrap_or_default()
    }

    fn stir(&self) {
        self.stirred.notify_one();
    }
}

/// The sequence headers that hold at an offset of one range and did not at the end of another.
fn changed_headers(
    ranges: &Ranges<Arc<File>>,
    (from, end): (RangeId, u64),
    to: RangeId,
    offset: u64,
) -> Vec<Tag> {
    let (Some(from), Some(to)) = (ranges.get(from), ranges.get(to)) else { return Vec::new() };
    let time = to.points.iter().find(|point| point.offset >= offset).map_or(to.available, |point| point.time);
    let before = from.headers_until(end);
    let same = |tag: &Tag| before.iter().any(|old| old.kind == tag.kind && old.body == tag.body);
    let new = to.headers_until(offset).into_iter().filter(|tag| !same(tag));
    new.map(|tag| Tag { timestamp: time, ..tag.clone() }).collect()
}
