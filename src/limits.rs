//! Every capacity and time-out, each with its reason. Nothing else in the source decides how much
//! of something there may be.

use std::time::Duration;

// ---- FLV -------------------------------------------------------------------------------------

/// Largest body of one FLV tag, in bytes. A 4K intra frame at the highest sane bitrate is about
/// 4 MB; the format itself allows 16 MB (24 bits). Larger means a lying header.
pub const MAX_TAG_BODY: usize = 8 << 20;

/// Bytes looked at for `onMetaData` at the head of a file. Recorders reserve up to 1 MB for a
/// keyframe index of a long recording.
pub const MAX_SCRIPT_TAG: usize = 2 << 20;

// ---- AMF0 ------------------------------------------------------------------------------------

/// Depth of nested AMF objects and arrays. Real clients stay at 3; rml_amf0's unbounded recursion
/// overflowed the stack at 10,000.
pub const MAX_AMF_DEPTH: usize = 16;

/// Values in one AMF message. `connect` has about 20; `onMetaData` with a keyframe index for three
/// hours at one keyframe a second has 21,600.
pub const MAX_AMF_VALUES: usize = 65_536;

// ---- RTMP ------------------------------------------------------------------------------------

/// Largest RTMP message taken from a peer that has not published anything: commands are below
/// 4 KB; a long path or AMF object stays well below this.
pub const MAX_RTMP_COMMAND: usize = 64 << 10;

/// Chunk streams (csids) one peer may have open. Clients use at most 8.
pub const MAX_CHUNK_STREAMS: usize = 32;

/// Largest chunk size accepted from `SetChunkSize`. ffmpeg and OBS use 4096 to 65536.
pub const MAX_RTMP_CHUNK_SIZE: usize = 10 << 20;

/// The chunk size we announce and send with: most frames fit one chunk, and a record chunked once
/// serves every viewer.
pub const OUT_CHUNK_SIZE: usize = 65_536;

/// Window acknowledgement size and peer bandwidth we announce. rtmp2src warns below 2,500,000.
pub const WINDOW_ACK_SIZE: u32 = 2_500_000;

/// From accept to `connect`: slow phones on bad Wi-Fi need a second or two; half-open connections
/// must not gather.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Without a play or publish after `connect`. A player sitting in its menu browses by `getDir`.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);

/// Between user-control pings while nothing else is sent, so that a router in between keeps the
/// connection open during an hour's pause.
pub const PING_INTERVAL: Duration = Duration::from_secs(30);

/// A peer that accepts no byte for this long while we have something to send is gone.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// RTMP connections served at once. Each costs a task, a socket and about 20 KB.
pub const MAX_RTMP_CONNECTIONS: usize = 2048;

/// RTMP connections from one address: a TV opens two or three; a NAT'ed household stays below.
pub const MAX_RTMP_CONNECTIONS_PER_ADDRESS: usize = 1024;

/// NetStreams one connection may create. Players use one; some open a second to prefetch.
pub const MAX_MESSAGE_STREAMS: usize = 8;

/// Longest play path in bytes: Linux's PATH_MAX.
pub const MAX_PATH_BYTES: usize = 4096;

/// Sent ahead of the play clock beyond the client's own buffer length (nginx-rtmp's rule).
pub const PLAY_AHEAD: Duration = Duration::from_millis(1000);

/// Buffer length assumed until the client sets one: Flash's and ffmpeg's is 3 s or less.
pub const DEFAULT_BUFFER_LENGTH: Duration = Duration::from_millis(3000);

/// Longest client buffer length honoured. rtmpdump asks for 10 h in order to download as fast as
/// the network carries; the socket's back-pressure bounds our memory whatever it asks.
pub const MAX_BUFFER_LENGTH: Duration = Duration::from_secs(12 * 3600);

/// Between two `Server.Media.Info` calls while a seek waits for the conversion.
pub const SEEK_PENDING_INTERVAL: Duration = Duration::from_millis(500);

/// Between two `Server.Media.Info` calls while a reel still grows and nothing waits.
pub const MEDIA_INFO_INTERVAL: Duration = Duration::from_secs(1);

// ---- Reels and conversion --------------------------------------------------------------------

/// Bytes read from a reel for one viewer at a time: large enough that a read costs little beside
/// the socket, small enough that two hundred viewers need 25 MB at the very most.
pub const REEL_READ: usize = 128 << 10;

/// Without a message from a worker that is not held back: it hangs. Slow SD cards and cold
/// registries need several seconds.
pub const WORKER_STALL: Duration = Duration::from_secs(10);

/// Largest access unit a worker may send; same reason as [`MAX_TAG_BODY`].
pub const MAX_ACCESS_UNIT: usize = MAX_TAG_BODY - 16;

/// Largest codec configuration (avcC, AudioSpecificConfig) a worker may send.
pub const MAX_CODEC_DATA: usize = 64 << 10;

/// Longest text (a failure, a warning, the description of the streams) a worker may send. Codec
/// names and GStreamer's messages stay below 1 KB.
pub const MAX_WORKER_TEXT: usize = 8 << 10;

/// Buffer in which worker messages arrive; larger access units are read past it, straight into the
/// tag's body.
pub const WORKER_READ_BUFFER: usize = 64 << 10;

