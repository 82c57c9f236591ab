//! A client and the session joined in memory, with a clock that only moves when told to.

mod client;
mod hostile;
mod live;
mod playing;
mod publishing;
mod requests;
