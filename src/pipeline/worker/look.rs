//! Pictures of a film, made after its streams are known: one that stands for it, and small ones for the seek bar.
//!
//! ```text
//!  source ▶ parsebin ─┬▶ appsink: one keyframe after each seek ──▶ develop ──▶ tiles ──▶ jpegenc
//!                      └▶ everything else goes nowhere
//! ```
//!
//! Only keyframes are read and decoded, one at a time: an hour of film costs as much as a minute. What takes too
//! long ends with what there is by then.

use super::super::picture::{Picture, Purpose};
use super::super::wire::Message;
use super::decide::{self, Content};
use super::develop::{self, Frame};
use super::lane::{BuildError, make};
use super::media::Media;
use super::outlet::Outlet;
use super::raster::{Light, Still, Turn};
use super::tap::stream_time;
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where a poster is looked for, in hundredths of the film; the first that shows something is taken.
const POSTER_AT: [u64; 5] = [10, 20, 35, 5, 50];

/// The codecs of hardware have few places, and those who watch need them.
pub(super) fn leave_hardware_alone() {
    let decoders = gst::ElementFactory::factories_with_type(
        gst::ElementFactoryType::DECODER | gst::ElementFactoryType::MEDIA_VIDEO,
        gst::Rank::MARGINAL,
    );
    for decoder in decoders {
        if decoder.metadata("klass").is_some_and(|class| class.contains("Hardware")) {
            decoder.set_rank(gst::Rank::NONE);
        }
    }
}

/// Makes the pictures and sends them. The error says why there are none, or not all.
pub(super) fn pictures(media: &Arc<Media>, duration_ns: Option<u64>, outlet: &Outlet) -> Result<(), String> {
    leave_hardware_alone();
    let mut reel = Keyframes::open(media).map_err(|error| error.to_string())?;
    let outcome = if reel.has_video() { film(&mut reel, duration_ns, outlet) } else { cover(&reel, outlet) };
    reel.close();
    outcome
}

/// The picture that comes with a sound.
fn cover(reel: &Keyframes, outlet: &Outlet) -> Result<(), String> {
    let Some(cover) = reel.cover() else { return Ok(()) };
    let still = develop::decode(&[cover])?.small(limits::POSTER_SIZE, Turn::default())?;
    send(outlet, Purpose::Poster, &still, (still.width, still.height), 1, Vec::new())
}

/// The picture that comes with a film, where it is worth to be its poster: no icon, and not of one colour.
fn cover_of_film(reel: &Keyframes) -> Option<Still> {
    let frame = develop::decode(&[reel.cover()?]).ok()?;
    let (width, height) = frame.shape();
    let is_large = width.min(height) >= limits::COVER_LEAST_SIDE;
    let still = frame.small(limits::POSTER_SIZE, Turn::default()).ok().filter(|_| is_large)?;
    still.light().shows_something().then_some(still)
}

fn film(reel: &mut Keyframes, duration_ns: Option<u64>, outlet: &Outlet) -> Result<(), String> {
    // Before errors are looked for, which lets go of all other messages.
    let sleeve = cover_of_film(reel);
    let begun = Instant::now();
    let seekable = duration_ns.filter(|_| reel.is_seekable());
    let found = match seekable {
        Some(duration) => poster(reel, POSTER_AT.map(|at| Some(duration / 100 * at))),
        // Whatever comes first.
        None => poster(reel, [None; 3]),
    };
    // What its maker put on the sleeve says more than any one picture of the film.
    let found = match (sleeve, found) {
        (Some(still), Ok(found)) => Poster { still, time_ms: None, ..found },
        (Some(still), Err(_)) => Poster { light: still.light(), still, time_ms: None, tries: 1 },
        (None, found) => found?,
    };
    send(
        outlet,
        Purpose::Poster,
        &found.still,
        (found.still.width, found.still.height),
        1,
        found.time_ms.into_iter().collect(),
    )?;
    let Some(duration) = seekable else { return Ok(()) };
    bar(reel, duration, begun.elapsed() / found.tries.max(1), outlet)
}

