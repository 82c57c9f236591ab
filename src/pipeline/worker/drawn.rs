//! Subtitles that are drawn into the picture: a stream of the file, or cues that the server gave along.

use super::super::beside::Beside;
use super::head::Head;
use super::lane::BuildError;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use std::sync::Arc;

/// What is drawn.
#[derive(Clone)]
pub(super) enum Drawn {
    /// A stream of the file.
    Stream(Arc<Head>),
    /// One of the files beside it.
    Beside(usize),
}

/// Lets `beside` flow into `pad` of `pipeline`, at the times of the pictures that come from `video`. What is over before
/// `start_ns` is left out. `origin_ns`: the film begins at this time of the file.
pub(super) fn feed(
    beside: &Beside,
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    video: &Head,
    (start_ns, origin_ns): (u64, u64),
) -> Result<(), BuildError> {
    let caps = gst::Caps::builder("text/x-raw").field("format", "pango-markup").build();
    let source = gst_app::AppSrc::builder()
        .caps(&caps)
        .format(gst::Format::Time)
        .stream_type(gst_app::AppStreamType::Stream)
        .max_bytes(0)
        .build();
    pipeline.add(&source)?;
    let out =
        source.static_pad("src").ok_or_else(|| BuildError::Refused("an appsrc without a pad".into()))?;
    out.link(pad).map_err(|error| BuildError::Refused(error.to_string()))?;
    source.sync_state_with_parent()?;
    // What draws waits for a first text before it lets any picture go.
    push(&source, gst::ClockTime::ZERO, gst::ClockTime::from_mseconds(1), " ")?;
    for (start, end, text) in &beside.cues {
        let file_time = |ms: u32| u64::from(ms) * 1_000_000 + origin_ns;
        let (start, end) = (file_time(*start), file_time(*end));
        if end <= start_ns {
            continue;
        }
        let (Some(start), Some(end)) = (video.running_time(start), video.running_time(end)) else { continue };
        if end > start {
            push(&source, start, end - start, text)?;
        }
    }
    source.end_of_stream().map(drop).map_err(|error| BuildError::Refused(error.to_string()))
}

fn push(
    source: &gst_app::AppSrc,
    start: gst::ClockTime,
    shown: gst::ClockTime,
    text: &str,
) -> Result<(), BuildError> {
    let mut buffer = gst::Buffer::from_slice(text.as_bytes().to_vec());
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(start);
        buffer.set_duration(shown);
    }
    source.push_buffer(buffer).map(drop).map_err(|error| BuildError::Refused(error.to_string()))
}
