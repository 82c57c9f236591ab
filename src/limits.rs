//! Every capacity and time-out, each with its reason. Nothing else in the source decides how much
//! of something there may be.

use std::ops::RangeInclusive;
use std::time::Duration;

// ---- FLV -------------------------------------------------------------------------------------

/// Largest body of one FLV tag, in bytes. A 4K intra frame at the highest sane bitrate is about
/// 4 MB; the format itself allows 16 MB (24 bits). Larger means a lying header.
pub const MAX_TAG_BODY: usize = 8 << 20;

/// Bytes looked at for `onMetaData` at the head of a file. Recorders reserve up to 1 MB for a
/// keyframe index of a long recording.
pub const MAX_SCRIPT_TAG: usize = 2 << 20;

/// Longest side of a picture that an H.264 sequence parameter set may announce. The largest
/// level ends near 16,900; nothing in a home comes near.
pub const MAX_PICTURE_SIDE: u32 = 16_384;

/// Highest sampling rate of sound: twice the highest that AAC has a name for. A configuration can spell
/// out 16 MHz, and a minute of silence at that rate would be a million frames.
pub const MAX_SAMPLE_RATE: u32 = 192_000;

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
/// 20 KB for a recorded one (docs/performance.md), [`REEL_READ`] while it is sent much: 40 MB.
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

// ---- Live streams ----------------------------------------------------------------------------

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

// ---- Relays ----------------------------------------------------------------------------------

/// Another server has this long for each of its answers. Platforms that look a stream key up in their
/// data base take three seconds.
pub const RELAY_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The buffer that a relay says it has: what ffmpeg says.
pub const RELAY_BUFFER_LENGTH: Duration = Duration::from_secs(3);

/// For finding another server and connecting to it, all of its addresses together.
pub const RELAY_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// For one of its addresses: a broken IPv6 must not take the time of the IPv4 behind it.
pub const RELAY_ADDRESS_TIMEOUT: Duration = Duration::from_secs(3);

/// Addresses of another server that are tried, in the order of the system's resolver.
pub const MAX_RELAY_ADDRESSES: usize = 8;

/// Times that another server may send us on to yet another one: CDNs do it once, clusters twice.
pub const MAX_REDIRECTS: usize = 3;

/// Bytes taken from another server with one read. A session keeps what one read brings.
pub const RELAY_READ: usize = 64 << 10;

/// A server that plays but sends no media, or does not read what it is sent, is left after this: TCP notices
/// a dead one much later.
pub const RELAY_SILENCE: Duration = Duration::from_secs(30);

/// Between two looks of a relay at whether it is still wanted, and at whether the other server still is there.
pub const RELAY_TEND: Duration = Duration::from_secs(1);

/// For the goodbye to another server.
pub const RELAY_GOODBYE: Duration = Duration::from_secs(2);

/// The wait after a relay's first failure; each one more doubles it …
pub const RELAY_BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// … up to this: a server that comes back after a night is found within a minute.
pub const RELAY_BACKOFF_MOST: Duration = Duration::from_secs(60);

/// A viewer who asks makes a failed pull try at once, but no sooner than this after it failed.
pub const RELAY_RETRY_SOONEST: Duration = Duration::from_secs(1);

/// A relay that ran for so long was well: the waits begin anew.
pub const RELAY_STEADY: Duration = Duration::from_secs(30);

/// A viewer waits this long for a stream that is fetched on demand: connecting, and a keyframe interval of
/// ten seconds at the worst.
pub const RELAY_START_TIMEOUT: Duration = Duration::from_secs(15);

/// A pull on demand goes on for so long after its last viewer: people change their minds, pages reload.
pub const PULL_LINGER: Duration = Duration::from_secs(10);

/// A push keeps its connection for so long while the stream's publisher reconnects.
pub const PUSH_OFF_AIR: Duration = Duration::from_secs(5);

