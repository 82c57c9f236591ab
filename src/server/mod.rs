//! The sockets: short loops that move bytes between peers and what is sans-IO.

mod accept;
pub mod http;
pub mod rtmp;

pub use accept::Shutdown;
