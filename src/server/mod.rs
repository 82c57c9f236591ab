//! The sockets: short loops that move bytes between peers and what is sans-IO.

mod accept;
pub mod fanout;
pub mod http;
pub mod log;
pub mod rtmp;
mod run;

pub use accept::Shutdown;
pub use run::run;

use crate::provider::Providers;
use crate::stream::Streams;
use fanout::Fanout;
use std::sync::Arc;
use std::time::Instant;

/// What the connections of one server share.
pub struct App {
    /// The library's files, and the reels made of them.
    pub providers: Arc<Providers>,
    /// What is live.
    pub streams: Arc<Streams>,
    /// Who writes to those who watch it.
    pub fanout: Arc<Fanout>,
    /// What publishers must know; see [`Live`](crate::config::Live).
    pub publish_secret: Option<String>,
    /// When the server began.
    pub started: Instant,
}

impl App {
    /// A server of these files, with no live stream yet.
    pub fn new(providers: Arc<Providers>, publish_secret: Option<String>) -> Self {
        Self {
            providers,
            streams: Arc::default(),
            fanout: Arc::default(),
            publish_secret,
            started: Instant::now(),
        }
    }
}
