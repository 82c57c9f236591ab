//! How the server and its machine are.

use std::time::Duration;

/// Bytes of log lines that stay in memory for the page: some thousand lines.
pub const MAX_LOG_BYTES: usize = 512 << 10;

/// Bytes of one of them.
pub const MAX_LOG_LINE: usize = 2 << 10;

/// Lines of one answer.
pub const MAX_LOG_LINES: usize = 500;

/// Between two looks at the machine: a graph of an hour has as many points as a small screen has pixels.
pub const HEALTH_INTERVAL: Duration = Duration::from_secs(10);

/// Looks that are remembered: an hour of them, 30 KB.
pub const HEALTH_HISTORY: usize = 360;

/// Streams whose figures are remembered, 6 KB each.
pub const HEALTH_STREAMS: usize = 32;

/// Free memory, in thousandths of all, below which the owner should know.
pub const LOW_MEMORY_PERMILLE: u64 = 60;

/// Free space of a disk below which the owner should know.
pub const LOW_DISK_BYTES: u64 = 500_000_000;

/// Degrees Celsius at which small boxes begin to slow down (a Raspberry Pi does at 80).
pub const HOT_CELSIUS: f32 = 78.0;

/// Folders of the library whose disks are looked at.
pub const MAX_DISKS: usize = 16;
