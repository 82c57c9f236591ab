//! Ending in order to begin anew: how settings come to hold that only a start reads.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Whether somebody has asked for it.
#[derive(Debug, Default)]
pub struct Restart {
    asked: AtomicBool,
    notify: Notify,
}

impl Restart {
    /// Asks for it.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        // Kept for whoever waits later.
        self.notify.notify_one();
    }

    /// Whether somebody has.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Waits until somebody does.
    pub(super) async fn asked(&self) {
        self.notify.notified().await;
    }
}
