//! What becomes of a stream, decided by its caps.
//!
//! A stream passes as it is when every client of the profile plays it: H.264 up to High, 8 bits, 4:2:0,
//! progressive, not rotated (FLV has no rotation), with times that tell in which order pictures are shown, and
//! AAC of at most two channels. What the client decodes beside that passes as well. The rest is transcoded.

use super::super::form::{Codec, Form, Profile};
use super::super::streams::{AudioStream, VideoStream};
use crate::limits;
use gstreamer as gst;

/// What a pad of the demuxer carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Video,
    Audio,
    /// A single picture: cover art, or a photograph.
    Still,
    /// Subtitles, of text or of pictures.
    Subtitle,
    /// Data.
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
    } else if is_text(caps) || name.starts_with("subpicture/") {
        Content::Subtitle
    } else {
        Content::Other
    }
}

/// Subtitles made of text.
pub(super) fn is_text(caps: &gst::CapsRef) -> bool {
    caps.structure(0).is_some_and(|structure| {
        let name = structure.name().as_str();
        name.starts_with("text/")
            || name.starts_with("application/x-subtitle")
            || matches!(name, "application/x-ass" | "application/x-ssa")
    })
}

/// What is known of a video stream beside its caps.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct VideoFacts {
    /// The `image-orientation` tag.
    pub(super) rotation: Option<String>,
    /// The container counts frames in decoding order and knows no presentation times (AVI, H.264 in ASF).
    pub(super) decoding_order_only: bool,
    /// Subtitles are drawn into it.
    pub(super) drawn_on: bool,
}

impl VideoFacts {
    /// It has to be turned to be upright.
    pub(super) fn is_turned(&self) -> bool {
        self.rotation.as_deref().is_some_and(|orientation| orientation != "rotate-0")
    }
}

pub(super) fn video_stream(caps: &gst::CapsRef, facts: &VideoFacts, form: &Form) -> VideoStream {
    let structure = caps.structure(0);
    // Baseline has no B-frames: both orders are one.
    let baseline = |s: &gst::StructureRef| s.get::<&str>("profile").is_ok_and(|p| p.ends_with("baseline"));
    let misordered = facts.decoding_order_only && !structure.is_some_and(baseline);
    let number = |field| structure.and_then(|s| s.get::<i32>(field).ok()).unwrap_or(0).max(0) as u32;
    let untouched = !facts.is_turned() && !misordered && !facts.drawn_on;
    let passes = structure.filter(|_| untouched).and_then(|caps| passing_video(caps, form));
    let encoded = if form.profile == Profile::Flash { Codec::Flv1 } else { Codec::H264 };
    VideoStream {
        width: number("width"),
        height: number("height"),
        source_codec: codec_name(caps),
        passthrough: passes.is_some(),
        codec: passes.unwrap_or(encoded),
    }
}

pub(super) fn audio_stream(caps: &gst::CapsRef, form: &Form) -> AudioStream {
    let structure = caps.structure(0);
    let number = |field| structure.and_then(|s| s.get::<i32>(field).ok()).unwrap_or(0).max(0) as u32;
    let passes = structure.and_then(|caps| passing_audio(caps, form));
    let encoded = if form.profile == Profile::Flash { Codec::Mp3 } else { Codec::Aac };
    AudioStream {
        source_codec: codec_name(caps),
        passthrough: passes.is_some(),
        rate: number("rate"),
        channels: number("channels"),
        codec: passes.unwrap_or(encoded),
    }
}

/// The codec, when a picture stream passes as it is.
fn passing_video(caps: &gst::StructureRef, form: &Form) -> Option<Codec> {
    let passes = form.passes;
    let (codec, taken) = match caps.name().as_str() {
        "video/x-h264" => (Codec::H264, form.profile != Profile::Flash && h264_passes(caps, form)),
        "video/x-h265" => (Codec::Hevc, passes.hevc && four_two_zero(caps, 10)),
        "video/x-av1" => (Codec::Av1, passes.av1 && four_two_zero(caps, 10)),
        "video/x-vp9" => (Codec::Vp9, passes.vp9 && four_two_zero(caps, 8)),
        "video/x-flash-video" => (Codec::Flv1, form.profile == Profile::Flash),
        _ => return None,
    };
    // Who takes HEVC and its like is asked by FourCC, and says nothing of sizes; the smaller profiles are
    // about size. Sorenson H.263 was never made larger than Flash plays it.
    let (width, height) = form.profile.largest()?;
    let limited =
        codec != Codec::Flv1 && (form.profile != Profile::Tv || (codec == Codec::H264 && !passes.large));
    let number = |field| caps.get::<i32>(field).unwrap_or(0);
    // 1088: sixteen lines at a time.
    let fits = number("width") <= width && number("height") <= (height + 8);
    (taken && (fits || !limited)).then_some(codec)
}

