//! The sockets: short loops that move bytes between peers and what is sans-IO.

mod accept;
mod connections;
pub mod http;
pub mod log;
mod process;
pub mod rtmp;
mod run;

pub use accept::Shutdown;
pub use process::ask_for_descriptors;
pub use run::run;

use crate::provider::Providers;
use crate::stream::Streams;
use connections::Connections;
use std::sync::Arc;
use std::time::Instant;

/// What the connections of one server share.
pub struct App {
    /// The library's files, and the reels made of them.
    pub providers: Arc<Providers>,
    /// What is live.
    pub streams: Arc<Streams>,
    /// What publishers must know; see [`Live`](crate::config::Live).
    pub publish_secret: Option<String>,
    /// When the server began.
    pub started: Instant,
    /// Who is connected.
    connections: Connections,
}

impl App {
    /// A server of these files, with no live stream yet.
    pub fn new(providers: Arc<Providers>, publish_secret: Option<String>) -> Self {
        Self {
            providers,
            streams: Arc::default(),
            publish_secret,
            started: Instant::now(),
            connections: Connections::default(),
        }
    }
}
