//! The one to five bytes at the head of an audio or video tag's body: codec, frame type, sequence
//! header or frame, composition time.
//!
//! ```text
//!  video (E.4.3.1)  frame type(4 bits) codec id(4 bits) [AVC: packet type(8) composition ms(s24)]
//!  audio (E.4.2.1)  format(4) rate(2) size(1) channels(1) [AAC: packet type(8)]
//!  enhanced video   1(1) frame type(3) packet type(4) FourCC(32) …       (Enhanced RTMP v1)
//! ```

use super::{Tag, TagKind};
use bytes::{BufMut, Bytes, BytesMut};
use std::fmt;

/// Bytes before the access unit in an AVC tag body.
pub const AVC_HEADER_LEN: usize = 5;
/// Bytes before the access unit in an AAC tag body.
pub const AAC_HEADER_LEN: usize = 2;

/// Bytes before the access unit of HEVC: FourCC and composition time.
pub const HEVC_HEADER_LEN: usize = 8;
/// Bytes before the access unit of the other codecs that are named by FourCC.
pub const ENHANCED_HEADER_LEN: usize = 5;

/// HEVC.
pub const HVC1: [u8; 4] = *b"hvc1";
/// AV1.
pub const AV01: [u8; 4] = *b"av01";
/// VP9.
pub const VP09: [u8; 4] = *b"vp09";
/// Opus.
pub const OPUS: [u8; 4] = *b"Opus";

/// A video codec as FLV numbers it (E.4.3.1, `CodecID`), or by FourCC (Enhanced RTMP).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum VideoCodec {
    /// Sorenson H.263, id 2: what Flash 7 plays.
    SorensonH263,
    /// Screen video, ids 3 and 6.
    Screen,
    /// On2 VP6 without (4) and with (5) alpha.
    Vp6,
    /// H.264/AVC, id 7.
    Avc,
    /// Enhanced RTMP, named by its FourCC.
    FourCc([u8; 4]),
    /// An id that no specification names.
    Unknown(u8),
}

/// An audio codec as FLV numbers it (E.4.2.1, `SoundFormat`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum AudioCodec {
    /// PCM or ADPCM, ids 0, 1 and 3.
    Pcm,
    /// MP3, ids 2 and 14.
    Mp3,
    /// Nellymoser, ids 4 to 6.
    Nellymoser,
    /// AAC, id 10.
    Aac,
    /// Speex, id 11.
    Speex,
    /// G.711, ids 7 and 8.
    G711,
    /// Enhanced RTMP (id 9), named by its FourCC.
    FourCc([u8; 4]),
    /// An id that no specification names.
    Unknown(u8),
}

/// Its name, for people.
impl fmt::Display for VideoCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SorensonH263 => f.write_str("Sorenson H.263"),
            Self::Screen => f.write_str("Flash screen video"),
            Self::Vp6 => f.write_str("On2 VP6"),
            Self::Avc => f.write_str("H.264"),
            Self::FourCc(four_cc) => write!(f, "{}", four_cc.escape_ascii()),
            Self::Unknown(id) => write!(f, "unknown (codec id {id})"),
        }
    }
}

/// Its name, for people.
impl fmt::Display for AudioCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pcm => f.write_str("PCM or ADPCM"),
            Self::Mp3 => f.write_str("MP3"),
            Self::Nellymoser => f.write_str("Nellymoser"),
            Self::Aac => f.write_str("AAC"),
            Self::Speex => f.write_str("Speex"),
            Self::G711 => f.write_str("G.711"),
            Self::FourCc(four_cc) => write!(f, "{}", four_cc.escape_ascii()),
            Self::Unknown(id) => write!(f, "unknown (sound format {id})"),
        }
    }
}

/// Whether a body is a codec's configuration or a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packet {
    /// avcC, AudioSpecificConfig: needed before the first frame.
    SequenceHeader,
    /// A frame.
    Frame,
    /// AVC end of sequence, or metadata: nothing to show.
    Other,
}

/// The head of a video tag's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VideoHeader {
    /// The codec.
    pub codec: VideoCodec,
    /// A decoder can start here (frame type 1). True for sequence headers as well.
    pub keyframe: bool,
    /// Sequence header, frame or neither.
    pub packet: Packet,
    /// PTS − DTS in milliseconds; zero for codecs without B-frames.
    pub composition_ms: i32,
    /// Where the access unit begins in the body.
    pub data_offset: usize,
}

/// The head of an audio tag's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AudioHeader {
    /// The codec.
    pub codec: AudioCodec,
    /// Sequence header, frame or neither.
    pub packet: Packet,
    /// Where the access unit begins in the body.
    pub data_offset: usize,
}

