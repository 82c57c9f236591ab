//! Sockets that listen already when the program starts: `LISTEN_FDS` and `LISTEN_FDNAMES`, see
//! `sd_listen_fds(3)`. By them the server has ports below 1024 without any right to them, and callers wait
//! in the kernel while it starts or starts anew.

use listenfd::ListenFd;
use std::net::TcpListener;
use std::{fmt, io};

/// What a socket is for: the name it has in the manager (`FileDescriptorName=`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// `http`: the page, the interfaces, media over HTTP.
    Http,
    /// `rtmp`
    Rtmp,
    /// `rtmps`: RTMP over TLS.
    Rtmps,
}

impl Use {
    const ALL: [Self; 3] = [Self::Http, Self::Rtmp, Self::Rtmps];

    /// The name in the manager.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Rtmp => "rtmp",
            Self::Rtmps => "rtmps",
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the sockets given cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InheritedError {
    /// Nobody knows what it is for.
    #[error(
        "the service manager gives a socket called \"{name}\", expected http, rtmp or rtmps; write FileDescriptorName= in its socket unit"
    )]
    Unknown {
        /// As the manager calls it.
        name: String,
    },
    /// Two for the same.
    #[error("the service manager gives two sockets called \"{what}\", and one can be used; take one away")]
    Twice {
        /// Which.
        what: Use,
    },
    /// It is something else.
    #[error(
        "what the service manager gives as \"{what}\" is no TCP socket ({error}); write ListenStream= in its socket unit"
    )]
    NoListener {
        /// Which.
        what: Use,
        /// What the system says of it.
        error: io::Error,
    },
}

/// The sockets given to this process, each until it is taken.
#[derive(Debug, Default)]
pub struct Inherited(Vec<(Use, TcpListener)>);

impl Inherited {
    /// Those of the environment; none when it speaks of another process.
    ///
    /// # Errors
    /// What to change in the manager's units.
    pub fn from_environment() -> Result<Self, InheritedError> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut given = ListenFd::from_env();
        let uses = uses(&names, given.len())?;
        let mut sockets = Vec::with_capacity(uses.len());
        for (index, what) in uses.into_iter().enumerate() {
            let taken = given.take_tcp_listener(index).and_then(|socket| {
                let socket = socket.ok_or(io::ErrorKind::NotFound)?;
                socket.set_nonblocking(true)?;
                Ok(socket)
            });
            sockets.push((what, taken.map_err(|error| InheritedError::NoListener { what, error })?));
        }
        Ok(Self(sockets))
    }

    /// The one for this, if there is one.
    pub fn take(&mut self, what: Use) -> Option<TcpListener> {
        let at = self.0.iter().position(|(of, _)| *of == what)?;
        Some(self.0.swap_remove(at).1)
    }
}

/// What each of `count` sockets is for, by the names the manager gave: one each, with `:` between.
fn uses(names: &str, count: usize) -> Result<Vec<Use>, InheritedError> {
    let mut uses = Vec::with_capacity(count.min(Use::ALL.len()));
    let mut names = names.split(':');
    for _ in 0..count {
        let name = names.next().unwrap_or_default();
        let Some(what) = Use::ALL.into_iter().find(|what| what.name() == name) else {
            return Err(InheritedError::Unknown { name: name.to_owned() });
        };
        if uses.contains(&what) {
            return Err(InheritedError::Twice { what });
        }
        uses.push(what);
    }
    Ok(uses)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_sockets_are_for() {
        assert_eq!(uses("", 0).unwrap(), []);
        assert_eq!(uses("rtmp:http", 2).unwrap(), [Use::Rtmp, Use::Http]);
        assert_eq!(uses("http:rtmp:rtmps", 3).unwrap(), Use::ALL);
        // More names than sockets: a manager's mistake that loses nothing.
        assert_eq!(uses("http:rtmp", 1).unwrap(), [Use::Http]);
    }

    #[test]
    fn what_nobody_knows_is_refused_by_name() {
        let refused = |names, count| uses(names, count).unwrap_err().to_string();
        assert!(refused("http:ftp", 2).contains("\"ftp\""));
        assert!(refused("wiidiaserver.socket", 1).contains("FileDescriptorName="));
        assert!(refused("http", 2).contains("\"\""));
        assert!(refused("rtmp:rtmp", 2).contains("two"));
    }
}
