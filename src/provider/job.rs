//! The work behind one range of a reel: how it is stopped, and how it is noticed that it hangs.

use crate::limits::WORKER_STALL;
use crate::pipeline::{Killer, Silence};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Shared between the thread that fills a range and those who watch over it.
#[derive(Debug)]
pub(super) struct Job {
    stop: AtomicBool,
    worker: Mutex<Worker>,
}

#[derive(Debug, Default)]
struct Worker {
    killer: Option<Killer>,
    /// When the worker was last heard of; `None` while it is not expected to say anything.
    heard: Option<Instant>,
    /// How long it has said nothing since then.
    silence: Option<Silence>,
}

impl Job {
    pub(super) fn new() -> Self {
        Self { stop: AtomicBool::new(false), worker: Mutex::new(Worker::default()) }
    }

    fn worker(&self) -> std::sync::MutexGuard<'_, Worker> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker runs from now on.
    pub(super) fn began(&self, killer: Killer) {
        let mut worker = self.worker();
        if self.stop.load(Ordering::SeqCst) {
            killer.kill();
        }
        *worker = Worker { killer: Some(killer), heard: Some(Instant::now()), silence: None };
    }

    /// The worker was heard of.
    pub(super) fn heard(&self) {
        self.worker().heard = Some(Instant::now());
    }

    /// The worker is held back: its silence says nothing.
    pub(super) fn held_back(&self) {
        self.worker().heard = None;
    }

    /// The worker is gone.
    pub(super) fn ended(&self) {
        *self.worker() = Worker::default();
    }

    /// Ends the work, now. Nobody wants its result any more.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(killer) = &self.worker().killer {
            killer.kill();
        }
    }

    /// Nobody wants its result any more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// The flag that [`stop`](Self::stop) sets.
    pub(super) fn stopped(&self) -> &AtomicBool {
        &self.stop
    }

    /// Ends a worker that has been silent for too long.
    pub(super) fn end_if_stalled(&self, now: Instant) {
        let mut worker = self.worker();
        let Worker { killer: Some(killer), heard: Some(heard), silence } = &mut *worker else { return };
        if killer.is_stalled(silence, *heard, now, WORKER_STALL) {
            killer.kill_stalled();
        }
    }
}
