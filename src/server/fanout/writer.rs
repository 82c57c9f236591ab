//! The task that writes to the viewers of a stream.

use super::Fanout;
use super::framing::Segments;
use super::lease::{Fate, Shared};
use crate::limits::{BYTES_BETWEEN_YIELDS, WRITES_BETWEEN_YIELDS};
use crate::stream::{Edge, Feed};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// The viewers of one writer, as their connections see them.
#[derive(Debug, Default)]
pub(super) struct Crew {
    /// Handed over, and not yet seen by the writer.
    joining: Mutex<Vec<Arc<Shared>>>,
    /// Viewers that are lent to the writer.
    lent: AtomicUsize,
    /// Somebody has joined, or the last one has left.
    changed: Notify,
}

impl Crew {
    /// Viewers now.
    pub(super) fn len(&self) -> usize {
        self.lent.load(Ordering::Acquire)
    }

    fn joining(&self) -> MutexGuard<'_, Vec<Arc<Shared>>> {
        self.joining.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Viewers that the writer has not seen, with those that have left again.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.joining().len()
    }

    /// One more; only with the lock of all writers held.
    pub(super) fn join(&self, viewer: Arc<Shared>) {
        let lent = self.lent.fetch_add(1, Ordering::AcqRel) + 1;
        let mut joining = self.joining();
        // A stream whose publisher is silent has no writing moment at which those who left again are
        // forgotten.
        if joining.len() > 2 * lent {
            joining.retain(|viewer| viewer.is_lent());
        }
        joining.push(viewer);
        drop(joining);
        self.changed.notify_one();
    }

    /// One less.
    pub(super) fn leave(&self) {
        if self.lent.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.changed.notify_one();
        }
    }
}

/// Writes to the viewers of a crew until there are none.
pub(super) struct Writer {
    fanout: Arc<Fanout>,
    crew: Arc<Crew>,
    feed: Feed,
    viewers: Vec<Arc<Shared>>,
}

impl Writer {
    pub(super) fn new(fanout: Arc<Fanout>, crew: Arc<Crew>, feed: Feed) -> Self {
        Self { fanout, crew, feed, viewers: Vec::new() }
    }

    pub(super) async fn run(mut self) {
        // All viewers have what comes before this record.
        let mut written = 0;
        loop {
            let joined = self.admit();
            if self.crew.len() == 0 && self.fanout.retire(self.feed.stream(), &self.crew) {
                return;
            }
            let Edge { next, on_air, over } = self.feed.edge();
            if !on_air || over {
                // What there is to say about it, each session says itself.
                self.return_all();
            } else if joined || next > written {
                if let Some(due) = self.feed.due(written).filter(|due| *due > Instant::now()) {
                    tokio::time::sleep_until(due.into()).await;
                }
                written = self.write().await;
                continue;
            }
            tokio::select! {
                () = self.feed.changed() => {}
                () = self.crew.changed.notified() => {}
            }
        }
    }

    /// Takes in those who have joined; false when there are none.
    fn admit(&mut self) -> bool {
        let joining = std::mem::take(&mut *self.crew.joining());
        let any = !joining.is_empty();
        self.viewers.extend(joining);
        any
    }

    /// Everybody gets what there is. Returns the number of the first record that nobody has.
    async fn write(&mut self) -> u64 {
        let to = self.feed.edge().next;
        let mut segments = Segments::up_to(to);
        let (mut index, mut tag_bytes) = (0, 0);
        let (mut writes, mut bytes) = (0, 0);
        while let Some(viewer) = self.viewers.get(index) {
            match viewer.write(&self.feed, &mut segments, &mut tag_bytes) {
                Fate::Stays => index += 1,
                Fate::Gone => drop(self.viewers.swap_remove(index)),
            }
            writes += 1;
            if writes == WRITES_BETWEEN_YIELDS || tag_bytes - bytes > BYTES_BETWEEN_YIELDS {
                (writes, bytes) = (0, tag_bytes);
                tokio::task::yield_now().await;
            }
        }
        self.feed.count_sent(tag_bytes);
        to
    }

    fn return_all(&mut self) {
        self.viewers.drain(..).for_each(|viewer| viewer.return_it());
    }
}

/// Also when a bug here ends the task: its viewers go on by themselves.
impl Drop for Writer {
    fn drop(&mut self) {
        self.fanout.forget(self.feed.stream(), &self.crew);
        self.admit();
        self.return_all();
    }
}
