//! Files that come from outside.

use std::time::Duration;

/// Files on their way at once: each costs a thread of those that wait for disks.
pub const MAX_UPLOADS: usize = 8;

/// Files of one folder that broke off and may go on.
pub const MAX_UPLOAD_PARTS: usize = 64;

/// What broke off is thrown away after this time: whoever shut the lid of a computer goes on the next morning.
pub const UPLOAD_PART_AGE: Duration = Duration::from_secs(24 * 3600);

/// Between two looks for such.
pub const UPLOAD_SWEEP: Duration = Duration::from_secs(3600);

/// Bytes of the longest name of a file on Linux.
pub const MAX_FILE_NAME: usize = 255;

/// Bytes that are taken between two looks at the room on the disk.
pub const UPLOAD_ROOM_STEP: u64 = 32 << 20;

/// Bytes that are taken before the disk has to have them: two seconds of an SD card's writing.
pub const UPLOAD_SYNC_STEP: u64 = 32 << 20;

/// Pieces of a body that wait for the disk: the client waits when there are so many.
pub const UPLOAD_QUEUE: usize = 8;

/// A client that sends nothing for this time has broken off.
pub const UPLOAD_PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that are copied at a time within the library.
pub const UPLOAD_COPY_STEP: usize = 1 << 20;
