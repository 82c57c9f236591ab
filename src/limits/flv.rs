//! FLV.

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
