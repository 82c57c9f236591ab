//! The matrix of docs/formats.md: containers and codecs through the real worker, with sound and picture as far apart
//! afterwards as before.

use crate::media::{self, BEEP, FLASH, Media};
use crate::whole;
use wiidiaserver::flv::TagKind;

const X264: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -profile:v high \
                    -x264-params b-adapt=0:8x8dct=1:scenecut=0";

/// Name, how ffmpeg makes it of the flash and beep (`@a.mp4` is the same in H.264 and AAC), and whether picture and
/// sound pass.
const MATRIX: [(&str, &str, bool, bool); 36] = [
    ("a.mp4", "F X -c:a aac", true, true),
    ("a.mkv", "-i @a.mp4 -c copy", true, true),
    ("a.mov", "-i @a.mp4 -c copy", true, true),
    ("a.ts", "-i @a.mp4 -c copy", true, true),
    ("a.flv", "-i @a.mp4 -c copy", true, true),
    ("a.3gp", "-i @a.mp4 -c copy", true, true),
    ("fragments.mp4", "-i @a.mp4 -c copy -movflags frag_keyframe+empty_moov", true, true),
    ("a.avi", "-i @a.mp4 -c copy", false, true),
    ("a.asf", "-i @a.mp4 -c copy", false, true),
    ("cut.mp4", "-ss 0.7 -i @a.mp4 -c copy", true, true),
    ("cut.mkv", "-ss 0.7 -i @a.mp4 -c copy", true, true),
    ("late sound.mp4", "-i @a.mp4 -itsoffset 0.7 -i @a.mp4 -map 0:v -map 1:a -c copy", true, true),
    ("late picture.mkv", "-itsoffset 0.7 -i @a.mp4 -i @a.mp4 -map 0:v -map 1:a -c copy", true, true),
    ("five hours.ts", "-i @a.mp4 -c copy -output_ts_offset 18000", true, true),
    ("five hours.mkv", "-i @a.mp4 -c copy -output_ts_offset 18000", true, true),
    (
        "varying.mp4",
        "F -vf select='not(eq(mod(n\\,7)\\,3))+lt(mod(t-1\\,2)\\,0.15)' -vsync vfr X -c:a aac",
        true,
        true,
    ),
    ("ac3.mkv", "F X -c:a ac3", true, false),
    ("surround.mkv", "F X -af pan=5.1|FL=c0|FR=c0 -c:a ac3", true, false),
    ("dts.mkv", "F X -c:a dca -strict -2", true, false),
    ("opus.mp4", "F X -c:a libopus", true, false),
    ("pcm.mov", "F X -c:a pcm_s16le", true, false),
    ("mp3.avi", "F -c:v mpeg4 -vtag XVID -bf 2 -c:a libmp3lame", false, false),
    ("pcm.avi", "F -c:v mpeg4 -vtag DX50 -c:a pcm_s16le", false, false),
    ("dvd.vob", "F -c:v mpeg2video -bf 2 -c:a ac3 -f vob", false, false),
    ("broadcast.ts", "F -c:v mpeg2video -bf 2 -flags +ildct+ilme -top 1 -c:a mp2", false, false),
    ("ten bits.mkv", "F X -pix_fmt yuv420p10le -profile:v high10 -c:a aac", false, true),
    ("four two two.mp4", "F X -pix_fmt yuv422p -profile:v high422 -c:a aac", false, true),
    (
        "interlaced.mp4",
        "F -c:v libx264 -preset ultrafast -flags +ildct+ilme -top 1 -pix_fmt yuv420p -c:a aac",
        false,
        true,
    ),
    ("hevc.mkv", "F -c:v libx265 -preset ultrafast -x265-params log-level=none -c:a aac", false, true),
    ("vp9.avi", "F -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libmp3lame", false, false),
    ("vp8.webm", "F -c:v libvpx -deadline realtime -c:a libvorbis", false, false),
    ("wmv2.wmv", "F -c:v wmv2 -c:a wmav2", false, false),
    ("prores.mov", "F -c:v prores_ks -c:a pcm_s16le", false, false),
    (
        "dnxhr.mov",
        "F -vf scale=640:360,format=yuv422p -c:v dnxhd -profile:v dnxhr_sq -c:a pcm_s16le",
        false,
        false,
    ),
    ("lossless.avi", "F -c:v huffyuv -c:a pcm_s16le", false, false),
    ("nut.nut", "F -c:v mpeg4 -c:a libmp3lame", false, false),
];

