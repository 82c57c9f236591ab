//! The worker of a live source: an address on the network in, [wire messages](super::super) out, until either
//! side has enough.
//!
//! `wiidiaserver worker live --parent PID --equipment JSON`, its [order](LiveInput) as a line on stdin; the end of stdin asks it to
//! leave, which tells a camera that its session is over. The lanes are those of a file; what
//! differs is the beginning (streams show up one after the other), the times (running time: a live source's own
//! times jump) and the end (there is none: when anything breaks, this process ends and the server starts
//! another one).
//!
//! In order:
//! 1. The source's pads appear; each gets a [`Head`], which is held at its first buffer.
//! 2. The first picture and the first sound become lanes when both are held, or [`SETTLE`] after the first.
//! 3. A lane that shows up later joins. Everything else goes nowhere.

mod lanes;

use super::super::equipment::Equipment;
use super::super::form::{Form, Passes};
use super::super::live_order::LiveInput;
use super::super::wire::{Failure, Message};
use super::capture;
use super::confine::{self, Life};
use super::decide::{self, Content};
use super::head::Head;
use super::lane::{BuildError, Surroundings};
use super::live_source;
use super::notes::{self, Note, Shared};
use super::outlet::Outlet;
use super::seal;
use super::verdict::{self, fail};
use crate::limits;
use gst::prelude::*;
use gstreamer as gst;
use std::ffi::OsString;
use std::io::{BufRead, Read};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a second stream is waited for: RTSP servers begin the two some hundred milliseconds apart.
const SETTLE: Duration = Duration::from_secs(1);

/// When nothing but subtitles, pictures and the like has shown up for this long, there is nothing else.
const ALONE: Duration = Duration::from_secs(4);

/// When one lane has ended and the other goes on for longer, something is wrong with the source.
const LONE_LANE: Duration = Duration::from_secs(3);

/// Between two looks at the clock.
const TICK: gst::ClockTime = gst::ClockTime::from_mseconds(100);

/// Longest order read from stdin; an address has a few hundred bytes.
const MAX_ORDER: u64 = 64 << 10;

/// Elements that a playlist from the network must not make use of.
const FORBIDDEN_FEATURES: [&str; 8] =
    ["filesrc", "filesink", "giosrc", "giosink", "fdsrc", "fdsink", "splitfilesrc", "imagefreezesrc"];

/// What opens connections to other addresses than those of a playlist of HLS, which a gateway rewrites.
const NOT_THROUGH_A_GATEWAY: [&str; 6] =
    ["dashdemux", "dashdemux2", "mssdemux", "mssdemux2", "sdpdemux", "rtspsrc"];

/// Runs a live worker; `args` is what follows the word `live`.
pub(super) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let Some((parent, equipment)) = parse(args) else {
        eprintln!(
            "worker: expected `live --parent PID --equipment JSON`; this command is for the server itself"
        );
        return ExitCode::from(2);
    };
    if let Err(error) = confine::confine(Some(parent), Life::Endless) {
        eprintln!("worker: {error}");
        return ExitCode::FAILURE;
    }
    let outlet = match confine::take_stdout() {
        Ok(pipe) => Arc::new(Outlet::at_once(pipe)),
        Err(error) => {
            eprintln!("worker: no pipe to the server: {error}");
            return ExitCode::FAILURE;
        }
    };
    let Some(order) = read_order() else {
        eprintln!("worker: no order on standard input");
        return ExitCode::FAILURE;
    };
    let leaving = Arc::new(AtomicBool::new(false));
    wait_for_end_of_stdin(leaving.clone());
    let last = run(&order, equipment, &outlet, leaving)
        .unwrap_or_else(|missing| fail(Failure::NotInstalled, missing.to_string()));
    outlet.send(&last);
    // As for files: threads of GStreamer are still at work, and joining them could hang.
    std::process::exit(0)
}

/// The process that must still be there, and what this machine encodes with.
fn parse(mut args: impl Iterator<Item = OsString>) -> Option<(i32, Equipment)> {
    let mut value_of = |name: &str| {
        let option = args.next().filter(|option| option == name);
        option.and(args.next()).and_then(|value| value.into_string().ok())
    };
    let parent = value_of("--parent")?.parse().ok()?;
    let equipment = serde_json::from_str(&value_of("--equipment")?).ok()?;
    Some((parent, equipment))
}

fn read_order() -> Option<LiveInput> {
    let mut text = Vec::new();
    std::io::stdin().lock().take(MAX_ORDER).read_until(b'\n', &mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn wait_for_end_of_stdin(leaving: Arc<AtomicBool>) {
    // Without the thread the server's SIGKILL ends this process, only less politely.
    let _ = std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut rest = [0; 64];
        while std::io::stdin().read(&mut rest).is_ok_and(|read| read > 0) {}
        leaving.store(true, Ordering::Relaxed);
    });
}

