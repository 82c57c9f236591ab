//! Addresses of the web among the paths of the library: `web:/<address>`, and `web:/<name>` for those that the owner gave
//! a name.

use crate::egress::Reach;
use crate::library::LibraryPath;
use crate::web_address::{WEB_FOLDER, WebAddress, WebAddressError};
use crate::web_media::{Found, Play, RemoteFilm, ResolveError, Resolver};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// Finds the address that the owner gave a name, if there is one.
pub type Named = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What plays addresses of the web.
pub struct Web {
    resolver: Arc<Resolver>,
    /// Viewers may bring addresses of their own.
    open: bool,
    named: Named,
}

/// Why an address of the web is not played. The texts are shown to people.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WebError {
    /// Not an address.
    #[error(transparent)]
    Address(#[from] WebAddressError),
    /// Nothing to play at it.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// It is a stream.
    #[error("{0} is a live stream, and has no beginning that could be sought; watch it as /live/{name}.flv", name = .0.stream_name())]
    Stream(WebAddress),
    /// Viewers may not.
    #[error("addresses of the web are not played here; the owner can allow it with open = true in [web]")]
    Closed,
}

impl Web {
    /// Plays what `resolver` finds: addresses that have names, and when it is `open`, those that viewers bring.
    pub fn new(resolver: Arc<Resolver>, open: bool, named: Named) -> Self {
        Self { resolver, open, named }
    }

    /// What finds them.
    pub fn resolver(&self) -> &Arc<Resolver> {
        &self.resolver
    }

    /// The owner gave an address that name.
    pub fn is_named(&self, name: &str) -> bool {
        (self.named)(name).is_some()
    }

    /// The address that a path means, and where that may lead. `None`: it is a path of the library.
    ///
    /// # Errors
    /// When it is no address, or viewers may bring none.
    pub fn address(&self, path: &LibraryPath) -> Option<Result<(WebAddress, Reach), WebError>> {
        let text = text_of(path)?;
        if let Some(url) = (self.named)(&text) {
            return Some(
                WebAddress::parse(&url).map(|address| (address, Reach::Anywhere)).map_err(WebError::from),
            );
        }
        if !self.open {
            return Some(Err(WebError::Closed));
        }
        Some(WebAddress::parse(&text).map(|address| (address, Reach::Public)).map_err(WebError::from))
    }

    /// What is at the address that a path means. `None`: it is a path of the library.
    ///
    /// # Errors
    /// Why it cannot be played.
    pub async fn find(
        &self,
        path: &LibraryPath,
    ) -> Option<Result<(WebAddress, Reach, Arc<Found>), WebError>> {
        let (address, reach) = match self.address(path)? {
            // What a server of the internet sends on to is not the owner's.
            Ok((address, Reach::Anywhere)) => {
                let reach = self.resolver.client().reach_of_owners(address.url()).await;
                (address, reach)
            }
            Ok(address) => address,
            Err(error) => return Some(Err(error)),
        };
        let found = self.resolver.find(&address, reach).await;
        Some(found.map(|found| (address, reach, found)).map_err(WebError::from))
    }

    /// The film that a path means.
    pub(super) async fn film(&self, path: &LibraryPath) -> Option<Result<Arc<RemoteFilm>, WebError>> {
        Some(self.find(path).await?.and_then(|(address, reach, found)| {
            match self.resolver.film(&address, reach, &found) {
                Some(film) => Ok(Arc::new(film)),
                None => Err(WebError::Stream(address)),
            }
        }))
    }
}

/// What is found is a stream.
pub fn is_stream(found: &Found) -> bool {
    matches!(found.play, Some(Play::Stream { .. }))
}

/// What stands behind `web:/`. `None`: it is a path of the library.
fn text_of(path: &LibraryPath) -> Option<String> {
    let (first, rest) = path.names().split_first()?;
    if first.as_bytes() != WEB_FOLDER.as_bytes() || rest.is_empty() {
        return None;
    }
    let names: Vec<_> = rest.iter().map(|name| name.to_string_lossy()).collect();
    Some(names.join("/"))
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web").field("open", &self.open).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_webs_folder_is_an_address_or_a_name() {
        for (path, expected) in [
            ("web:/https://e.org/a.mp4", Some("https:/e.org/a.mp4")),
            ("web:/aHR0cDovL2UvYQ", Some("aHR0cDovL2UvYQ")),
            ("web:/house/trailer", Some("house/trailer")),
            ("web:", None),
            ("web/a", None),
            ("films/web:/a", None),
            ("", None),
        ] {
            let path = LibraryPath::from_bytes(path.as_bytes()).unwrap();
            assert_eq!(text_of(&path).as_deref(), expected, "{path:?}");
        }
    }
}
