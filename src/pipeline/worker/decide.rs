//! What becomes of a stream, decided by its caps.
//!
//! A stream passes as it is when every client plays it: H.264 up to High, 8 bits, 4:2:0, not
//! rotated (FLV has no rotation), with times that tell in which order pictures are shown, and AAC
//! of at most two channels. The rest is transcoded.

use super::super::streams::{AudioStream, VideoStream};
use gstreamer as gst;

/// What a pad of the demuxer carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Video,
    Audio,
    /// A single picture: cover art, or a photograph.
    Still,
    /// Subtitles and data.
    Other,
}

/// Profiles that pass, as h264parse names them.
const PROFILES: [&str; 6] =
    ["constrained-baseline", "baseline", "main", "high", "progressive-high", "constrained-high"];
/// AAC profiles that pass, as aacparse names them: HE-AAC is LC with extensions that players may
/// leave out.
const AAC_PROFILES: [&str; 3] = ["lc", "he-aac-v1", "he-aac-v2"];

pub(super) fn content(caps: &gst::CapsRef) -> Content {
    let Some(structure) = caps.structure(0) else { return Content::Other };
    let name = structure.name().as_str();
    if name.starts_with("video/") {
        Content::Video
    } else if name.starts_with("audio/") {
        Content::Audio
    } else if name.starts_with("image/") {
        // Motion JPEG and PNG films have a frame rate, pictures have none or 0/1.
        match structure.get::<gst::Fraction>("framerate") {
            Ok(rate) if rate.numer() > 0 => Content::Video,
            _ => Content::Still,
        }
    } else {
        Content::Other
    }
}

/// What is known of a video stream beside its caps.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct VideoFacts {
    /// The `image-orientation` tag.
    pub(super) rotation: Option<String>,
    /// The container counts frames in decoding order and knows no presentation times (AVI).
    pub(super) decoding_order_only: bool,
}

pub(super) fn video_stream(caps: &gst::CapsRef, facts: &VideoFacts) -> VideoStream {
    let structure = caps.structure(0);
    let turned = facts.rotation.as_deref().is_some_and(turns);
    // Baseline has no B-frames: both orders are one.
    let baseline = |s: &gst::StructureRef| s.get::<&str>("profile").is_ok_and(|p| p.ends_with("baseline"));
    let misordered = facts.decoding_order_only && !structure.is_some_and(baseline);
    let number = |field| structure.and_then(|s| s.get::<i32>(field).ok()).unwrap_or(0).max(0) as u32;
    VideoStream {
        width: number("width"),
        height: number("height"),
        source_codec: codec_name(caps),
        passthrough: structure.is_some_and(video_passes) && !turned && !misordered,
    }
}

pub(super) fn audio_stream(caps: &gst::CapsRef) -> AudioStream {
    let structure = caps.structure(0);
    let number = |field| structure.and_then(|s| s.get::<i32>(field).ok()).unwrap_or(0).max(0) as u32;
    AudioStream {
        source_codec: codec_name(caps),
        passthrough: structure.is_some_and(audio_passes),
        rate: number("rate"),
        channels: number("channels"),
    }
}

fn video_passes(caps: &gst::StructureRef) -> bool {
    // A value that the parser did not find out is taken for the usual one.
    let is = |field, usual: &str| caps.get::<&str>(field).map_or(true, |value| value == usual);
    let depth = |field| caps.get::<u32>(field).map_or(true, |bits| bits == 8);
    caps.name() == "video/x-h264"
        && caps.get::<&str>("profile").is_ok_and(|profile| PROFILES.contains(&profile))
        && is("chroma-format", "4:2:0")
        && depth("bit-depth-luma")
        && depth("bit-depth-chroma")
}

fn audio_passes(caps: &gst::StructureRef) -> bool {
    caps.name() == "audio/mpeg"
        && caps.get::<i32>("mpegversion").is_ok_and(|version| version == 2 || version == 4)
        && caps.get::<i32>("channels").is_ok_and(|channels| (1..=2).contains(&channels))
        && caps.get::<&str>("base-profile").map_or(true, |profile| AAC_PROFILES.contains(&profile))
        && caps.get::<&str>("profile").map_or(true, |profile| AAC_PROFILES.contains(&profile))
}

/// An `image-orientation` tag that is not upright.
fn turns(orientation: &str) -> bool {
    orientation != "rotate-0"
}

/// A plug-in here decodes it. Raw streams need none.
pub(super) fn has_decoder(caps: &gst::CapsRef) -> bool {
    if caps.structure(0).is_some_and(|s| s.name().ends_with("/x-raw")) {
        return true;
    }
    let types = gst::ElementFactoryType::DECODER;
    gst::ElementFactory::factories_with_type(types, gst::Rank::MARGINAL)
        .iter()
        .any(|factory| factory.can_sink_any_caps(caps))
}