/// Between two looks for streams that have come on air and are to be pushed.
pub const PUSH_LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Pushes, of each stream to each of its servers, that are remembered; those that ended make room. Each that
/// runs costs a task and 64 KB.
pub const MAX_PUSHES: usize = 256;

/// Rules for relays in the configuration, of each kind.
pub const MAX_RELAY_RULES: usize = 64;

/// A stream's name of so many bytes may be a secret key, and is kept out of what other servers say of it.
/// Platforms' keys have 20 and more.
pub const SHORTEST_SECRET: usize = 8;

/// Letters kept of what another server says: it goes into the log and the interface.
pub const MAX_RELAY_TEXT: usize = 300;

// ---- Recordings ------------------------------------------------------------------------------

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

// ---- Pictures ---------------------------------------------------------------------------------

/// The size that a picture comes in unless another one is asked for: Full HD, what most screens show.
pub const PICTURE_WIDTH: u16 = 1920;
/// See [`PICTURE_WIDTH`].
pub const PICTURE_HEIGHT: u16 = 1080;

/// The largest side that can be asked for: that of a 4K screen.
pub const MAX_FIT_SIDE: u16 = 3840;

/// JPEG quality: nothing to be seen on a television, at a sixth of the size of 100.
pub const PICTURE_QUALITY: u8 = 85;

/// Bytes that a decoded picture may take: 100 million pixels of colour, more than any camera of a home takes, and less
/// than a third of what a box of 1 GB has. The process may map three times that.
pub const MAX_PICTURE_ALLOCATION: u64 = 300_000_000;

/// Address space of the process that reads a picture: the decoder's input and output, and the small picture.
pub const PICTURE_ADDRESS_SPACE: u64 = 3 * MAX_PICTURE_ALLOCATION;

/// Bytes of a colour profile that is kept. Those of cameras and telephones have some hundred, those of printers 2 MB.
pub const MAX_PICTURE_PROFILE: usize = 256 << 10;

/// Bytes of a finished picture: four times what a 4K JPEG of noise has at our quality.
pub const MAX_PICTURE_BYTES: u64 = 32 << 20;

/// Pictures that are read at the same time. More would only take turns on a small box, and memory with them.
pub const PICTURES_AT_ONCE: usize = 2;

/// Requests for pictures that wait or are worked at: several screens full of them.
pub const MAX_PICTURE_WAITING: usize = 256;

/// For one picture, from the start of its process: a hundred times what a telephone's takes on a small box.
pub const PICTURE_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of finished pictures kept in memory: some hundred of Full HD.
pub const PICTURES_KEPT: usize = 24 << 20;

// ---- Sockets ---------------------------------------------------------------------------------

/// Descriptors that the server asks the system for: one a connection of either protocol, and as many again as a
/// quarter for files, pipes of conversions and listing. Most systems give 1024 until asked.
pub const DESCRIPTORS: u64 = ((MAX_RTMP_CONNECTIONS + MAX_HTTP_CONNECTIONS)
    + (MAX_RTMP_CONNECTIONS + MAX_HTTP_CONNECTIONS) / 4) as u64;

/// A viewer of a live stream that takes nothing for this long, with the socket full, is no longer there: what it was
/// given stays in memory for it alone. A player that pauses by RTMP's command is given nothing and stays.
pub const LIVE_UNREAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The server calls itself so many times within the time after which a service manager takes it for hung
/// (`WatchdogSec`): one answer may be late, two may not.
pub const HEALTH_CHECKS_PER_WATCHDOG: u32 = 3;

/// Its own answer may take this long: far longer than any under load, shorter than a third of the 60 s that our unit
/// gives it.
pub const HEALTH_TIMEOUT: Duration = Duration::from_secs(15);

/// After an accept that failed, mostly for want of descriptors.
pub const ACCEPT_BACKOFF: Duration = Duration::from_millis(200);