struct Poster {
    still: Still,
    light: Light,
    time_ms: Option<u32>,
    /// Pictures that were decoded for it.
    tries: u32,
}

/// The first picture that shows something, or the one that shows most.
fn poster<const N: usize>(reel: &mut Keyframes, places: [Option<u64>; N]) -> Result<Poster, String> {
    let (mut best, mut failure, mut tries) = (None::<Poster>, None, 0);
    for place in places {
        let (frame, time_ms) = match reel.at(place) {
            Ok(found) => found,
            Err(reason) => {
                failure.get_or_insert(reason);
                continue;
            }
        };
        tries += 1;
        let still = frame.small(limits::POSTER_SIZE, reel.turn())?;
        let light = still.light();
        if best.as_ref().is_none_or(|best| light.spread > best.light.spread) {
            best = Some(Poster { still, light, time_ms, tries });
        }
        if light.shows_something() || reel.is_late() {
            break;
        }
    }
    let best = best.ok_or_else(|| failure.unwrap_or_else(|| "no picture was found".into()))?;
    Ok(Poster { tries, ..best })
}

/// The sheet of small pictures: as many as there is time for, evenly over the film.
fn bar(reel: &mut Keyframes, duration_ns: u64, each: Duration, outlet: &Outlet) -> Result<(), String> {
    let affordable = limits::LOOK_BAR_TIME.as_micros() / each.as_micros().max(1);
    let count =
        usize::try_from(affordable).unwrap_or(usize::MAX).clamp(limits::LOOK_TILES_LEAST, limits::LOOK_TILES);
    let duration = Duration::from_nanos(duration_ns);
    let step = Duration::from_secs((duration / count as u32).as_secs_f64().ceil() as u64);
    let step = step.max(limits::LOOK_STEP_LEAST);
    let mut tiles: Vec<(u32, Still)> = Vec::new();
    for n in 0..count as u32 {
        let place = step * n;
        if place >= duration || reel.is_late() {
            break;
        }
        // A hole in a damaged file costs one picture.
        let Ok(units) = reel.keyframe(Some(place.as_nanos() as u64)) else { continue };
        // Long groups of pictures: it is the same keyframe as before.
        let is_new = |time: Option<u32>| time.is_some() && tiles.last().map(|(last, _)| *last) < time;
        if !is_new(units.first().and_then(time_ms)) {
            continue;
        }
        let Ok((frame, time)) = reel.decoded(units) else { continue };
        if let (true, Some(time), Ok(still)) =
            (is_new(time), time, frame.small(limits::TILE_SIZE, reel.turn()))
        {
            tiles.push((time, still));
        }
    }
    let Some((_, first)) = tiles.first() else { return Err("no picture of it can be shown".into()) };
    let (width, height) = (first.width, first.height);
    let columns = tiles.len().min(limits::BAR_COLUMNS);
    let mut sheet = Still::black(columns * width, tiles.len().div_ceil(columns) * height);
    for (n, (_, tile)) in tiles.iter().enumerate() {
        // A film may change its size on the way: a tile of another size stays black.
        if (tile.width, tile.height) == (width, height) {
            sheet.paste(tile, n % columns * width, n / columns * height);
        }
    }
    let times = tiles.iter().map(|(time, _)| *time).collect();
    send(outlet, Purpose::Bar, &sheet, (width, height), columns, times)
}

fn send(
    outlet: &Outlet,
    purpose: Purpose,
    sheet: &Still,
    (width, height): (usize, usize),
    columns: usize,
    times_ms: Vec<u32>,
) -> Result<(), String> {
    let jpeg = develop::jpeg(sheet)?;
    if jpeg.len() > limits::MAX_LOOK_PICTURE {
        return Err(format!(
            "a picture of {} bytes, at most {} are kept",
            jpeg.len(),
            limits::MAX_LOOK_PICTURE
        ));
    }
    let number = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let (width, height, columns) = (number(width), number(height), number(columns));
    outlet.send(&Message::Picture(Picture { purpose, width, height, columns, times_ms, jpeg }));
    Ok(())
}

