//! One coded picture becomes pixels, and pixels become a JPEG: short pipelines of their own.

use super::decide;
use super::lane::make;
use super::raster::{self, Still, Turn};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use std::time::Instant;

type Outcome<T> = Result<T, String>;

/// A decoded picture, of whatever size and format the film has.
pub(super) struct Frame {
    buffer: gst::Buffer,
    info: gst_video::VideoInfo,
    /// The decoder lacked what this refers to: a seek landed in the middle of a picture.
    pub(super) is_partial: bool,
}

/// Decodes the first picture of `units`: a keyframe, with what belongs to it.
pub(super) fn decode(units: &[gst::Sample]) -> Outcome<Frame> {
    let caps = units.first().and_then(|unit| unit.caps_owned()).ok_or("nobody knows what it is")?;
    let caps = decide::recognised(&caps).unwrap_or(caps);
    if let Some(claim) = decide::absurd_size(&caps) {
        return Err(claim);
    }
    let pipeline = gst::Pipeline::new();
    let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).build();
    let decoder = make("decodebin").map_err(|error| error.to_string())?;
    // No look at the bytes: it is known what they are.
    decoder.set_property("sink-caps", &caps);
    let sink = gst_app::AppSink::builder()
        .sync(false)
        .max_buffers(1)
        .caps(&gst::Caps::new_empty_simple("video/x-raw"))
        .build();
    pipeline
        .add_many([source.upcast_ref::<gst::Element>(), &decoder, sink.upcast_ref()])
        .and_then(|()| source.link(&decoder))
        .map_err(|error| error.to_string())?;
    let target = sink.static_pad("sink");
    decoder.connect_pad_added(move |_, pad| {
        if let Some(target) = target.as_ref().filter(|target| !target.is_linked()) {
            let _ = pad.link(target);
        }
    });
    if let Some(bin) = decoder.downcast_ref::<gst::Bin>() {
        bin.connect_deep_element_added(|_, _, element| {
            // One picture gives several threads nothing to do.
            if element.find_property("max-threads").is_some() {
                element.set_property_from_str("max-threads", "1");
            }
        });
    }
    let frame = pull(&pipeline, &source, &sink, headers(&caps).into_iter().chain(buffers(units)));
    let _ = pipeline.set_state(gst::State::Null);
    let sample = frame?;
    let caps = sample.caps().ok_or("it was decoded to nothing")?;
    if let Some(claim) = decide::absurd_size(caps) {
        return Err(claim);
    }
    // The converter would keep a rate and fields; one small picture has neither.
    let mut caps = caps.to_owned();
    let plain = caps.make_mut();
    plain.set("framerate", gst::Fraction::new(1, 1));
    plain.set("interlace-mode", "progressive");
    let info = gst_video::VideoInfo::from_caps(plain).map_err(|error| error.to_string())?;
    let buffer = sample.buffer_owned().ok_or("it was decoded to nothing")?;
    let is_partial = buffer.flags().contains(gst::BufferFlags::CORRUPTED);
    Ok(Frame { buffer, info, is_partial })
}

/// What some formats (Theora) have at the start of the film only.
fn headers(caps: &gst::CapsRef) -> Vec<gst::Buffer> {
    let headers = caps.structure(0).and_then(|caps| caps.get::<gst::ArrayRef>("streamheader").ok());
    let headers = headers.iter().flat_map(|headers| headers.as_slice());
    headers.filter_map(|header| header.get::<gst::Buffer>().ok()).collect()
}

fn buffers(units: &[gst::Sample]) -> impl Iterator<Item = gst::Buffer> + '_ {
    units.iter().filter_map(|unit| unit.buffer_owned())
}

