//! What a service manager hands to the server, and what it wants to hear: systemd's protocols, which others
//! speak as well. Without one, all of this is nothing.
//!
//! ```text
//!  wiidiaserver.socket ── listening sockets ──▶ Inherited ──▶ server
//!  wiidiaserver.service ◀── READY, WATCHDOG, STOPPING ── notice ◀── server, when health says that it serves
//! ```

mod inherited;
pub mod notice;

/// Whether something watches over this process that starts it again when it ends: systemd, by what it tells us.
pub fn is_managed() -> bool {
    std::env::var_os("INVOCATION_ID").is_some() && std::env::var_os("NOTIFY_SOCKET").is_some()
}

pub use inherited::{Inherited, InheritedError, Use};