fn time_ms(sample: &gst::Sample) -> Option<u32> {
    let time = stream_time(sample.segment()?, sample.buffer()?.pts()?)?;
    Some(u32::try_from(time.max(0) / 1_000_000).unwrap_or(u32::MAX))
}

/// The keyframes of a film's picture, one after a seek each.
struct Keyframes {
    pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
    until: Instant,
}

impl Keyframes {
    /// Opens the file and waits for its streams.
    fn open(media: &Arc<Media>) -> Result<Self, BuildError> {
        let pipeline = gst::Pipeline::new();
        let source = media.source();
        let parser = make("parsebin")?;
        let sink = gst_app::AppSink::builder().sync(false).max_buffers(1).async_(false).build();
        pipeline.add_many([&source, &parser, sink.upcast_ref()])?;
        source.link(&parser)?;
        let (weak, target) = (pipeline.downgrade(), sink.static_pad("sink"));
        parser.connect_pad_added(move |_, pad| {
            let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
            let is_video = decide::content(&decide::recognised(&caps).unwrap_or(caps)) == Content::Video;
            let free = target.as_ref().filter(|target| is_video && !target.is_linked());
            if let Some(target) = free {
                let _ = pad.link(target);
            } else if let (Some(pipeline), Ok(sink)) = (weak.upgrade(), make("fakesink")) {
                sink.set_property("sync", false);
                sink.set_property("async", false);
                let linked = pipeline.add(&sink).and_then(|()| sink.sync_state_with_parent());
                if let (Ok(()), Some(sink)) = (linked, sink.static_pad("sink")) {
                    let _ = pad.link(&sink);
                }
            }
        });
        let _ = pipeline.set_state(gst::State::Playing);
        let keyframes = Self { pipeline, sink, until: Instant::now() + limits::LOOK_TIME };
        keyframes.wait_for_streams();
        Ok(keyframes)
    }

    /// Until a picture, the end or an error: what comes before them is on the bus by then.
    fn wait_for_streams(&self) {
        let begun = Instant::now();
        let Some(bus) = self.pipeline.bus() else { return };
        while begun.elapsed() < limits::WORKER_STREAMS_TIMEOUT {
            if self.has_picture()
                || bus.peek().is_some_and(|message| message.type_() == gst::MessageType::Error)
            {
                return;
            }
            let ended = |element: gst::Element| {
                element.static_pad("sink").is_some_and(|pad| pad.pad_flags().contains(gst::PadFlags::EOS))
            };
            if self.pipeline.iterate_sinks().into_iter().flatten().any(ended) {
                return;
            }
            std::thread::sleep(limits::LOOK_TICK);
        }
    }

    fn has_video(&self) -> bool {
        self.sink.static_pad("sink").is_some_and(|pad| pad.is_linked())
    }