impl VideoHeader {
    /// Reads the head of a video body; `None` when the body is too short for it.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let first = *body.first()?;
        if first & 0x80 != 0 {
            return Self::parse_enhanced(first, body);
        }
        let frame_type = first >> 4;
        let mut header = Self {
            codec: match first & 0x0f {
                2 => VideoCodec::SorensonH263,
                3 | 6 => VideoCodec::Screen,
                4 | 5 => VideoCodec::Vp6,
                7 => VideoCodec::Avc,
                other => VideoCodec::Unknown(other),
            },
            keyframe: frame_type == 1 || frame_type == 4,
            // Frame type 5 is a command for the player (StartSeek, EndSeek), not a picture.
            packet: if frame_type == 5 { Packet::Other } else { Packet::Frame },
            composition_ms: 0,
            data_offset: 1,
        };
        if header.codec == VideoCodec::Avc && frame_type != 5 {
            let head = body.get(..AVC_HEADER_LEN)?;
            header.packet = match head[1] {
                0 => Packet::SequenceHeader,
                1 => Packet::Frame,
                _ => Packet::Other,
            };
            header.composition_ms = signed_24([head[2], head[3], head[4]]);
            header.data_offset = AVC_HEADER_LEN;
        }
        Some(header)
    }

    fn parse_enhanced(first: u8, body: &[u8]) -> Option<Self> {
        let four_cc: [u8; 4] = body.get(1..5)?.try_into().ok()?;
        let packet_type = first & 0x0f;
        let has_composition = packet_type == 1 && (&four_cc == b"hvc1" || &four_cc == b"avc1");
        let composition_ms = if has_composition { signed_24(body.get(5..8)?.try_into().ok()?) } else { 0 };
        Some(Self {
            codec: VideoCodec::FourCc(four_cc),
            keyframe: (first >> 4) & 0x07 == 1,
            packet: match packet_type {
                0 => Packet::SequenceHeader,
                1 | 3 => Packet::Frame,
                _ => Packet::Other,
            },
            composition_ms,
            data_offset: if has_composition { 8 } else { 5 },
        })
    }
}

impl AudioHeader {
    /// Reads the head of an audio body; `None` when the body is too short for it.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let first = *body.first()?;
        let codec = match first >> 4 {
            0 | 1 | 3 => AudioCodec::Pcm,
            2 | 14 => AudioCodec::Mp3,
            4..=6 => AudioCodec::Nellymoser,
            7 | 8 => AudioCodec::G711,
            9 => AudioCodec::FourCc(body.get(1..5)?.try_into().ok()?),
            10 => AudioCodec::Aac,
            11 => AudioCodec::Speex,
            other => AudioCodec::Unknown(other),
        };
        let (packet_type, data_offset) = match codec {
            AudioCodec::Aac => (*body.get(1)?, AAC_HEADER_LEN),
            AudioCodec::FourCc(_) => (first & 0x0f, 5),
            _ => (1, 1),
        };
        let packet = match packet_type {
            0 => Packet::SequenceHeader,
            1 => Packet::Frame,
            _ => Packet::Other,
        };
        Some(Self { codec, packet, data_offset })
    }
}

impl Tag {
    /// A video frame at which a decoder can start. Sequence headers are none.
    pub fn is_keyframe(&self) -> bool {
        self.kind == TagKind::Video
            && VideoHeader::parse(&self.body).is_some_and(|h| h.keyframe && h.packet == Packet::Frame)
    }

    /// A codec configuration: it must reach a viewer before the frames behind it.
    pub fn is_sequence_header(&self) -> bool {
        let packet = match self.kind {
            TagKind::Video => VideoHeader::parse(&self.body).map(|h| h.packet),
            TagKind::Audio => AudioHeader::parse(&self.body).map(|h| h.packet),
            TagKind::Script => None,
        };
        packet == Some(Packet::SequenceHeader)
    }
}

/// The body of an AVC sequence header tag: `config` is an AVCDecoderConfigurationRecord
/// (ISO 14496-15, 5.2.4.1).
pub fn avc_sequence_header(config: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(AVC_HEADER_LEN + config.len());
    body.put_slice(&[0x17, 0, 0, 0, 0]);
    body.put_slice(config);
    body.freeze()
}

/// The head of an AVC frame's body. `composition_ms` is clamped to the field's signed 24 bits.
pub fn avc_frame_header(keyframe: bool, composition_ms: i32) -> [u8; AVC_HEADER_LEN] {
    let cts = composition_ms.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
    [if keyframe { 0x17 } else { 0x27 }, 1, cts[1], cts[2], cts[3]]
}

/// The first byte of every AAC body: format 10, and "44 kHz, 16 bits, stereo" whatever the real
/// values are (E.4.2.1: players take them from the AudioSpecificConfig).
const AAC_SOUND: u8 = 0xaf;

