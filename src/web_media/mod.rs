//! Media at addresses of the web: found, and read from where they are.
//!
//! ```text
//!  address ─▶ Resolver ─▶ Client ─▶ egress::Door ─▶ the internet
//!               │ what is there? (web_page, yt-dlp)
//!               ├─▶ Film     has a length, and can be read from anywhere: RemoteFilm feeds a worker, a reel is made of it
//!               └─▶ Stream   has neither: Gateway hands it to a source's worker, which knows no other address
//! ```
//!
//! Neither worker has the network: that of a film gets bytes over its standard input, that of a stream reaches one port
//! of this machine, behind which is the [`Gateway`]. TLS, redirects and headers are dealt with here, once.
//!
//! What does not belong here: what is in a page (`web_page`), where connections may lead (`egress`), reels and streams.

mod client;
mod film;
mod gateway;
mod places;
mod resolver;
mod yt_dlp;

pub mod component;

pub use client::{Client, FetchError};
pub use film::{RemoteFilm, RemoteIdentity};
pub use gateway::Gateway;
pub use resolver::{Entry, Found, Play, ResolveError, Resolver, Settings};
pub use yt_dlp::{YtDlpError, worker as yt_dlp_worker};

use std::sync::Arc;
use url::Url;

/// Where media are, and with which headers they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direct {
    /// The address of the media themselves.
    pub url: Url,
    /// Name and value of each header; sites check where one comes from.
    pub headers: Arc<[(String, String)]>,
}

impl Direct {
    /// An address that needs no headers.
    pub fn bare(url: Url) -> Self {
        Self { url, headers: Arc::new([]) }
    }
}
