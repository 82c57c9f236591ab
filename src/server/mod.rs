//! The sockets.
