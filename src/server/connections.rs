//! How many connections there are, how far they have come, and how those before them ended: for `/metrics`.

use crate::rtmp::SessionError;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of each protocol.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) rtmp: Arc<Tally>,
    pub(super) http: Arc<Tally>,
    /// TLS in front of HTTP, where each is counted once more.
    pub(super) https: Arc<Tally>,
    /// Requests refused, by protocol and reason: as many reasons as we have.
    refusals: Mutex<BTreeMap<(&'static str, String), u64>>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            rtmp: Arc::new(Tally::new("rtmp")),
            http: Arc::new(Tally::new("http")),
            https: Arc::new(Tally::new("https")),
            refusals: Mutex::default(),
        }
    }
}

impl Connections {
    pub(super) fn tallies(&self) -> [&Tally; 3] {
        [&self.rtmp, &self.http, &self.https]
    }

    /// A request was refused; the connection goes on. The reason is one of ours, never the peer's words.
    pub(super) fn refusal(&self, protocol: &'static str, reason: &str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals.entry((protocol, reason.to_owned())).or_default() += 1;
    }

    /// How many were, by protocol and reason.
    pub(super) fn refusals(&self) -> BTreeMap<(&'static str, String), u64> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The connections of one protocol.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) protocol: &'static str,
    handshaking: AtomicUsize,
    connected: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
    ended: [AtomicU64; Ended::ALL.len()],
}

/// How a connection ended: what an operator tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// One side closed it in order, or the server ended.
    Closed,
    /// The network lost it, or the peer reset it.
    Lost,
    /// The peer sent what cannot be read.
    Malformed,
    /// The peer asked for more than any real one does.
    Flood,
    /// The peer does not read what it asked for.
    NotReading,
    /// The peer did not say in time what it wants.
    SlowHandshake,
    /// The peer wanted nothing for too long.
    Idle,
    /// A mistake of ours.
    Internal,
}

impl Ended {
    pub(super) const ALL: [Self; 8] = [
        Self::Closed,
        Self::Lost,
        Self::Malformed,
        Self::Flood,
        Self::NotReading,
        Self::SlowHandshake,
        Self::Idle,
        Self::Internal,
    ];

    /// As `/metrics` names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Lost => "lost",
            Self::Malformed => "malformed",
            Self::Flood => "flood",
            Self::NotReading => "not_reading",
            Self::SlowHandshake => "slow_handshake",
            Self::Idle => "idle",
            Self::Internal => "internal",
        }
    }
}

impl From<&SessionError> for Ended {
    fn from(error: &SessionError) -> Self {
        match error {
            SessionError::Handshake { .. } | SessionError::Chunk { .. } => Self::Malformed,
            SessionError::CommandsBeforeConnect
            | SessionError::TooManyRequests
            | SessionError::TooMuchPublished { .. } => Self::Flood,
            SessionError::OutputFull { .. } => Self::NotReading,
            SessionError::HandshakeTimeout { .. } => Self::SlowHandshake,
            SessionError::IdleTimeout => Self::Idle,
            SessionError::TagTooLong { .. } | SessionError::Serializer { .. } => Self::Internal,
        }
    }
}

impl From<&io::Error> for Ended {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            // TCP_USER_TIMEOUT, or probes without an answer.
            io::ErrorKind::TimedOut => Self::NotReading,
            _ => Self::Lost,
        }
    }
}

impl From<&hyper::Error> for Ended {
    fn from(error: &hyper::Error) -> Self {
        match error {
            error if error.is_timeout() => Self::SlowHandshake,
            error if error.is_parse() => Self::Malformed,
            _ => Self::Lost,
        }
    }
}

impl Tally {
    pub(super) fn new(protocol: &'static str) -> Self {
        Self {
            protocol,
            handshaking: AtomicUsize::new(0),
            connected: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            ended: Default::default(),
        }
    }

    /// Counts a connection until what this returns is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Presence {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.handshaking.fetch_add(1, Ordering::Relaxed);
        Presence {
            tally: self.clone(),
            connected: AtomicBool::new(false),
            ended: AtomicUsize::new(Ended::Closed as usize),
        }
    }

    /// A connection was closed at once: its address has too many.
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The figures now.
    pub(super) fn figures(&self) -> TallyFigures {
        TallyFigures {
            handshaking: self.handshaking.load(Ordering::Relaxed),
            connected: self.connected.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            ended: Ended::ALL.map(|how| (how, self.ended[how as usize].load(Ordering::Relaxed))),
        }
    }
}

/// A protocol's connections at a moment.
pub(super) struct TallyFigures {
    /// Accepted, but they have not said yet what they want.
    pub(super) handshaking: usize,
    /// RTMP: `connect` was read; HTTP: a request was.
    pub(super) connected: usize,
    pub(super) accepted: u64,
    /// Closed at once: too many of one address.
    pub(super) refused: u64,
    pub(super) ended: [(Ended, u64); Ended::ALL.len()],
}

/// A connection that is counted.
#[derive(Debug)]
pub(super) struct Presence {
    tally: Arc<Tally>,
    connected: AtomicBool,
    /// An [`Ended`].
    ended: AtomicUsize,
}

impl Presence {
    /// It has said what it wants.
    pub(super) fn connected(&self) {
        if !self.connected.swap(true, Ordering::Relaxed) {
            self.tally.connected.fetch_add(1, Ordering::Relaxed);
            self.tally.handshaking.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether it has.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// It ends like this; without a word, in order.
    pub(super) fn ended(&self, how: Ended) {
        self.ended.store(how as usize, Ordering::Relaxed);
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let connected = *self.connected.get_mut();
        let gauge = if connected { &self.tally.connected } else { &self.tally.handshaking };
        gauge.fetch_sub(1, Ordering::Relaxed);
        let panics = std::thread::panicking();
        let how = if panics { Ended::Internal as usize } else { *self.ended.get_mut() };
        self.tally.ended[how].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_in_one_state_and_ends_once() {
        let tally = Arc::new(Tally::new("rtmp"));
        let one = tally.enter();
        let other = tally.enter();
        one.connected();
        one.connected();
        let figures = tally.figures();
        assert_eq!((figures.handshaking, figures.connected, figures.accepted), (1, 1, 2));
        one.ended(Ended::Flood);
        drop((one, other));
        let figures = tally.figures();
        assert_eq!((figures.handshaking, figures.connected), (0, 0));
        let ended: Vec<_> =
            figures.ended.iter().filter(|(_, n)| *n > 0).map(|(how, n)| (how.name(), *n)).collect();
        assert_eq!(ended, [("closed", 1), ("flood", 1)]);
    }
}
