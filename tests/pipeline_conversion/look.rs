//! Looking at files: what is in them, and pictures that show what ffmpeg put there.

use super::WORKER;
use super::media::Media;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use wiidiaserver::pipeline::{ConversionError, Look, Looked, Picture, Purpose, look};

/// A picture as ffmpeg decodes it: three bytes a pixel.
struct Pixels {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Pixels {
    #[track_caller]
    fn of(media: &Media, jpeg: &[u8], name: &str) -> Self {
        let path = media.write(name, jpeg);
        let probe = Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0"])
            .arg(&path)
            .output()
            .expect("these tests need ffprobe");
        let text = String::from_utf8_lossy(&probe.stdout).trim().to_owned();
        let fields: Vec<&str> = text.split(',').collect();
        assert_eq!(fields[0], "mjpeg", "{text}");
        let decoded = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-i"])
            .arg(&path)
            .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
            .output()
            .expect("these tests need ffmpeg");
        let [width, height] = [1, 2].map(|at| fields[at].parse().expect("a number"));
        assert_eq!(decoded.stdout.len(), 3 * width * height);
        Self { width, height, rgb: decoded.stdout }
    }

    /// The colour there, each part as "little" (0), "half" (1) or "much" (2).
    fn colour(&self, x: usize, y: usize) -> [u8; 3] {
        let at = 3 * (y * self.width + x);
        [0, 1, 2].map(|part| self.rgb[at + part] / 86)
    }

