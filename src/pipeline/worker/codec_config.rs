//! The configuration record of a codec, for the sequence header: from the caps where they have it.

use super::super::form::Codec;
use gstreamer as gst;

/// The record as the caps tell it; `None` when they do not, or the codec has none.
pub(super) fn of_caps(codec: Codec, caps: &gst::StructureRef) -> Option<Vec<u8>> {
    match codec {
        Codec::H264 | Codec::Hevc | Codec::Aac => codec_data(caps),
        // qtdemux 1.22 leaves out the record's first bytes.
        Codec::Av1 => codec_data(caps).filter(|record| record.first() == Some(&AV1_MARKER)),
        Codec::Vp9 => Some(vp9(caps)),
        Codec::Opus => {
            let headers = caps.get::<gst::Array>("streamheader").ok()?;
            let first = headers.first()?.get::<gst::Buffer>().ok()?;
            Some(first.map_readable().ok()?.to_vec())
        }
        Codec::Flv1 | Codec::Mp3 => None,
    }
}

fn codec_data(caps: &gst::StructureRef) -> Option<Vec<u8>> {
    let buffer = caps.get::<gst::Buffer>("codec_data").ok()?;
    Some(buffer.map_readable().ok()?.to_vec())
}

/// VPCodecConfigurationRecord ("VP Codec ISO Media File Format Binding", 2.2) with its version: profile, level,
/// bit depth, chroma subsampling, range; colours unspecified; no initialisation data.
fn vp9(caps: &gst::StructureRef) -> Vec<u8> {
    let profile = caps.get::<&str>("profile").ok().and_then(|text| text.parse().ok()).unwrap_or(0u8);
    let depth = caps.get::<u32>("bit-depth-luma").map_or(8, |bits| bits.min(12) as u8);
    let chroma = match caps.get::<&str>("chroma-format") {
        Ok("4:4:4") => 3,
        Ok("4:2:2") => 2,
        _ => 1,
    };
    const LEVEL_UNKNOWN: u8 = 0;
    const UNSPECIFIED: u8 = 2;
    let depth_and_chroma = depth << 4 | chroma << 1;
    vec![1, 0, 0, 0, profile, LEVEL_UNKNOWN, depth_and_chroma, UNSPECIFIED, UNSPECIFIED, UNSPECIFIED, 0, 0]
}

/// Marker bit and version 1 (AV1-ISOBMFF 2.3.3).
const AV1_MARKER: u8 = 0x81;
const OBU_SEQUENCE_HEADER: u8 = 1;

/// AV1CodecConfigurationRecord from a temporal unit that begins with a sequence header: the record's own
/// numbers, then that OBU.
pub(super) fn av1(temporal_unit: &[u8]) -> Option<Vec<u8>> {
    let mut rest = temporal_unit;
    loop {
        let (&head, after) = rest.split_first()?;
        let (extension, sized) = (head & 0x04 != 0, head & 0x02 != 0);
        let body = after.get(usize::from(extension)..)?;
        let (len, prefix) = if sized { leb128(body)? } else { (body.len(), 0) };
        let payload = body.get(prefix..)?.get(..len)?;
        let obu_len = rest.len() - body.len() + prefix + len;
        if head >> 3 & 0x0f == OBU_SEQUENCE_HEADER {
            let profile = payload.first()? >> 5;
            // Depth and subsampling lie behind a dozen optional fields; decoders read them from the OBU.
            let level = 31;
            let mut record = vec![AV1_MARKER, profile << 5 | level, 0x0c, 0];
            record.extend_from_slice(rest.get(..obu_len)?);
            return Some(record);
        }
        rest = rest.get(obu_len..)?;
    }
}

/// Value and length in bytes (AV1 4.10.5).
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_av1_is_made_of_the_first_unit() {
        // Temporal delimiter, sequence header of libaom, a frame.
        let unit = [0x12, 0, 0x0a, 0x0b, 0, 0, 0, 4, 0x3c, 0xfe, 0xcc, 0xda, 0xf9, 0, 0x40, 0x32, 1, 0x10];
        let record = av1(&unit).unwrap();
        assert_eq!(record[..4], [0x81, 31, 0x0c, 0]);
        assert_eq!(record[4..], unit[2..15]);
        for cut in 0..15 {
            assert_eq!(av1(&unit[..cut]), None, "{cut}");
        }
        assert_eq!(av1(&[0x32, 1, 0x10]), None, "no sequence header");
    }
}