/// A connection silent for this long is probed …
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);

/// … this often …
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// … and is gone after so many probes without answer.
pub const KEEPALIVE_PROBES: u32 = 4;

/// Plaintext that one TLS connection takes before its ciphertext is with the kernel: four records of the
/// largest size. What is more waits in the session, which counts it.
pub const TLS_OUTPUT: usize = 64 << 10;

/// Between two looks at whether the certificate's files have changed, at the most when somebody connects.
pub const CERTIFICATE_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Largest file with certificates or a key: the whole list of a system's authorities has 220 KB.
pub const MAX_PEM_FILE: u64 = 1 << 20;

// ---- Reels and conversion --------------------------------------------------------------------

/// Bytes read from a reel for one viewer at a time: large enough that a read costs little beside
/// the socket, small enough that two hundred viewers need 25 MB at the very most.
pub const REEL_READ: usize = 128 << 10;

/// The least of them, when a viewer takes little at a time: a few frames of a small film.
pub const REEL_READ_LEAST: usize = 16 << 10;

/// Chunks for which a connection's queues keep room while it waits: what one [`PACE_STEP`] brings. The bursts at
/// the beginning of a play need eight times that.
pub const QUEUE_KEPT: usize = 32;

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

/// Ranges that one reel may have, and so files: enough for a viewer who looks into a film every few
/// minutes. The shortest that nobody reads goes when there are more.
pub const MAX_RANGES: usize = 24;

/// Conversions of one reel at a time: one for each of a home's viewers who are at different places of
/// the same film.
pub const MAX_REEL_CONVERSIONS: usize = 4;

/// A seek waits for a conversion that runs already if that will be there within this time, unless the
/// configuration says otherwise: starting another one costs as much on a small box.
pub const SEEK_PATIENCE: Duration = Duration::from_millis(1500);
/// The longest that can be configured.
pub const MAX_SEEK_PATIENCE: Duration = Duration::from_secs(600);

/// How many times faster than it plays a film is repacked at best: what a conversion is taken for whose
/// speed was not measured yet.
pub const FASTEST_REMUX: u32 = 500;
/// The same for films that are encoded.
pub const FASTEST_ENCODING: u32 = 10;

/// Between two starts of conversions of one reel. Starting one takes 0.1 s of a processor: somebody
/// who drags the seek bar about gets one conversion in place of fifty.
pub const SEEK_RESTART_STEP: Duration = Duration::from_millis(200);

/// A conversion that was begun this little before a target is not begun again for it, whatever the
/// estimate says; also how far it is taken to come with its first picture.
pub const SEEK_NEAR: Duration = Duration::from_secs(10);

/// How long a conversion takes to its first picture, before that was measured.
pub const START_ESTIMATE: Duration = Duration::from_millis(500);

/// Targets this near the end are moved here: a conversion begun at the very end finds nothing.
pub const SEEK_END_MARGIN: Duration = Duration::from_millis(500);

/// A conversion that was begun behind the last frame is begun again this long before; the second time
/// twice as long, and so on.
pub const MISS_STEP: Duration = Duration::from_secs(5);

/// A conversion that had been ended goes on when a viewer comes this near its end: several times what
/// starting takes, and more than players keep in their buffers.
pub const RESUME_LEAD: Duration = Duration::from_secs(20);

/// A range is continued from a keyframe at least this long before its end, so that old and new have
/// frames in common and can be joined.
pub const RESUME_OVERLAP: Duration = Duration::from_secs(1);

/// A conversion of a reel that no viewer of it waits for goes on this long, if no other needs its
/// place: viewers change their minds.
pub const UNWANTED_GRACE: Duration = Duration::from_secs(2);

/// A film whose viewers wait, and for which other films leave no place, is given up after this.
pub const PLACE_PATIENCE: Duration = Duration::from_secs(30);

