//! The sockets: short loops that move bytes between peers and what is sans-IO.

mod accept;
pub mod http;
pub mod log;
pub mod rtmp;
mod run;

pub use accept::Shutdown;
pub use run::run;