fn h264_passes(caps: &gst::StructureRef, form: &Form) -> bool {
    // h264parse 1.22 tells one or the other.
    let interlaced = caps.get::<&str>("interlace-mode").is_ok_and(|mode| mode != "progressive")
        || caps.get::<&str>("coded-picture-structure").is_ok_and(|structure| structure != "frame");
    caps.get::<&str>("profile").is_ok_and(|profile| PROFILES.contains(&profile))
        && four_two_zero(caps, 8)
        && (!interlaced || form.passes.interlaced)
}

/// 4:2:0 of at most so many bits. A value that the parser did not find out is taken for the usual one.
fn four_two_zero(caps: &gst::StructureRef, most_bits: u32) -> bool {
    let depth = |field| caps.get::<u32>(field).map_or(true, |bits| bits <= most_bits);
    caps.get::<&str>("chroma-format").map_or(true, |format| format == "4:2:0")
        && depth("bit-depth-luma")
        && depth("bit-depth-chroma")
}

/// The codec, when a sound stream passes as it is.
fn passing_audio(caps: &gst::StructureRef, form: &Form) -> Option<Codec> {
    let number = |field| caps.get::<i32>(field).unwrap_or(0);
    let flash = form.profile == Profile::Flash;
    match caps.name().as_str() {
        "audio/mpeg" if flash => {
            let mp3 = number("mpegversion") == 1 && number("layer") == 3;
            (mp3 && FLASH_RATES.contains(&number("rate"))).then_some(Codec::Mp3)
        }
        "audio/mpeg" => aac_passes(caps, form).then_some(Codec::Aac),
        "audio/x-opus" => {
            let stereo = number("channel-mapping-family") == 0;
            (form.passes.opus && stereo && !flash).then_some(Codec::Opus)
        }
        _ => None,
    }
}

/// Sampling rates of MP3 that FLV has numbers for and Flash Lite plays.
pub(super) const FLASH_RATES: [i32; 3] = [44_100, 22_050, 11_025];

fn aac_passes(caps: &gst::StructureRef, form: &Form) -> bool {
    let most = if form.passes.surround { 8 } else { 2 };
    caps.get::<i32>("mpegversion").is_ok_and(|version| version == 2 || version == 4)
        && caps.get::<i32>("channels").is_ok_and(|channels| (1..=most).contains(&channels))
        && caps.get::<&str>("base-profile").map_or(true, |profile| AAC_PROFILES.contains(&profile))
        && caps.get::<&str>("profile").map_or(true, |profile| AAC_PROFILES.contains(&profile))
}

/// A plug-in here decodes it. Raw streams need none.
fn has_decoder(caps: &gst::CapsRef) -> bool {
    if caps.structure(0).is_some_and(|s| s.name().ends_with("/x-raw")) {
        return true;
    }
    let types = gst::ElementFactoryType::DECODER;
    gst::ElementFactory::factories_with_type(types, gst::Rank::MARGINAL)
        .iter()
        .any(|factory| factory.can_sink_any_caps(caps))
}

/// Whether a stream can become a lane: there is a decoder, where it has to be decoded, and its header is sane. The error says
/// what is wrong with it; a codec without a decoder is noted.
pub(super) fn admit(
    caps: &gst::CapsRef,
    passthrough: bool,
    undecodable: &mut Vec<String>,
) -> Result<(), String> {
    if !passthrough && !has_decoder(caps) {
        let codec = codec_name(caps);
        undecodable.push(codec.clone());
        return Err(format!("no decoder for {codec} is installed"));
    }
    absurd_size(caps).map_or(Ok(()), Err)
}

/// What is wrong with the size that a header claims, in words; nobody films that.
pub(super) fn absurd_size(caps: &gst::CapsRef) -> Option<String> {
    let structure = caps.structure(0)?;
    let side = |field| structure.get::<i32>(field).map_or(0, i64::from);
    let (width, height) = (side("width"), side("height"));
    let most = i64::from(limits::MAX_SOURCE_SIDE);
    (width > most || height > most || width.saturating_mul(height) > limits::MAX_SOURCE_PIXELS).then(|| {
        format!("its header claims {width}x{height} pixels, the most that is decoded is {most} a side")
    })
}

