//! Conversions that are kept: how much is remembered of them, and when they are looked over.

use std::time::Duration;

/// Bytes over which one sum is made of a kept conversion: a gigabyte has a thousand sums, and what is looked at before it
/// is played is read in a hundredth of a second from an SD card.
pub const KEPT_BLOCK: usize = 1 << 20;

/// Blocks at the beginning of a kept conversion that are looked at before it is played. Short ones, and the beginning is
/// what is played first.
pub const KEPT_BLOCKS_AT_ONCE: usize = 8;

/// Bytes of the sheet of a kept conversion: [`MAX_INDEX_ENTRIES`](super::MAX_INDEX_ENTRIES) and as many sums as a film has
/// megabytes take less.
pub const MAX_KEPT_SHEET: u64 = 32 << 20;

/// Conversions kept at most: what is known of them is in memory, some kilobytes each.
pub const MAX_KEPT: usize = 10_000;

/// This much more than has to stay free is made free by dropping kept conversions: what all conversions at work write
/// between two looks.
pub const SPARE_SPACE: u64 = 64 << 20;

/// A conversion that finds no room waits this long for some to be made.
pub const SPACE_PATIENCE: Duration = Duration::from_secs(3);

/// Bytes of a conversion that are there at a time when the disk has no room: half a minute of the best that is encoded, in
/// memory.
pub const WINDOW_BYTES: u64 = 24 << 20;

/// … and at the most, where keyframes are further apart than that: the eight that run at a time leave half of a box with
/// a gigabyte to everybody else.
pub const WINDOW_MOST: u64 = 64 << 20;

/// Who waits for what such a conversion will not reach, because others watch what it would have to let go of, waits this
/// long, and is given the nearest that there is.
pub const WINDOW_PATIENCE: Duration = Duration::from_secs(15);

/// Of these bytes, what stays behind whoever watches: a short jump back.
pub const WINDOW_BEHIND: Duration = Duration::from_secs(10);

/// Conversions at a time that are only in memory.
pub const MAX_WINDOWS: usize = 8;

/// A file that killed its converter again and again is left alone this long; each further time twice as long.
pub const QUARANTINE_FIRST: Duration = Duration::from_secs(15 * 60);

/// … but no longer than this: a plug-in may have been mended.
pub const QUARANTINE_LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A file whose converters were killed from outside, and not by what they do, is given up so many times within a day
/// before it is left alone as well: it may be the one that needs all memory.
pub const QUARANTINE_KILLS: u32 = 3;

/// Files of which that is remembered. Who has more has another problem.
pub const MAX_QUARANTINED: usize = 256;

/// With less than this left to watch, more is made although that many bytes are there.
pub const WINDOW_LEAST: Duration = Duration::from_secs(2);

/// Bytes recorded in such a window between two looks at what is not needed any more.
pub const WINDOW_STEP: u64 = 1 << 20;