/// A conversion this far ahead of its viewers gives up its place to a viewer who has nothing.
pub const SPARE_LEAD: Duration = Duration::from_secs(10);

/// Between two looks at where the viewers of a reel are.
pub const DIRECTOR_STEP: Duration = Duration::from_millis(250);

/// Conversions of a reel that may die at the same place, before the reel is given up: a file that kills
/// its converter does so every time, a kill for want of memory hits anywhere.
pub const MAX_DEATHS_AT_A_PLACE: u32 = 4;
/// Deaths this near each other are at the same place.
pub const DEATH_PLACE: Duration = Duration::from_secs(5);
/// … and that may die at all.
pub const MAX_DEATHS: u32 = 100;

/// A range of passed-through pictures can be entered this long after its start: decoding times of
/// Matroska files are right from the fifth frame on.
pub const ENTRY_AFTER_START: Duration = Duration::from_millis(300);

/// A range can be entered this long after its first sound: an encoder's first frame fades in.
pub const ENTRY_AFTER_SOUND: Duration = Duration::from_millis(45);

/// A range without sound although there is some in the file can be entered after this: sound has
/// pauses in some containers.
pub const ENTRY_WITHOUT_SOUND: Duration = Duration::from_secs(3);

/// Pictures of two conversions this near are the same: less than a frame's time at 120 fps, more than
/// milliseconds are rounded by.
pub const VIDEO_JOIN_TOLERANCE: Duration = Duration::from_millis(4);

/// The same for sound without pictures: one frame of AAC at 44.1 kHz.
pub const AUDIO_JOIN_TOLERANCE: Duration = Duration::from_millis(24);

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

/// So many times as long a silence is a stall even of a worker that got hardly a turn on a busy machine: a minute for
/// [`WORKER_STALL`], in which a film that needs a second of processor time to begin has had it at a sixtieth of a core.
pub const STARVED_STALL_FACTOR: u32 = 6;

/// Inside the worker of a live source, for the first frame: an RTSP server that has no UDP, a name that takes
/// long to resolve and a keyframe every ten seconds come together.
pub const LIVE_FIRST_UNIT: Duration = Duration::from_secs(20);

/// Inside it, without a frame although the pipe would take one: the source has gone without a word (a
/// camera's cable, UDP). A camera may well send one frame every few seconds.
pub const LIVE_NO_UNIT: Duration = Duration::from_secs(8);

/// One lane of a live source may be this much ahead of the other before its tags go out without waiting: a
/// camera that promises sound and has none must not delay its picture.
pub const LIVE_SKEW: Duration = Duration::from_secs(1);

/// A step forward that a live source's times may take within a lane: it sends nothing while nothing moves.
pub const LIVE_GAP: Duration = Duration::from_secs(10);

/// A step back within a lane that is no jump: packets out of order, sound that overlaps.
pub const LIVE_OVERLAP: Duration = Duration::from_secs(1);

/// Sound alone is held back this long when a picture was promised: a player that begins with sound alone may
/// never show the picture.
pub const LIVE_PICTURE_WAIT: Duration = Duration::from_secs(10);

/// Bytes of such sound; above it the oldest is lost.
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

/// Largest access unit a worker may send; same reason as [`MAX_TAG_BODY`].
pub const MAX_ACCESS_UNIT: usize = MAX_TAG_BODY - 16;

/// Largest codec configuration (avcC, AudioSpecificConfig) a worker may send.
pub const MAX_CODEC_DATA: usize = 64 << 10;

/// Longest text (a failure, a warning, the description of the streams) a worker may send. Codec
/// names and GStreamer's messages stay below 1 KB.
pub const MAX_WORKER_TEXT: usize = 8 << 10;

/// Longest description of the streams a worker may send: a disc's 99 chapters and 32 subtitle tracks with
/// their names.
pub const MAX_WORKER_STREAMS: usize = 64 << 10;

