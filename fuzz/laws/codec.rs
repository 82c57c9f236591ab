//! Codec headers: what is taken lies within the limits and inside the input.

use bytes::Bytes;
use wiidiaserver::flv::aac::AacConfig;
use wiidiaserver::flv::avc::AvcConfig;
use wiidiaserver::flv::codec::{
    AVC_HEADER_LEN, AudioHeader, Packet, VideoHeader, aac_sequence_header, avc_frame_header,
    avc_sequence_header,
};
use wiidiaserver::flv::{Tag, TagKind};
use wiidiaserver::limits::MAX_PICTURE_SIDE;
use wiidiaserver::time::MediaTime;

pub fn law(input: &[u8]) {
    let bytes = Bytes::copy_from_slice(input);
    if let Ok(config) = AvcConfig::parse(&bytes) {
        assert_eq!(config.record, bytes);
        for side in [config.width, config.height] {
            assert!((1..=MAX_PICTURE_SIDE).contains(&u32::from(side)));
        }
        assert!(matches!(config.nal_length_size, 1 | 2 | 4));
        assert!((1..=31).contains(&config.sps.len()) && config.pps.len() <= 255);
        let sets: usize = config.sps.iter().chain(&config.pps).map(|set| 2 + set.len()).sum();
        assert!(7 + sets <= input.len());
        assert!(config.pixel_aspect.is_none_or(|(x, y)| x > 0 && y > 0 && x != y));
        assert_eq!(config.codec().len(), "avc1.640028".len());
        sequence_header(TagKind::Video, avc_sequence_header(input));
    }
    if let Ok(config) = AacConfig::parse(&bytes) {
        assert_eq!(config.config, bytes);
        for rate in [Some(config.sample_rate), config.output_rate].into_iter().flatten() {
            assert!((1..=wiidiaserver::limits::MAX_SAMPLE_RATE).contains(&rate), "{rate} Hz");
        }
        assert!(matches!(config.frame_samples, 480 | 512 | 960 | 1024));
        assert!(config.codec().starts_with("mp4a.40."));
        sequence_header(TagKind::Audio, aac_sequence_header(input));
    }
    body_heads(input);
}

fn sequence_header(kind: TagKind, body: Bytes) {
    let tag = Tag { kind, timestamp: MediaTime::ZERO, body };
    assert!(tag.is_sequence_header() && !tag.is_keyframe());
}

fn body_heads(input: &[u8]) {
    if let Some(header) = VideoHeader::parse(input) {
        assert!((1..=input.len()).contains(&header.data_offset));
        assert!((-0x80_0000..0x80_0000).contains(&header.composition_ms));
        let again = VideoHeader::parse(&avc_frame_header(header.keyframe, header.composition_ms)).unwrap();
        assert_eq!((again.keyframe, again.packet), (header.keyframe, Packet::Frame));
        assert_eq!((again.composition_ms, again.data_offset), (header.composition_ms, AVC_HEADER_LEN));
    }
    if let Some(header) = AudioHeader::parse(input) {
        assert!((1..=input.len()).contains(&header.data_offset));
    }
}
