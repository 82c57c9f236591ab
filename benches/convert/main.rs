//! Converts one file as the server does, without the server: what `scripts/bench-convert` measures.
//!
//! `wiidia-convert FILE [--server PROGRAM] [--start MS] [--out FILE.flv]` prints the milliseconds from the start of the worker to the
//! streams, to the first picture and to the end, and how much came out. With `--start` it begins in the middle, as for a
//! seek, and ends with the keyframe from which that place is shown. The processor's time of the worker is part of
//! this process's children's, for whoever waits for it.

use lexopt::ValueExt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use wiidiaserver::limits::REEL_WRITE;
use wiidiaserver::pipeline::{Conversion, Event, Request};
use wiidiaserver::time::MediaTime;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("wiidia-convert: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Failure> {
    let mut arguments = lexopt::Parser::from_env();
    let (mut media, mut out, mut start) = (None, None, 0u32);
    let mut program = std::env::current_exe()?.with_file_name("wiidiaserver");
    while let Some(argument) = arguments.next()? {
        match argument {
            lexopt::Arg::Long("server") => program = PathBuf::from(arguments.value()?),
            lexopt::Arg::Long("start") => start = arguments.value()?.parse()?,
            lexopt::Arg::Long("out") => out = Some(PathBuf::from(arguments.value()?)),
            lexopt::Arg::Value(path) if media.is_none() => media = Some(PathBuf::from(path)),
            other => return Err(other.unexpected().into()),
        }
    }
    let media = File::open(media.ok_or("expected a media file")?)?;
    // As much at a time as the server writes to its reels (limits::REEL_WRITE).
    let mut out = out.map(File::create).transpose()?.map(|file| BufWriter::with_capacity(REEL_WRITE, file));
    if let Some(out) = &mut out {
        // FLV E.2: signature, version 1, audio and video, header length, then PreviousTagSize0.
        out.write_all(b"FLV\x01\x05\0\0\0\x09\0\0\0\0")?;
    }
    let request = Request { start: MediaTime::from_millis(start), ..Request::default() };
    let begun = Instant::now();
    let since = || begun.elapsed().as_secs_f64() * 1000.0;
    let mut conversion = Conversion::spawn(&program, media, &request)?;
    let (mut streams, mut picture, mut tags, mut bytes) = (None, None, 0u64, 0usize);
    let mut encoded = Vec::new();
    loop {
        match conversion.next_event()? {
            Event::Streams(found) => {
                streams = Some(since());
                let passes = found.video.map(|video| video.passthrough);
                eprintln!("picture passes: {passes:?}, warnings: {:?}", found.warnings);
            }
            Event::Tag(tag) => {
                if picture.is_none() && tag.is_keyframe() {
                    picture = Some(since());
                    if start > 0 {
                        break;
                    }
                }
                tags += 1;
                encoded.clear();
                tag.encode_into(&mut encoded);
                bytes += encoded.len();
                if let Some(out) = &mut out {
                    out.write_all(&encoded)?;
                }
            }
            Event::Duration(_) => {}
            Event::End => break,
        }
    }
    let ms = |time: Option<f64>| time.map_or("-".to_owned(), |ms| format!("{ms:.0}"));
    Ok(format!("{} {} {:.0} {tags} {bytes}", ms(streams), ms(picture), since()))
}
