//! A stream as its fan-out reads it: once for all the viewers that are written to together.

use super::{Edge, Record, Stream, UsedFourCcs, pace};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::watch;

/// Reads a stream on behalf of viewers that are counted elsewhere: each has its
/// [`Subscription`](super::Subscription).
#[derive(Debug)]
pub struct Feed {
    stream: Arc<Stream>,
    edge: watch::Receiver<Edge>,
}

impl Feed {
    /// Of a stream.
    pub fn new(stream: Arc<Stream>) -> Self {
        Self { edge: stream.edge.subscribe(), stream }
    }

    /// The stream read.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Where the stream is. What happens from here on ends [`changed`](Self::changed).
    pub fn edge(&mut self) -> Edge {
        *self.edge.borrow_and_update()
    }

    /// Waits until something has changed since the last look at the [`edge`](Self::edge).
    pub async fn changed(&mut self) {
        // The sender lives in the stream that we hold.
        let _ = self.edge.changed().await;
    }

    /// The records with the numbers `from..to`, at most `most` bytes of them but at least one, and no two
    /// codecs of a kind. `None` when the first of them is no longer kept.
    pub fn records(&self, from: u64, to: u64, most: usize) -> Option<(Vec<Arc<Record>>, UsedFourCcs)> {
        let state = self.stream.state();
        let there = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        let (mut records, mut bytes, mut codecs) = (Vec::new(), 0, UsedFourCcs::default());
        for record in state.ring.from(from)?.take(there) {
            let Some(joined) = codecs.joined(record.four_ccs()) else { break };
            if bytes > 0 && bytes + record.len() > most {
                break;
            }
            codecs = joined;
            bytes += record.len();
            records.push(record.clone());
        }
        (!records.is_empty()).then_some((records, codecs))
    }

    /// When the records from `from` on are written: they gather since the first of them came. As many writes
    /// as with a fixed rhythm of a longer time, and nothing waits longer than it must.
    pub fn due(&self, from: u64) -> Option<Instant> {
        let first = self.stream.state().ring.from(from)?.next()?.arrived();
        Some(first + pace::gather_time(self.stream.viewers()))
    }

    /// So many bytes of tags were handed to viewers.
    pub fn count_sent(&self, bytes: u64) {
        self.stream.counters.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }
}
