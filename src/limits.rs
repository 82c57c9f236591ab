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

/// Bytes gathered before a conversion's tags are written to its reel, unless a viewer waits.
pub const REEL_WRITE: usize = 256 << 10;

/// Keyframes closer together than this share an index entry: Flash-era files often have nothing
/// but keyframes, and a seek need not be finer than this.
pub const INDEX_MIN_STEP: Duration = Duration::from_millis(100);

/// Entries in a reel's index: 27 hours at the smallest step, 16 MB.
pub const MAX_INDEX_ENTRIES: usize = 1 << 20;

/// Changes of codec configuration kept for one reel. Broadcast recordings change at commercials;
/// more than this is a damaged file.
pub const MAX_HEADER_CHANGES: usize = 4096;

/// A reel whose first time is later than this is taken to be cut from a longer recording: it is
/// served as if it began at zero, because players' seek bars begin there.
pub const ORIGIN_THRESHOLD: Duration = Duration::from_secs(1);

/// A source's own length is believed when what there is ends at most this much earlier: one frame
/// of a slow slideshow-like video, or a sound track that ends before the picture.
pub const DURATION_MARGIN: Duration = Duration::from_secs(2);

/// Between two samples of a producer's speed.
pub const SPEED_SAMPLE_STEP: Duration = Duration::from_millis(250);

/// Samples of a producer's speed: five seconds of them, so that an estimate follows a scene that
/// is harder to encode without jumping about.
pub const SPEED_SAMPLES: usize = 20;

/// A player is told a FLV file's codecs after this many frames at the latest, for files that have
/// only picture or only sound.
pub const FLV_START_TAGS: usize = 256;

/// … and after this much media at the latest.
pub const FLV_START_TIME: Duration = Duration::from_secs(2);

/// Bytes read at a time while a FLV file is indexed: what one read-ahead of the kernel brings.
pub const SCAN_WINDOW: usize = 128 << 10;

/// Without a message from a worker that is not held back: it hangs. Slow SD cards and cold
/// registries need several seconds.
pub const WORKER_STALL: Duration = Duration::from_secs(10);

/// Largest access unit a worker may send; same reason as [`MAX_TAG_BODY`].
pub const MAX_ACCESS_UNIT: usize = MAX_TAG_BODY - 16;

/// Largest codec configuration (avcC, AudioSpecificConfig) a worker may send.
pub const MAX_CODEC_DATA: usize = 64 << 10;

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

// ---- Library ---------------------------------------------------------------------------------

/// Entries listed of one folder. 20,000 films in one folder are listed whole; a folder of a
/// million files must not cost a gigabyte.
pub const MAX_LISTING: usize = 100_000;

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
