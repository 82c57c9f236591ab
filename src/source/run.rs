//! One run of a source: a thread that reads its worker and puts what comes on air, until either ends.

use super::air::Air;
use super::capture;
use super::ended::{Caption, Ended};
use super::pacer::Pacer;
use super::progress::Progress;
use super::way::Way;
use crate::config::Input;
use crate::device::Devices;
use crate::egress::EgressError;
use crate::flv::Tag;
use crate::flv::codec::{AudioCodec, VideoCodec};
use crate::flv::metadata::Metadata;
use crate::limits::SOURCE_STALL;
use crate::pipeline::{
    FeedError, FeedEvent, Goodbye, Killer, LiveFeed, LiveInput, MediaStreams, STATION, Silence,
};
use crate::relay::Relays;
use crate::time::MediaTime;
use crate::web_media::{FetchError, Gateway};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the thread sleeps at a time while a tag waits for its turn: a stop takes effect within it.
const SLEEP: Duration = Duration::from_millis(200);

/// What a run works with.
pub(super) struct Means {
    /// Our own program.
    pub(super) program: PathBuf,
    pub(super) input: Input,
    pub(super) way: Arc<Way>,
    pub(super) devices: Devices,
    /// What connects to other RTMP servers.
    pub(super) relays: Arc<Relays>,
    pub(super) air: Arc<Air>,
    pub(super) progress: Arc<Progress>,
}

/// Shared between the thread and whoever watches over it.
#[derive(Debug, Default)]
pub(super) struct Run(Mutex<Watch>);

#[derive(Debug, Default)]
struct Watch {
    killer: Option<Killer>,
    goodbye: Option<Goodbye>,
    stopped: bool,
    /// When the worker was heard of last; `None` while it is not expected to say anything.
    heard: Option<Instant>,
    /// How long it has said nothing since then.
    silence: Option<Silence>,
}

impl Run {
    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn began(&self, killer: Killer, goodbye: Option<Goodbye>) {
        let mut watch = self.watch();
        if watch.stopped {
            killer.kill();
        }
        watch.killer = Some(killer);
        watch.goodbye = goodbye;
    }

    fn heard(&self, at: Option<Instant>) {
        self.watch().heard = at;
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.watch().stopped
    }

    /// Nobody wants it any more: its worker may say goodbye, and what it still sends is not put on air.
    pub(super) fn leave(&self) {
        let mut watch = self.watch();
        watch.stopped = true;
        watch.goodbye = None;
    }

    /// Ends the worker, now.
    pub(super) fn stop(&self) {
        let mut watch = self.watch();
        watch.stopped = true;
        if let Some(killer) = &watch.killer {
            killer.kill();
        }
    }

    /// Ends a worker that has been silent for too long.
    pub(super) fn end_if_stalled(&self, now: Instant) {
        let mut watch = self.watch();
        let Watch { killer: Some(killer), heard: Some(heard), silence, .. } = &mut *watch else { return };
        if killer.is_stalled(silence, *heard, now, SOURCE_STALL) {
            killer.kill_stalled();
        }
    }
}

/// Runs until the source or the run ends. Blocking: for a thread of its own.
pub(super) fn run(means: &Means, run: &Run) -> Ended {
    let Err(mut ended) = means.order().and_then(|order| order.explained(receive(means, run, &order)));
    // An address of the owner's that is no media may be a page that leads to some.
    if let Input::Network(url) = &means.input
        && ended.lasting
        && !run.is_stopped()
        && let Some(opened) = means.way.look_further(url)
    {
        let order = Order { input: opened.input, pushes: false, gateway: opened.gateway };
        let Err(further) = order.explained(receive(means, run, &order));
        ended = further;
    }
    means.air.lose(Instant::now());
    Ended { text: means.redact(&ended.text), ..ended }
}

impl Means {
    /// GStreamer quotes addresses, with all that is in them.
    fn redact(&self, text: &str) -> String {
        match &self.input {
            Input::Network(url) => url.redact(text),
            Input::Capture(_) => text.to_owned(),
        }
    }

    /// What the worker is told.
    fn order(&self) -> Result<Order, Ended> {
        match &self.input {
            Input::Network(url) => {
                let opened = self.way.open(url)?;
                Ok(Order { input: opened.input, pushes: url.pushes(), gateway: opened.gateway })
            }
            Input::Capture(settings) => {
                let ready = capture::prepare(&self.devices, settings)?;
                tracing::info!(
                    source = self.progress.name(),
                    device = ready.id,
                    mode = ready.about,
                    "capturing"
                );
                self.progress.captures(ready.id, ready.about);
                self.air.expect_rate(ready.rate.map(|rate| (rate.0, rate.1)));
                Ok(Order { input: ready.input, pushes: true, gateway: None })
            }
        }
    }
}