fn run(
    input: &LiveInput,
    equipment: Equipment,
    outlet: &Arc<Outlet>,
    leaving: Arc<AtomicBool>,
) -> Result<Message, BuildError> {
    gst::init().map_err(|error| BuildError::Refused(error.to_string()))?;
    let registry = gst::Registry::get();
    // Its demuxer crashes on what anybody may send, and its RTSP extension calls itself a player of 2003.
    if let Some(plugin) = registry.find_plugin("realmedia") {
        registry.remove_plugin(&plugin);
    }
    for feature in FORBIDDEN_FEATURES.iter().filter_map(|name| registry.lookup_feature(name)) {
        registry.remove_feature(&feature);
    }
    let gateway = match input {
        LiveInput::Network { only_port, .. } => *only_port,
        LiveInput::Capture(_) => None,
    };
    let closed = NOT_THROUGH_A_GATEWAY.iter().filter(|_| gateway.is_some());
    for feature in closed.filter_map(|name| registry.lookup_feature(name)) {
        registry.remove_feature(&feature);
    }
    let plugins = seal::plugin_folders();
    let sealed = match input {
        LiveInput::Network { only_port: Some(port), .. } => seal::seal_but_port(&plugins, *port),
        LiveInput::Network { .. } => seal::seal_but_network(&plugins),
        LiveInput::Capture(order) => seal::seal_but_devices(&capture::nodes(order, &equipment), &plugins),
    };
    if let Err(error) = sealed {
        eprintln!("worker: less confined than it could be: {error}");
    }
    let mut graph = match LiveGraph::new(input, equipment, outlet, leaving)? {
        Ok(graph) => graph,
        Err(last) => return Ok(*last),
    };
    let last = graph.run();
    // The process ends now: nothing is gained by taking a running pipeline apart.
    std::mem::forget(graph);
    Ok(last)
}

/// What became of a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The source has shown no such stream yet.
    Absent,
    Running,
    /// It ended, or was given up.
    Over,
}

struct LiveGraph {
    pipeline: gst::Pipeline,
    /// The source sends when it likes; it does not wait for us.
    pushes: bool,
    /// It is a device of this machine, not an address.
    captures: bool,
    /// How many streams there will be, where that is known.
    expected: Option<usize>,
    /// The server wants no more.
    leaving: Arc<AtomicBool>,
    bus: gst::Bus,
    shared: Arc<Shared>,
    around: Surroundings,
    heads: Vec<Arc<Head>>,
    lanes: [Option<Arc<Head>>; 2],
    stages: [Stage; 2],
    /// When the first head was held.
    first_held: Option<Instant>,
    /// Step 2 is done.
    announced: bool,
    lane_ended: Option<Instant>,
    /// What goes nowhere.
    found: Vec<(Content, Option<gst::Caps>)>,
    losses: Vec<String>,
    undecodable: Vec<String>,
    units: u64,
    since: Instant,
}

impl LiveGraph {
    fn new(
        input: &LiveInput,
        equipment: Equipment,
        outlet: &Arc<Outlet>,
        leaving: Arc<AtomicBool>,
    ) -> Result<Result<Self, Box<Message>>, BuildError> {
        let pipeline = gst::Pipeline::new();
        let bus = pipeline.bus().ok_or_else(|| BuildError::Refused("a pipeline without a bus".into()))?;
        let shared = Arc::new(Shared::new(bus.clone(), Arc::clone(outlet)));
        let mut expected = None;
        let pushes = match input {
            LiveInput::Network { url, .. } => {
                live_source::build(&pipeline, url, &shared)?;
                live_source::pushes(url)
            }
            LiveInput::Capture(order) => {
                shared.cut_off_what_fails();
                match capture::build(&pipeline, order, &shared) {
                    Ok(built) => {
                        expected = Some(built.streams);
                        for text in built.warnings {
                            outlet.send(&Message::Warning(text));
                        }
                    }
                    Err(last) => return Ok(Err(last)),
                }
                true
            }
        };
        let around = Surroundings {
            outlet: Arc::clone(outlet),
            listener: Arc::<Shared>::clone(&shared),
            equipment,
            cover: None,
        };
        Ok(Ok(Self {
            pipeline,
            pushes,
            captures: matches!(input, LiveInput::Capture(_)),
            expected,
            leaving,
            bus,
            shared,
            around,
            heads: Vec::new(),
            lanes: [None, None],
            stages: [Stage::Absent; 2],
            first_held: None,
            announced: false,
            lane_ended: None,
            found: Vec::new(),
            losses: Vec::new(),
            undecodable: Vec::new(),
            units: 0,
            since: Instant::now(),
        }))
    }

    fn run(&mut self) -> Message {
        // A failure is on the bus with more words.
        let _ = self.pipeline.set_state(gst::State::Playing);
        loop {
            if let Some(message) = self.bus.timed_pop(TICK)
                && let Some(last) = self.handle(&message)
            {
                return last;
            }
            if let Some(last) = self.take_heads().or_else(|| self.look_at_clock()) {
                return last;
            }
        }
    }