/// The codec in words.
pub(super) fn codec_name(caps: &gst::CapsRef) -> String {
    let Some(structure) = caps.structure(0) else { return "an unknown codec".into() };
    let version = |field| structure.get::<i32>(field).unwrap_or(0);
    let known = match structure.name().as_str() {
        "video/x-h264" => "H.264",
        "video/x-h265" => "HEVC (H.265)",
        "video/x-h263" => "H.263",
        "video/x-vp6" | "video/x-vp6-flash" | "video/x-vp6-alpha" => "VP6",
        "video/x-vp8" => "VP8",
        "video/x-vp9" => "VP9",
        "video/x-av1" => "AV1",
        "video/x-theora" => "Theora",
        "video/x-flash-video" => "Sorenson H.263",
        "video/x-divx" => "DivX",
        "video/x-dv" => "DV",
        "video/mpeg" => match version("mpegversion") {
            1 => "MPEG-1",
            2 => "MPEG-2",
            _ => "MPEG-4 part 2",
        },
        "video/x-wmv" => match version("wmvversion") {
            1 => "WMV 7",
            2 => "WMV 8",
            _ => "WMV 9",
        },
        "video/x-raw" => "uncompressed video",
        "video/x-pn-realvideo" => "RealVideo",
        "image/jpeg" => "Motion JPEG",
        "image/png" => "PNG",
        "audio/mpeg" => match (version("mpegversion"), version("layer")) {
            (1, 2) => "MP2",
            (1, 1) => "MP1",
            (1, _) => "MP3",
            _ => "AAC",
        },
        "audio/x-vorbis" => "Vorbis",
        "audio/x-opus" => "Opus",
        "audio/x-flac" => "FLAC",
        "audio/x-alac" => "ALAC",
        "audio/x-ac3" => "Dolby Digital",
        "audio/x-eac3" => "Dolby Digital Plus",
        "audio/x-true-hd" => "Dolby TrueHD",
        "audio/x-dts" => "DTS",
        "audio/x-wma" => "WMA",
        "audio/x-speex" => "Speex",
        "audio/x-nellymoser" => "Nellymoser",
        "audio/AMR" => "AMR",
        "audio/AMR-WB" => "AMR-WB",
        "audio/x-raw" => "PCM",
        "audio/x-pn-realaudio" => "RealAudio",
        "audio/x-adpcm" => "ADPCM",
        other => return other.to_owned(),
    };
    known.to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::str::FromStr;

    fn caps(text: &str) -> gst::Caps {
        gst::init().unwrap();
        gst::Caps::from_str(text).unwrap()
    }

    #[test]
    fn h264_passes_when_every_client_decodes_it_as_it_is() {
        let usual =
            "video/x-h264,profile=high,chroma-format=4:2:0,bit-depth-luma=(uint)8,width=320,height=180";
        let upright = VideoFacts::default();
        let turned = VideoFacts { rotation: Some("rotate-90".into()), ..VideoFacts::default() };
        let avi = VideoFacts { decoding_order_only: true, ..VideoFacts::default() };
        for (text, facts, passes) in [
            (usual, &upright, true),
            (usual, &VideoFacts { rotation: Some("rotate-0".into()), ..VideoFacts::default() }, true),
            (usual, &turned, false),
            (usual, &avi, false),
            ("video/x-h264,profile=constrained-baseline", &avi, true),
            ("video/x-h264,profile=high-10,bit-depth-luma=(uint)10", &upright, false),
            ("video/x-h264,profile=high-4:4:4,chroma-format=4:4:4", &upright, false),
            ("video/x-h264", &upright, false),
            ("video/x-h265,profile=main", &upright, false),
        ] {
            assert_eq!(video_stream(&caps(text), facts).passthrough, passes, "{text} {facts:?}");
        }
    }

    #[test]
    fn aac_passes_up_to_two_channels() {
        for (text, passes) in [
            ("audio/mpeg,mpegversion=4,channels=2,rate=48000,base-profile=lc,profile=lc", true),
            ("audio/mpeg,mpegversion=4,channels=2,base-profile=lc,profile=he-aac-v1", true),
            ("audio/mpeg,mpegversion=4,channels=6,base-profile=lc", false),
            ("audio/mpeg,mpegversion=4,channels=2,base-profile=main", false),
            ("audio/mpeg,mpegversion=1,layer=3,channels=2", false),
        ] {
            assert_eq!(audio_stream(&caps(text)).passthrough, passes, "{text}");
        }
    }

    #[test]
    fn cover_art_is_no_video_and_motion_jpeg_is() {
        for (text, expected) in [
            ("image/jpeg,width=300", Content::Still),
            ("image/png,framerate=0/1", Content::Still),
            ("image/jpeg,framerate=25/1", Content::Video),
            ("video/x-vp9", Content::Video),
            ("audio/x-raw", Content::Audio),
            ("text/x-raw", Content::Other),
        ] {
            assert_eq!(content(&caps(text)), expected, "{text}");
        }
    }
}
