//! AAC as MPEG-TS and `.aac` files carry it: each frame with a header of its own (ISO 14496-3, 1.A.2).
//!
//! ```text
//!  fff(12) version(1) layer(2) no CRC(1) │ profile(2) rate(4) private(1) channels(3) … │ length(13) … blocks(2) │ CRC(16)?
//! ```

/// A frame without its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Frame<'a> {
    pub(super) raw: &'a [u8],
    /// The AudioSpecificConfig of what is in it (ISO 14496-3, 1.6.2.1).
    pub(super) config: [u8; 2],
}

/// Header without CRC.
const HEADER_LEN: usize = 7;
const CRC_LEN: usize = 2;

/// The frame at the start of `bytes`; `None` when it is none, or not all there.
pub(super) fn frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let head = bytes.first_chunk::<HEADER_LEN>()?;
    if head[0] != 0xff || head[1] & 0xf6 != 0xf0 {
        return None;
    }
    let with_crc = head[1] & 1 == 0;
    let (profile, rate) = (head[2] >> 6, head[2] >> 2 & 0x0f);
    let channels = (head[2] & 1) << 2 | head[3] >> 6;
    let len = usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5] >> 5);
    let from = HEADER_LEN + if with_crc { CRC_LEN } else { 0 };
    let raw = bytes.get(from..len).filter(|raw| !raw.is_empty())?;
    Some(Frame { raw, config: [(profile + 1) << 3 | rate >> 1, (rate & 1) << 7 | channels << 3] })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// AAC-LC, 48 kHz, stereo: the header as ffmpeg writes it for eight bytes, and those.
    const FRAME: [u8; 15] = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0xff, 0xfc, 1, 2, 3, 4, 5, 6, 7, 8];

    #[test]
    fn the_header_becomes_a_configuration() {
        let frame = frame(&FRAME).unwrap();
        assert_eq!(frame.raw, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(frame.config, [0x11, 0x90], "object type 2, rate 3, two channels");
    }

    #[test]
    fn a_checksum_belongs_to_the_header() {
        let mut with_crc = FRAME;
        with_crc[1] = 0xf0;
        assert_eq!(frame(&with_crc).unwrap().raw, [3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_frame_cut_at_any_byte_is_none_and_what_follows_it_is_left_alone() {
        for cut in 0..FRAME.len() {
            assert_eq!(frame(&FRAME[..cut]), None, "{cut}");
        }
        let two = [FRAME, FRAME].concat();
        assert_eq!(frame(&two), frame(&FRAME));
        assert_eq!(frame(&[0xff; 20]), None, "a layer that is not 0");
    }

    #[test]
    fn whatever_the_header_says_nothing_panics() {
        for at in 0..HEADER_LEN {
            for byte in 0..=255 {
                let mut bytes = FRAME;
                bytes[at] = byte;
                if let Some(frame) = frame(&bytes) {
                    assert!(!frame.raw.is_empty() && frame.raw.len() < bytes.len());
                }
            }
        }
    }
}