/// Longest difference between sound and picture that is not noticed.
const TOLERANCE_MS: f64 = 40.0;

#[test]
fn sound_and_picture_stay_together_in_every_format() {
    let media = Media::new();
    let mut wrong = Vec::new();
    for (name, arguments, picture_passes, sound_passes) in MATRIX {
        let words: Vec<&str> = arguments.split(' ').collect();
        let made: Vec<String> = words
            .iter()
            .map(|word| match *word {
                "F" => format!("{FLASH} {BEEP}"),
                "X" => X264.to_owned(),
                other => other.to_owned(),
            })
            .collect();
        let path = media.make(&made.join(" "), name);
        let run = whole(&path);
        let flv = path.with_extension("out.flv");
        let passes = run.passthrough();
        if passes != (Some(picture_passes), Some(sound_passes)) {
            wrong.push(format!("{name}: picture and sound pass: {passes:?}"));
        }
        let times = |path| media::first_flash(path).zip(media::first_beep(path));
        let (Some((flash, beep)), Some((flash_after, beep_after))) = (times(&path), times(&flv)) else {
            wrong.push(format!("{name}: no flash or no beep"));
            continue;
        };
        let off_ms = ((beep_after - flash_after) - (beep - flash)) * 1000.0;
        eprintln!(
            "{name:18} {:>4} pictures {:>4} sounds {off_ms:+6.1} ms {:?}",
            run.frames(TagKind::Video).count(),
            run.frames(TagKind::Audio).count(),
            run.streams.warnings,
        );
        if off_ms.abs() > TOLERANCE_MS {
            wrong.push(format!("{name}: sound comes {off_ms:+.0} ms later than in the file"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_track_is_lost_for_being_short() {
    let media = Media::new();
    media.make(&format!("{FLASH} {BEEP} {X264} -c:a aac"), "a.mp4");
    for (name, arguments) in [
        ("sound.mp4", "-i @a.mp4 -t 1 -i @a.mp4 -map 0:v -map 1:a -c copy"),
        ("picture.mp4", "-t 1 -i @a.mp4 -i @a.mp4 -map 0:v -map 1:a -c copy"),
    ] {
        let run = whole(&media.make(arguments, name));
        assert!(run.streams.video.is_some() && run.streams.audio.is_some(), "{name}: {:?}", run.streams);
    }
}

/// A demuxer that shows one stream after the other lost the sound of one run in four.
#[test]
fn the_sound_of_a_program_stream_is_found_every_time() {
    let media = Media::new();
    let vob = media.make(&format!("{FLASH} {BEEP} -c:v mpeg2video -c:a ac3 -f vob"), "x.vob");
    for attempt in 0..6 {
        let run = crate::convert(&vob, &Default::default()).expect("it plays");
        assert!(run.streams.audio.is_some(), "attempt {attempt}");
    }
}

/// Sound to the end of the clip, which GStreamer's demuxer cuts where it counts from before the edit list.
#[test]
fn a_clip_sounds_to_its_end() {
    let media = Media::new();
    media.make(&format!("{FLASH} {BEEP} {X264} -c:a aac"), "a.mp4");
    let run = whole(&media.make("-ss 3.3 -i @a.mp4 -c copy", "clip.mp4"));
    let last = run.frames(TagKind::Audio).last().expect("sound").timestamp.as_millis();
    let lead_ms = run.streams.lead_ns / 1_000_000;
    assert!(i64::from(last) - lead_ms > 2640, "sound ends at {} ms of 2700", i64::from(last) - lead_ms);
}

#[test]
fn an_asf_that_counts_one_object_too_many_plays() {
    let media = Media::new();
    let asf = media.make(&format!("{FLASH} {BEEP} -c:v wmv2 -c:a wmav2"), "x.asf");
    let mut bytes = std::fs::read(&asf).expect("made");
    bytes[24] += 1;
    let run = whole(&media.write("wrong.asf", &bytes));
    assert!(run.streams.video.is_some() && run.streams.audio.is_some());
}
