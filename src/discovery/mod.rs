//! SSDP: how Windows' network folder, and UPnP programs, find the server without being told its address. Sans-IO: datagrams
//! and `now` in, datagrams out.
//!
//! ```text
//!  M-SEARCH ──▶ search::Search ──▶ Responder ──▶ answers, later by chance, to whoever asked
//!                          homes ──▶    │     ──▶ NOTIFY alive, byebye, to everybody of each network
//!                                       ▼
//!                               words (what is in them)
//! ```
//!
//! UPnP Device Architecture 2.0, 1; of its versions we speak the first, which all understand. What is announced is a
//! "basic device": a name, and an address where a page is. Neither files nor any service are described.
//!
//! Answers are larger than questions, and the sender of a datagram can be anybody's address. So only addresses of the
//! networks that this machine is in get answers, few at a time, and nothing is answered that did not ask.

mod responder;
mod search;
mod words;

pub use responder::{Home, Responder, Transmit};
pub use search::{NoSearch, Search, Target};
pub use words::{Identity, description};
