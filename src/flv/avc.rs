//! The AVC decoder configuration (`avcC`) and what its sequence parameter set says of the picture.
//!
//! ```text
//!  AVCDecoderConfigurationRecord (ISO 14496-15, 5.3.3.1)
//!  version(8)=1 profile(8) compat(8) level(8) 111111 NAL length size−1(2)
//!  111 count(5)  { length(16) SPS }…   count(8)  { length(16) PPS }…   [high profiles: more]
//! ```
//!
//! This is the body of an FLV AVC sequence header behind its five bytes, and the content of the
//! `avcC` box, byte for byte.

use super::bits::BitReader;
use crate::limits::{MAX_CODEC_DATA, MAX_PICTURE_SIDE};
use bytes::Bytes;

/// A parsed AVCDecoderConfigurationRecord.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AvcConfig {
    /// The record as it came, for the `avcC` box.
    pub record: Bytes,
    /// `AVCProfileIndication`: 66 baseline, 77 main, 100 high, …
    pub profile: u8,
    /// `profile_compatibility`: the constraint flags of the SPS.
    pub compatibility: u8,
    /// `AVCLevelIndication`: ten times the level, 31 for 3.1.
    pub level: u8,
    /// Bytes of the length before each NAL unit of a frame: 1, 2 or 4.
    pub nal_length_size: u8,
    /// Sequence parameter sets, at least one, at most 31.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, at most 255.
    pub pps: Vec<Bytes>,
    /// Width in luma samples after cropping.
    pub width: u16,
    /// Height in luma samples after cropping.
    pub height: u16,
    /// Width to height of one pixel, when the SPS gives one that is not square.
    pub pixel_aspect: Option<(u16, u16)>,
}

/// Why a record cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AvcConfigError {
    /// The record ends inside the named part.
    #[error(
        "the AVC configuration ends after {len} bytes, inside {part}; the file is damaged, make it again"
    )]
    Truncated {
        /// Length of the record.
        len: usize,
        /// What should have followed.
        part: &'static str,
    },
    /// Longer than [`MAX_CODEC_DATA`].
    #[error("the AVC configuration has {0} bytes, expected at most {MAX_CODEC_DATA}; the file is damaged")]
    TooLong(usize),
    /// Another version than 1. Annex B start codes look like version 0.
    #[error("the AVC configuration has version {0}, expected 1; remux the file (Annex B is not avcC)")]
    Version(u8),
    /// The reserved value 3.
    #[error("the AVC configuration has NAL unit lengths of 3 bytes, expected 1, 2 or 4; remux the file")]
    NalLengthSize,
    /// No sequence parameter set, or an empty one.
    #[error("the AVC configuration holds no sequence parameter set; remux the file so that it has one")]
    NoSps,
    /// The first sequence parameter set cannot be read.
    #[error("the AVC sequence parameter set is wrong in {0}; the file is damaged, convert it again")]
    Sps(&'static str),
}

impl AvcConfig {
    /// Reads a record; the parameter sets share its memory.
    pub fn parse(record: &Bytes) -> Result<Self, AvcConfigError> {
        if record.len() > MAX_CODEC_DATA {
            return Err(AvcConfigError::TooLong(record.len()));
        }
        let mut sets = Sets { record, position: 6 };
        let Some(&[version, profile, compatibility, level, length_size, sps_count]) = record.first_chunk()
        else {
            return Err(sets.truncated("its first six bytes"));
        };
        if version != 1 {
            return Err(AvcConfigError::Version(version));
        }
        let nal_length_size = (length_size & 3) + 1;
        if nal_length_size == 3 {
            return Err(AvcConfigError::NalLengthSize);
        }
        let sps = sets.take(sps_count & 0x1f, "a sequence parameter set")?;
        let pps_count = *record
            .get(sets.position)
            .ok_or_else(|| sets.truncated("the count of picture parameter sets"))?;
        sets.position += 1;
        let pps = sets.take(pps_count, "a picture parameter set")?;
        let first = sps.first().filter(|sps| !sps.is_empty()).ok_or(AvcConfigError::NoSps)?;
        let picture = Picture::of_sps(first)?;
        Ok(Self {
            record: record.clone(),
            profile,
            compatibility,
            level,
            nal_length_size,
            width: picture.width,
            height: picture.height,
            pixel_aspect: picture.pixel_aspect,
            sps,
            pps,
        })
    }

    /// The codec as MIME types name it (RFC 6381, 3.3): `avc1.PPCCLL`.
    pub fn codec(&self) -> String {
        format!("avc1.{:02x}{:02x}{:02x}", self.profile, self.compatibility, self.level)
    }
}