/// Size asked for the pipe from a worker: a quarter second of an 8 Mbit/s film, so that the two
/// processes do not switch for every audio frame. The kernel's own 64 KB do as well.
pub const WORKER_PIPE: usize = 256 << 10;

/// Lines of a worker's stderr kept for the report of a crash, and the bytes kept of each.
/// GStreamer's last words are a handful of lines.
pub const WORKER_STDERR_LINES: usize = 12;
/// See [`WORKER_STDERR_LINES`].
pub const WORKER_STDERR_LINE: usize = 400;

/// Inside a worker, for a file to show its streams. Below [`WORKER_STALL`] so that the worker can
/// still say what it waited for. Truncated files make some demuxers wait for ever.
pub const WORKER_STREAMS_TIMEOUT: Duration = Duration::from_secs(8);

/// Inside a worker, without an access unit although the pipe would take one. Same reason.
pub const WORKER_NO_PROGRESS: Duration = Duration::from_secs(8);

/// Inside a worker, after a demuxer's fatal error: for what was read before it to come out of the
/// decoders and encoders. Measured since the last access unit.
pub const WORKER_DRAIN: Duration = Duration::from_secs(2);

/// For [`pipeline::probe`](crate::pipeline::probe), start of the worker included; above
/// [`WORKER_STREAMS_TIMEOUT`], so that the worker's own report comes first.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// After the streams are known, a probe waits this long for the first frames, which may bring a
/// rotation or a duration.
pub const PROBE_FIRST_FRAMES: Duration = Duration::from_secs(1);

/// Largest file a worker may write. It writes none but GStreamer's plug-in registry (1.5 MB), when
/// that is out of date.
pub const WORKER_FILE_SIZE: u64 = 32 << 20;

/// Added to a worker's nice value: serving what exists comes before converting more.
pub const WORKER_NICE: i32 = 10;

/// Compressed bytes queued between the demuxer and one lane of a worker. Carries badly interleaved
/// AVI (1 s of sound at a time beside 20 Mbit/s video) without one lane starving the other.
pub const LANE_QUEUE_BYTES: u32 = 4 << 20;

/// Decoded frames between decoder and encoder in a worker: lets both run at once. A 1080p frame is
/// 3 MB.
pub const RAW_QUEUE_FRAMES: u32 = 4;

/// Largest picture a transcode yields: what every client of this network decodes.
pub const MAX_TRANSCODE_WIDTH: i32 = 1920;
/// See [`MAX_TRANSCODE_WIDTH`].
pub const MAX_TRANSCODE_HEIGHT: i32 = 1080;
/// Most frames a second a transcode yields: 50 and 60 fps would halve the number of conversions a
/// small box can do at once.
pub const MAX_TRANSCODE_FPS: i32 = 30;

/// Between two keyframes of a transcode, and so how exactly one can seek. They lie on multiples of
/// this, so that runs started at different times agree.
pub const KEYFRAME_INTERVAL: Duration = Duration::from_secs(2);

/// Video frames of a passed-through stream dropped while waiting for its first keyframe. Ten
/// seconds at 50 fps; streams that never have one (intra refresh) start wherever they are.
pub const MAX_FRAMES_BEFORE_KEYFRAME: u32 = 500;

/// Address space of one worker. 1080p transcoding with lookahead was measured at 315 MB resident;
/// mappings of libraries and thread stacks come on top.
pub const WORKER_ADDRESS_SPACE: u64 = 3 << 30;

/// A remux runs hundreds of times faster than real time: it stays this far ahead of its furthest
/// viewer, no further, so that a film half watched is not written whole to the card.
pub const REMUX_LEAD: Duration = Duration::from_secs(300);

/// A conversion that nobody watches goes on this long: the same viewer often comes back (a page
/// reload, the next seek of a player that opens a new connection).
pub const CONVERSION_LINGER: Duration = Duration::from_secs(20);

/// One lane (audio or video) may be this much ahead of the other before tags are written without
/// waiting for the other: files with sound that starts late, or ends early.
pub const INTERLEAVE_SKEW: Duration = Duration::from_secs(4);

/// Bytes held while waiting for the other lane; above it the wait ends.
pub const INTERLEAVE_BYTES: usize = 32 << 20;

/// Conversions at once. Each has a process; a small box manages two transcodes.
pub const MAX_CONVERSIONS: usize = 8;

/// Between two entries of the index of a reel without video: a seek lands this close.
pub const AUDIO_INDEX_STEP: Duration = Duration::from_millis(1000);

// ---- HTTP ------------------------------------------------------------------------------------

/// For a request's head to arrive.
pub const HTTP_HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// HTTP connections served at once.
pub const MAX_HTTP_CONNECTIONS: usize = 2048;

/// For the streams of a file to become known before a request is answered with an error. A cold
/// plug-in registry alone took 3 s.
pub const MEDIA_INFO_TIMEOUT: Duration = Duration::from_secs(15);

/// Between two comments on an idle server-sent event stream: proxies close silent connections.
pub const SSE_HEARTBEAT: Duration = Duration::from_secs(15);

/// On SIGTERM, for clients to be told and connections to drain.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
