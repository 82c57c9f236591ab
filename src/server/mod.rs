//! The sockets: short loops that move bytes between peers and what is sans-IO.

mod accept;
pub mod http;
pub mod log;
pub mod rtmp;
mod run;

pub use accept::Shutdown;
pub use run::run;

use crate::provider::Providers;
use crate::recording::Recordings;
use crate::rtmp::LiveApps;
use crate::stream::Streams;
use std::sync::Arc;
use std::time::Instant;

/// What the connections of one server share.
pub struct App {
    /// The library's files, and the reels made of them.
    pub providers: Arc<Providers>,
    /// What is live.
    pub streams: Arc<Streams>,
    /// What is recorded.
    pub recordings: Arc<Recordings>,
    /// What may be published, and what publishers must know.
    pub live_apps: LiveApps,
    /// When the server began.
    pub started: Instant,
}

impl App {
    /// A server of these files and streams.
    pub fn new(
        providers: Arc<Providers>,
        streams: Arc<Streams>,
        recordings: Arc<Recordings>,
        live_apps: LiveApps,
    ) -> Self {
        Self { providers, streams, recordings, live_apps, started: Instant::now() }
    }
}