    fn brightness(&self) -> f64 {
        self.rgb.iter().map(|&byte| f64::from(byte)).sum::<f64>() / self.rgb.len() as f64
    }
}

fn at(path: &Path, how: Look) -> Result<Looked, ConversionError> {
    look(Path::new(WORKER), File::open(path).expect("the file was made"), &[], how)
}

#[track_caller]
fn all(path: &Path) -> Looked {
    let looked = at(path, Look::Pictures).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    assert!(looked.trouble.is_none(), "{path:?}: {:?}", looked.trouble);
    looked
}

#[track_caller]
fn picture(looked: &Looked, purpose: Purpose) -> &Picture {
    looked.pictures.iter().find(|picture| picture.purpose == purpose).expect("such a picture")
}

/// A colour a second: red, green, blue, white, and again.
const COLOURS: &str = "-f lavfi -i color=red:s=320x180:r=25:d=1 -f lavfi -i color=lime:s=320x180:r=25:d=1 \
                       -f lavfi -i color=blue:s=320x180:r=25:d=1 -f lavfi -i color=white:s=320x180:r=25:d=1 \
                       -filter_complex concat=n=4,loop=loop=5:size=100:start=0,setpts=N/25/TB -t 24 -an";
const RED: [u8; 3] = [2, 0, 0];

fn colour_at(seconds: u32) -> [u8; 3] {
    [RED, [0, 2, 0], [0, 0, 2], [2, 2, 2]][seconds as usize % 4]
}

#[test]
fn the_seek_bars_pictures_show_what_is_there_at_their_times() {
    let media = Media::new();
    for (arguments, name) in [
        ("-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p", "h264.mp4"),
        ("-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p", "h264.mkv"),
        ("-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p", "h264.ts"),
        ("-c:v flv1 -g 25 -b:v 500k", "sorenson.flv"),
        ("-c:v mpeg4 -bf 2 -g 25 -b:v 500k", "divx.avi"),
        ("-c:v mpeg2video -g 25 -b:v 1000k", "mpeg2.mpg"),
        ("-c:v libvpx -deadline realtime -cpu-used 8 -g 25 -b:v 500k", "vp8.webm"),
        ("-c:v libtheora -g 25 -b:v 500k", "theora.ogv"),
    ] {
        let looked = all(&media.make(&format!("{COLOURS} {arguments}"), name));
        let bar = picture(&looked, Purpose::Bar);
        let sheet = Pixels::of(&media, &bar.jpeg, "sheet.jpg");
        // Program streams have no index, and little data makes far places near.
        let least = if name.ends_with(".mpg") { 2 } else { 5 };
        assert!(bar.times_ms.len() >= least, "{name}: {:?}", bar.times_ms);
        let (columns, width, height) =
            (usize::from(bar.columns), usize::from(bar.width), usize::from(bar.height));
        assert_eq!((width, height), (160, 90), "{name}");
        assert_eq!(sheet.width, columns * width, "{name}");
        assert_eq!(sheet.height, bar.times_ms.len().div_ceil(columns) * height, "{name}");
        for (n, &time) in bar.times_ms.iter().enumerate() {
            let middle = (n % columns * width + width / 2, n / columns * height + height / 2);
            // Keyframes are at the changes of colour. AVI's times are those of decoding: up to three frames early.
            let expected = colour_at((time + 120) / 1000);
            assert_eq!(sheet.colour(middle.0, middle.1), expected, "{name}: the tile at {time} ms");
        }
    }
}

#[test]
fn the_picture_that_comes_with_a_film_is_its_poster_unless_it_is_an_icon() {
    let media = Media::new();
    let film =
        media.make(&format!("{COLOURS} -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p"), "film.mkv");
    for (size, is_poster) in [("300x400", true), ("120x160", false)] {
        // Blue, but for a white bar: what is of one colour says nothing.
        let cover = media.make(
            &format!("-f lavfi -i color=blue:s={size} -vf drawbox=w=iw/4:c=white:t=fill -frames:v 1"),
            &format!("{size}.jpg"),
        );
        let attach =
            format!("-i @film.mkv -c copy -attach {} -metadata:s:t mimetype=image/jpeg", cover.display());
        let looked = all(&media.make(&attach, &format!("{size}.mkv")));
        let poster = picture(&looked, Purpose::Poster);
        let pixels = Pixels::of(&media, &poster.jpeg, "poster.jpg");
        if is_poster {
            assert_eq!((pixels.width, pixels.height), (136, 180), "{size}");
            assert_eq!((pixels.colour(100, 90), pixels.colour(10, 90)), ([0, 0, 2], [2, 2, 2]), "{size}");
        } else {
            assert_eq!((pixels.width, pixels.height), (320, 180), "{size}");
        }
        // The seek bar shows the film itself.
        assert!(picture(&looked, Purpose::Bar).times_ms.len() >= 5);
    }
    let plain = all(&film);
    assert_eq!(picture(&plain, Purpose::Poster).width, 320);
}

#[test]
fn a_poster_is_not_black_and_stands_upright() {
    let media = Media::new();
    // Black for the first third; then the upper half is red, with stripes, and the lower one blue.
    let picture_in = "-f lavfi -i color=black:s=640x360:r=25:d=8 -f lavfi -i color=blue:s=640x360:r=25:d=16 -filter_complex \
        [1]drawbox=c=red:h=180:t=fill,drawbox=x=300:w=40:c=white:t=fill[b];[0][b]concat=n=2 \
        -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p";
    let plain = media.make(picture_in, "plain.mp4");
    let rotated = media.make("-i @plain.mp4 -c copy -metadata:s:v rotate=90", "rotated.mp4");
    let wide = media.make(&format!("{picture_in} -aspect 4:3"), "anamorphic.mp4");
    for (path, size, up, down) in [(&plain, (320, 180), RED, [0, 0, 2]), (&wide, (240, 180), RED, [0, 0, 2])]
    {
        let looked = all(path);
        let poster = picture(&looked, Purpose::Poster);
        let pixels = Pixels::of(&media, &poster.jpeg, "poster.jpg");
        assert_eq!((pixels.width, pixels.height), size, "{path:?}");
        assert!(pixels.brightness() > 50.0, "{path:?}: {}", pixels.brightness());
        assert_eq!(pixels.colour(20, 20), up, "{path:?}");
        assert_eq!(pixels.colour(20, size.1 - 20), down, "{path:?}");
    }
    // Turned by ffmpeg itself, the same way.
    let expected = media.make("-ss 20 -i @rotated.mp4 -frames:v 1 -update 1", "expected.jpg");
    let expected = Pixels::of(&media, &std::fs::read(expected).expect("it was made"), "expected2.jpg");
    let looked = all(&rotated);
    let poster = picture(&looked, Purpose::Poster);
    let pixels = Pixels::of(&media, &poster.jpeg, "poster.jpg");
    assert!(pixels.height > pixels.width && expected.height > expected.width);
    for (x, y) in [(0.2, 0.1), (0.8, 0.1), (0.2, 0.9), (0.8, 0.9)] {
        let there = |pixels: &Pixels| {
            pixels.colour((x * pixels.width as f64) as usize, (y * pixels.height as f64) as usize)
        };
        assert_eq!(there(&pixels), there(&expected), "at {x}, {y}");
    }
}

#[test]
fn sounds_have_their_cover_as_poster_and_their_tags() {
    let media = Media::new();
    media.make("-f lavfi -i color=lime:s=300x300:d=1 -frames:v 1 -update 1", "cover.png");
    let tags = "-metadata title=Song -metadata artist=Somebody -metadata album=Record -metadata date=1999";
    let song = "-f lavfi -i sine=d=3 -i @cover.png -map 0 -map 1 -c:v copy -disposition:v attached_pic";
    for (codec, name) in [
        ("-c:a libmp3lame -id3v2_version 3", "song.mp3"),
        ("-c:a flac", "song.flac"),
        ("-c:a aac", "song.m4a"),
    ] {
        let looked = all(&media.make(&format!("{song} {codec} {tags}"), name));
        let duration = looked.streams.duration.expect("a duration").as_secs_f64();
        assert!((duration - 3.0).abs() < 0.3, "{name}: {duration}");
        let tag = |wanted: &str| {
            let tag = looked.streams.contents.tags.iter().find(|tag| tag.name == wanted);
            tag.map(|tag| tag.value.clone()).unwrap_or_default()
        };
        assert_eq!(
            (tag("title"), tag("artist"), tag("album")),
            ("Song".into(), "Somebody".into(), "Record".into())
        );
        let poster = picture(&looked, Purpose::Poster);
        let pixels = Pixels::of(&media, &poster.jpeg, "poster.jpg");
        assert_eq!((pixels.width, pixels.height), (180, 180), "{name}");
        assert_eq!(pixels.colour(90, 90), [0, 2, 0], "{name}");
        assert_eq!(looked.pictures.len(), 1, "{name}");
    }
    let bare = all(&media.make("-f lavfi -i sine=d=3", "bare.wav"));
    assert!(bare.pictures.is_empty());
}

#[test]
fn broken_and_lying_files_end_in_bounded_time_with_a_reason() {
    let media = Media::new();
    let film =
        media.make(&format!("{COLOURS} -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p"), "film.mp4");
    let bytes = std::fs::read(&film).expect("it was made");
    let avi =
        std::fs::read(media.make(&format!("{COLOURS} -c:v mpeg4 -g 25"), "film.avi")).expect("it was made");
    // 100000 x 100000 pixels in the header of the AVI's stream and in its format.
    let mut huge = avi.clone();
    for at in 0..huge.len().min(4096) - 8 {
        if huge[at..at + 8] == [0x40, 1, 0, 0, 0xB4, 0, 0, 0] {
            huge[at..at + 4].copy_from_slice(&100_000u32.to_le_bytes());
            huge[at + 4..at + 8].copy_from_slice(&100_000u32.to_le_bytes());
        }
    }
    let mut noise = bytes.clone();
    let middle = noise.len() / 4;
    for (n, byte) in noise[middle..].iter_mut().enumerate() {
        if n % 7 == 0 {
            *byte ^= (n * 31) as u8;
        }
    }
    let cases = [
        ("empty.mp4", Vec::new()),
        ("text.avi", b"this is no film at all, whatever its name says".repeat(50)),
        ("half.mp4", bytes[..bytes.len() / 2].to_vec()),
        ("half.avi", avi[..avi.len() / 2].to_vec()),
        ("huge.avi", huge),
        ("noise.mp4", noise),
        ("zeros.mpg", vec![0; 4 << 20]),
    ];
    for (name, bytes) in cases {
        let path = media.write(name, &bytes);
        let begun = Instant::now();
        let looked = at(&path, Look::Pictures);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(100), "{name}: {took:?}");
        match looked {
            Ok(looked) => {
                for picture in &looked.pictures {
                    Pixels::of(&media, &picture.jpeg, "any.jpg");
                }
                assert!(name != "empty.mp4" && name != "text.avi", "{name}: {looked:?}");
            }
            Err(error) => assert!(error.to_string().len() > 20, "{name}: {error}"),
        }
    }
}

#[test]
fn contents_alone_come_without_pictures() {
    let media = Media::new();
    let film =
        media.make(&format!("{COLOURS} -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p"), "film.mp4");
    let looked = at(&film, Look::Contents).expect("a film");
    assert!(looked.pictures.is_empty() && looked.trouble.is_none());
    let video = looked.streams.video.expect("a picture");
    assert_eq!((video.width, video.height, video.source_codec.as_str()), (320, 180, "H.264"));
    assert_eq!(looked.streams.duration.map(|time| time.as_millis()), Some(24_000));
}
