//! Where a decoder can start, read from the access unit itself.
//!
//! h264parse 1.22 marks frames of non-IDR I slices as keyframes as well, which they need not be.

/// NAL unit types of ITU-T H.264, table 7-1.
const NAL_IDR_SLICE: u8 = 5;
const NAL_SEI: u8 = 6;
/// SEI payload type of the recovery point (H.264 D.1.8).
const SEI_RECOVERY_POINT: usize = 6;

/// Bytes of the length before each NAL unit, from an AVCDecoderConfigurationRecord
/// (ISO 14496-15, 5.2.4.1).
pub(super) fn nal_length_size(avcc: &[u8]) -> usize {
    avcc.get(4).map_or(4, |byte| usize::from(byte & 0x03) + 1)
}

/// The access unit has an IDR picture, or a recovery point at this very picture: what open-GOP
/// broadcasts have in place of IDR pictures.
pub(super) fn is_keyframe(access_unit: &[u8], nal_length_size: usize) -> bool {
    nal_units(access_unit, nal_length_size).any(|nal| match nal.first().map(|byte| byte & 0x1f) {
        Some(NAL_IDR_SLICE) => true,
        Some(NAL_SEI) => recovers_at_once(&nal[1..]),
        _ => false,
    })
}

/// Bytes of the length before each NAL unit, from an HEVCDecoderConfigurationRecord (ISO 14496-15, 8.3.3.1).
pub(super) fn hevc_nal_length_size(hvcc: &[u8]) -> usize {
    hvcc.get(21).map_or(4, |byte| usize::from(byte & 0x03) + 1)
}

/// The access unit has an HEVC picture at which a decoder can start (IRAP: NAL unit types 16 to 21 of
/// ITU-T H.265, table 7-1).
pub(super) fn is_hevc_keyframe(access_unit: &[u8], nal_length_size: usize) -> bool {
    nal_units(access_unit, nal_length_size)
        .any(|nal| nal.first().is_some_and(|byte| (16..=21).contains(&(byte >> 1 & 0x3f))))
}

/// Ends at the first length that does not fit.
fn nal_units(mut rest: &[u8], nal_length_size: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, after) = rest.split_at_checked(nal_length_size)?;
        let length = length.iter().fold(0usize, |sum, &byte| sum << 8 | usize::from(byte));
        let (nal, after) = after.split_at_checked(length)?;
        rest = after;
        Some(nal)
    })
}

/// SEI messages (H.264 7.3.2.3.1): type and size, each a run of 0xff and a last byte. Emulation
/// prevention bytes are left in; they occur in long payloads, which come after the short ones.
fn recovers_at_once(mut sei: &[u8]) -> bool {
    fn number(sei: &mut &[u8]) -> Option<usize> {
        let mut sum = 0;
        loop {
            let (&byte, rest) = sei.split_first()?;
            *sei = rest;
            sum += usize::from(byte);
            if byte != 0xff {
                return Some(sum);
            }
        }
    }
    while let (Some(kind), Some(size)) = (number(&mut sei), number(&mut sei)) {
        let Some((payload, rest)) = sei.split_at_checked(size) else { return false };
        if kind == SEI_RECOVERY_POINT {
            // recovery_frame_cnt is ue(v): a first bit of 1 is zero.
            return payload.first().is_some_and(|byte| byte & 0x80 != 0);
        }
        sei = rest;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access_unit(nals: &[&[u8]]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&(nal.len() as u32).to_be_bytes(), *nal].concat()).collect()
    }

    #[test]
    fn idr_pictures_and_immediate_recovery_points_are_keyframes_and_i_slices_are_not() {
        let i_slice = &[0x61, 0x88, 0x84][..];
        let cases: [(&[&[u8]], bool); 6] = [
            (&[&[0x65, 0x88]], true),
            (&[&[9, 0xf0], &[0x67, 1], &[0x68, 1], &[0x65, 0x88]], true),
            (&[i_slice], false),
            (&[&[6, 6, 1, 0xc4, 0x80], i_slice], true),
            // recovery_frame_cnt > 0: a frame of an intra refresh.
            (&[&[6, 6, 1, 0x24, 0x80], i_slice], false),
            // Buffering period first, then the recovery point.
            (&[&[6, 0, 1, 0x80, 6, 1, 0xc4, 0x80], i_slice], true),
        ];
        for (nals, expected) in cases {
            assert_eq!(is_keyframe(&access_unit(nals), 4), expected, "{nals:02x?}");
        }
    }

    #[test]
    fn hevc_starts_at_idr_cra_and_bla_pictures() {
        for (kind, expected) in
            [(1, false), (9, false), (16, true), (19, true), (20, true), (21, true), (32, false)]
        {
            let unit = access_unit(&[&[35 << 1, 1], &[kind << 1, 1, 0xaf]]);
            assert_eq!(is_hevc_keyframe(&unit, 4), expected, "{kind}");
        }
    }

    #[test]
    fn access_units_cut_at_every_byte_never_panic() {
        let unit = access_unit(&[&[6, 0xff, 6, 1, 0xc4, 0x80], &[6, 6, 1, 0xc4], &[0x65, 0x88]]);
        for cut in 0..unit.len() {
            for length_size in 1..=4 {
                let _ = is_keyframe(&unit[..cut], length_size);
            }
        }
        let idr = access_unit(&[&[0x65, 0x88]]);
        assert!(!is_keyframe(&idr[..idr.len() - 1], 4));
    }

    #[test]
    fn the_length_size_comes_from_the_fifth_byte() {
        assert_eq!(nal_length_size(&[1, 100, 0, 31, 0xfd]), 2);
        assert_eq!(nal_length_size(&[1]), 4);
    }
}