/// Tracks, chapters and tags of one kind that are listed of a file, and bytes of one name or tag.
pub const MAX_LISTED: usize = 128;
/// See [`MAX_LISTED`].
pub const MAX_LISTED_TEXT: usize = 120;

/// Languages that one viewer, or the configuration, names in order of preference: more than people speak.
pub const MAX_CHOICE_LANGUAGES: usize = 8;

/// Buffer in which worker messages arrive; larger access units are read past it, straight into the
/// tag's body.
pub const WORKER_READ_BUFFER: usize = 128 << 10;

/// Size asked for the pipe from a worker: a quarter second of an 8 Mbit/s film, so that the two
/// processes do not switch for every audio frame. The kernel's own 64 KB do as well.
pub const WORKER_PIPE: usize = 256 << 10;

/// Bytes that a worker gathers before it writes them to that pipe: each write wakes the server.
pub const WORKER_BATCH: usize = 64 << 10;

/// Units that are written at once at the beginning: somebody waits for the first picture, and a second of film comes
/// with it.
pub const WORKER_UNITS_AT_ONCE: u64 = 80;

/// Lines of a worker's stderr kept for the report of a crash, and the bytes kept of each.
/// GStreamer's last words are a handful of lines.
pub const WORKER_STDERR_LINES: usize = 12;
/// See [`WORKER_STDERR_LINES`].
pub const WORKER_STDERR_LINE: usize = 400;

/// Inside a worker, for a file to show its streams. Below [`WORKER_STALL`] so that the worker can
/// still say what it waited for. Truncated files make some demuxers wait for ever.
pub const WORKER_STREAMS_TIMEOUT: Duration = Duration::from_secs(8);

/// Inside a worker, between two looks at the clock.
pub const WORKER_TICK: Duration = Duration::from_millis(100);

/// Inside a worker, without an access unit although the pipe would take one. Same reason.
pub const WORKER_NO_PROGRESS: Duration = Duration::from_secs(8);

/// Inside a worker, after a demuxer's fatal error: for what was read before it to come out of the
/// decoders and encoders. Measured since the last access unit.
pub const WORKER_DRAIN: Duration = Duration::from_secs(2);

/// For [`pipeline::look`](crate::pipeline::look) without pictures, start of the worker included; above
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
/// Media queued there: a picture that takes long to encode must not let the sound run away.
pub const LANE_QUEUE_TIME: Duration = Duration::from_secs(5);

/// Boxes of an MP4 file looked at before it is played. A film of three hours in fragments of two seconds
/// has 11,000; the pieces of a live recording are half a second, which is where this ends.
pub const MAX_MP4_BOXES: u32 = 100_000;

/// Entries of an edit list looked at for the first that shows something: silence before it is one entry.
pub const MAX_MP4_EDITS: u32 = 16;

/// Samples of one run of a fragment whose durations are added up: a minute at 1000 a second.
pub const MAX_FRAGMENT_SAMPLES: u32 = 60_000;

/// Pictures or sound wait this long for the other lane to show up, in formats without a list of their streams
/// (program streams). The wait ends earlier when a lane has [`LANE_QUEUE_TIME`] of media queued, as it has
/// within milliseconds.
pub const WORKER_LATE_STREAMS: Duration = Duration::from_millis(1500);

/// The same for the first frame of each stream that has shown up, before which its language is known.
pub const WORKER_TAGS_PATIENCE: Duration = Duration::from_millis(300);

/// Inside a worker, without an access unit after the whole file was read: gst-libav's demuxers forget to say that
/// this is the end.
pub const WORKER_AT_END: Duration = Duration::from_secs(2);

/// Decoded frames between decoder and encoder in a worker: lets both run at once. A 1080p frame is
/// 3 MB.
pub const RAW_QUEUE_FRAMES: u32 = 4;

