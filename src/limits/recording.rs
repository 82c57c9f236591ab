//! Recordings of live streams.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Bytes that a recording may be behind its stream: half a minute of 8 Mbit/s, so that nothing is lost
/// while an SD card tidies itself up. What comes then is lost up to a keyframe.
pub const RECORD_QUEUE_BYTES: usize = 32 << 20;

/// … and tags: two minutes of 60 fps with sound, in which the tags' own size in memory counts.
pub const RECORD_QUEUE_TAGS: usize = 16_384;

/// Between two writes of a recording, so between two steps of those who watch it while it grows.
pub const RECORD_FLUSH: Duration = Duration::from_millis(250);

/// Bytes gathered for one write of a recording.
pub const RECORD_WRITE: usize = 256 << 10;

/// Between two moments at which a recording is made to reach the disk: what a power cut costs at most. Each
/// makes the file system write its journal, a few blocks of 4 KB; once in 10 s they are nothing beside the
/// media, once a frame they would wear an SD card out.
pub const RECORD_SYNC: Duration = Duration::from_secs(10);

/// Keyframes in the table at the head of a recording. Room for it is kept from the start (18 bytes each):
/// 74 KB. A longer recording's table has every second keyframe, or every fourth: one in five seconds
/// after six hours.
pub const RECORD_KEYFRAMES: usize = 4096;

/// Bytes of a stream's name in the name of its recordings: file systems end at 255.
pub const RECORD_NAME_BYTES: usize = 160;

/// Recordings of the same stream in the same second.
pub const MAX_SAME_NAMES: u32 = 100;

/// Recordings that have ended and are still told of by `/api/v1/recordings`.
pub const MAX_ENDED_RECORDINGS: usize = 64;

/// Names of streams in `[record] streams`: each new stream is held against all of them.
pub const MAX_RECORD_PATTERNS: usize = 256;

/// On shutdown, for recordings to be finished; what is not is repaired at the next start.
pub const RECORD_FINISH_TIMEOUT: Duration = Duration::from_secs(5);

/// Megabytes at which a recording can be told to go on in another file: above a GOP of anything; below
/// what AMF's numbers and a home's disks hold.
pub const RECORD_SPLIT_MB: RangeInclusive<u64> = 10..=1_000_000;

/// Minutes at which it can be told to: at most a day, far below the 24 days after which players read FLV's
/// times as negative.
pub const RECORD_SPLIT_MINUTES: RangeInclusive<u64> = 1..=1440;
