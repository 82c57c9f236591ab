//! What a service manager hands to the server, and what it wants to hear: systemd's protocols, which others
//! speak as well. Without one, all of this is nothing.
//!
//! ```text
//!  wiidiaserver.socket ── listening sockets ──▶ Inherited ──▶ server
//!  wiidiaserver.service ◀── READY, WATCHDOG, STOPPING ── notice ◀── server, when health says that it serves
//! ```

mod inherited;
pub mod notice;

pub use inherited::{Inherited, InheritedError, Use};