/// The parameter sets of a record, one after the other.
struct Sets<'a> {
    record: &'a Bytes,
    position: usize,
}

impl Sets<'_> {
    fn take(&mut self, count: u8, part: &'static str) -> Result<Vec<Bytes>, AvcConfigError> {
        let mut sets = Vec::with_capacity(count.into());
        for _ in 0..count {
            let length = self
                .record
                .get(self.position..)
                .and_then(|rest| rest.first_chunk())
                .map(|length| usize::from(u16::from_be_bytes(*length)))
                .ok_or_else(|| self.truncated(part))?;
            let start = self.position + 2;
            let end = start + length;
            if end > self.record.len() {
                return Err(self.truncated(part));
            }
            sets.push(self.record.slice(start..end));
            self.position = end;
        }
        Ok(sets)
    }

    fn truncated(&self, part: &'static str) -> AvcConfigError {
        AvcConfigError::Truncated { len: self.record.len(), part }
    }
}

/// What a decoder would show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Picture {
    width: u16,
    height: u16,
    pixel_aspect: Option<(u16, u16)>,
}

/// Profiles whose SPS has the chroma format and scaling matrices (H.264, 7.3.2.1.1).
const HIGH_PROFILES: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// `aspect_ratio_idc` 1 to 16 (H.264, table E-1).
const PIXEL_ASPECTS: [(u16, u16); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];
/// `aspect_ratio_idc` for a ratio that follows as two numbers.
const EXTENDED_SAR: u8 = 255;

impl Picture {
    /// Reads a sequence parameter set NAL unit up to its aspect ratio.
    fn of_sps(nal: &[u8]) -> Result<Self, AvcConfigError> {
        if nal[0] & 0x1f != 7 {
            return Err(AvcConfigError::Sps("its NAL unit type"));
        }
        let payload = without_emulation_prevention(&nal[1..]);
        let mut bits = BitReader::new(&payload);
        let (mut crop_x, mut crop_y) =
            skip_to_size(&mut bits).ok_or(AvcConfigError::Sps("its first part"))?;
        let mut side = |what| {
            bits.unsigned_golomb()
                .and_then(|macroblocks| macroblocks.checked_add(1)?.checked_mul(16))
                .filter(|pixels| *pixels <= MAX_PICTURE_SIDE * 2)
                .ok_or(AvcConfigError::Sps(what))
        };
        let width = side("its width")?;
        let map_height = side("its height")?;
        let cut = AvcConfigError::Sps("its cropping");
        let frame_mbs_only = bits.bit().ok_or(cut.clone())?;
        let fields = if frame_mbs_only { 1 } else { 2 };
        let height = map_height * fields;
        crop_y *= fields;
        let head = (|| {
            if !frame_mbs_only {
                bits.bit()?; // mb_adaptive_frame_field_flag
            }
            bits.bit()?; // direct_8x8_inference_flag
            let mut sums = (0u64, 0u64);
            if bits.bit()? {
                sums.0 = u64::from(bits.unsigned_golomb()?) + u64::from(bits.unsigned_golomb()?);
                sums.1 = u64::from(bits.unsigned_golomb()?) + u64::from(bits.unsigned_golomb()?);
            }
            Some(sums)
        })();
        let (columns, rows) = head.ok_or(cut.clone())?;
        // A frame cropped to nothing is as damaged as one that is too large.
        let cropped = |pixels: u32, by: u64, unit: u32| {
            u64::from(pixels)
                .checked_sub(by * u64::from(unit))
                .filter(|left| (1..=u64::from(MAX_PICTURE_SIDE)).contains(left))
                .map(|left| left as u16)
                .ok_or(cut.clone())
        };
        crop_x = crop_x.max(1);
        Ok(Self {
            width: cropped(width, columns, crop_x)?,
            height: cropped(height, rows, crop_y)?,
            // The aspect ratio is a refinement: an SPS that ends before it still shows a picture.
            pixel_aspect: pixel_aspect(&mut bits).unwrap_or_default(),
        })
    }
}

