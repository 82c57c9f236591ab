//! The sockets: short loops that move bytes between peers and what is sans-IO.

mod accept;
mod certificates;
pub mod http;
pub mod log;
pub mod rtmp;
mod run;
pub(crate) mod socket;

pub use accept::Shutdown;
pub use certificates::{CertificateError, Certificates};
pub use run::{Listeners, run};

use crate::provider::Providers;
use crate::stream::Streams;
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
}

impl App {
    /// A server of these files, with no live stream yet.
    pub fn new(providers: Arc<Providers>, publish_secret: Option<String>) -> Self {
        Self { providers, streams: Arc::default(), publish_secret, started: Instant::now() }
    }
}
