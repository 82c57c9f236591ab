//! The text of a film's subtitles, taken out of it: all tracks in one go, nothing decoded.
//!
//! ```text
//!  source ▶ parsebin ─┬▶ appsink for each track of text ──▶ wire messages
//!                      └▶ everything else goes nowhere
//! ```

use super::super::wire::{Message, TextCue};
use super::decide::{self, Content};
use super::lane::{BuildError, make};
use super::media::Media;
use super::outlet::Outlet;
use super::tap::stream_time;
use super::verdict;
use crate::limits;
use crate::subtitles::Markup;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// How long a text without an end is shown: what players show one for.
const NO_END_MS: u64 = 5_000;

/// Sends all cues, until the file's end. The error says why there may be more than were sent.
pub(super) fn send(media: &Arc<Media>, outlet: &Arc<Outlet>) -> Result<(), String> {
    let pipeline = build(media, outlet).map_err(|error| error.to_string())?;
    let bus = pipeline.bus().ok_or("a pipeline without a bus")?;
    let _ = pipeline.set_state(gst::State::Playing);
    let tick = gst::ClockTime::from_nseconds(limits::WORKER_TICK.as_nanos() as u64);
    let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
    let outcome = loop {
        // The server waits for what has gathered.
        outlet.flush();
        if outlet.is_closed() {
            break Ok(());
        }
        let Some(message) = bus.timed_pop_filtered(tick, &wanted) else { continue };
        match message.view() {
            gst::MessageView::Error(error) => break Err(verdict::text(&error.error())),
            _ => break Ok(()),
        }
    };
    // Destructors beside threads that are at work have crashed, and the process ends anyway.
    std::mem::forget(pipeline);
    outcome
}

fn build(media: &Arc<Media>, outlet: &Arc<Outlet>) -> Result<gst::Pipeline, BuildError> {
    let pipeline = gst::Pipeline::new();
    let source = media.source();
    let parser = make("parsebin")?;
    pipeline.add_many([&source, &parser])?;
    source.link(&parser)?;
    // Its parser throws away what is italic.
    parser.connect("autoplug-continue", false, |values| {
        let caps = values.get(2)?.get::<gst::Caps>().ok()?;
        let name = caps.structure(0)?.name().as_str();
        Some((!matches!(name, "application/x-ass" | "application/x-ssa")).to_value())
    });
    let (weak, outlet, subtitles) = (pipeline.downgrade(), Arc::clone(outlet), AtomicU16::new(0));
    parser.connect_pad_added(move |_, pad| {
        let Some(pipeline) = weak.upgrade() else { return };
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        // Counted as the lists of tracks are: those of pictures as well.
        let is_subtitle = decide::content(&caps) == Content::Subtitle;
        let track = is_subtitle.then(|| subtitles.fetch_add(1, Ordering::Relaxed));
        let sink = match track.filter(|_| decide::is_text(&caps)) {
            Some(track) => Ok(sink(track, &outlet).upcast()),
            None => make("fakesink").inspect(|sink| {
                sink.set_property("sync", false);
                sink.set_property("async", false);
            }),
        };
        let linked = sink.and_then(|sink| {
            pipeline.add(&sink)?;
            sink.sync_state_with_parent()?;
            let target = sink.static_pad("sink").ok_or_else(|| BuildError::Refused("no sink pad".into()))?;
            pad.link(&target).map_err(|error| BuildError::Refused(error.to_string()))
        });
        if let Err(error) = linked {
            eprintln!("{}: {error}", pad.name());
        }
    });
    Ok(pipeline)
}

fn sink(track: u16, outlet: &Arc<Outlet>) -> gst_app::AppSink {
    let outlet = Arc::clone(outlet);
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            if let Some(cue) = cue(track, &sample) {
                outlet.send(&Message::Cue(cue));
            }
            if outlet.is_closed() { Err(gst::FlowError::Eos) } else { Ok(gst::FlowSuccess::Ok) }
        })
        .build();
    gst_app::AppSink::builder()
        .callbacks(callbacks)
        .sync(false)
        .async_(false)
        .enable_last_sample(false)
        .max_buffers(16)
        .build()
}

fn cue(track: u16, sample: &gst::Sample) -> Option<TextCue> {
    let (buffer, segment, caps) = (sample.buffer()?, sample.segment()?, sample.caps()?);
    let start = u64::try_from(stream_time(segment, buffer.pts()?)?.max(0)).ok()? / 1_000_000;
    let shown = buffer.duration().map_or(NO_END_MS, |duration| duration.nseconds() / 1_000_000);
    let ms = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
    let data = buffer.map_readable().ok()?;
    let text = String::from_utf8_lossy(&data);
    let text = text.trim_end_matches('\0');
    let markup = match caps.structure(0)?.name().as_str() {
        "application/x-ass" | "application/x-ssa" => Markup::of_ass(ass_text(text)?),
        _ => Markup::of_html(text),
    };
    let (start_ms, end_ms) = (ms(start), ms(start.saturating_add(shown)));
    (!markup.is_empty()).then(|| TextCue { track, start_ms, end_ms, text: markup.to_string() })
}

/// Matroska keeps a dialogue line without its times, and its number in front:
/// `ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text`.
fn ass_text(line: &str) -> Option<&str> {
    line.splitn(9, ',').nth(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_dialogue_line_may_have_commas() {
        assert_eq!(ass_text("3,0,Default,,0,0,0,,Well, well"), Some("Well, well"));
        assert_eq!(ass_text("3,0,Default"), None);
    }
}