/// Reads an SPS up to `pic_width_in_mbs_minus1` and returns the crop units in luma samples for
/// frames: (CropUnitX, CropUnitY) of H.264 7.4.2.1.1 before the factor for fields.
fn skip_to_size(bits: &mut BitReader<'_>) -> Option<(u32, u32)> {
    let profile = bits.byte(8)?;
    bits.skip(16)?; // constraint flags, level
    bits.unsigned_golomb()?; // seq_parameter_set_id
    let mut chroma_format = 1;
    let mut separate_planes = false;
    if HIGH_PROFILES.contains(&profile) {
        chroma_format = bits.unsigned_golomb().filter(|format| *format <= 3)?;
        separate_planes = chroma_format == 3 && bits.bit()?;
        bits.unsigned_golomb()?; // bit_depth_luma_minus8
        bits.unsigned_golomb()?; // bit_depth_chroma_minus8
        bits.bit()?; // qpprime_y_zero_transform_bypass_flag
        if bits.bit()? {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if bits.bit()? {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.unsigned_golomb()?; // log2_max_frame_num_minus4
    match bits.unsigned_golomb()? {
        0 => {
            bits.unsigned_golomb()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.bit()?; // delta_pic_order_always_zero_flag
            bits.signed_golomb()?; // offset_for_non_ref_pic
            bits.signed_golomb()?; // offset_for_top_to_bottom_field
            for _ in 0..bits.unsigned_golomb().filter(|frames| *frames <= 255)? {
                bits.signed_golomb()?; // offset_for_ref_frame
            }
        }
        2 => {}
        _ => return None,
    }
    bits.unsigned_golomb()?; // max_num_ref_frames
    bits.bit()?; // gaps_in_frame_num_value_allowed_flag
    Some(match chroma_format {
        _ if separate_planes => (1, 1), // they crop like monochrome (ChromaArrayType 0)
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    })
}

/// `scaling_list()` of H.264 7.3.2.1.1.1: only its length matters here.
fn skip_scaling_list(bits: &mut BitReader<'_>, size: u32) -> Option<()> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..size {
        if next != 0 {
            next = (last + i64::from(bits.signed_golomb()?)).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

/// From `vui_parameters_present_flag` on. `None` when the bits end, `Some(None)` for square pixels.
fn pixel_aspect(bits: &mut BitReader<'_>) -> Option<Option<(u16, u16)>> {
    if !bits.bit()? || !bits.bit()? {
        return Some(None);
    }
    let (width, height) = match bits.byte(8)? {
        EXTENDED_SAR => (bits.bits(16)? as u16, bits.bits(16)? as u16),
        idc => *PIXEL_ASPECTS.get(usize::from(idc).checked_sub(1)?)?,
    };
    Some((width != height && width != 0 && height != 0).then_some((width, height)))
}

/// Takes the 3 out of every 0, 0, 3 (H.264, 7.4.1: `emulation_prevention_three_byte`).
fn without_emulation_prevention(nal: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        payload.push(byte);
    }
    payload
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A record around one SPS and one PPS.
    fn record(sps: &[u8]) -> Bytes {
        let mut record = vec![1, sps[1], sps[2], sps[3], 0xff, 0xe1];
        record.extend((sps.len() as u16).to_be_bytes());
        record.extend(sps);
        record.extend([1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb]);
        record.into()
    }

    /// x264's SPS of a 1920x1080 film: coded 1920x1088, cropped by four rows of two.
    const X264_1080: [u8; 25] = [
        0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00,
        0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60,
    ];

    /// Writes bits; the tests build parameter sets with it.
    #[derive(Default)]
    struct Bits(String);
    impl Bits {
        fn u(mut self, count: usize, value: u32) -> Self {
            self.0 += &format!("{value:0count$b}");
            self
        }
        fn ue(self, value: u32) -> Self {
            let bits = format!("{:b}", value + 1);
            self.u(bits.len() - 1, 0).text(&bits)
        }
        fn text(mut self, bits: &str) -> Self {
            // `u(0, 0)` writes one "0" too many; a code without leading zeros must not have it.
            if bits.len() == 1 {
                self.0.pop();
            }
            self.0 += bits;
            self
        }
        fn bytes(mut self) -> Vec<u8> {
            self.0.push('1');
            while !self.0.len().is_multiple_of(8) {
                self.0.push('0');
            }
            self.0
                .as_bytes()
                .chunks(8)
                .map(|b| u8::from_str_radix(str::from_utf8(b).unwrap(), 2).unwrap())
                .collect()
        }
    }

    /// A high-profile SPS of 20x15 macroblocks with the given chroma format, field coding, crop
    /// sums and aspect.
    fn sps(chroma: u32, frames_only: bool, crop: (u32, u32), aspect: Option<(u32, u32)>) -> Vec<u8> {
        let mut bits = Bits::default().u(8, 0x67).u(8, 100).u(8, 0).u(8, 30).ue(0).ue(chroma);
        if chroma == 3 {
            bits = bits.u(1, 0);
        }
        bits = bits.ue(0).ue(0).u(1, 0).u(1, 0).ue(0).ue(2).ue(4).u(1, 0).ue(19).ue(14);
        bits = bits.u(1, frames_only.into());
        if !frames_only {
            bits = bits.u(1, 0);
        }
        bits = bits.u(1, 1).u(1, 1).ue(0).ue(crop.0).ue(0).ue(crop.1);
        bits = match aspect {
            Some((w, h)) => bits.u(1, 1).u(1, 1).u(8, 255).u(16, w).u(16, h),
            None => bits.u(1, 0),
        };
        bits.bytes()
    }

    #[test]
    fn a_full_hd_record_gives_codec_and_cropped_size() {
        let config = AvcConfig::parse(&record(&X264_1080)).unwrap();
        assert_eq!(config.codec(), "avc1.640028");
        assert_eq!((config.width, config.height, config.pixel_aspect), (1920, 1080, None));
        assert_eq!((config.nal_length_size, config.sps.len(), config.pps.len()), (4, 1, 1));
        assert_eq!(&config.sps[0][..], X264_1080);
    }

    #[test]
    fn crop_units_follow_the_chroma_format_and_the_field_coding() {
        // chroma, frames only, crop sums -> size; 20 x 15 macroblocks (30 rows of them as fields)
        for (chroma, frames_only, crop, size) in [
            (1, true, (2, 2), (316, 236)),
            (1, false, (0, 1), (320, 476)),
            (0, true, (3, 3), (317, 237)),
            (2, true, (3, 3), (314, 237)),
            (3, true, (3, 3), (317, 237)),
            (3, false, (3, 3), (317, 474)),
        ] {
            let config = AvcConfig::parse(&record(&sps(chroma, frames_only, crop, None))).unwrap();
            assert_eq!((config.width, config.height), size, "chroma {chroma}, frames only {frames_only}");
        }
    }

    #[test]
    fn the_pixel_aspect_is_given_only_when_it_is_not_square() {
        for (aspect, expected) in
            [(Some((64, 45)), Some((64, 45))), (Some((7, 7)), None), (Some((0, 9)), None)]
        {
            let config = AvcConfig::parse(&record(&sps(1, true, (0, 0), aspect))).unwrap();
            assert_eq!(config.pixel_aspect, expected);
        }
    }

    #[test]
    fn cropping_away_the_whole_picture_is_refused() {
        let error = AvcConfig::parse(&record(&sps(1, true, (160, 0), None))).unwrap_err();
        assert_eq!(error, AvcConfigError::Sps("its cropping"));
    }

    #[test]
    fn a_record_cut_at_every_byte_is_refused_with_the_part_that_is_missing() {
        let whole = record(&X264_1080);
        for cut in 0..whole.len() {
            let error = AvcConfig::parse(&whole.slice(..cut)).expect_err("cut");
            assert!(matches!(error, AvcConfigError::Truncated { len, .. } if len == cut), "{cut}: {error}");
        }
    }

    #[test]
    fn an_sps_cut_at_every_byte_does_not_panic() {
        for nal in [X264_1080.to_vec(), sps(3, false, (3, 3), Some((64, 45)))] {
            for cut in 4..nal.len() {
                let _ = AvcConfig::parse(&record(&nal[..cut]));
            }
        }
    }

    #[test]
    fn annex_b_and_reserved_values_are_refused() {
        let annex_b = Bytes::from_static(&[0, 0, 0, 1, 0x67, 0x64]);
        assert_eq!(AvcConfig::parse(&annex_b), Err(AvcConfigError::Version(0)));
        let mut three = record(&X264_1080).to_vec();
        three[4] = 0xfe;
        assert_eq!(AvcConfig::parse(&three.into()), Err(AvcConfigError::NalLengthSize));
        let none = Bytes::from_static(&[1, 100, 0, 30, 0xff, 0xe0, 0]);
        assert_eq!(AvcConfig::parse(&none), Err(AvcConfigError::NoSps));
        let long = Bytes::from(vec![1; MAX_CODEC_DATA + 1]);
        assert_eq!(AvcConfig::parse(&long), Err(AvcConfigError::TooLong(MAX_CODEC_DATA + 1)));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = AvcConfig::parse(&Bytes::from(garbage.clone()));
            let mut nal = vec![0x67, 100, 0, 30];
            nal.extend(garbage);
            let _ = AvcConfig::parse(&record(&nal));
        }
    }
}
