//! The SWF around the actions: stage, a video object, one frame.

use crate::Wrong;
use crate::assembler::VERSION;
use swf::{
    Color, Compression, DefineVideoStream, Fixed8, Header, PlaceObject, PlaceObjectAction, Rectangle, SwfStr,
    Tag, Twips, VideoCodec, VideoDeblocking,
};

/// The stage, in pixels: what fits a television's picture in the Wii's browser.
pub const STAGE: (i32, i32) = (800, 448);

/// Frames a second, as in 2007: what happens between them is drawn with the next one.
const FRAME_RATE: f32 = 12.0;

/// The instance that pictures of a film are shown in.
const VIDEO: &str = "video";

/// A movie with these actions in its only frame.
///
/// # Errors
/// When the SWF cannot be written.
pub fn movie(actions: &[u8]) -> Result<Vec<u8>, Wrong> {
    let stage = Rectangle {
        x_min: Twips::ZERO,
        x_max: Twips::from_pixels_i32(STAGE.0),
        y_min: Twips::ZERO,
        y_max: Twips::from_pixels_i32(STAGE.1),
    };
    // Not compressed: a page is sent with gzip where that is understood, and the bytes depend on no compressor.
    let header = Header {
        compression: Compression::None,
        version: VERSION,
        stage_size: stage,
        frame_rate: Fixed8::from_f32(FRAME_RATE),
        num_frames: 1,
    };
    let black = Color { r: 0, g: 0, b: 0, a: 255 };
    let video = DefineVideoStream {
        id: 1,
        num_frames: 0,
        width: 400,
        height: 224,
        is_smoothed: true,
        deblocking: VideoDeblocking::UseVideoPacketValue,
        codec: VideoCodec::None,
    };
    let place = PlaceObject {
        version: 2,
        action: PlaceObjectAction::Place(1),
        depth: 1,
        matrix: Some(swf::Matrix::IDENTITY),
        color_transform: None,
        ratio: None,
        name: Some(SwfStr::from_utf8_str(VIDEO)),
        clip_depth: None,
        class_name: None,
        filters: None,
        background_color: None,
        blend_mode: None,
        clip_actions: None,
        has_image: false,
        is_bitmap_cached: None,
        is_visible: None,
        amf_data: None,
    };
    let tags = [
        Tag::SetBackgroundColor(black),
        Tag::DefineVideoStream(video),
        Tag::PlaceObject(Box::new(place)),
        Tag::DoAction(actions),
        Tag::ShowFrame,
    ];
    let mut out = Vec::new();
    swf::write_swf(&header, &tags, &mut out)
        .map_err(|error| Wrong::new(0, format!("it cannot be written: {error}")))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_movie_is_for_flash_7_and_has_the_stage_of_2007() {
        let bytes = movie(&[0]).unwrap();
        assert_eq!(&bytes[..4], b"FWS\x07");
        let file = swf::decompress_swf(&bytes[..]).unwrap();
        let movie = swf::parse_swf(&file).unwrap();
        let stage = movie.header.stage_size();
        assert_eq!((stage.width().to_pixels(), stage.height().to_pixels()), (800.0, 448.0));
        assert_eq!(movie.header.frame_rate(), Fixed8::from_f32(12.0));
        assert!(matches!(&movie.tags[3], Tag::DoAction([0])));
    }

    #[test]
    fn the_same_source_makes_the_same_bytes() {
        let source = "var a = 1; function f() { return a; } f();";
        assert_eq!(crate::compile(source).unwrap(), crate::compile(source).unwrap());
    }
}
