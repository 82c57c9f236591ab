//! A picture's bytes to a JPEG that fits: the work of the [worker](super::worker), without any process around it.

use super::Fit;
use crate::limits::{MAX_PICTURE_ALLOCATION, MAX_PICTURE_PROFILE, PICTURE_QUALITY};
use fast_image_resize::{IntoImageView, ResizeOptions, Resizer};
use image::codecs::jpeg::JpegEncoder;
use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageReader, Limits, RgbImage, RgbaImage};
use std::io::{BufRead, Seek};

/// Why there is no picture; for the person who wants to see it.
#[derive(Debug, thiserror::Error)]
pub(super) enum RenderError {
    /// No decoder of ours knows it.
    #[error(
        "its content is of no kind that can be shown (JPEG, PNG, GIF, WebP, BMP and TIFF can); convert it to JPEG"
    )]
    Unknown,
    /// More memory than a box has to spare.
    #[error("it is too large: {width} x {height} pixels; make it smaller, {} million pixels can be shown", MAX_PICTURE_ALLOCATION / 3_000_000)]
    TooLarge {
        /// Pixels, as it says of itself.
        width: u32,
        /// Likewise.
        height: u32,
    },
    /// The same, before its decoder said how large it is.
    #[error("it is too large; make it smaller, {} million pixels can be shown", MAX_PICTURE_ALLOCATION / 3_000_000)]
    Enormous,
    /// Its decoder gave up.
    #[error("it is damaged, or of an unusual kind: {0}; copy it again, or save it anew with another program")]
    Damaged(String),
}

/// Decodes, shrinks, turns upright, and encodes. Of metadata only the colour profile comes along.
///
/// # Errors
/// Why not; the file is at fault.
pub(super) fn render(file: impl BufRead + Seek, fit: Fit) -> Result<Vec<u8>, RenderError> {
    let reader = ImageReader::new(file).with_guessed_format().map_err(damaged)?;
    if reader.format().is_none() {
        return Err(RenderError::Unknown);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PICTURE_ALLOCATION);
    let mut reader = reader;
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| of_decoder(error, None))?;
    let (width, height) = decoder.dimensions();
    if decoder.total_bytes() > MAX_PICTURE_ALLOCATION {
        return Err(RenderError::TooLarge { width, height });
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| profile.len() <= MAX_PICTURE_PROFILE);
    let picture =
        DynamicImage::from_decoder(decoder).map_err(|error| of_decoder(error, Some((width, height))))?;

    let picture = eight_bits(picture);
    let fit = if turns_on_its_side(orientation) { fit.turned() } else { fit };
    let mut picture = on_paper(shrink(picture, fit.of(width, height))?);
    picture.apply_orientation(orientation);

    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, PICTURE_QUALITY);
    if let Some(profile) = profile.filter(|profile| suits(profile, &picture)) {
        // A profile that does not go in is not worth losing the picture.
        let _ = encoder.set_icc_profile(profile);
    }
    picture.write_with_encoder(encoder).map_err(damaged)?;
    Ok(jpeg)
}

fn of_decoder(error: ImageError, size: Option<(u32, u32)>) -> RenderError {
    match error {
        ImageError::Unsupported(_) => RenderError::Unknown,
        ImageError::Limits(error) if !matches!(error.kind(), LimitErrorKind::Unsupported { .. }) => {
            size.map_or(RenderError::Enormous, |(width, height)| RenderError::TooLarge { width, height })
        }
        error => damaged(error),
    }
}