/// Caps that decoders know, for a stream that a demuxer only gives by its four-letter code.
pub(super) fn recognised(caps: &gst::CapsRef) -> Option<gst::Caps> {
    let structure = caps.structure(0)?;
    let code = match structure.name().as_str() {
        "video/x-avi-unknown" => structure.get::<&str>("fourcc").ok().map(str::to_owned).or_else(|| {
            let number = structure.get::<i32>("fourcc").ok()?;
            Some(String::from_utf8_lossy(&number.to_le_bytes()).into_owned())
        })?,
        name => name.strip_prefix("video/x-gst-fourcc-")?.to_owned(),
    };
    let name = match code.as_str() {
        "VP90" => "video/x-vp9",
        "AV01" | "av01" => "video/x-av1",
        "HEVC" | "hevc" | "H265" | "X265" => "video/x-h265",
        "AVdh" | "AVdn" => "video/x-dnxhd",
        "apco" | "apcs" | "apcn" | "apch" | "ap4h" => "video/x-prores",
        _ => return None,
    };
    let mut known = gst::Structure::new_empty(name);
    for field in ["width", "height", "framerate", "pixel-aspect-ratio", "codec_data"] {
        if let Ok(value) = structure.value(field) {
            known.set_value(field, value.clone());
        }
    }
    Some(gst::Caps::builder_full().structure(known).build())
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
        "video/x-dnxhd" => "DNxHD",
        "video/x-prores" => "ProRes",
        "video/x-cinepak" => "Cinepak",
        "video/x-huffyuv" => "HuffYUV",
        "video/x-ffv" => "FFV1",
        "video/x-svq" => "Sorenson Video",
        "video/x-indeo" => "Indeo",
        "video/x-msmpeg" => "MS MPEG-4",
        "text/x-raw" => "text",
        "application/x-subtitle-vtt" => "WebVTT",
        "application/x-ass" | "application/x-ssa" => "ASS",
        "subpicture/x-dvd" => "DVD subtitles",
        "subpicture/x-pgs" => "Blu-ray subtitles",
        "subpicture/x-dvb" => "DVB subtitles",
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
    use super::super::super::form::Passes;
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
            ("video/x-h264,profile=high,interlace-mode=mixed", &upright, false),
            ("video/x-h264,profile=high,coded-picture-structure=field", &upright, false),
            ("video/x-h264,profile=high,width=1920,height=1088", &upright, true),
            ("video/x-h264,profile=high,width=3840,height=2160", &upright, false),
            (usual, &VideoFacts { drawn_on: true, ..VideoFacts::default() }, false),
            ("video/x-h265,profile=main", &upright, false),
        ] {
            assert_eq!(
                video_stream(&caps(text), facts, &Form::default()).passthrough,
                passes,
                "{text} {facts:?}"
            );
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
            assert_eq!(audio_stream(&caps(text), &Form::default()).passthrough, passes, "{text}");
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
            ("text/x-raw", Content::Subtitle),
            ("subpicture/x-pgs", Content::Subtitle),
            ("application/x-id3", Content::Other),
        ] {
            assert_eq!(content(&caps(text)), expected, "{text}");
        }
    }

    #[test]
    fn sizes_that_nobody_films_are_refused() {
        for (text, absurd) in [
            ("video/x-vp9,width=7680,height=4320", false),
            ("video/x-vp9,width=100000,height=100000", true),
            ("video/x-vp9,width=16384,height=16384", true),
            ("video/x-vp9", false),
        ] {
            assert_eq!(absurd_size(&caps(text)).is_some(), absurd, "{text}");
        }
    }

    #[test]
    fn what_a_client_takes_beside_its_profile_passes() {
        let hevc = "video/x-h265,profile=main-10,bit-depth-luma=(uint)10,width=3840,height=2160";
        let opus = "audio/x-opus,channel-mapping-family=0,channels=2";
        let flash = Form { profile: Profile::Flash, passes: Passes::ALL, ..Form::default() };
        let small = Form { profile: Profile::Small, passes: Passes::ALL, ..Form::default() };
        let all = Form { passes: Passes::ALL, ..Form::default() };
        let large = Form { passes: Passes { large: true, ..Passes::default() }, ..Form::default() };
        let upright = VideoFacts::default();
        for (text, form, expected) in [
            (hevc, &all, (true, Codec::Hevc)),
            (hevc, &Form::default(), (false, Codec::H264)),
            (hevc, &small, (false, Codec::H264)),
            ("video/x-vp9,bit-depth-luma=(uint)8", &all, (true, Codec::Vp9)),
            ("video/x-av1,bit-depth-luma=(uint)12", &all, (false, Codec::H264)),
            ("video/x-h264,profile=high,width=320", &flash, (false, Codec::Flv1)),
            ("video/x-flash-video,flvversion=1,width=320,height=240", &flash, (true, Codec::Flv1)),
            ("video/x-flash-video,flvversion=1,width=320,height=240", &all, (false, Codec::H264)),
            ("video/x-h264,profile=high,interlace-mode=mixed", &all, (true, Codec::H264)),
            ("video/x-h264,profile=high,width=2560,height=1440", &all, (false, Codec::H264)),
            ("video/x-h264,profile=high,width=2560,height=1440", &large, (true, Codec::H264)),
        ] {
            let stream = video_stream(&caps(text), &upright, form);
            assert_eq!((stream.passthrough, stream.codec), expected, "{text} {form:?}");
        }
        for (text, form, expected) in [
            (opus, &all, (true, Codec::Opus)),
            (opus, &Form::default(), (false, Codec::Aac)),
            (opus, &flash, (false, Codec::Mp3)),
            ("audio/mpeg,mpegversion=1,layer=3,rate=44100", &flash, (true, Codec::Mp3)),
            ("audio/mpeg,mpegversion=1,layer=3,rate=48000", &flash, (false, Codec::Mp3)),
            ("audio/mpeg,mpegversion=4,channels=6,base-profile=lc", &all, (true, Codec::Aac)),
        ] {
            let stream = audio_stream(&caps(text), form);
            assert_eq!((stream.passthrough, stream.codec), expected, "{text} {form:?}");
        }
    }
}