/// What a worker is told.
struct Order {
    input: LiveInput,
    /// Pictures come by themselves.
    pushes: bool,
    /// Must last as long as the worker.
    gateway: Option<Gateway>,
}

impl Order {
    /// Why it ended, as the gateway knows it: the worker was told no more than a status, which says enough where it is the server's own.
    fn explained(&self, ended: Result<Infallible, Ended>) -> Result<Infallible, Ended> {
        ended.map_err(|ended| {
            let failure = self.gateway.as_ref().and_then(Gateway::take_failure);
            match failure {
                None | Some(FetchError::Status { .. }) => ended,
                Some(error @ FetchError::Egress(EgressError::Refused { .. })) => {
                    FeedError::Refused(error.to_string()).into()
                }
                Some(error @ FetchError::Egress(_)) => {
                    FeedError::Broken(format!("there is no connection to it ({error})")).into()
                }
                Some(error) => FeedError::Broken(error.to_string()).into(),
            }
        })
    }
}

fn receive(means: &Means, run: &Run, order: &Order) -> Result<Infallible, Ended> {
    let pushes = order.pushes;
    let mut feed = LiveFeed::spawn(&means.program, &order.input, pushes).map_err(|error| {
        FeedError::Broken(format!("its receiver can't be started: {error}; the machine may be out of memory"))
    })?;
    run.began(feed.killer(), feed.goodbye());
    let mut streams = None;
    let mut pacer = Pacer::default();
    let mut begun = false;
    let mut last = MediaTime::ZERO;
    let mut jumps = 0;
    loop {
        run.heard(Some(Instant::now()));
        let tag = match feed.next_event()? {
            FeedEvent::Streams(mut found) => {
                for warning in &mut found.warnings {
                    *warning = means.redact(warning);
                }
                means.progress.found(&found);
                let about = metadata(Some(&found));
                // A radio says what is played now.
                if begun && streams.as_ref().is_none_or(|before| metadata(Some(before)) != about) {
                    means.air.push(Tag { timestamp: last, ..about.to_tag() }, Instant::now());
                }
                streams = Some(found);
                continue;
            }
            FeedEvent::Tag(tag) => tag,
        };
        if !pushes {
            run.heard(None);
            let due = Instant::now() + pacer.wait(tag.timestamp, Instant::now());
            while let Some(rest) = due.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
                if run.is_stopped() {
                    break;
                }
                std::thread::sleep(rest.min(SLEEP));
            }
        }
        let now = Instant::now();
        if run.is_stopped() {
            // Until the worker has ended.
            continue;
        }
        if !begun {
            let has_sound = streams.as_ref().is_none_or(|streams| streams.audio.is_some());
            means.air.begin(has_sound, now).map_err(|refused| FeedError::Broken(refused.to_string()))?;
            begun = true;
            let mut about = metadata(streams.as_ref()).to_tag();
            about.timestamp = tag.timestamp;
            means.air.push(about, now);
            means.progress.on_air();
            means.way.works();
        }
        means.progress.received(tag.body.len());
        last = tag.timestamp;
        if !means.air.push(tag, now) {
            return Err(Ended::new(
                "somebody else publishes a stream of this name",
                false,
                Caption::Unavailable,
            ));
        }
        if feed.jumps() > jumps {
            jumps = feed.jumps();
            tracing::debug!(source = means.progress.name(), jumps, "the source's clock jumped; mended");
        }
    }
}

fn metadata(streams: Option<&MediaStreams>) -> Metadata {
    let video = streams.and_then(|streams| streams.video.as_ref());
    let audio = streams.and_then(|streams| streams.audio.as_ref());
    let said = |name: &str| streams.and_then(|streams| streams.contents.tag(name)).map(str::to_owned);
    Metadata {
        picture_size: video.map(|video| (video.width, video.height)).filter(|size| size.0 > 0),
        video: video.map(|_| VideoCodec::Avc),
        audio: audio.map(|_| AudioCodec::Aac),
        title: said("title"),
        station: said(STATION),
        ..Metadata::default()
    }
}
