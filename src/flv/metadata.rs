//! The `onMetaData` script tag: what we write at the head of a stream, and what we read of a
//! file's own.
//!
//! Written as an ECMA array: ffmpeg believes nothing else. Read leniently: files carry every
//! dialect there is.

use super::codec::{AudioCodec, VideoCodec};
use super::{Tag, TagKind};
use crate::amf0::{Properties, Value, decode_prefix, encode_to_bytes};
use crate::time::MediaTime;
use bytes::Bytes;

/// What we say of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// Length of the whole media, available or not.
    pub duration: Option<MediaTime>,
    /// Picture width and height in pixels.
    pub picture_size: Option<(u32, u32)>,
    /// The video codec, if there is video.
    pub video: Option<VideoCodec>,
    /// The audio codec, if there is audio.
    pub audio: Option<AudioCodec>,
    /// What it is called; of a radio, what is played now.
    pub title: Option<String>,
    /// The station that it comes from.
    pub station: Option<String>,
    /// Length in bytes of the FLV as served, when it is known.
    pub file_size: Option<u64>,
    /// Where players may ask for bytes in order to get to a time: real positions of keyframes, or
    /// virtual ones (see [`server`](crate::server)).
    pub keyframes: Vec<(MediaTime, u64)>,
}

impl Metadata {
    /// The script tag, at time zero.
    pub fn to_tag(&self) -> Tag {
        let properties = self.properties(Properties::default());
        let body = encode_to_bytes(&[Value::from("onMetaData"), properties.into_ecma_array()]);
        Tag { kind: TagKind::Script, timestamp: MediaTime::ZERO, body }
    }

    /// The array's properties, behind those that come `first`.
    pub fn properties(&self, first: Properties) -> Properties {
        // Players believe these; what is not known is better left out.
        let is_known = self.video.is_some() || self.audio.is_some();
        first
            .with_some("duration", self.duration.map(MediaTime::as_secs_f64))
            .with_some("width", self.picture_size.map(|s| f64::from(s.0)))
            .with_some("height", self.picture_size.map(|s| f64::from(s.1)))
            .with_some("videocodecid", self.video.map(video_codec_id))
            .with_some("audiocodecid", self.audio.map(audio_codec_id))
            .with_some("hasVideo", is_known.then_some(self.video.is_some()))
            .with_some("hasAudio", is_known.then_some(self.audio.is_some()))
            .with_some("title", self.title.as_deref())
            .with_some("station", self.station.as_deref())
            .with_some("filesize", self.file_size.map(|n| n as f64))
            .with("metadatacreator", concat!("wiidiaserver ", env!("CARGO_PKG_VERSION")))
            .with_some("hasKeyframes", (!self.keyframes.is_empty()).then_some(true))
            .with_some("canSeekToEnd", (!self.keyframes.is_empty()).then_some(true))
            .with_some("keyframes", (!self.keyframes.is_empty()).then(|| keyframe_table(&self.keyframes)))
    }
}

fn keyframe_table(keyframes: &[(MediaTime, u64)]) -> Value {
    let times = keyframes.iter().map(|(time, _)| Value::Number(time.as_secs_f64())).collect();
    let positions = keyframes.iter().map(|(_, at)| Value::Number(*at as f64)).collect();
    Properties::default()
        .with("times", Value::StrictArray(times))
        .with("filepositions", Value::StrictArray(positions))
        .into_object()
}

/// `videocodecid`: the FLV number, or the FourCC as a number (Enhanced RTMP).
fn video_codec_id(codec: VideoCodec) -> f64 {
    f64::from(match codec {
        VideoCodec::SorensonH263 => 2,
        VideoCodec::Screen => 3,
        VideoCodec::Vp6 => 4,
        VideoCodec::Avc => 7,
        VideoCodec::FourCc(four_cc) => u32::from_be_bytes(four_cc),
        VideoCodec::Unknown(id) => u32::from(id),
    })
}

/// `audiocodecid`, like [`video_codec_id`].
fn audio_codec_id(codec: AudioCodec) -> f64 {
    f64::from(match codec {
        AudioCodec::Pcm => 3,
        AudioCodec::Mp3 => 2,
        AudioCodec::Nellymoser => 6,
        AudioCodec::Aac => 10,
        AudioCodec::Speex => 11,
        AudioCodec::G711 => 7,
        AudioCodec::FourCc(four_cc) => u32::from_be_bytes(four_cc),
        AudioCodec::Unknown(id) => u32::from(id),
    })
}

/// What a file says of itself, as far as we use it. Hints only: files lie.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SourceMetadata {
    /// `duration`, when it is a sensible number.
    pub duration: Option<MediaTime>,
    /// `width` and `height`, when they are.
    pub picture_size: Option<(u32, u32)>,
}

/// Reads the body of a script tag; `None` when it is no `onMetaData`.
pub fn parse_on_metadata(body: &Bytes) -> Option<SourceMetadata> {
    // Lenient: what was read before a damaged value still counts.
    let (values, _damage) = decode_prefix(body);
    let mut values = values.iter();
    if values.next()?.as_str()? != "onMetaData" {
        return None;
    }
    let Some(properties) = values.next() else { return Some(SourceMetadata::default()) };
    let number =
        |key: &str| properties.get(key).and_then(Value::as_f64).filter(|n| n.is_finite() && *n > 0.0);
    let pixels = |key: &str| number(key).filter(|n| *n <= 65_535.0).map(|n| n as u32);
    Some(SourceMetadata {
        duration: number("duration").map(MediaTime::from_secs_f64_clamped),
        picture_size: pixels("width").zip(pixels("height")),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_we_write_is_an_ecma_array_that_reads_back() {
        let metadata = Metadata {
            duration: Some(MediaTime::from_millis(60_020)),
            picture_size: Some((640, 360)),
            video: Some(VideoCodec::Avc),
            audio: Some(AudioCodec::Aac),
            title: Some("Fußball".into()),
            station: None,
            file_size: Some(5_000_000_000),
            keyframes: vec![(MediaTime::ZERO, 500), (MediaTime::from_millis(2000), 1 << 40)],
        };
        let tag = metadata.to_tag();
        assert_eq!(tag.body[13], 0x08, "an ECMA array follows the name");
        let (values, damage) = decode_prefix(&tag.body);
        assert!(damage.is_none());
        let keyframes = values[1].get("keyframes").unwrap();
        assert_eq!(
            keyframes.get("filepositions").unwrap().as_array().unwrap()[1].as_f64(),
            Some((1u64 << 40) as f64)
        );
        assert_eq!(values[1].get("videocodecid").unwrap().as_f64(), Some(7.0));
        assert_eq!(values[1].get("title").unwrap().as_str().as_deref(), Some("Fußball"));
        let source = parse_on_metadata(&tag.body).unwrap();
        assert_eq!(source.duration, Some(MediaTime::from_millis(60_020)));
        assert_eq!(source.picture_size, Some((640, 360)));
    }

    #[test]
    fn metadata_cut_at_every_byte_gives_what_was_there() {
        let body =
            Metadata { duration: Some(MediaTime::from_millis(1500)), ..Metadata::default() }.to_tag().body;
        for cut in 0..=body.len() {
            if let Some(source) = parse_on_metadata(&body.slice(..cut)) {
                assert!(source.duration.is_none_or(|d| d.as_millis() == 1500), "cut at {cut}");
            }
        }
        assert_eq!(parse_on_metadata(&Bytes::from_static(b"\x02\0\x07onCuePo")), None);
    }
}
