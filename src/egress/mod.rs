//! The way out: connections to addresses that pages and viewers bring, and what they must not reach.
//!
//! ```text
//!  viewer's address ─▶ Door::connect ─▶ DNS ─▶ is it public? ─▶ connect to exactly that address
//!  yt-dlp ─▶ Proxy (loopback) ─┘                  │ no
//!                                                 ▼
//!                                         EgressError::Refused
//! ```
//!
//! A page may hold, and a server may redirect to, the address of the router, of another program on this machine or of
//! a printer. Who asks for it would be this server, from inside. So every connection for such an address is made by a
//! [`Door`] with [`Reach::Public`]: the name is looked up once, what it leads to is checked, and the connection goes to
//! the very address that was checked, so that no second answer of a name server can slip in between.
//!
//! What the owner wrote into the configuration may lead anywhere: [`Reach::Anywhere`]. But what a server of the internet says at such an
//! address was not written by the owner, and leads to the internet alone: [`Door::reach_of_owners`].
//!
//! What does not belong here: HTTP beyond a proxy's first line, what is fetched and why.

mod address;
mod door;
mod proxy;
mod trust;

pub use address::{Exception, ExceptionError, is_public};
pub use door::{Door, EgressError, Reach};
pub use proxy::Proxy;
pub(crate) use trust::client_config;