    fn has_picture(&self) -> bool {
        self.has_video() && self.sink.static_pad("sink").is_some_and(|pad| pad.current_caps().is_some())
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    fn is_seekable(&self) -> bool {
        let mut query = gst::query::Seeking::new(gst::Format::Time);
        self.sink.static_pad("sink").is_some_and(|pad| pad.peer_query(&mut query)) && query.result().0
    }

    /// How the film is to be turned; known once a picture has come.
    fn turn(&self) -> Turn {
        let Some(pad) = self.sink.static_pad("sink") else { return Turn::default() };
        let tags = (0..).map_while(|index| pad.sticky_event::<gst::event::Tag>(index));
        let found =
            tags.filter_map(|event| Some(event.tag().get::<gst::tags::ImageOrientation>()?.get().to_owned()));
        found.last().map_or(Turn::default(), |tag| Turn::of_tag(&tag))
    }

    /// The picture that a file carries along.
    fn cover(&self) -> Option<gst::Sample> {
        let bus = self.pipeline.bus()?;
        let mut found = None;
        while let Some(message) = bus.pop_filtered(&[gst::MessageType::Tag]) {
            let gst::MessageView::Tag(message) = message.view() else { continue };
            let tags = message.tags();
            let cover = tags.get::<gst::tags::Image>().map(|image| image.get());
            let cover = cover.or_else(|| tags.get::<gst::tags::PreviewImage>().map(|image| image.get()));
            found = found.or(cover.filter(|cover| {
                cover.buffer().is_some_and(|buffer| (1..=limits::MAX_COVER_BYTES).contains(&buffer.size()))
            }));
        }
        found
    }

    /// The picture at the keyframe at or before `place`, decoded, and its time; the next one without a place.
    fn at(&self, place: Option<u64>) -> Result<(Frame, Option<u32>), String> {
        self.decoded(self.keyframe(place)?)
    }

    /// That picture, or the next that is whole: formats without an index lead to somewhere near, and parsers take
    /// the rest of a frame there for a keyframe.
    fn decoded(&self, mut units: Vec<gst::Sample>) -> Result<(Frame, Option<u32>), String> {
        let mut found = Err("no picture of it can be shown".to_owned());
        for _ in 0..limits::LOOK_ATTEMPTS {
            let time = units.first().and_then(time_ms);
            match develop::decode(&units) {
                Ok(frame) if !frame.is_partial => return Ok((frame, time)),
                Ok(frame) if found.is_err() => found = Ok((frame, time)),
                Ok(_) => {}
                Err(reason) if found.is_err() => found = Err(reason),
                Err(_) => {}
            }
            let Ok(next) = self.keyframe(None) else { break };
            units = next;
        }
        found
    }

    /// What a decoder needs for that picture: one access unit, or two where it may be half a picture.
    fn keyframe(&self, place: Option<u64>) -> Result<Vec<gst::Sample>, String> {
        let begun = Instant::now();
        if let Some(ns) = place {
            let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT | gst::SeekFlags::SNAP_BEFORE;
            self.sink
                .seek_simple(flags, gst::ClockTime::from_nseconds(ns))
                .map_err(|_| "it cannot be played from the middle")?;
        }
        let tick = gst::ClockTime::from_nseconds(limits::LOOK_TICK.as_nanos() as u64);
        let mut passed = 0;
        while passed < limits::MAX_FRAMES_BEFORE_KEYFRAME && begun.elapsed() < limits::LOOK_PICTURE {
            let Some(sample) = self.sink.try_pull_sample(tick) else {
                if self.sink.is_eos() {
                    return Err("it ended before a picture came".into());
                }
                if let Some(reason) = self.error() {
                    return Err(reason);
                }
                continue;
            };
            passed += 1;
            let is_keyframe = sample.buffer().is_some_and(|buffer| {
                let flags = buffer.flags();
                // Theora's headers come as buffers of their own, and are in the caps as well.
                let is_header = flags.contains(gst::BufferFlags::HEADER) && has_headers(&sample);
                !is_header && !flags.contains(gst::BufferFlags::DELTA_UNIT)
            });
            if is_keyframe {
                let mut units = vec![sample];
                if units[0].caps().is_some_and(may_be_fields) {
                    units.extend(self.sink.try_pull_sample(tick));
                }
                return Ok(units);
            }
        }
        Err("no keyframe was found near".into())
    }

    fn error(&self) -> Option<String> {
        let message = self.pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
        match message.view() {
            gst::MessageView::Error(error) => Some(super::verdict::text(&error.error())),
            _ => None,
        }
    }

    /// Destructors beside threads that are at work have crashed, and the process ends anyway.
    fn close(self) {
        std::mem::forget(self.pipeline);
    }
}

fn has_headers(sample: &gst::Sample) -> bool {
    sample.caps().and_then(|caps| caps.structure(0)).is_some_and(|caps| caps.has_field("streamheader"))
}

/// An access unit may be one field of two.
fn may_be_fields(caps: &gst::CapsRef) -> bool {
    let mode = caps.structure(0).and_then(|caps| caps.get::<&str>("interlace-mode").ok());
    mode.is_some_and(|mode| mode != "progressive")
}
