//! The AudioSpecificConfig of AAC (ISO 14496-3, 1.6.2.1): the body of an FLV AAC sequence header
//! behind its two bytes, and the decoder specific info of an MP4's `esds`.
//!
//! ```text
//!  object type(5, 31: +6)  rate index(4, 15: +24)  channels(4)
//!  [object type 5 or 29: SBR (and PS), output rate index(4, 15: +24), core object type]
//!  960 samples(1)  core coder(1: +14)  extension(1)  [channels 0: program config element]
//!  [0x2b7(11) 5(5) SBR(1) output rate index(4) [0x548(11) PS(1)]]
//! ```

use super::bits::BitReader;
use crate::limits::{MAX_CODEC_DATA, MAX_SAMPLE_RATE};
use bytes::Bytes;

/// A parsed AudioSpecificConfig.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AacConfig {
    /// The configuration as it came, for the `esds` box.
    pub config: Bytes,
    /// The first object type: 2 for AAC-LC, 5 for HE-AAC, 29 for HE-AAC v2. It names the codec.
    pub object_type: u8,
    /// The object type of the core coder: [`object_type`](Self::object_type) unless that is 5 or 29.
    pub core_object_type: u8,
    /// Sampling rate of the core coder in Hz: one access unit has
    /// [`frame_samples`](Self::frame_samples) of these.
    pub sample_rate: u32,
    /// Rate after spectral band replication, when the configuration says that there is some.
    pub output_rate: Option<u32>,
    /// Parametric stereo is signalled: one coded channel, two heard.
    pub parametric_stereo: bool,
    /// `channelConfiguration`; 0 when a program config element lists the channels.
    pub channel_configuration: u8,
    /// Coded channels.
    pub channels: u8,
    /// Samples in an access unit at the core rate: 1024 or 960.
    pub frame_samples: u16,
}

/// Why a configuration cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AacConfigError {
    /// Too few bits for what they announce.
    #[error("the AAC configuration ends after {0} bytes, inside a field; the file is damaged, make it again")]
    Truncated(usize),
    /// Longer than [`MAX_CODEC_DATA`].
    #[error("the AAC configuration has {0} bytes, expected at most {MAX_CODEC_DATA}; the file is damaged")]
    TooLong(usize),
    /// A reserved rate index, or an explicit rate of zero or above [`MAX_SAMPLE_RATE`].
    #[error(
        "the AAC configuration has no valid sampling rate (index {0}); the file is damaged, convert it again"
    )]
    SampleRate(u8),
    /// A reserved channel configuration.
    #[error(
        "the AAC configuration has channel configuration {0}, expected 0 to 7, 11, 12 or 14; convert it again"
    )]
    Channels(u8),
}

/// `samplingFrequencyIndex` (ISO 14496-3, table 1.18).
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Object type of spectral band replication.
const SBR: u8 = 5;
/// Object type of parametric stereo.
const PS: u8 = 29;
/// Error resilient BSAC: has one more field behind the output rate.
const BSAC: u8 = 22;

impl AacConfig {
    /// Reads a configuration. Object types other than the AAC family's are recognised, not refused.
    pub fn parse(config: &Bytes) -> Result<Self, AacConfigError> {
        if config.len() > MAX_CODEC_DATA {
            return Err(AacConfigError::TooLong(config.len()));
        }
        let mut reader = Reader { bits: BitReader::new(config), len: config.len() };
        let object_type = reader.object_type()?;
        let sample_rate = reader.rate()?;
        let channel_configuration = reader.bits(4)?;
        let mut parsed = Self {
            config: config.clone(),
            object_type,
            core_object_type: object_type,
            sample_rate,
            output_rate: None,
            parametric_stereo: object_type == PS,
            channel_configuration,
            channels: match channel_configuration {
                channels @ 0..=6 => channels,
                7 | 12 | 14 => 8,
                11 => 7,
                other => return Err(AacConfigError::Channels(other)),
            },
            frame_samples: 1024,
        };
        if object_type == SBR || object_type == PS {
            parsed.output_rate = Some(reader.rate()?);
            parsed.core_object_type = reader.object_type()?;
            if parsed.core_object_type == BSAC {
                reader.bits(4)?;
            }
        }
        // GASpecificConfig (4.4.1). The others have configurations of their own, which say nothing
        // that a container needs.
        if matches!(parsed.core_object_type, 1..=4 | 6 | 7 | 17 | 19..=23) {
            reader.general_audio(&mut parsed)?;
        }
        if parsed.output_rate.is_none() && matches!(parsed.core_object_type, 1..=4) {
            reader.sync_extension(&mut parsed);
        }
        Ok(parsed)
    }

