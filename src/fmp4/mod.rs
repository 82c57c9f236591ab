//! Fragmented MP4 made from FLV tags, for Media Source Extensions, `<video>` and HLS.
//!
//! ```text
//!  ftyp moov{mvhd mvex{mehd trex…} trak…}    the init segment: once, and again when a codec
//!                                            configuration changes
//!  moof{mfhd traf{tfhd tfdt trun}…} mdat     a fragment: at every video keyframe, at the latest
//!  moof …                                    each half second; both tracks in one
//! ```
//!
//! Pure: tags in ([`Muxer::push`]), bytes out ([`Muxer::poll_output`]); no I/O, no clock, and the
//! bodies of the samples are slices of the tags, never copies. Times are absolute (`tfdt` is the
//! tag's time), so a stream that starts in the middle needs no `timestampOffset`.
//!
//! What belongs elsewhere: choosing where to start and waiting for tags ([`reel`](crate::reel)),
//! HTTP ([`server`](crate::server)), making H.264 and AAC of something else
//! ([`provider`](crate::provider)).
//!
//! Sources: ISO 14496-12 (boxes), 14496-14 and 14496-15 (sample entries), "ISO BMFF Byte Stream
//! Format" of the W3C (what Media Source Extensions take).

mod boxes;
mod error;
mod fragment;
mod init;
mod lane;
mod muxer;
pub mod segment;
mod silence;
pub mod whole;

pub use error::{Lane, MuxError};
pub use muxer::{Muxer, Options};

use crate::flv::{aac::AacConfig, avc::AvcConfig};

/// The MIME type with codecs (RFC 6381) of a stream with these lanes, as
/// `MediaSource.isTypeSupported` takes it: `video/mp4; codecs="avc1.640028,mp4a.40.2"`, or
/// `audio/mp4; …` without video.
pub fn mime_type(video: Option<&AvcConfig>, audio: Option<&AacConfig>) -> String {
    let codecs: Vec<String> =
        [video.map(AvcConfig::codec), audio.map(AacConfig::codec)].into_iter().flatten().collect();
    let container = if video.is_none() && audio.is_some() { "audio/mp4" } else { "video/mp4" };
    if codecs.is_empty() {
        return container.to_owned();
    }
    format!("{container}; codecs=\"{}\"", codecs.join(","))
}
