//! Damaged files through the real worker: each plays what is playable or fails with a cause, in bounded time
//! and memory.
//!
//! `WIIDIA_BROKEN_SECONDS=600` tries damages for ten minutes in place of half a minute, and
//! `WIIDIA_BROKEN_FILES=DIR` spoils the files of a folder in place of our own.

use crate::media::{H264, Media, PICTURE, TONE};
use crate::{WORKER, resident_peak_kb};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wiidiaserver::pipeline::{Conversion, ConversionError, Event, Request};

/// A worker says what it waited for before the server's watchdog would end it; much more than that under load.
const MOST_TIME: Duration = Duration::from_secs(60);
/// A decoder of our small pictures needs 150 MB.
const MOST_MEMORY_KB: u64 = 700_000;

/// How one conversion of a damaged file went.
#[derive(Debug)]
struct Outcome {
    tags: usize,
    error: Option<ConversionError>,
}

fn convert(path: &Path) -> Outcome {
    let begun = Instant::now();
    let file = File::open(path).expect("it was made");
    let mut conversion =
        Conversion::spawn(Path::new(WORKER), file, &Request::default()).expect("workers start");
    // What a server's watchdog does, so that a hang fails the test in place of hanging it.
    let killer = conversion.killer();
    let (done, waiting) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if waiting.recv_timeout(MOST_TIME) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            killer.kill_stalled();
        }
    });
    let (mut tags, mut peak_kb) = (0, 0);
    let error = loop {
        if !conversion.has_buffered() {
            peak_kb = peak_kb.max(resident_peak_kb(conversion.worker_id()));
        }
        match conversion.next_event() {
            Ok(Event::Tag(_)) => tags += 1,
            Ok(Event::End) => break None,
            Ok(_) => {}
            Err(error) => break Some(error),
        }
    };
    drop(done);
    watchdog.join().expect("it does not panic");
    assert!(begun.elapsed() < MOST_TIME, "{path:?} took {:?}", begun.elapsed());
    assert!(peak_kb < MOST_MEMORY_KB, "{path:?} took {peak_kb} KB");
    if let Some(error) = &error {
        let text = error.to_string();
        assert!(!matches!(error, ConversionError::Nonsense { .. }), "{path:?}: {text}");
        assert!(text.len() > 20 && !text.contains('\n'), "{path:?}: {text:?} is for people");
    }
    Outcome { tags, error }
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Knuth's constants.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

/// A copy with one kind of damage.
fn spoiled(bytes: &[u8], kind: usize, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match kind {
        // Cut off, mostly in the headers.
        0 => bytes.truncate(dice.roll(bytes.len().min(8000))),
        1 => bytes.truncate(dice.roll(bytes.len())),
        // Flipped bytes, everywhere or in the headers.
        2 => (0..bytes.len() / 500 + 1).for_each(|_| {
            let at = dice.roll(bytes.len());
            bytes[at] ^= 1 << dice.roll(8);
        }),
        3 => (0..8).for_each(|_| {
            let at = dice.roll(bytes.len().min(4000));
            bytes[at] = dice.roll(256) as u8;
        }),
        // A number becomes as large as can be.
        4 => {
            let at = dice.roll(bytes.len().min(4000).saturating_sub(4));
            bytes[at..at + 4].fill(0xff);
        }
        // A hole, and a piece twice.
        5 => {
            let at = dice.roll(bytes.len());
            let end = (at + dice.roll(20_000)).min(bytes.len());
            bytes.drain(at..end);
        }
        _ => {
            let at = dice.roll(bytes.len());
            let piece = bytes[at..(at + 5000).min(bytes.len())].to_vec();
            bytes.splice(at..at, piece);
        }
    }
    bytes
}

