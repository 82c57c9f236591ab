//! How much later than they are decoded pictures are shown, in files that only count frames (AVI).
//!
//! Frame n of an AVI file is decoded at n frames' time. With B-frames the first picture is shown one or two
//! frames after that, and the sound was written to fit. mplayer, VLC and ffmpeg add the same delay.

use gstreamer as gst;

/// The delay, from what the caps say of frame rate and codec.
pub(super) fn shown_later_ns(caps: &gst::CapsRef) -> i64 {
    let Some(structure) = caps.structure(0) else { return 0 };
    let half_frames = match structure.name().as_str() {
        // Two frames later, or three, by how it was written: the middle is off by half a frame.
        "video/x-h264" => 5,
        "video/mpeg" if structure.get::<i32>("mpegversion").is_ok_and(|version| version == 4) => {
            let config = structure.get::<gst::Buffer>("codec_data").ok();
            let config = config.as_ref().and_then(|buffer| buffer.map_readable().ok());
            config.map_or(0, |config| 2 * i64::from(!is_low_delay(&config)))
        }
        _ => 0,
    };
    let rate = structure.get::<gst::Fraction>("framerate").ok().filter(|rate| rate.numer() > 0);
    rate.map_or(0, |rate| half_frames * 500_000_000 * i64::from(rate.denom()) / i64::from(rate.numer()))
}

/// The MPEG-4 video object layer says that there are no B-frames, in itself or by being of a type that has
/// none (ISO 14496-2, 6.2.3).
fn is_low_delay(config: &[u8]) -> bool {
    let layer = config.windows(4).position(|code| code[..3] == [0, 0, 1] && (0x20..=0x2f).contains(&code[3]));
    let Some(layer) = layer.and_then(|at| config.get(at + 4..)) else { return true };
    let bits = |at: usize, count: usize| {
        (at..at + count).fold(0u32, |sum, at| {
            let bit = layer.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
            sum << 1 | u32::from(bit)
        })
    };
    // random_accessible_vol, then the object's type.
    let kind = bits(1, 8);
    let mut at = 9;
    let has_identifier = bits(at, 1) == 1;
    at += 1 + if has_identifier { 7 } else { 0 };
    let extended_aspect = bits(at, 4) == 15;
    at += 4 + if extended_aspect { 16 } else { 0 };
    let has_control = bits(at, 1) == 1;
    if has_control {
        // chroma_format, then low_delay.
        return bits(at + 3, 1) == 1;
    }
    const SIMPLE: u32 = 1;
    const ADVANCED_SIMPLE: u32 = 17;
    matches!(kind, SIMPLE | ADVANCED_SIMPLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ffmpeg writes, without and with B-frames.
    #[test]
    fn low_delay_is_read_from_the_video_object_layer() {
        let plain = [0, 0, 1, 0xb0, 1, 0, 0, 1, 0xb5, 0x89, 0x13, 0, 0, 1, 0x20, 0, 0xc4, 0x8d, 0x88, 0];
        let b_frames = [0, 0, 1, 0xb0, 0xf1, 0, 0, 1, 0xb5, 0xa9, 0x13, 0, 0, 1, 0x20, 8, 0xd4, 0x8d, 8, 0];
        assert!(is_low_delay(&plain));
        assert!(!is_low_delay(&b_frames));
        for cut in 0..b_frames.len() {
            let _ = is_low_delay(&b_frames[..cut]);
        }
    }
}