    fn handle(&mut self, message: &gst::Message) -> Option<Message> {
        match message.view() {
            gst::MessageView::Error(error) => self.on_error(error),
            // A source that ends before any stream was found has no lane to say so.
            gst::MessageView::Eos(_) => {
                self.note_heads();
                Some(self.last_message())
            }
            // From where a lane ends: what a radio says comes through everything that its sound comes through.
            gst::MessageView::Tag(said) => {
                self.shared.said(&said.tags(), false);
                None
            }
            gst::MessageView::Application(note) => match Note::read(note.structure()?)? {
                Note::Held => None,
                Note::Ended(lane) => self.on_lane_end(lane),
            },
            _ => None,
        }
    }

    fn end_if_over(&self) -> Option<Message> {
        let began = self.lanes.iter().any(Option::is_some);
        let running = self.stages.contains(&Stage::Running);
        let may_come = self.stages.contains(&Stage::Absent) && !self.heads.is_empty();
        (began && !running && !may_come).then(|| self.last_message())
    }

    fn last_message(&self) -> Message {
        if self.around.outlet.all_units() > 0 {
            Message::End
        } else if !self.undecodable.is_empty() {
            fail(Failure::NoDecoder, self.undecodable.join(" and "))
        } else if self.lanes.iter().all(Option::is_none) && !self.found.is_empty() {
            verdict::on_no_lanes(&self.found, form().profile)
        } else if self.losses.is_empty() {
            fail(Failure::Unreadable, "it ended before its first frame")
        } else {
            fail(Failure::Unreadable, self.losses.join(" and "))
        }
    }

    fn on_error(&mut self, error: &gst::message::Error) -> Option<Message> {
        let text = verdict::text(&error.error());
        eprintln!("{text}: {}", error.debug().unwrap_or_default());
        if let Some(lane) = notes::lane_of(error.src()) {
            if self.stages[lane as usize] == Stage::Over {
                return None;
            }
            if self.around.outlet.units(lane) > 0 {
                // It worked before, so it works again after a new beginning.
                return Some(fail(Failure::Unreadable, text));
            }
            if error.error().matches(gst::StreamError::CodecNotFound)
                && let Some(caps) = self.lanes[lane as usize].as_ref().and_then(|head| head.caps())
            {
                self.undecodable.push(decide::codec_name(&caps));
            }
            self.lose_lane(lane, &text);
            return self.end_if_over();
        }
        let (error, debug) = (error.error(), error.debug());
        Some(match self.captures {
            true => capture::on_error(&error, debug.as_deref()),
            false => verdict::on_network_error(&error, debug.as_deref()),
        })
    }

    fn look_at_clock(&mut self) -> Option<Message> {
        if self.leaving.load(Ordering::Relaxed) {
            // rtspsrc says goodbye on the way. If this hangs, the server kills us.
            let _ = self.pipeline.set_state(gst::State::Null);
            return Some(Message::End);
        }
        if self.around.outlet.is_closed() {
            // Nobody reads this; it only ends the loop.
            return Some(Message::End);
        }
        let alone = self.announced && self.lanes.iter().all(Option::is_none);
        if alone && self.first_held.is_some_and(|held| held.elapsed() > ALONE) {
            return Some(verdict::on_no_lanes(&self.found, form().profile));
        }
        if self.lane_ended.is_some_and(|ended| ended.elapsed() > LONE_LANE) {
            return Some(Message::End);
        }
        let units = self.around.outlet.all_units();
        if units != self.units || self.around.outlet.is_writing() {
            (self.units, self.since) = (units, Instant::now());
        }
        let waited = self.since.elapsed();
        let patience = match (self.captures, units == 0) {
            (false, true) => limits::LIVE_FIRST_UNIT,
            (false, false) => limits::LIVE_NO_UNIT,
            (true, true) => limits::CAPTURE_FIRST_UNIT,
            (true, false) => limits::CAPTURE_NO_UNIT,
        };
        (waited > patience).then(|| {
            let seconds = waited.as_secs();
            let text = match (units, self.announced) {
                (0, false) => format!("nothing came from it within {seconds} s"),
                (0, true) => format!("no first frame came within {seconds} s"),
                _ => format!("nothing more came for {seconds} s"),
            };
            fail(Failure::Stalled, text)
        })
    }
}

/// What comes out. A camera's H.264 passes however large it is: it comes day and night, and decoding and encoding
/// it is more than a small box can do.
fn form() -> Form {
    Form { passes: Passes { large: true, ..Passes::default() }, ..Form::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read_or_refused() {
        let parse = |line: &str| parse(line.split_whitespace().map(OsString::from));
        let equipment = "{\"machine\":\"m\",\"video\":[]}";
        assert_eq!(
            parse(&format!("--parent 12 --equipment {equipment}")).map(|(parent, _)| parent),
            Some(12)
        );
        for wrong in ["", "--parent 12", "--parent x --equipment {}", "--parent 12 --equipment x", equipment]
        {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
