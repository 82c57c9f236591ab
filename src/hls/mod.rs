//! HTTP Live Streaming (RFC 8216): films and live streams as playlists of segments.
//!
//! ```text
//!  a film's length and how it is made ─▶ Timetable ─▶ playlist ("these segments there will be")
//!  tags of a reel ─▶ Cutter (Timetable) ─▶ fmp4::segment ─▶ one of the segments
//!  tags of a live stream ─▶ Packager ─▶ Window ─▶ playlist ("these segments there are"), segments, parts
//! ```
//!
//! The playlist of a film is written before the film is converted, so a segment's limits must follow from the plan
//! and from the film alone: whoever asks for segment 700 gets the same frames as somebody who has seen all before
//! it, and all of them together are every frame of the film, once.
//!
//! Pure: no sockets, no clocks, no files. What belongs elsewhere: reading reels and waiting for them
//! ([`reel`](crate::reel)), answering ([`server`](crate::server)), boxes ([`fmp4`](crate::fmp4)).

mod cut;
mod packager;
mod playlist;
mod timetable;
mod window;

pub use cut::{Cut, Cutter, Lead, TooManyFrames};
pub use packager::Packager;
pub use playlist::{Entry, Film, Kind, Rendition, Variant, master};
pub use timetable::{Cell, Rule, Timetable, Version, WrongVersion};
pub use window::{Part, Segment, Window};
