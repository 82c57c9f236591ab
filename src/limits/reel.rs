//! Reels: what exists of a film, and how seeks are answered.

use std::time::Duration;

/// Bytes read from a reel for one viewer at a time: large enough that a read costs little beside
/// the socket, small enough that two hundred viewers need 25 MB at the very most.
pub const REEL_READ: usize = 128 << 10;

/// The least of them, when a viewer takes little at a time: a few frames of a small film.
pub const REEL_READ_LEAST: usize = 16 << 10;

/// Chunks for which a connection's queues keep room while it waits: what one [`PACE_STEP`](super::PACE_STEP) brings. The bursts at
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

/// How far a conversion is taken to come with its first picture: a target this near to where it was begun will be there then.
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

/// After a conversion was killed from outside, as the kernel does for want of memory, the next one waits this long; after
/// the next death twice as long …
pub const KILLED_PAUSE: Duration = Duration::from_millis(250);

/// … and so on, this often: four seconds, for which players have buffered.
pub const KILLED_PAUSE_DOUBLINGS: u32 = 4;

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
