//! The worker that decodes one picture of a live stream: a line of JSON, the codec's configuration and the picture on
//! its standard input, a JPEG out.
//!
//! `wiidiaserver worker snapshot --parent PID`, started by [`snapshot`](super::super::snapshot()).

use super::super::picture::{Picture, Purpose};
use super::super::snapshot::{PictureCodec, SnapshotOrder};
use super::super::wire::{Failure, Message};
use super::confine::{self, Life};
use super::look::leave_hardware_alone;
use super::outlet::Outlet;
use super::raster::Turn;
use super::verdict::fail;
use super::{develop, seal};
use crate::limits;
use gstreamer as gst;
use std::ffi::OsString;
use std::io::{BufRead, Read};
use std::process::ExitCode;

/// Runs it; `args` is what follows the word `snapshot`.
pub(super) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<_> = args.filter_map(|word| word.into_string().ok()).collect();
    let parent = match &words[..] {
        [option, parent] if option == "--parent" => parent.parse::<i32>().ok(),
        _ => None,
    };
    let Some(parent) = parent else {
        eprintln!("worker: expected `snapshot --parent PID`; this command is for the server itself");
        return ExitCode::from(2);
    };
    if let Err(error) = confine::confine(Some(parent), Life::OneLook) {
        eprintln!("worker: {error}");
        return ExitCode::FAILURE;
    }
    let outlet = match confine::take_stdout() {
        Ok(pipe) => Outlet::at_once(pipe),
        Err(error) => {
            eprintln!("worker: no pipe to the server: {error}");
            return ExitCode::FAILURE;
        }
    };
    outlet.send(&picture().unwrap_or_else(|(failure, text)| fail(failure, text)));
    // Threads of GStreamer are still at work, and joining them could hang.
    std::process::exit(0)
}

fn picture() -> Result<Message, (Failure, String)> {
    let (order, config, data) = read().ok_or((Failure::Unreadable, "no order came".to_owned()))?;
    gst::init().map_err(|error| (Failure::NotInstalled, error.to_string()))?;
    if let Err(error) = seal::seal(&seal::plugin_folders()) {
        eprintln!("worker: less confined than it could be: {error}");
    }
    leave_hardware_alone();
    let unreadable = |text| (Failure::Unreadable, text);
    let sample = gst::Sample::builder().caps(&caps(order.codec, config)).buffer(&buffer(data)).build();
    let frame = develop::decode(&[sample]).map_err(unreadable)?;
    let shape = frame.shape();
    // It may become smaller, never larger.
    let within = |most: u16, side: f64| usize::from(most).min(side.round() as usize);
    let mut most = (within(order.width, shape.0), within(order.height, shape.1));
    loop {
        let still = frame.small(most, Turn::default()).map_err(unreadable)?;
        let jpeg = develop::jpeg(&still).map_err(unreadable)?;
        // Noise of full size is larger than what the pipe takes.
        if jpeg.len() <= limits::MAX_LOOK_PICTURE {
            let side = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
            let (width, height) = (side(still.width), side(still.height));
            let picture =
                Picture { purpose: Purpose::Poster, width, height, columns: 1, times_ms: Vec::new(), jpeg };
            return Ok(Message::Picture(picture));
        }
        most = (still.width / 2, still.height / 2);
    }
}

fn read() -> Option<(SnapshotOrder, Vec<u8>, Vec<u8>)> {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    (&mut input).take(limits::MAX_SNAPSHOT_ORDER).read_until(b'\n', &mut line).ok()?;
    let order: SnapshotOrder = serde_json::from_slice(&line).ok()?;
    let most = limits::MAX_CODEC_DATA + limits::MAX_TAG_BODY;
    let mut config = Vec::new();
    input.take(most as u64).read_to_end(&mut config).ok()?;
    let data = (order.config_len <= config.len()).then(|| config.split_off(order.config_len))?;
    Some((order, config, data))
}

fn caps(codec: PictureCodec, config: Vec<u8>) -> gst::Caps {
    let unit = |name: &str, format: &str, alignment: &str| {
        let caps = gst::Caps::builder(name).field("stream-format", format).field("alignment", alignment);
        if config.is_empty() {
            caps.build()
        } else {
            caps.field("codec_data", buffer(config.clone())).build()
        }
    };
    match codec {
        PictureCodec::H264 => unit("video/x-h264", "avc", "au"),
        PictureCodec::Hevc => unit("video/x-h265", "hvc1", "au"),
        PictureCodec::Av1 => unit("video/x-av1", "obu-stream", "tu"),
        PictureCodec::Vp9 => gst::Caps::builder("video/x-vp9").field("alignment", "super-frame").build(),
        PictureCodec::Sorenson => gst::Caps::builder("video/x-flash-video").field("flvversion", 1i32).build(),
        PictureCodec::Vp6 => gst::Caps::new_empty_simple("video/x-vp6-flash"),
        PictureCodec::Screen => gst::Caps::new_empty_simple("video/x-flash-screen"),
    }
}

fn buffer(data: Vec<u8>) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_mut_slice(data);
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::ZERO);
        buffer.set_dts(gst::ClockTime::ZERO);
    }
    buffer
}
