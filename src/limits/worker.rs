//! Worker processes: what they may send and use.

use super::MAX_TAG_BODY;
use std::time::Duration;

/// Without a message from a worker that is not held back: it hangs. Slow SD cards and cold
/// registries need several seconds.
pub const WORKER_STALL: Duration = Duration::from_secs(10);

/// So many times as long a silence is a stall even of a worker that got hardly a turn on a busy machine: a minute for
/// [`WORKER_STALL`], in which a film that needs a second of processor time to begin has had it at a sixtieth of a core.
pub const STARVED_STALL_FACTOR: u32 = 6;

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

/// Bytes that a worker reads ahead of a demuxer that reads in small pieces. No more, because a piece that waits in a queue
/// keeps the whole block that it is cut from.
pub const WORKER_AHEAD: usize = 64 << 10;

/// Such blocks that are remembered: sound, picture and subtitles may each lie elsewhere in a film.
pub const WORKER_AHEAD_BLOCKS: usize = 4;

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

/// For [`pipeline::look`](crate::pipeline::look()) without pictures, start of the worker included; above
/// [`WORKER_STREAMS_TIMEOUT`], so that the worker's own report comes first.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// After the streams are known, a probe waits this long for the first frames, which may bring a
/// rotation or a duration.
pub const PROBE_FIRST_FRAMES: Duration = Duration::from_secs(1);

/// Largest file a worker may write. It writes none but GStreamer's plug-in registry (1.5 MB), when
/// that is out of date.
pub const WORKER_FILE_SIZE: u64 = 32 << 20;

/// When the kernel is out of memory, a worker is ended before anything else of a box (the range is -1000 to 1000): another one is
/// started in its place, and the server goes on.
pub const WORKER_OOM_SCORE: &str = "800";

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

/// Address space of one worker. 1080p transcoding with lookahead was measured at 315 MB resident;
/// mappings of libraries and thread stacks come on top.
pub const WORKER_ADDRESS_SPACE: u64 = 3 << 30;

/// Processor time of one worker, all its threads together. A four-hour film that four cores of a small
/// box encode in just its own time takes 16 hours; a loop without end must end.
pub const WORKER_CPU_TIME: Duration = Duration::from_secs(24 * 3600);
