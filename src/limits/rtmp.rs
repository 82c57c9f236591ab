//! RTMP.

use super::MAX_TAG_BODY;
use std::time::Duration;

/// Largest RTMP message taken from a peer that has not published anything: commands are below
/// 4 KB; a long path or AMF object stays well below this.
pub const MAX_RTMP_COMMAND: usize = 64 << 10;

/// Chunk streams (csids) one peer may have open. Clients use at most 8.
pub const MAX_CHUNK_STREAMS: usize = 32;

/// Messages of the largest size that a peer may have unfinished at once, on different chunk streams, as
/// long as it has not published. Clients interleave a few commands at most.
pub const MAX_PARTIAL_MESSAGES: usize = 4;

/// Largest chunk size accepted from `SetChunkSize`. ffmpeg and OBS use 4096 to 65536.
pub const MAX_RTMP_CHUNK_SIZE: usize = 10 << 20;

/// The chunk size we announce and send with: most frames fit one chunk, and a record chunked once
/// serves every viewer.
pub const OUT_CHUNK_SIZE: usize = 65_536;

/// Window acknowledgement size and peer bandwidth we announce. Nothing here waits for an acknowledgement, and each
/// is a waking and a read for a viewer that has nothing to say: players send one for every half of this (ffmpeg), or
/// for every tenth (librtmp). rtmp2src warns below 2,500,000; 10,000,000 is what Red5 announces.
pub const WINDOW_ACK_SIZE: u32 = 10_000_000;

/// From accept to `connect`: slow phones on bad Wi-Fi need a second or two; half-open connections
/// must not gather.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Without a play or publish after `connect`. A player sitting in its menu browses by `getDir`.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);

/// Between user-control pings while nothing else is sent, so that a router in between keeps the
/// connection open during an hour's pause.
pub const PING_INTERVAL: Duration = Duration::from_secs(30);

/// RTMP connections served at once. Each costs a task, a socket, and about 5 KB for a live stream or
/// 20 KB for a recorded one (docs/performance.md), [`REEL_READ`](super::REEL_READ) while it is sent much: 40 MB.
pub const MAX_RTMP_CONNECTIONS: usize = 2048;

/// RTMP connections from one address: a TV opens two or three; a NAT'ed household stays below.
pub const MAX_RTMP_CONNECTIONS_PER_ADDRESS: usize = 1024;

/// NetStreams one connection may create. Players use one; some open a second to prefetch.
pub const MAX_MESSAGE_STREAMS: usize = 8;

/// Bytes of messages that a publisher may have unfinished: a picture and a sound interleaved with it, both
/// as large as can be.
pub const MAX_PUBLISHER_PARTIAL: usize = 2 * MAX_TAG_BODY;

/// Published tags that a session keeps for its driver, which takes them after every input. 64 KB of the
/// shortest sound frames in use (Nellymoser, 40 B with their header) are 1600; 64 KB of one-byte messages
/// would be 32,768.
pub const MAX_PUBLISHED_TAGS: usize = 4096;

/// Bytes of those tags: what one input of 64 KB can make whole ([`MAX_PUBLISHER_PARTIAL`]) fits.
pub const MAX_PUBLISHED_BYTES: usize = MAX_PUBLISHER_PARTIAL + MAX_TAG_BODY;

/// Codecs that a peer may list by FourCC in `connect`. Enhanced RTMP v2 names a dozen.
pub const MAX_FOUR_CCS: usize = 32;

/// Longest play path in bytes: Linux's PATH_MAX.
pub const MAX_PATH_BYTES: usize = 4096;

/// Library paths tried for one play command: three folders, four spellings, three forms, without those
/// that coincide.
pub const MAX_PATH_CANDIDATES: usize = 36;

/// Commands kept while `connect` waits for its answer. Only clients that do not wait for any answer send
/// some: createStream, play and their relatives.
pub const MAX_DEFERRED_COMMANDS: usize = 16;

/// Events one read from the socket may raise. Clients raise two or three; a read of 64 KB full of the
/// shortest commands must not become as many heap objects.
pub const MAX_SESSION_EVENTS: usize = 1024;

/// Queued output above which no media is asked for: enough for a vectored write that is worth its system
/// call, little enough that a seek takes effect at once.
pub const RTMP_OUTPUT_HIGH_WATER: usize = 256 << 10;

/// Queued output at which a session ends. Media stops at [`RTMP_OUTPUT_HIGH_WATER`] plus one tag; only a
/// peer that asks and asks without reading the answers gets here.
pub const MAX_RTMP_OUTPUT: usize = RTMP_OUTPUT_HIGH_WATER + 2 * MAX_TAG_BODY;

/// A seek while paused shows one picture. Sound that lies before that picture in the file may go out with
/// it, but no more than this: the rest of the file may have no picture at all.
pub const MAX_SOUND_BEFORE_PICTURE: Duration = Duration::from_secs(1);

/// Sent ahead of the play clock beyond the client's own buffer length (nginx-rtmp's rule).
pub const PLAY_AHEAD: Duration = Duration::from_millis(1000);

/// A paced viewer is woken when this much is due, not for every tag: half of the processor time of
/// many viewers (docs/performance.md). Well below [`PLAY_AHEAD`], so that nobody runs dry.
pub const PACE_STEP: Duration = Duration::from_millis(200);

/// Buffer length assumed until the client sets one: Flash's and ffmpeg's is 3 s or less.
pub const DEFAULT_BUFFER_LENGTH: Duration = Duration::from_millis(3000);

/// Longest client buffer length honoured. rtmpdump asks for 10 h in order to download as fast as
/// the network carries; the socket's back-pressure bounds our memory whatever it asks.
pub const MAX_BUFFER_LENGTH: Duration = Duration::from_secs(12 * 3600);

/// Between two `Server.Media.Info` calls while a seek waits for the conversion.
pub const SEEK_PENDING_INTERVAL: Duration = Duration::from_millis(500);

/// Between two `Server.Media.Info` calls while a reel still grows and nothing waits.
pub const MEDIA_INFO_INTERVAL: Duration = Duration::from_secs(1);

/// Pieces and bytes of one write. IOV_MAX is 1024, at two parts a piece.
pub const WRITE_BATCH_PIECES: usize = 64;
/// See [`WRITE_BATCH_PIECES`].
pub const WRITE_BATCH_BYTES: usize = 256 << 10;

/// Bytes taken from an RTMP peer with one read, into memory that all peers of a thread share. Commands are
/// small; a publisher's pictures are not.
pub const RTMP_READ: usize = 64 << 10;

/// Calls of one RTMP peer that are being answered at a time; further ones are answered with null.
pub const MAX_PENDING_CALLS: usize = 8;
