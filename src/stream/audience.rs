//! Who watches a stream and how far behind its live edge each is: for figures alone.
//!
//! A viewer notes the time of what it took last with one store to an atomic of its own; all else is done when
//! somebody asks for figures.

use crate::time::MediaTime;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// By which way a viewer gets a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// RTMP's `play`.
    Rtmp,
    /// `GET /live/<key>.flv`.
    HttpFlv,
    /// The same over a WebSocket.
    WebSocketFlv,
    /// `GET /live/<key>.mp4`.
    HttpMp4,
    /// Pushed to another server.
    Relay,
}

impl Via {
    pub(super) const ALL: [Self; 5] =
        [Self::Rtmp, Self::HttpFlv, Self::WebSocketFlv, Self::HttpMp4, Self::Relay];

    /// As figures name it.
    fn name(self) -> &'static str {
        match self {
            Self::Rtmp => "rtmp",
            Self::HttpFlv => "http-flv",
            Self::WebSocketFlv => "ws-flv",
            Self::HttpMp4 => "http-mp4",
            Self::Relay => "relay",
        }
    }
}

/// How far viewers are behind the live edge, in media time: of what each was given last, not of what its
/// player shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Half of the viewers are at most this far behind.
    pub median: Duration,
    /// The slowest one. A viewer that has paused falls behind as well.
    pub most: Duration,
}

/// The viewers of a stream.
#[derive(Debug, Default)]
pub(super) struct Audience {
    seats: Mutex<HashMap<u64, (Via, Arc<AtomicU32>)>>,
    next: AtomicU64,
    /// Time of the newest record, in milliseconds.
    edge: AtomicU32,
}

/// A viewer's place among the others, until dropped.
#[derive(Debug)]
pub(super) struct Seat {
    audience: Arc<Audience>,
    number: u64,
    progress: Progress,
}

/// Time of what a viewer took last, in milliseconds; [`NOTHING`] before there was something.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<AtomicU32>);

impl Progress {
    /// The viewer was given everything up to here.
    pub(crate) fn took(&self, time: MediaTime) {
        self.0.store(time.as_millis(), Ordering::Relaxed);
    }
}

/// No media time: 49 days, where RTMP's clock wraps.
const NOTHING: u32 = u32::MAX;

impl Audience {
    /// Every change is one insertion or removal, so a panic elsewhere does not spoil it.
    fn seats(&self) -> MutexGuard<'_, HashMap<u64, (Via, Arc<AtomicU32>)>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn join(self: &Arc<Self>, via: Via) -> Seat {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let at = Arc::new(AtomicU32::new(NOTHING));
        self.seats().insert(number, (via, at.clone()));
        Seat { audience: self.clone(), number, progress: Progress(at) }
    }

    /// The live edge has moved.
    pub(super) fn edge_at(&self, time: MediaTime) {
        self.edge.store(time.as_millis(), Ordering::Relaxed);
    }

    /// Viewers by the way they watch, all ways in turn: what is zero now is a figure as well.
    pub(super) fn by_way(&self) -> [(&'static str, usize); Via::ALL.len()] {
        let seats = self.seats();
        let count = |via: Via| seats.values().filter(|(of, _)| *of == via).count();
        Via::ALL.map(|via| (via.name(), count(via)))
    }

    /// How far behind those are who have got something.
    pub(super) fn lag(&self) -> Lag {
        let edge = self.edge.load(Ordering::Relaxed);
        let seats = self.seats();
        let taken = seats.values().map(|(_, at)| at.load(Ordering::Relaxed)).filter(|at| *at != NOTHING);
        // Sound and picture are interleaved: the newest record need not be the latest.
        let mut behind: Vec<u32> = taken.map(|at| edge.saturating_sub(at)).collect();
        drop(seats);
        behind.sort_unstable();
        let at = |n: usize| Duration::from_millis(behind.get(n).copied().unwrap_or(0).into());
        Lag { median: at(behind.len().saturating_sub(1) / 2), most: at(behind.len().saturating_sub(1)) }
    }
}

impl Seat {
    /// For whoever gives this viewer something.
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.audience.seats().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_told_of_those_who_have_got_something() {
        let audience = Arc::new(Audience::default());
        let ms = MediaTime::from_millis;
        assert_eq!(audience.lag(), Lag::default());
        let seats: Vec<Seat> = (0..4).map(|_| audience.join(Via::Rtmp)).collect();
        audience.edge_at(ms(1000));
        assert_eq!(audience.lag(), Lag::default(), "nobody has got anything");
        for (seat, at) in seats.iter().zip([1010, 900, 400]) {
            seat.progress().took(ms(at));
        }
        let lag = audience.lag();
        assert_eq!((lag.median, lag.most), (Duration::from_millis(100), Duration::from_millis(600)));
        drop(seats);
        assert_eq!(audience.lag(), Lag::default());
    }

    #[test]
    fn viewers_are_counted_by_their_way_while_they_stay() {
        let audience = Arc::new(Audience::default());
        let one = audience.join(Via::HttpFlv);
        let _others = [audience.join(Via::Rtmp), audience.join(Via::Rtmp)];
        assert_eq!(audience.by_way()[..2], [("rtmp", 2), ("http-flv", 1)]);
        drop(one);
        assert_eq!(audience.by_way()[..2], [("rtmp", 2), ("http-flv", 0)]);
    }
}
