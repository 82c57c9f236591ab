//! Conversions: encoders, speed, interleaving.

use std::time::Duration;

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

/// A remux runs hundreds of times faster than real time: it stays this far ahead of its furthest
/// viewer, no further, so that a film half watched is not written whole to the card.
pub const REMUX_LEAD: Duration = Duration::from_secs(300);

/// A conversion that nobody watches goes on this long: the same viewer often comes back (a page
/// reload, the next seek of a player that opens a new connection).
pub const CONVERSION_LINGER: Duration = Duration::from_secs(20);

/// One lane (audio or video) may be this much ahead of the other before tags are written without
/// waiting for the other: files with sound that starts late, or ends early. Well above
/// [`LANE_QUEUE_TIME`](super::LANE_QUEUE_TIME) and an encoder's own delay: sound is encoded much faster than pictures.
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
