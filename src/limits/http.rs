//! HTTP.

use std::time::Duration;

/// A `.flv` that is just being indexed is waited for this long before it is served, so that its
/// length and keyframes are known: at an SD card's 20 MB/s that is a file of 40 MB; larger ones are
/// served with virtual positions.
pub const FLV_INDEX_PATIENCE: Duration = Duration::from_secs(2);

/// Keyframes told in one `onMetaData`: 360 KB of them, three hours at one every half second.
pub const MAX_METADATA_KEYFRAMES: usize = 20_000;

/// Between two virtual keyframes told of a reel that still grows.
pub const VIRTUAL_KEYFRAME_STEP: Duration = Duration::from_secs(2);

/// Between two events of one event stream.
pub const SSE_INTERVAL: Duration = Duration::from_millis(500);

/// For a request's head to arrive.
pub const HTTP_HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes that a client may send while an answer goes out without hyper: some requests in advance.
pub const MAX_HTTP_READ_AHEAD: usize = 16 << 10;

/// Bytes given to one `sendfile`: a socket seldom takes more at once, and a thread of the server is busy
/// for a tenth of a millisecond with them.
pub const SENDFILE_STEP: u64 = 256 << 10;

/// Bytes of a file that one viewer is given before others have their turn: half a millisecond. After each
/// [`SENDFILE_STEP`] it would cost a fifth more.
pub const SENDFILE_TURN: u64 = 1 << 20;

/// Between two bytes by which is seen whether a file is in memory: the kernel's usual read-ahead is
/// twice as much.
pub const FILE_PROBE_STEP: usize = 64 << 10;

/// Bytes read into memory at a time for a viewer whose file is not there: three seconds of a film, and
/// worth a disk's seek.
pub const FILE_WARM: u64 = 1 << 20;

/// A client that is told of a connection's end gets so long to take it.
pub const CLOSING_PATIENCE: Duration = Duration::from_secs(2);

/// Bytes of a WebSocket client that are still read after its end.
pub const MAX_AFTER_CLOSE: usize = 64 << 10;

/// Payload of one message from a WebSocket client. A viewer has nothing to say; some send a word now and
/// then so that a proxy keeps the connection.
pub const MAX_WS_MESSAGE: u64 = 4 << 10;

/// Bytes taken from a WebSocket client within a second: thirty pings of the largest kind.
pub const WS_INCOMING_PER_SECOND: usize = 4 << 10;

/// HTTP connections served at once.
pub const MAX_HTTP_CONNECTIONS: usize = 2048;

/// HTTP connections from one address, for the same reason as
/// [`MAX_RTMP_CONNECTIONS_PER_ADDRESS`](super::MAX_RTMP_CONNECTIONS_PER_ADDRESS).
pub const MAX_HTTP_CONNECTIONS_PER_ADDRESS: usize = 1024;

/// For the streams of a file to become known before a request is answered with an error. A cold plug-in registry alone
/// takes 3 s, and four times as long on a small box that has other things to do. Above [`STARVED_STALL_FACTOR`](super::STARVED_STALL_FACTOR)
/// times [`WORKER_STALL`](super::WORKER_STALL), which is how long a worker without a turn is waited for: whoever asks is told
/// what became of it, not that it takes long.
pub const MEDIA_INFO_TIMEOUT: Duration = Duration::from_secs(75);

/// Between two comments on an idle server-sent event stream: proxies close silent connections.
pub const SSE_HEARTBEAT: Duration = Duration::from_secs(15);

/// Body of a request to the API: the longest name of a stream with every byte escaped fits.
pub const MAX_API_BODY: usize = 4 << 10;

/// Body of a request that makes or changes a source: its address may be long.
pub const MAX_SOURCE_BODY: usize = 16 << 10;

/// For a request's body to arrive.
pub const REQUEST_BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// On SIGTERM, for clients to be told and connections to drain.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// Those who are told of changes in the library: every screen of a large house, and its open tabs.
pub const MAX_EVENT_LISTENERS: usize = 128;

/// After an event stream broke off, until the browser tries again.
pub const SSE_RETRY: Duration = Duration::from_secs(3);

/// Files of one playlist: a player that reads more of them shows nothing for long.
pub const MAX_PLAYLIST: usize = 10_000;

/// Entries on one page without JavaScript: what the Wii's browser shows within its 30 MB of memory, pictures and all.
pub const PLAIN_PAGE: usize = 50;
