//! Live streams and those who watch them.

use std::time::Duration;

/// Records and bytes that a live stream keeps for viewers who join or are late. Two GOPs of 2 s at
/// 20 Mbit/s; encoders set to 10 s GOPs at 6 Mbit/s fit as well.
pub const LIVE_RING_RECORDS: usize = 4096;
/// See [`LIVE_RING_RECORDS`].
pub const LIVE_RING_BYTES: usize = 16 << 20;

/// A publisher's step forward that is believed: pauses of encoders that send nothing while the
/// picture stands still.
pub const LIVE_MAX_STEP: Duration = Duration::from_secs(10);

/// A publisher's step back that is taken for interleaving of sound and picture.
pub const LIVE_MAX_STEP_BACK: Duration = Duration::from_secs(3);

/// A publisher that sends nothing for this long can be replaced by another one of its key: its
/// connection is dead, only TCP has not noticed.
pub const PUBLISHER_SILENCE: Duration = Duration::from_secs(5);

/// Viewers and recordings wait this long for a publisher to come back, unless `[live] grace_seconds` says
/// otherwise: an encoder that restarts after a crash, or a phone that changes from Wi-Fi to mobile data.
pub const PUBLISHER_GRACE: Duration = Duration::from_secs(30);

/// The longest grace that can be configured: a stream that nobody publishes keeps its place that long.
pub const MAX_PUBLISHER_GRACE: Duration = Duration::from_secs(3600);

/// Up to so many viewers of a live stream each frame is written as it comes.
pub const GATHER_FROM_VIEWERS: usize = 20;

/// From so many viewers on, frames gather for [`GATHER_MOST`]. Gathering for less than a frame's time
/// saves nothing, so the way from none to all of it is short.
pub const GATHER_MOST_VIEWERS: usize = 60;

/// The longest that frames gather before they are written: one or two frames' time, which adds 20
/// ms to the delay in the middle and saves half of the processor.
pub const GATHER_MOST: Duration = Duration::from_millis(40);

/// Viewers that one task writes to. At 10 to 30 µs for a write it is done well within [`GATHER_MOST`]; more
/// viewers of a stream are shared out among the machine's cores.
pub const MAX_VIEWERS_PER_WRITER: usize = 512;

/// Viewers written to before other tasks have their turn: about a millisecond.
pub const WRITES_BETWEEN_YIELDS: usize = 64;
/// See [`WRITES_BETWEEN_YIELDS`]: of a stream with large pictures, too.
pub const BYTES_BETWEEN_YIELDS: u64 = 2 << 20;

/// A viewer over HTTP waits this long for a live stream's first keyframe.
pub const LIVE_START_TIMEOUT: Duration = Duration::from_secs(15);

/// Live streams at a time: each can take [`LIVE_RING_BYTES`].
pub const MAX_LIVE_STREAMS: usize = 64;

/// Length of a stream's name in bytes.
pub const MAX_STREAM_NAME: usize = 256;

/// A publisher sends the headers of picture and sound together. One that has been on air for this long and has sent only one of
/// them has only one, and who watches it as MP4 need not wait for the other.
pub const LIVE_HEADERS_TOGETHER: Duration = Duration::from_secs(2);