    /// The codec as MIME types name it (RFC 6381, 3.3): `mp4a.40.2` for AAC-LC.
    pub fn codec(&self) -> String {
        format!("mp4a.40.{}", self.object_type)
    }
}

struct Reader<'a> {
    bits: BitReader<'a>,
    len: usize,
}

impl Reader<'_> {
    fn bits(&mut self, count: u32) -> Result<u8, AacConfigError> {
        self.bits.byte(count).ok_or(AacConfigError::Truncated(self.len))
    }

    fn skip(&mut self, count: usize) -> Result<(), AacConfigError> {
        self.bits.skip(count).ok_or(AacConfigError::Truncated(self.len))
    }

    fn object_type(&mut self) -> Result<u8, AacConfigError> {
        Ok(match self.bits(5)? {
            31 => 32 + self.bits(6)?,
            short => short,
        })
    }

    fn rate(&mut self) -> Result<u32, AacConfigError> {
        let index = self.bits(4)?;
        let rate = match index {
            15 => self.bits.bits(24).ok_or(AacConfigError::Truncated(self.len))?,
            _ => RATES.get(usize::from(index)).copied().unwrap_or(0),
        };
        if (1..=MAX_SAMPLE_RATE).contains(&rate) { Ok(rate) } else { Err(AacConfigError::SampleRate(index)) }
    }

    fn general_audio(&mut self, parsed: &mut AacConfig) -> Result<(), AacConfigError> {
        let short = self.bits(1)? == 1;
        parsed.frame_samples = match (parsed.core_object_type, short) {
            (23, false) => 512,
            (23, true) => 480,
            (_, false) => 1024,
            (_, true) => 960,
        };
        if self.bits(1)? == 1 {
            self.skip(14)?; // coreCoderDelay
        }
        let extension = self.bits(1)? == 1;
        if parsed.channel_configuration == 0 {
            parsed.channels = self.program_config_element()?;
        }
        if matches!(parsed.core_object_type, 6 | 20) {
            self.skip(3)?; // layerNr
        }
        if extension {
            self.skip(match parsed.core_object_type {
                BSAC => 17,
                17 | 19 | 20 | 23 => 4,
                _ => 1,
            })?;
        }
        Ok(())
    }

    /// The channels of a program config element (4.4.1.1).
    fn program_config_element(&mut self) -> Result<u8, AacConfigError> {
        self.skip(10)?; // tag, profile, rate index
        let [front, side, back] = [self.bits(4)?, self.bits(4)?, self.bits(4)?];
        let low_frequency = self.bits(2)?;
        let data = self.bits(3)?;
        let coupling = self.bits(4)?;
        for down_mix_bits in [4, 4, 3] {
            if self.bits(1)? == 1 {
                self.skip(down_mix_bits)?;
            }
        }
        let mut channels = low_frequency;
        for _ in 0..front + side + back {
            channels += 1 + self.bits(1)?;
            self.skip(4)?;
        }
        self.skip(4 * usize::from(low_frequency + data) + 5 * usize::from(coupling))?;
        self.bits.align();
        let comment = self.bits(8)?;
        self.skip(8 * usize::from(comment))?;
        Ok(channels)
    }

    /// Backward compatible signalling: an old decoder stops before it. Bits that are none are
    /// padding, so nothing here is an error.
    fn sync_extension(&mut self, parsed: &mut AacConfig) -> Option<()> {
        if self.bits.bits(11)? != 0x2b7 || self.object_type().ok()? != SBR || !self.bits.bit()? {
            return None;
        }
        parsed.output_rate = Some(self.rate().ok()?);
        if self.bits.bits(11)? == 0x548 {
            parsed.parametric_stereo = self.bits.bit()?;
        }
        Some(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(bytes: &'static [u8]) -> AacConfig {
        AacConfig::parse(&Bytes::from_static(bytes)).unwrap()
    }

    #[test]
    fn low_complexity_stereo_is_two_bytes() {
        let config = parse(&[0x12, 0x10]);
        assert_eq!(config.codec(), "mp4a.40.2");
        assert_eq!((config.sample_rate, config.channels, config.frame_samples), (44_100, 2, 1024));
        assert_eq!((config.output_rate, config.parametric_stereo), (None, false));
    }

    #[test]
    fn a_rate_outside_the_table_is_read_from_24_bits() {
        // 00010 1111 (rate 37800 in 24 bits) 0001 000
        let config = parse(&[0x17, 0x80, 0x49, 0xd4, 0x08]);
        assert_eq!((config.sample_rate, config.channels), (37_800, 1));
    }

    #[test]
    fn frames_of_960_samples_are_recognised() {
        assert_eq!(parse(&[0x11, 0x94]).frame_samples, 960);
    }

    #[test]
    fn sbr_and_ps_are_found_in_both_ways_of_signalling() {
        // 00101 0111 0010 0100 00010 000: HE-AAC 22.05 -> 44.1 kHz
        let explicit = parse(&[0x2b, 0x92, 0x08, 0x00]);
        assert_eq!((explicit.object_type, explicit.core_object_type), (5, 2));
        assert_eq!((explicit.sample_rate, explicit.output_rate), (22_050, Some(44_100)));
        assert_eq!(explicit.codec(), "mp4a.40.5");
        // 11101 0111 0001 0100 00010 000: HE-AAC v2
        let v2 = parse(&[0xeb, 0x8a, 0x08, 0x00]);
        assert_eq!((v2.codec().as_str(), v2.parametric_stereo, v2.channels), ("mp4a.40.29", true, 1));
        // LC, then 0x2b7, SBR to 44.1 kHz, then 0x548 and PS
        let compatible = parse(&[0x13, 0x88, 0x56, 0xe5, 0xa5, 0x48, 0x80]);
        assert_eq!((compatible.object_type, compatible.output_rate), (2, Some(44_100)));
        assert!(compatible.parametric_stereo);
        assert_eq!(compatible.codec(), "mp4a.40.2");
    }

    #[test]
    fn a_program_config_element_counts_its_channels() {
        // LC 48 kHz, configuration 0; element: one front pair, one front single, one LFE
        // 00010 0011 0000 000 | 0000 01 0011 0010 0000 0000 01 000 0000 000 | 0 0000 1 0001 0000 | align, 0
        let bits = concat!(
            "0001000110000000", // head
            "0000010011",       // tag, profile, rate
            "0010000000000100", // front 2, side 0, back 0, LFE 1, data 0 (first 2 of its 3 bits)
            "00000000",         // data's last bit, coupling 0, no down-mix
            "0000010001",       // single, pair
            "0000",             // LFE
        );
        let padded = format!("{bits:0<72}");
        let bytes: Vec<u8> = padded
            .as_bytes()
            .chunks(8)
            .map(|b| u8::from_str_radix(str::from_utf8(b).unwrap(), 2).unwrap())
            .collect();
        let config = AacConfig::parse(&bytes.into()).unwrap();
        assert_eq!((config.channel_configuration, config.channels), (0, 4));
    }

    #[test]
    fn reserved_values_are_refused() {
        assert_eq!(AacConfig::parse(&Bytes::from_static(&[0x16, 0x90])), Err(AacConfigError::SampleRate(13)));
        assert_eq!(AacConfig::parse(&Bytes::from_static(&[0x12, 0x40])), Err(AacConfigError::Channels(8)));
    }

    #[test]
    fn configurations_cut_at_every_byte_are_refused_or_lose_only_the_extension() {
        for bytes in [
            &[0x17, 0x80, 0x49, 0xd4, 0x08][..],
            &[0x2b, 0x92, 0x08, 0x00],
            &[0x13, 0x88, 0x56, 0xe5, 0xa5, 0x48, 0x80],
        ] {
            for cut in 0..bytes.len() {
                let parsed = AacConfig::parse(&Bytes::copy_from_slice(&bytes[..cut]));
                assert!(cut >= 2 || parsed == Err(AacConfigError::Truncated(cut)), "{cut}: {parsed:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(garbage in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(config) = AacConfig::parse(&garbage.into()) {
                prop_assert!(config.sample_rate > 0 && config.frame_samples > 0);
            }
        }
    }
}