/// Pushes all of `buffers` and the end, and waits for the first thing that comes out.
fn pull(
    pipeline: &gst::Pipeline,
    source: &gst_app::AppSrc,
    sink: &gst_app::AppSink,
    buffers: impl Iterator<Item = gst::Buffer>,
) -> Outcome<gst::Sample> {
    let begun = Instant::now();
    let _ = pipeline.set_state(gst::State::Playing);
    for buffer in buffers {
        let _ = source.push_buffer(buffer);
    }
    let _ = source.end_of_stream();
    let bus = pipeline.bus().ok_or("a pipeline without a bus")?;
    while begun.elapsed() < limits::LOOK_PICTURE {
        let tick = gst::ClockTime::from_nseconds(limits::LOOK_TICK.as_nanos() as u64);
        if let Some(sample) = sink.try_pull_sample(tick) {
            return Ok(sample);
        }
        if sink.is_eos() {
            return Err("it was decoded to nothing".into());
        }
        if let Some(message) = bus.pop_filtered(&[gst::MessageType::Error])
            && let gst::MessageView::Error(error) = message.view()
        {
            return Err(super::verdict::text(&error.error()));
        }
    }
    Err(format!("one picture took more than {} s", limits::LOOK_PICTURE.as_secs()))
}

impl Frame {
    /// Its size on a screen with square pixels.
    pub(super) fn shape(&self) -> (f64, f64) {
        let par = self.info.par();
        // A header may say anything; nobody films in pixels of more than 1:8.
        let par = f64::from(par.numer().max(1)) / f64::from(par.denom().max(1));
        (f64::from(self.info.width()) * par.clamp(0.125, 8.0), f64::from(self.info.height()))
    }

    /// As small as `most`, upright and with square pixels.
    pub(super) fn small(&self, most: (usize, usize), turn: Turn) -> Outcome<Still> {
        let shape = self.shape();
        let (width, height) = if turn.swaps() {
            let (height, width) = raster::fit((shape.1, shape.0), most);
            (width, height)
        } else {
            raster::fit(shape, most)
        };
        let failed = |error: gst::glib::BoolError| error.to_string();
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgbx, width as u32, height as u32)
            .fps(self.info.fps())
            .build()
            .map_err(failed)?;
        let source = gst_video::VideoFrame::from_buffer_readable(self.buffer.clone(), &self.info)
            .map_err(|_| "it cannot be read")?;
        let room = gst::Buffer::with_size(info.size()).map_err(failed)?;
        let mut target =
            gst_video::VideoFrame::from_buffer_writable(room, &info).map_err(|_| "no room for it")?;
        let mut config = gst_video::VideoConverterConfig::new();
        config.set_resampler_method(gst_video::VideoResamplerMethod::Linear);
        let converter = gst_video::VideoConverter::new(&self.info, &info, Some(config)).map_err(failed)?;
        converter.frame(&source, &mut target);
        let pixels = target.plane_data(0).map_err(failed)?.to_vec();
        Ok(Still { width, height, pixels }.turned(turn))
    }
}

/// The JPEG of a picture.
pub(super) fn jpeg(still: &Still) -> Outcome<Vec<u8>> {
    let build = || -> Result<_, Box<dyn std::error::Error>> {
        let info = gst_video::VideoInfo::builder(
            gst_video::VideoFormat::Rgbx,
            still.width as u32,
            still.height as u32,
        )
        .fps(gst::Fraction::new(1, 1))
        .build()?;
        let source = gst_app::AppSrc::builder().caps(&info.to_caps()?).format(gst::Format::Time).build();
        let convert = make("videoconvert")?;
        let format = make("capsfilter")?;
        format.set_property("caps", gst::Caps::builder("video/x-raw").field("format", "I420").build());
        let encoder = make("jpegenc")?;
        encoder.set_property("quality", limits::LOOK_PICTURE_QUALITY);
        let sink = gst_app::AppSink::builder().sync(false).build();
        let pipeline = gst::Pipeline::new();
        let elements = [source.upcast_ref(), &convert, &format, &encoder, sink.upcast_ref::<gst::Element>()];
        pipeline.add_many(elements)?;
        gst::Element::link_many(elements)?;
        Ok((pipeline, source, sink))
    };
    let (pipeline, source, sink) = build().map_err(|error| error.to_string())?;
    let mut buffer = gst::Buffer::from_mut_slice(still.pixels.clone());
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::ZERO);
    }
    let sample = pull(&pipeline, &source, &sink, std::iter::once(buffer));
    let _ = pipeline.set_state(gst::State::Null);
    let sample = sample?;
    let bytes = sample.buffer().and_then(|buffer| buffer.map_readable().ok());
    Ok(bytes.ok_or("no bytes")?.to_vec())
}
