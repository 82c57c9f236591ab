//! How a source's address becomes what its worker opens.
//!
//! | address | way |
//! |---|---|
//! | the owner's, at home or not of the web (RTSP, UDP, SRT) | as it is |
//! | the owner's, on the internet, or HLS (`.m3u8`) | as it is, through a [`Gateway`] |
//! | the owner's, of a playlist (`.pls`, `.m3u`) or a page | what it leads to, through a [`Gateway`] |
//! | a viewer's | what it leads to on the internet, through a [`Gateway`] |
//!
//! What a server of the internet names and sends on to is on the internet as well, whoever wrote the address. A camera at home is asked by GStreamer itself, which
//! knows ways to log in that the gateway does not (HTTP Digest); but not its playlists, to which the gateway sets an end.

use crate::egress::Reach;
use crate::pipeline::{FeedError, LiveInput};
use crate::source_url::{Kind, SourceUrl};
use crate::web_address::WebAddress;
use crate::web_media::{Direct, Gateway, Play, ResolveError, Resolver};
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Handle;

/// The way to a source.
pub(super) struct Way {
    web: Option<Web>,
}

struct Web {
    resolver: Arc<Resolver>,
    reach: Reach,
    runtime: Handle,
    /// What was found there last has not been seen to work.
    doubtful: AtomicBool,
}

/// What a worker opens, and what must last as long as it does.
pub(super) struct Opened {
    pub(super) input: LiveInput,
    pub(super) gateway: Option<Gateway>,
}

impl Way {
    /// For an address of the owner's; with a `resolver`, playlists and pages are understood. To be called within a runtime
    /// then, as the next one.
    pub(super) fn of_owner(resolver: Option<Arc<Resolver>>) -> Self {
        Self { web: resolver.map(|resolver| Web::new(resolver, Reach::Anywhere)) }
    }

    /// For an address that a viewer brought.
    pub(super) fn of_viewer(resolver: Arc<Resolver>) -> Self {
        Self { web: Some(Web::new(resolver, Reach::Public)) }
    }

    /// What to open. Blocks while it is found out.
    pub(super) fn open(&self, url: &SourceUrl) -> Result<Opened, FeedError> {
        if let Some(web) = &self.web {
            if web.reach == Reach::Public || is_playlist(url) {
                return web.open(url);
            }
            if url.kind() == Kind::Http
                && let Ok(address) = WebAddress::parse(url.with_secrets())
            {
                let reach = web.reach_of(&address);
                if reach == Reach::Public || is_hls(url) {
                    return web.through_gateway(&Direct::bare(address.url().clone()), reach);
                }
            }
        }
        Ok(Opened { input: LiveInput::Network { url: resolved(url), only_port: None }, gateway: None })
    }

    /// What to open when what was at the owner's address is no media, but may lead to some. `None`: nothing.
    pub(super) fn look_further(&self, url: &SourceUrl) -> Option<Opened> {
        let web = self.web.as_ref().filter(|web| web.reach == Reach::Anywhere && url.kind() == Kind::Http)?;
        web.open(url).ok().filter(|_| !is_playlist(url))
    }

    /// What was opened works.
    pub(super) fn works(&self) {
        if let Some(web) = &self.web {
            web.doubtful.store(false, Ordering::Relaxed);
        }
    }
}

impl Web {
    fn new(resolver: Arc<Resolver>, reach: Reach) -> Self {
        Self { resolver, reach, runtime: Handle::current(), doubtful: AtomicBool::new(false) }
    }

    fn open(&self, url: &SourceUrl) -> Result<Opened, FeedError> {
        let refused = |error: &dyn std::fmt::Display| FeedError::Refused(error.to_string());
        let address = WebAddress::parse(url.with_secrets()).map_err(|error| refused(&error))?;
        let reach = self.reach_of(&address);
        // Addresses that sites give out expire: after a failure they are asked again.
        let doubtful = self.doubtful.swap(true, Ordering::Relaxed);
        let found = self.runtime.block_on(async {
            match doubtful {
                true => self.resolver.find_anew(&address, reach).await,
                false => self.resolver.find(&address, reach).await,
            }
        });
        let found = found.map_err(|error| match error {
            ResolveError::Fetch(_)
            | ResolveError::Broken { .. }
            | ResolveError::TooSlow(_)
            | ResolveError::Busy => FeedError::Broken(error.to_string()),
            _ => FeedError::Refused(error.to_string()),
        })?;
        let direct: &Direct = match &found.play {
            Some(Play::Film { direct, .. } | Play::Stream { direct }) => direct,
            None => return Err(FeedError::NotPlayable("there are only other addresses at this one".into())),
        };
        self.through_gateway(direct, reach)
    }

    /// How far it may lead.
    fn reach_of(&self, address: &WebAddress) -> Reach {
        match self.reach {
            Reach::Public => Reach::Public,
            Reach::Anywhere => self.runtime.block_on(self.resolver.client().reach_of_owners(address.url())),
        }
    }

    fn through_gateway(&self, direct: &Direct, reach: Reach) -> Result<Opened, FeedError> {
        let client = self.resolver.client().clone();
        let gateway = self.runtime.block_on(Gateway::open(client, direct, reach));
        let gateway =
            gateway.map_err(|error| FeedError::Broken(format!("there is no way to it: {error}")))?;
        let input = LiveInput::Network { url: gateway.url().to_owned(), only_port: Some(gateway.port()) };
        Ok(Opened { input, gateway: Some(gateway) })
    }
}

/// Playlists that GStreamer does not follow.
fn is_playlist(url: &SourceUrl) -> bool {
    let path = url.path().to_ascii_lowercase();
    url.kind() == Kind::Http && (path.ends_with(".pls") || path.ends_with(".m3u"))
}

/// A playlist that GStreamer follows, by its name.
fn is_hls(url: &SourceUrl) -> bool {
    url.path().to_ascii_lowercase().ends_with(".m3u8")
}

/// The address as the worker gets it. It cannot ask the daemon that knows names in `.local`, so these are looked up
/// here; where TLS has to check the name, it stays.
fn resolved(url: &SourceUrl) -> String {
    let found = url.mdns_host().and_then(|host| (host, 0).to_socket_addrs().ok()?.next());
    match found.map(|address| address.ip()) {
        Some(IpAddr::V4(ip)) => url.with_host(&ip.to_string()),
        Some(IpAddr::V6(ip)) => url.with_host(&format!("[{ip}]")),
        None => url.with_secrets().to_owned(),
    }
}