fn originals(media: &Media) -> Vec<PathBuf> {
    if let Some(folder) = std::env::var_os("WIIDIA_BROKEN_FILES") {
        let entries = std::fs::read_dir(folder).expect("WIIDIA_BROKEN_FILES is a folder");
        return entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    }
    media.make(&format!("{PICTURE} {TONE} {H264} -c:a aac -movflags faststart"), "x.mp4");
    let copies = [
        ("x.mkv", ""),
        ("x.ts", ""),
        ("x.flv", ""),
        ("frag.mp4", "-movflags frag_keyframe+empty_moov"),
        ("back.mov", ""),
    ]
    .map(|(name, more)| media.make(&format!("-i @x.mp4 -c copy {more}"), name));
    let mut files: Vec<_> = copies.into_iter().chain([media.path("x.mp4")]).collect();
    for (arguments, name) in [
        ("-c:v mpeg4 -vtag XVID -bf 2 -c:a libmp3lame", "x.avi"),
        ("-c:v mpeg2video -c:a ac3 -f vob", "x.vob"),
        ("-c:v wmv2 -c:a wmav2", "x.wmv"),
        ("-c:v libvpx -deadline realtime -c:a libvorbis", "x.webm"),
        ("-c:v libtheora -c:a libvorbis", "x.ogv"),
        ("-vn -c:a libmp3lame", "x.mp3"),
        ("-vn -c:a flac", "x.flac"),
    ] {
        files.push(media.make(&format!("{PICTURE} {TONE} {arguments}"), name));
    }
    files
}

#[test]
fn damaged_files_play_or_fail_with_a_cause_in_bounded_time_and_memory() {
    let media = Media::new();
    let seconds =
        std::env::var("WIIDIA_BROKEN_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let files: Vec<_> =
        originals(&media).into_iter().map(|path| (std::fs::read(&path).expect("made"), path)).collect();
    let mut dice = Dice(1);
    let (mut tried, mut played, mut refused, mut crashed) = (0, 0, 0, 0);
    'rounds: for round in 0.. {
        for (bytes, path) in &files {
            if Instant::now() > deadline {
                break 'rounds;
            }
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            let content = spoiled(bytes, (round + tried) % 7, &mut dice);
            let outcome = convert(&media.write(&format!("spoiled-{name}"), &content));
            tried += 1;
            match outcome {
                Outcome { error: None, tags } => {
                    assert!(tags > 0, "{name}, attempt {tried}: an end without anything before it");
                    played += 1;
                }
                Outcome { error: Some(ConversionError::Crashed { .. }), .. } => crashed += 1,
                Outcome { .. } => refused += 1,
            }
        }
    }
    eprintln!("{tried} damaged files: {played} played, {refused} refused, {crashed} crashed a worker");
    assert!(tried >= files.len().min(5), "too slow to say anything: {tried} tried");
    // A crash costs one conversion and is told; a plug-in that crashes often does not belong here.
    assert!(crashed * 20 <= tried, "{crashed} of {tried} crashed the worker");
}

#[test]
fn a_picture_of_a_hundred_thousand_pixels_a_side_is_refused_by_its_claim() {
    let media = Media::new();
    let avi = media.make(&format!("{PICTURE} {TONE} -c:v mjpeg -c:a pcm_s16le"), "x.avi");
    let mut bytes = std::fs::read(&avi).expect("made");
    // BITMAPINFOHEADER: its own size, then width and height.
    let head = [40u32, 320, 180].map(u32::to_le_bytes).concat();
    let at = bytes.windows(12).position(|window| window == head).expect("a stream format");
    bytes[at + 4..at + 8].copy_from_slice(&100_000u32.to_le_bytes());
    bytes[at + 8..at + 12].copy_from_slice(&100_000u32.to_le_bytes());
    let run = crate::convert(&media.write("huge.avi", &bytes), &Request::default()).expect("the sound plays");
    assert!(run.streams.video.is_none());
    let told = run.streams.warnings.iter().any(|warning| warning.contains("100000x100000"));
    assert!(told, "{:?}", run.streams.warnings);
}

#[test]
fn what_is_no_ordinary_file_is_refused() {
    let error = crate::convert(Path::new("/dev/zero"), &Request::default()).map(|_| ()).expect_err("endless");
    assert!(error.to_string().contains("not an ordinary file"), "{error}");
}
