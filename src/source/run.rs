//! One run of a source: a thread that reads its worker and puts what comes on air, until either ends.

use super::air::Air;
use super::pacer::Pacer;
use super::progress::{Progress, State};
use super::way::{Opened, Way};
use crate::flv::codec::{AudioCodec, VideoCodec};
use crate::flv::metadata::Metadata;
use crate::limits::SOURCE_STALL;
use crate::pipeline::{FeedError, FeedEvent, Goodbye, Killer, LiveFeed, MediaStreams, Silence};
use crate::source_url::SourceUrl;
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
    pub(super) url: SourceUrl,
    pub(super) way: Arc<Way>,
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

    fn is_stopped(&self) -> bool {
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
pub(super) fn run(means: &Means, run: &Run) -> FeedError {
    let Err(mut error) = means.way.open(&means.url).and_then(|opened| receive(means, run, &opened));
    if matches!(error, FeedError::NotPlayable(_))
        && !run.is_stopped()
        && let Some(opened) = means.way.look_further(&means.url)
    {
        let Err(further) = receive(means, run, &opened);
        error = further;
    }
    means.air.lose(Instant::now());
    // GStreamer quotes addresses, with all that is in them.
    match error {
        FeedError::Refused(text) => FeedError::Refused(means.url.redact(&text)),
        FeedError::NotPlayable(text) => FeedError::NotPlayable(means.url.redact(&text)),
        FeedError::Broken(text) => FeedError::Broken(means.url.redact(&text)),
        other => other,
    }
}

fn receive(means: &Means, run: &Run, opened: &Opened) -> Result<Infallible, FeedError> {
    let pushes = means.url.pushes();
    let mut feed = LiveFeed::spawn(&means.program, &opened.input, pushes).map_err(|error| {
        FeedError::Broken(format!("its receiver can't be started: {error}; the machine may be out of memory"))
    })?;
    run.began(feed.killer(), feed.goodbye());
    let mut streams = None;
    let mut pacer = Pacer::default();
    let mut begun = false;
    let mut jumps = 0;
    loop {
        run.heard(Some(Instant::now()));
        let tag = match feed.next_event()? {
            FeedEvent::Streams(mut found) => {
                for warning in &mut found.warnings {
                    *warning = means.url.redact(warning);
                }
                means.progress.found(&found);
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
            means.air.begin(now).map_err(|refused| FeedError::Broken(refused.to_string()))?;
            begun = true;
            let mut about = metadata(streams.as_ref()).to_tag();
            about.timestamp = tag.timestamp;
            means.air.push(about, now);
            means.progress.standing.well(State::OnAir);
            means.way.works();
        }
        means.progress.received(tag.body.len());
        if !means.air.push(tag, now) {
            return Err(FeedError::Broken("somebody else publishes a stream of this name".into()));
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
    Metadata {
        picture_size: video.map(|video| (video.width, video.height)).filter(|size| size.0 > 0),
        video: video.map(|_| VideoCodec::Avc),
        audio: audio.map(|_| AudioCodec::Aac),
        ..Metadata::default()
    }
}