/// Longest side of a picture that a worker decodes, in pixels. 8K is 7680.
pub const MAX_SOURCE_SIDE: i32 = 16_384;
/// Most pixels of a picture that a worker decodes: 8K and a half. A decoder holds a dozen of them.
pub const MAX_SOURCE_PIXELS: i64 = 48 << 20;

/// Frames of the test picture that each encoder is tried with: two seconds, so that starting it does not count.
pub const EQUIP_FRAMES: i32 = 50;

/// After the start of the server, before its encoders are tried: whoever starts it wants to see the page and the first
/// film begin.
pub const EQUIP_DELAY: Duration = Duration::from_secs(60);

/// For one encoder to do so. A Raspberry Pi takes 2 s for the slowest preset; what takes longer is of no use.
pub const EQUIP_TIMEOUT: Duration = Duration::from_secs(8);

/// An encoder is fast enough when it could encode so many times as much of the test picture: films are up to twice
/// as hard as that (measured: 1.9 at superfast), and a third of the processor goes to decoding, scaling and sound.
pub const ENCODER_HEADROOM: f64 = 3.0;

/// How hard films may be found to be, in percent of what [`ENCODER_HEADROOM`] expects, when conversions fall behind: at
/// this the picture is at its smallest on any machine that can show one at all.
pub const MAX_STRAIN: u32 = 10_000;

/// A conversion that encodes is judged by its speed over this long: several keyframes, and longer than a hard scene.
pub const PACE_WINDOW: Duration = Duration::from_secs(10);

/// Slower than this, in media time by the clock, it falls behind whoever watches it: real time and a little.
pub const PACE_NEEDED: f64 = 1.05;

/// Slower than this, its next keyframe would take ten seconds: it ends where it is, and its viewers see no picture
/// for part of a group of pictures.
pub const PACE_HOPELESS: f64 = 0.2;

/// Faster than this all the time, it could have been made better: going from one preset or size to the next
/// costs at most 2.25 times as much, so what is better for it does not fall behind at once.
pub const PACE_EASY: f64 = 3.0;

/// Before a conversion is judged easy: not a short film, nor the few scenes after a seek.
pub const PACE_LONG: Duration = Duration::from_secs(60);

/// With less than this left to convert it is not begun again in another way.
pub const PACE_REST: Duration = Duration::from_secs(20);

/// Most frames a second a transcode yields: 50 and 60 fps would halve the number of conversions a
/// small box can do at once.
pub const MAX_TRANSCODE_FPS: i32 = 30;

/// Between two keyframes of a transcode, and so how exactly one can seek. They lie on multiples of
/// this, so that runs started at different times agree.
pub const KEYFRAME_INTERVAL: Duration = Duration::from_secs(2);

/// The same for Sorenson H.263: Flash 7 seeks to keyframes only, and a lost one shows longer.
pub const FLASH_KEYFRAME_INTERVAL: Duration = Duration::from_secs(1);

/// Bitrate of Sorenson H.263: what a Wii's Flash Lite decodes at 400x224 without stuttering.
pub const FLASH_KBIT: u32 = 600;

/// Sound is encoded from this long before the first picture of a conversion that starts in the middle:
/// the encoder's first frames are not like those of one that has run for longer.
pub const SOUND_BEFORE_START: Duration = Duration::from_millis(300);

/// Frames decoded and not encoded on the way from a source's keyframe to the place asked for: 30 s of
/// pictures. A source with keyframes further apart starts before the place asked for.
pub const MAX_SKIPPED_BUFFERS: u32 = 750;

/// Video frames of a passed-through stream dropped while waiting for its first keyframe. Ten
/// seconds at 50 fps; streams that never have one (intra refresh) start wherever they are.
pub const MAX_FRAMES_BEFORE_KEYFRAME: u32 = 500;

/// Address space of one worker. 1080p transcoding with lookahead was measured at 315 MB resident;
/// mappings of libraries and thread stacks come on top.
pub const WORKER_ADDRESS_SPACE: u64 = 3 << 30;

