//! Where viewers left off.

use std::time::Duration;

/// Positions that are kept: each of a family of eight has begun 500 films. A megabyte of memory.
pub const MAX_POSITIONS: usize = 4096;

/// Bytes of a viewer's name.
pub const MAX_VIEWER_NAME: usize = 64;

/// Longest line of the file: a path of 4096 bytes, each percent-encoded, and a name.
pub const MAX_POSITION_LINE: usize = 16 << 10;

/// Largest file that is read: what may be there twice, at 4 KB each, and some.
pub const MAX_POSITIONS_FILE: u64 = 64 << 20;

/// Lines that hold no more before the file is written anew, beside as many as there are positions.
pub const POSITIONS_SPARE_LINES: usize = 1000;

/// What was told is written after this time: a power cut costs so much of a film, and an SD card a write in half a minute.
pub const POSITIONS_FLUSH: Duration = Duration::from_secs(30);

/// The latest place in seconds that anybody can have left off at: 126 years, longer than any medium, and a number that
/// every client can write.
pub const MAX_POSITION: f64 = 4_000_000_000.0;
