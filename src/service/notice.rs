//! What the server tells the service manager: `sd_notify(3)`.

use sd_notify::NotifyState;
use std::time::Duration;

/// The server takes calls.
pub fn ready() {
    tell(NotifyState::Ready);
}

/// The server has begun to end.
pub fn stopping() {
    tell(NotifyState::Stopping);
}

/// The server serves.
pub fn alive() {
    tell(NotifyState::Watchdog);
}

/// A line for the person who asks how the service is.
pub fn status(line: &str) {
    tell(NotifyState::Status(line));
}

/// How often [`alive`] is wanted at least, if it is: without it the manager starts the server anew.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Without a manager this does nothing; one that does not listen is no reason to serve any less.
fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}