/// Processor time of one worker, all its threads together. A four-hour film that four cores of a small
/// box encode in just its own time takes 16 hours; a loop without end must end.
pub const WORKER_CPU_TIME: Duration = Duration::from_secs(24 * 3600);

/// A remux runs hundreds of times faster than real time: it stays this far ahead of its furthest
/// viewer, no further, so that a film half watched is not written whole to the card.
pub const REMUX_LEAD: Duration = Duration::from_secs(300);

/// A conversion that nobody watches goes on this long: the same viewer often comes back (a page
/// reload, the next seek of a player that opens a new connection).
pub const CONVERSION_LINGER: Duration = Duration::from_secs(20);

/// One lane (audio or video) may be this much ahead of the other before tags are written without
/// waiting for the other: files with sound that starts late, or ends early. Well above
/// [`LANE_QUEUE_TIME`] and an encoder's own delay: sound is encoded much faster than pictures.
pub const INTERLEAVE_SKEW: Duration = Duration::from_secs(10);

/// Bytes held while waiting for the other lane; above it the wait ends.
pub const INTERLEAVE_BYTES: usize = 32 << 20;

/// A conversion's codecs are taken as known when one lane has come alone for this long: the other
/// was promised by the file but does not come.
pub const CONVERT_START_SKEW: Duration = Duration::from_secs(5);

/// Between two looks at what conversions are doing.
pub const TEND_INTERVAL: Duration = Duration::from_secs(1);

/// A conversion that has to encode waits this long for one that was just stopped to end.
pub const TRANSCODE_PLACE_PATIENCE: Duration = Duration::from_secs(3);

/// Conversions that encode at once, at the most that can be configured: a strong desktop machine.
pub const MAX_ENCODINGS: usize = 8;

/// Conversions at once, remuxing ones included. Each has a process of about 25 MB; how many may
/// encode is the configuration's business.
pub const MAX_CONVERSIONS: usize = 32;

/// Between two entries of the index of a reel without video: a seek lands this close.
pub const AUDIO_INDEX_STEP: Duration = Duration::from_millis(1000);

// ---- Looking at files (pictures, index) -------------------------------------------------------

/// A poster fits into this: a third of a TV's width, and some 10 KB.
pub const POSTER_SIZE: (usize, usize) = (320, 180);

/// A picture of the seek bar fits into this: what a thumb covers, and a kilobyte or two.
pub const TILE_SIZE: (usize, usize) = (160, 90);

/// Pictures of a seek bar at most: one for every 72 s of two hours, 120 KB. More would be finer than a hand
/// on a slider.
pub const LOOK_TILES: usize = 100;

/// … and at least this many, however slow the machine is.
pub const LOOK_TILES_LEAST: usize = 10;

/// Tiles in a row: the sheet is at most 1600 x 900, which every decoder takes.
pub const BAR_COLUMNS: usize = 10;

/// Pictures of a seek bar are at least this far apart: films have a keyframe every two seconds or so.
pub const LOOK_STEP_LEAST: Duration = Duration::from_secs(2);

/// What the pictures of a seek bar may take: as many are made as this is enough for.
pub const LOOK_BAR_TIME: Duration = Duration::from_secs(20);

/// Pictures are made for so long; what there is by then is kept.
pub const LOOK_TIME: Duration = Duration::from_secs(45);

/// One picture, from the seek to its pixels: a disk that has to spin up is waited for.
pub const LOOK_PICTURE: Duration = Duration::from_secs(8);

/// Keyframes that are tried at a place, until one can be decoded whole.
pub const LOOK_ATTEMPTS: usize = 4;

/// Between two looks for a picture.
pub const LOOK_TICK: Duration = Duration::from_millis(50);

/// From the start of a worker that looks to its end: [`WORKER_STREAMS_TIMEOUT`], [`LOOK_TIME`], and room for a
/// machine that is busy.
pub const LOOK_TIMEOUT: Duration = Duration::from_secs(120);

