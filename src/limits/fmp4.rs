//! Fragmented MP4.

use std::time::Duration;

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
/// Extensions stall where one of two tracks has nothing. More than [`INTERLEAVE_SKEW`](super::INTERLEAVE_SKEW), so that
/// sound which is merely written later is never overtaken.
pub const FMP4_AUDIO_LAG: Duration = Duration::from_secs(15);

/// Longest hole in the sound that is filled with silence in one go; a damaged timestamp can claim
/// one of 49 days.
pub const FMP4_MAX_SILENCE: Duration = Duration::from_secs(60);
