//! How many films are encoded at a time: encoding takes all that a small box has.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The places for conversions that encode. Remuxing needs none.
#[derive(Debug)]
pub(super) struct Transcodes {
    most: usize,
    running: Mutex<usize>,
    ended: Condvar,
}

/// A place, until dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Transcodes>);

impl Transcodes {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, running: Mutex::new(0), ended: Condvar::new() })
    }

    fn running(&self) -> std::sync::MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of places.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// True when the next one would have to wait.
    pub(super) fn are_full(&self) -> bool {
        *self.running() >= self.most
    }

    /// Takes a place, waiting at most `patience` for one: a conversion that was just stopped needs
    /// a moment to end.
    pub(super) fn enter(self: &Arc<Self>, patience: Duration) -> Option<Place> {
        let full = |running: &mut usize| *running >= self.most;
        let (mut running, _) = self
            .ended
            .wait_timeout_while(self.running(), patience, full)
            .unwrap_or_else(PoisonError::into_inner);
        if *running >= self.most {
            return None;
        }
        *running += 1;
        Some(Place(self.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.running() -= 1;
        self.0.ended.notify_all();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_conversion_ends() {
        let transcodes = Transcodes::new(1);
        let place = transcodes.enter(Duration::ZERO).unwrap();
        assert!(transcodes.are_full());
        assert!(transcodes.enter(Duration::from_millis(1)).is_none());
        let waiting = std::thread::spawn({
            let transcodes = transcodes.clone();
            move || transcodes.enter(Duration::from_secs(20)).is_some()
        });
        drop(place);
        assert!(waiting.join().unwrap());
    }
}
