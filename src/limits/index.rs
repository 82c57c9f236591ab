//! The index of the library.

use std::time::Duration;

/// Files that the index knows: five times what a large collection has. Films take 1.5 KB each, songs less, and
/// [`MAX_INDEX_BYTES`] bounds the sum.
pub const MAX_INDEX_FILES: usize = 100_000;

/// Bytes of what is known of them, as JSON. A film's is about 1300, so 50,000 films fit; files that say a thousand
/// times as much of themselves must not fill the memory.
pub const MAX_INDEX_BYTES: usize = 64 << 20;

/// The same of one file: tracks, tags and 128 chapters fit.
pub const MAX_DETAILS: usize = 16 << 10;

/// Longest line of the index: [`MAX_DETAILS`], two lists of 100 times, a path, and a reason of failure.
pub const MAX_INDEX_LINE: usize = 64 << 10;

/// Largest file of the index that is read: [`MAX_INDEX_BYTES`] and as much again of lines that hold no more.
pub const MAX_INDEX_FILE: usize = 4 * MAX_INDEX_BYTES;

/// Lines that hold no more before the index is written anew, beside as many as there are files.
pub const INDEX_SPARE_LINES: usize = 1000;

/// Codecs that are kept as one word for all files. A library has a dozen.
pub const INDEX_WORDS: usize = 256;

/// Files that somebody looks at: more than any page shows at once.
pub const MAX_INDEX_ASKED: usize = 512;

/// Folders below folders that are walked into. Links may lead in circles that names do not show.
pub const INDEX_DEPTH: usize = 32;

/// Folders that are walked through.
pub const INDEX_FOLDERS: usize = 50_000;

/// Folders that are watched: half of what a user has by default on older kernels.
pub const INDEX_WATCHES: usize = 4096;

/// Changes taken notice of at a time.
pub const INDEX_EVENTS: usize = 10_000;

/// Nothing is looked at before: who switches the box on wants to see a film.
pub const INDEX_DELAY: Duration = Duration::from_secs(5);

/// A file that was written to within this time may not be whole.
pub const INDEX_FRESH: Duration = Duration::from_secs(10);

/// From a change in a folder to the walk that it causes: more may follow.
pub const INDEX_SETTLE: Duration = Duration::from_secs(2);

/// After a walk, milliseconds of rest for each that it took: walks never take more than a twentieth of the time.
pub const INDEX_REST: Duration = Duration::from_millis(20);

/// Between two walks through a library in which nothing seems to change: network shares say nothing. Twice a day
/// lets disks sleep.
pub const INDEX_ROUND: Duration = Duration::from_secs(12 * 3600);

/// Between two looks at whether a disk came or went.
pub const INDEX_TOPS: Duration = Duration::from_secs(10);

/// Between two looks at whether there is something to do.
pub const INDEX_TICK: Duration = Duration::from_millis(500);

/// After no worker could be started.
pub const INDEX_NO_WORKER: Duration = Duration::from_secs(60);

/// What was found out is written after this time, or when there is [`INDEX_BATCH`] of it: a power cut costs
/// that much looking, and an SD card a write in half a minute.
pub const INDEX_FLUSH: Duration = Duration::from_secs(30);
/// See [`INDEX_FLUSH`].
pub const INDEX_BATCH: usize = 128 << 10;

/// What is known of files whose disk went away is kept for a quarter of a year.
pub const INDEX_MISSING: Duration = Duration::from_secs(90 * 24 * 3600);

/// A file that failed is tried again after a day, later ones after longer …
pub const INDEX_RETRY_FIRST: Duration = Duration::from_secs(24 * 3600);

/// … but at least once a month: another GStreamer may do better.
pub const INDEX_RETRY_MOST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Pictures kept in memory when there is no folder for them: a thousand posters.
pub const INDEX_MEMORY_PICTURES: usize = 16 << 20;

/// What the pictures of one film take, mostly.
pub const TYPICAL_SHEET: u64 = 128 << 10;

/// Folders and files of which the name is kept for searches: 28 MB of them.
pub const MAX_INDEX_NAMES: usize = 200_000;

/// Bytes of what a file says of itself that searches look at: title, artist and album.
pub const MAX_INDEX_WORDS_OF_FILE: usize = 512;

/// Changed folders that are remembered for those who are told of them: who is further behind is told that anything may
/// have changed.
pub const MAX_FEED: usize = 256;