/// Processor time of such a worker: more than [`LOOK_TIME`] on two processors is a loop without end.
pub const LOOK_CPU_TIME: Duration = Duration::from_secs(90);

/// Its address space: one 8K picture, the plug-ins and stacks. Less than a conversion has, for nobody waits for it.
pub const LOOK_ADDRESS_SPACE: u64 = 2 << 30;

/// Nobody waits for what is looked at in the background: the last to get the processor and, since that follows
/// from it, the disk.
pub const LOOK_NICE: i32 = 19;

/// JPEG quality, 0 to 100: at this size nobody sees a difference above.
pub const LOOK_PICTURE_QUALITY: i32 = 75;

/// Largest JPEG that is kept; a sheet of noise is half of that.
pub const MAX_LOOK_PICTURE: usize = 1 << 20;

/// Largest cover picture that is looked at; they are a few hundred KB mostly.
pub const MAX_COVER_BYTES: usize = 16 << 20;

// ---- Index of the library ------------------------------------------------------------------

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

// ---- Library ---------------------------------------------------------------------------------

/// Entries listed of one folder. 20,000 films in one folder are listed whole; a folder of a
/// million files must not cost a gigabyte.
pub const MAX_LISTING: usize = 100_000;
// ---- fMP4 --------------------------------------------------------------------------------------

/// A fragment is cut at the latest after this much media: a player shows the first picture when it
/// has a whole fragment, and half a second of waiting is where people start to notice.
pub const FMP4_FRAGMENT: Duration = Duration::from_millis(500);

/// A fragment is cut at the latest at this many bytes of samples, for memory: about 60 Mbit/s
/// fit half a second.
pub const FMP4_FRAGMENT_BYTES: usize = 4 << 20;

/// How long the init segment waits for the sequence header of a lane that was announced. Both come
/// within a tag or two; a file that promised sound and has none must still play.
pub const FMP4_HEADER_WAIT: Duration = Duration::from_secs(4);

/// A run of AAC frames keeps its sample-exact times until tags disagree by more than this. Below
/// the 45 ms by which ITU-R BT.1359 says that early sound is noticed, above the jitter of live
/// encoders.
pub const FMP4_AUDIO_TOLERANCE: Duration = Duration::from_millis(40);

/// Sound this far behind the picture is taken to be absent and filled with silence: Media Source
/// Extensions stall where one of two tracks has nothing. More than [`INTERLEAVE_SKEW`], so that
/// sound which is merely written later is never overtaken.
pub const FMP4_AUDIO_LAG: Duration = Duration::from_secs(15);

/// Longest hole in the sound that is filled with silence in one go; a damaged timestamp can claim
/// one of 49 days.
pub const FMP4_MAX_SILENCE: Duration = Duration::from_secs(60);

// ---- HTTP ------------------------------------------------------------------------------------

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
/// [`MAX_RTMP_CONNECTIONS_PER_ADDRESS`].
pub const MAX_HTTP_CONNECTIONS_PER_ADDRESS: usize = 1024;

/// For the streams of a file to become known before a request is answered with an error. A cold
/// plug-in registry alone took 3 s.
pub const MEDIA_INFO_TIMEOUT: Duration = Duration::from_secs(15);

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

// ---- Configuration ---------------------------------------------------------------------------

/// Largest configuration file read. Ours with every comment has 3 KB; a film given to `--config`
/// by mistake must not be read into memory.
pub const MAX_CONFIG_FILE: u64 = 1 << 20;

/// Folders in one library. Each is looked at when the server starts.
pub const MAX_LIBRARY_FOLDERS: usize = 64;

/// Keys and flags are typed by hand: a name this different from every known one is no typing
/// mistake, and no suggestion is better than a wrong one.
pub const MAX_TYPING_MISTAKES: usize = 3;