/// The body of an AAC sequence header tag: `config` is an AudioSpecificConfig (ISO 14496-3).
pub fn aac_sequence_header(config: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(AAC_HEADER_LEN + config.len());
    body.put_slice(&[AAC_SOUND, 0]);
    body.put_slice(config);
    body.freeze()
}

/// The head of an AAC frame's body.
pub fn aac_frame_header() -> [u8; AAC_HEADER_LEN] {
    [AAC_SOUND, 1]
}

/// The body of an enhanced video sequence header: packet type 0, FourCC, the codec's configuration record.
pub fn enhanced_video_sequence_header(four_cc: [u8; 4], config: &[u8]) -> Bytes {
    enhanced_sequence_header(0x90, four_cc, config)
}

/// The body of an enhanced audio sequence header (Enhanced RTMP v2): sound format 9, packet type 0.
pub fn enhanced_audio_sequence_header(four_cc: [u8; 4], config: &[u8]) -> Bytes {
    enhanced_sequence_header(0x90, four_cc, config)
}

fn enhanced_sequence_header(first: u8, four_cc: [u8; 4], config: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(ENHANCED_HEADER_LEN + config.len());
    body.put_u8(first);
    body.put_slice(&four_cc);
    body.put_slice(config);
    body.freeze()
}

/// The head of an HEVC frame's body: packet type 1, which has a composition time.
pub fn hevc_frame_header(keyframe: bool, composition_ms: i32) -> [u8; HEVC_HEADER_LEN] {
    let [first, a, b, c, d] = enhanced_frame_header(HVC1, keyframe);
    let cts = composition_ms.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
    [first, a, b, c, d, cts[1], cts[2], cts[3]]
}

/// The head of a frame's body of another enhanced video codec: packet type 1, which has no composition time
/// for them.
pub fn enhanced_frame_header(four_cc: [u8; 4], keyframe: bool) -> [u8; ENHANCED_HEADER_LEN] {
    let [a, b, c, d] = four_cc;
    [if keyframe { 0x91 } else { 0xa1 }, a, b, c, d]
}

/// The head of a frame's body of an enhanced audio codec: sound format 9, packet type 1.
pub fn enhanced_audio_frame_header(four_cc: [u8; 4]) -> [u8; ENHANCED_HEADER_LEN] {
    let [a, b, c, d] = four_cc;
    [0x91, a, b, c, d]
}

/// The head of a Sorenson H.263 frame's body.
pub fn sorenson_frame_header(keyframe: bool) -> [u8; 1] {
    [if keyframe { 0x12 } else { 0x22 }]
}

/// The head of an MP3 frame's body: format 2, and "44 kHz, 16 bits, stereo", as lower rates are encoded with
/// that rate as well.
pub fn mp3_frame_header() -> [u8; 1] {
    [0x2f]
}

fn signed_24(bytes: [u8; 3]) -> i32 {
    // Shift up and back down to carry the sign.
    i32::from_be_bytes([bytes[0], bytes[1], bytes[2], 0]) >> 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_avc_frame_header_reads_back_with_negative_composition_time() {
        for (key, cts) in [(true, 0), (false, 83), (false, -42), (true, 0x7f_ffff), (false, -0x80_0000)] {
            let header = VideoHeader::parse(&avc_frame_header(key, cts)).expect("five bytes");
            assert_eq!(header.composition_ms, cts);
            assert_eq!(header.keyframe, key);
            assert_eq!(header.packet, Packet::Frame);
        }
    }

    #[test]
    fn bodies_cut_at_every_byte_are_refused_or_read_but_never_panic() {
        for body in
            [&[0x17, 0, 0, 0, 0, 1][..], &[0x91, b'h', b'v', b'c', b'1', 0, 0, 9], &[0xaf, 1, 2], &[0x22, 0]]
        {
            for cut in 0..=body.len() {
                let _ = VideoHeader::parse(&body[..cut]);
                let _ = AudioHeader::parse(&body[..cut]);
            }
        }
        assert_eq!(VideoHeader::parse(&[0x17, 0, 0, 0]), None);
        assert_eq!(AudioHeader::parse(&[0xaf]), None);
    }

    #[test]
    fn sorenson_and_enhanced_keyframes_are_recognised() {
        let h263 = VideoHeader::parse(&[0x12, 0, 0, 0x84]).expect("complete");
        assert_eq!((h263.codec, h263.keyframe, h263.packet), (VideoCodec::SorensonH263, true, Packet::Frame));
        let hevc = VideoHeader::parse(&[0x91, b'h', b'v', b'c', b'1', 0, 0, 40]).expect("complete");
        assert_eq!((hevc.keyframe, hevc.composition_ms, hevc.data_offset), (true, 40, 8));
    }
}