/// A decoder's words may have several lines; the worker's reason is its last one.
fn damaged(error: impl std::fmt::Display) -> RenderError {
    RenderError::Damaged(error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
}

/// With the channels that it has, each of one byte: what JPEG and screens have.
fn eight_bits(picture: DynamicImage) -> DynamicImage {
    match picture {
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgba8(_) => picture,
        DynamicImage::ImageLuma16(_) => picture.into_luma8().into(),
        other if other.color().has_alpha() => other.into_rgba8().into(),
        other => other.into_rgb8().into(),
    }
}

fn shrink(picture: DynamicImage, (width, height): (u32, u32)) -> Result<DynamicImage, RenderError> {
    if (picture.width(), picture.height()) == (width, height) {
        return Ok(picture);
    }
    let mut small = match picture.pixel_type() {
        Some(fast_image_resize::PixelType::U8) => DynamicImage::new_luma8(width, height),
        Some(fast_image_resize::PixelType::U8x4) => RgbaImage::new(width, height).into(),
        _ => DynamicImage::new_rgb8(width, height),
    };
    // Lanczos, with transparent pixels weighing nothing.
    let options = ResizeOptions::new();
    Resizer::new().resize(&picture, &mut small, &options).map_err(damaged)?;
    Ok(small)
}

/// What is transparent shows white, as on the paper it is mostly meant for.
fn on_paper(picture: DynamicImage) -> DynamicImage {
    let DynamicImage::ImageRgba8(picture) = picture else { return picture };
    let mut paper = RgbImage::new(picture.width(), picture.height());
    for (to, from) in paper.pixels_mut().zip(picture.pixels()) {
        let [.., alpha] = from.0;
        let over_white = |value: u8| {
            let (value, alpha) = (u32::from(value), u32::from(alpha));
            ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        to.0 = [over_white(from[0]), over_white(from[1]), over_white(from[2])];
    }
    paper.into()
}

fn turns_on_its_side(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// Whether a profile speaks of the channels that the picture now has: bytes 16 to 19, ICC.1:2022 7.2.8. One of
/// CMYK says nothing of what was made from it.
fn suits(profile: &[u8], picture: &DynamicImage) -> bool {
    let wanted: &[u8] = if picture.color().has_color() { b"RGB " } else { b"GRAY" };
    profile.get(16..20) == Some(wanted)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use image::{GrayImage, ImageFormat, Rgba};
    use std::io::Cursor;

    /// Red on the left, blue on the right.
    fn two_halves(width: u32, height: u32) -> DynamicImage {
        let half = |x| if x < width / 2 { [255, 0, 0] } else { [0, 0, 255] };
        RgbImage::from_fn(width, height, |x, _| image::Rgb(half(x))).into()
    }

    fn file_of(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    fn fit(width: u16, height: u16) -> Fit {
        Fit::parse(Some(&width.to_string()), Some(&height.to_string())).unwrap()
    }

    fn rendered(file: &[u8], fit: Fit) -> DynamicImage {
        let jpeg = render(Cursor::new(file), fit).unwrap();
        image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg).unwrap()
    }

    /// A JPEG as a telephone writes it: a segment of EXIF with this orientation and a place (TIFF 6.0, Exif 2.32 4.6).
    fn with_exif(jpeg: &[u8], orientation: u16) -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
        tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0]);
        tiff.extend(orientation.to_le_bytes());
        tiff.extend([0, 0]);
        // Artist, standing for all that tells who and where.
        tiff.extend([0x3b, 0x01, 2, 0, 16, 0, 0, 0, 38, 0, 0, 0]);
        tiff.extend([0; 4]);
        tiff.extend(b"52N13E private!\0");
        let mut file = jpeg[..2].to_vec();
        file.extend([0xff, 0xe1]);
        file.extend((2 + 6 + tiff.len() as u16).to_be_bytes());
        file.extend(b"Exif\0\0");
        file.extend(&tiff);
        file.extend(&jpeg[2..]);
        file
    }

    fn is_red(picture: &DynamicImage, x: u32, y: u32) -> bool {
        let [red, _, blue] = picture.to_rgb8().get_pixel(x, y).0;
        red > 200 && blue < 60
    }

    #[test]
    fn every_kind_is_shrunk_in_proportion() {
        for format in [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::Gif,
            ImageFormat::Bmp,
            ImageFormat::Tiff,
            ImageFormat::WebP,
        ] {
            let small = rendered(&file_of(&two_halves(600, 400), format), fit(300, 300));
            assert_eq!((small.width(), small.height()), (300, 200), "{format:?}");
            assert!(is_red(&small, 20, 100) && !is_red(&small, 280, 100), "{format:?}");
        }
    }

    #[test]
    fn small_pictures_stay_as_they_are() {
        let same = rendered(&file_of(&two_halves(64, 48), ImageFormat::Png), Fit::default());
        assert_eq!((same.width(), same.height()), (64, 48));
    }

    #[test]
    fn it_comes_upright_and_says_nothing_of_its_maker() {
        let jpeg = file_of(&two_halves(600, 400), ImageFormat::Jpeg);
        // Exif 2.32, 4.6.4 A: where the left side of the file, red, is meant to be.
        for (orientation, size, red) in [
            (1, (300, 200), (20, 100)),
            (2, (300, 200), (280, 100)),
            (3, (300, 200), (280, 100)),
            (4, (300, 200), (20, 100)),
            (5, (200, 300), (100, 20)),
            (6, (200, 300), (100, 20)),
            (7, (200, 300), (100, 280)),
            (8, (200, 300), (100, 280)),
            (9, (300, 200), (20, 100)),
        ] {
            let file = with_exif(&jpeg, orientation);
            let made = render(Cursor::new(&file), fit(300, 300)).unwrap();
            assert!(!made.windows(7).any(|word| word == b"private"), "orientation {orientation}");
            let picture = image::load_from_memory(&made).unwrap();
            assert_eq!((picture.width(), picture.height()), size, "orientation {orientation}");
            assert!(is_red(&picture, red.0, red.1), "orientation {orientation}");
        }
    }

    #[test]
    fn a_colour_profile_stays_where_it_still_says_something() {
        for (space, picture, stays) in [
            (b"RGB ", two_halves(8, 8), true),
            (b"GRAY", GrayImage::new(8, 8).into(), true),
            (b"CMYK", two_halves(8, 8), false),
        ] {
            let mut profile = vec![7; 200];
            profile[16..20].copy_from_slice(space);
            let mut file = Vec::new();
            let mut encoder = JpegEncoder::new(&mut file);
            encoder.set_icc_profile(profile.clone()).unwrap();
            picture.write_with_encoder(encoder).unwrap();
            let made = render(Cursor::new(&file), Fit::default()).unwrap();
            let mut made =
                ImageReader::with_format(Cursor::new(made), ImageFormat::Jpeg).into_decoder().unwrap();
            assert_eq!(made.icc_profile().unwrap(), stays.then_some(profile), "{space:?}");
        }
    }

    #[test]
    fn what_is_transparent_is_white() {
        let mut picture = RgbaImage::from_pixel(64, 64, Rgba([0, 0, 0, 0]));
        for pixel in picture.pixels_mut().take(64 * 32) {
            pixel.0 = [255, 0, 0, 255];
        }
        let made = rendered(&file_of(&picture.into(), ImageFormat::Png), fit(32, 32)).to_rgb8();
        assert!(made.get_pixel(16, 30).0.iter().all(|value| *value > 245));
        assert!(made.get_pixel(16, 4).0[1] < 40);
    }

    #[test]
    fn sixteen_bits_and_grey_come_out_as_eight() {
        let deep: DynamicImage =
            image::ImageBuffer::from_pixel(100, 50, image::Rgb([65_535_u16, 0, 0])).into();
        assert!(is_red(&rendered(&file_of(&deep, ImageFormat::Png), fit(50, 50)), 10, 10));
        let grey = rendered(
            &file_of(&GrayImage::from_pixel(100, 50, image::Luma([90])).into(), ImageFormat::Png),
            fit(50, 50),
        );
        assert!(!grey.color().has_color() && grey.to_luma8().get_pixel(5, 5).0[0].abs_diff(90) < 3);
    }

    #[test]
    fn what_is_no_picture_is_refused_in_words() {
        let refused = |file: &[u8]| render(Cursor::new(file), Fit::default()).unwrap_err().to_string();
        assert!(refused(b"").contains("of no kind"));
        assert!(refused(b"MZ this is no picture").contains("of no kind"));
        // HEIC: known to nobody here.
        assert!(refused(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").contains("convert it to JPEG"));
        let jpeg = file_of(&two_halves(64, 64), ImageFormat::Png);
        assert!(refused(&jpeg[..jpeg.len() / 2]).contains("damaged"));
    }

    #[test]
    fn a_picture_that_says_it_is_huge_is_refused_before_it_is_read() {
        // A PNG of one pixel that says it has this side (PNG 11.2.2), with the checksum that belongs to it.
        let refused = |side: u32| {
            let mut png = file_of(&two_halves(2, 2), ImageFormat::Png);
            png[16..20].copy_from_slice(&side.to_be_bytes());
            png[20..24].copy_from_slice(&side.to_be_bytes());
            let sum = crc(&png[12..29]).to_be_bytes();
            png[29..33].copy_from_slice(&sum);
            render(Cursor::new(&png), Fit::default()).unwrap_err()
        };
        let error = refused(100_000);
        assert!(matches!(error, RenderError::TooLarge { width: 100_000, height: 100_000 }), "{error}");
        // Its decoder gives up before it has said a size.
        let error = refused(i32::MAX as u32).to_string();
        assert!(error.starts_with("it is too large; make it smaller"), "{error}");
    }

    /// CRC-32 of PNG, bit by bit.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8)
                .fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        })
    }

    #[test]
    fn cut_anywhere_it_is_a_picture_or_a_reason() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
            let file = with_exif_if(format, file_of(&two_halves(40, 30), format));
            for end in 0..file.len() {
                if let Err(reason) = render(Cursor::new(&file[..end]), fit(20, 20)) {
                    assert_eq!(reason.to_string().lines().count(), 1, "{format:?} cut at {end}: {reason:?}");
                }
            }
        }
    }

    fn with_exif_if(format: ImageFormat, file: Vec<u8>) -> Vec<u8> {
        if format == ImageFormat::Jpeg { with_exif(&file, 6) } else { file }
    }
}
