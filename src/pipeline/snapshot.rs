//! One coded picture becomes a JPEG: the server's side. Blocking, for a thread of its own that lives as long as the
//! worker does.

use super::errand::{self, Input};
use super::error::ConversionError;
use super::picture::Picture;
use super::wire::Message;
use crate::flv::codec::{AV01, HVC1, Packet, VP09, VideoCodec, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::limits;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How a picture is coded that FLV carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PictureCodec {
    /// Length-prefixed NAL units, with an AVCDecoderConfigurationRecord.
    H264,
    /// The same with an HEVCDecoderConfigurationRecord.
    Hevc,
    Av1,
    Vp9,
    Sorenson,
    Vp6,
    Screen,
}

/// A picture that can be decoded without those before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CodedPicture {
    codec: PictureCodec,
    /// What the codec needs first.
    config: Bytes,
    data: Bytes,
}

/// What the worker is told, as a line of JSON on its standard input; the configuration and the picture follow.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct SnapshotOrder {
    pub(super) codec: PictureCodec,
    /// Bytes of the configuration; the rest is the picture.
    pub(super) config_len: usize,
    /// Pixels that the JPEG has to fit into.
    pub(super) width: u16,
    pub(super) height: u16,
}

impl CodedPicture {
    /// The picture of a keyframe, with the sequence header that was in force. `None`: it is no keyframe, its codec is
    /// none that is known, or the header that the codec needs is missing.
    pub fn of_keyframe(header: Option<&Tag>, frame: &Tag) -> Option<Self> {
        let head = VideoHeader::parse(&frame.body).filter(|_| frame.kind == TagKind::Video)?;
        if !head.keyframe || head.packet != Packet::Frame {
            return None;
        }
        let codec = codec_of(head.codec)?;
        // VP6 in FLV has a byte before each picture that says how much of its edges is hidden.
        let skipped = head.data_offset + usize::from(codec == PictureCodec::Vp6);
        let data = frame.body.get(skipped..).filter(|data| !data.is_empty())?;
        let config = match codec {
            PictureCodec::H264 | PictureCodec::Hevc => {
                let header = header?;
                let head = VideoHeader::parse(&header.body)?;
                let of_this = head.packet == Packet::SequenceHeader && codec_of(head.codec) == Some(codec);
                header.body.slice_ref(header.body.get(head.data_offset..).filter(|_| of_this)?)
            }
            // It is in every keyframe.
            _ => Bytes::new(),
        };
        Some(Self { codec, config, data: frame.body.slice_ref(data) })
    }
}

fn codec_of(codec: VideoCodec) -> Option<PictureCodec> {
    Some(match codec {
        VideoCodec::Avc => PictureCodec::H264,
        VideoCodec::FourCc(code) if &code == b"avc1" => PictureCodec::H264,
        VideoCodec::FourCc(HVC1) => PictureCodec::Hevc,
        VideoCodec::FourCc(AV01) => PictureCodec::Av1,
        VideoCodec::FourCc(VP09) => PictureCodec::Vp9,
        VideoCodec::SorensonH263 => PictureCodec::Sorenson,
        VideoCodec::Vp6 => PictureCodec::Vp6,
        VideoCodec::Screen => PictureCodec::Screen,
        VideoCodec::FourCc(_) | VideoCodec::Unknown(_) => return None,
    })
}

/// The JPEG of a picture, as large as it is but no larger than so many pixels, made in a worker process of `program`.
/// Ends within [`SNAPSHOT_TIMEOUT`](limits::SNAPSHOT_TIMEOUT).
///
/// # Errors
/// Why there is none.
pub fn snapshot(program: &Path, coded: &CodedPicture, most: (u16, u16)) -> Result<Bytes, ConversionError> {
    let order =
        SnapshotOrder { codec: coded.codec, config_len: coded.config.len(), width: most.0, height: most.1 };
    let mut line = serde_json::to_vec(&order).unwrap_or_default();
    line.push(b'\n');
    let parts = [&line[..], &coded.config, &coded.data];
    let command = errand::command(program, "snapshot");
    errand::run(command, Input::Bytes(&parts), limits::SNAPSHOT_TIMEOUT, |worker| {
        while let Some(message) = worker.next()? {
            if let Message::Picture(Picture { jpeg, .. }) = message {
                return Ok(jpeg.into());
            }
        }
        Err(ConversionError::Unreadable { detail: "nothing is to be seen in it".into() })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::time::MediaTime;
    use proptest::prelude::*;

    fn tag(body: &[u8]) -> Tag {
        Tag { kind: TagKind::Video, timestamp: MediaTime::ZERO, body: Bytes::copy_from_slice(body) }
    }

    #[test]
    fn a_keyframe_is_taken_with_the_header_of_its_codec() {
        let avc = tag(&[0x17, 0, 0, 0, 0, 1, 2]);
        let key = tag(&[0x17, 1, 0, 0, 0, 9]);
        let coded = CodedPicture::of_keyframe(Some(&avc), &key).unwrap();
        assert_eq!(
            (coded.codec, &coded.config[..], &coded.data[..]),
            (PictureCodec::H264, &[1, 2][..], &[9][..])
        );
        assert_eq!(CodedPicture::of_keyframe(None, &key), None, "nothing can decode it");
        let delta = tag(&[0x27, 1, 0, 0, 0, 9]);
        assert_eq!(CodedPicture::of_keyframe(Some(&avc), &delta), None);
        assert_eq!(CodedPicture::of_keyframe(Some(&avc), &avc), None);
        let hevc = tag(b"\x90hvc1\x05");
        assert_eq!(CodedPicture::of_keyframe(Some(&hevc), &key), None, "the header is another codec's");
        let hevc_key = tag(b"\x91hvc1\0\0\0\x07");
        let coded = CodedPicture::of_keyframe(Some(&hevc), &hevc_key).unwrap();
        assert_eq!(
            (coded.codec, &coded.config[..], &coded.data[..]),
            (PictureCodec::Hevc, &[5][..], &[7][..])
        );
        let coded = CodedPicture::of_keyframe(None, &tag(&[0x14, 0x30, 8])).unwrap();
        assert_eq!((coded.codec, &coded.data[..]), (PictureCodec::Vp6, &[8][..]));
    }

    proptest! {
        #[test]
        fn whatever_is_published_is_taken_or_not(
            header in proptest::collection::vec(any::<u8>(), 0..20),
            frame in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let frame = tag(&frame);
            let coded = CodedPicture::of_keyframe(Some(&tag(&header)), &frame);
            prop_assert!(coded.is_none() || frame.is_keyframe());
        }
    }
}
