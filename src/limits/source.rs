//! Live sources.

use super::{MAX_LIVE_STREAMS, MAX_STREAM_NAME};
use std::time::Duration;

/// Inside the worker of a live source, for the first frame: an RTSP server that has no UDP, a name that takes
/// long to resolve and a keyframe every ten seconds come together.
pub const LIVE_FIRST_UNIT: Duration = Duration::from_secs(20);

/// Inside it, without a frame although the pipe would take one: the source has gone without a word (a
/// camera's cable, UDP). A camera may well send one frame every few seconds.
pub const LIVE_NO_UNIT: Duration = Duration::from_secs(8);

/// One lane of a live source may be this much ahead of the other before its tags go out without waiting: a
/// camera that promises sound and has none must not delay its picture.
pub const LIVE_SKEW: Duration = Duration::from_secs(1);

/// Where one lane was seen to come later than that, the other one waits for as long as it did, up to this: a machine that encodes
/// pictures more slowly than they come is seconds behind with them, and sound must not be heard before.
pub const LIVE_SKEW_MOST: Duration = Duration::from_secs(6);

/// Tags of a live source step back by no more than this. Well below [`LIVE_MAX_STEP_BACK`](super::LIVE_MAX_STEP_BACK), beyond which a
/// stream takes a step back for a publisher that has begun anew.
pub const LIVE_LATE: Duration = Duration::from_secs(2);

/// A step forward that a live source's times may take within a lane: it sends nothing while nothing moves.
pub const LIVE_GAP: Duration = Duration::from_secs(10);

/// A step back within a lane that is no jump: packets out of order, sound that overlaps.
pub const LIVE_OVERLAP: Duration = Duration::from_secs(1);

/// Sound alone is held back this long when a picture was promised: a player that begins with sound alone may
/// never show the picture.
pub const LIVE_PICTURE_WAIT: Duration = Duration::from_secs(10);

/// A stream of another RTMP server whose sound has come for so long without word of a picture has none: servers send
/// the headers of both at the beginning.
pub const RTMP_SETTLE: Duration = Duration::from_secs(1);

/// Bytes of sound that is held back for a picture; above it the oldest is lost.
pub const LIVE_EARLY_BYTES: usize = 4 << 20;

/// Warnings kept of one run of a live source; each comes once.
pub const MAX_FEED_WARNINGS: usize = 8;

/// A live source's times start over after this long, unseen by viewers: FLV's milliseconds end after 49 days.
pub const LIVE_EPOCH: Duration = Duration::from_secs(7 * 24 * 3600);

/// Live sources that can be configured: as many as there can be live streams.
pub const MAX_SOURCES: usize = MAX_LIVE_STREAMS;

/// Length of a source's address in bytes; addresses with signatures have some hundred.
pub const MAX_SOURCE_URL: usize = 4096;

/// The largest file of sources that is read: all of them, as long as can be, twice over.
pub const MAX_SOURCES_FILE: u64 = 2 * (MAX_SOURCES * (MAX_SOURCE_URL + MAX_STREAM_NAME + 256)) as u64;

/// A viewer waits this long for a source to begin, unless it says otherwise: RTSP with UDP that does not come
/// through and a keyframe every five seconds.
pub const SOURCE_START_TIMEOUT: Duration = Duration::from_secs(15);

/// The bounds of that.
pub const SOURCE_START_SECONDS: std::ops::RangeInclusive<u64> = 1..=120;

/// A source goes on this long after its last viewer, unless it says otherwise: a page is loaded again, a player
/// opens a second connection.
pub const SOURCE_STOP_DELAY: Duration = Duration::from_secs(10);

/// The bounds of that.
pub const SOURCE_STOP_SECONDS: std::ops::RangeInclusive<u64> = 0..=3600;

/// The wait after the first failure of a source …
pub const SOURCE_BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// … which doubles up to this while somebody watches: they go on within five seconds of its return …
pub const SOURCE_BACKOFF_WATCHED: Duration = Duration::from_millis(2500);

/// … and up to this while nobody does.
pub const SOURCE_BACKOFF_MOST: Duration = Duration::from_secs(60);

/// A source that was on air this long was well: the next failure is a first one.
pub const SOURCE_STEADY: Duration = Duration::from_secs(10);

/// A source that has gone stays on air this long, with nothing new: viewers see a still picture and do not
/// notice a camera that starts again.
pub const SOURCE_OUTAGE: Duration = Duration::from_secs(30);

/// Between two looks at who watches a source and whether its worker is still there.
pub const SOURCE_TEND: Duration = Duration::from_millis(500);

/// Without a word from a source's worker that is not held back. Above [`LIVE_FIRST_UNIT`]: the worker's own report
/// comes first.
pub const SOURCE_STALL: Duration = Duration::from_secs(25);

/// For a source's worker to say goodbye before it is killed: one round trip to a camera.
pub const SOURCE_GOODBYE: Duration = Duration::from_secs(1);

/// For the thread of a source whose worker was killed to end.
pub const SOURCE_END: Duration = Duration::from_secs(5);

/// For a server on the network to accept a connection, or to go on sending.
pub const LIVE_CONNECT: Duration = Duration::from_secs(8);

/// RTSP over UDP without a packet: a firewall is in between, so TCP is next.
pub const RTSP_UDP_PATIENCE: Duration = Duration::from_secs(2);

/// Packets that arrive late by less are put in order; only losses wait for it.
pub const LIVE_REORDER: Duration = Duration::from_millis(500);

/// Asked of the kernel for a socket that receives datagrams: half a second of 30 Mbit/s.
pub const LIVE_SOCKET_BUFFER: i32 = 2 << 20;
