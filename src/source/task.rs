//! A source's task: when it runs, and what happens when it fails.
//!
//! ```text
//!  Idle ──wanted──▶ Starting ──first tag──▶ OnAir ──nobody watches for stop_delay──▶ Idle
//!    ▲                  │                     │
//!    └──not wanted── Waiting ◀────────failed──┘
//!                    0.5 s, doubling to 2.5 s while somebody watches, else to 60 s
//! ```
//!
//! One task decides for all viewers, so fifty who come at once start one worker.

use super::air::Air;
use super::capture;
use super::ended::{Caption, Ended};
use super::progress::{Figures, Origin, Progress, State};
use super::rtmp;
use super::run::{self, Means, Run};
use super::way::Way;
use super::{Surroundings, Words};
use crate::config::{Input, Source};
use crate::device::Devices;
use crate::limits::{
    SOURCE_BACKOFF_FIRST, SOURCE_BACKOFF_MOST, SOURCE_BACKOFF_WATCHED, SOURCE_END, SOURCE_GOODBYE,
    SOURCE_STEADY, SOURCE_TEND,
};
use crate::relay::Relays;
use crate::retry::{Backoff, random};
use crate::stream::{Keyframe, Stream, Streams};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot, watch};

/// A configured source.
pub(super) struct SourceTask {
    settings: watch::Sender<Source>,
    origin: Origin,
    streams: Arc<Streams>,
    relays: Arc<Relays>,
    pub(super) program: PathBuf,
    /// The language of slates.
    pub(super) words: Words,
    devices: Devices,
    way: Arc<Way>,
    pub(super) air: Arc<Air>,
    pub(super) progress: Arc<Progress>,
    /// Viewers who wait for the stream to begin.
    waiting: AtomicUsize,
    /// A viewer has come.
    asked: Notify,
    /// It was removed.
    removed: AtomicBool,
}

/// Counts a viewer who waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What ended a run.
enum Outcome {
    Failed(Ended),
    /// Nobody watches any more.
    Unwanted,
    /// It has another address now.
    Moved,
}

/// Begins a run, which tells its end: on a thread of its own where a worker is read, which blocks.
fn begin(means: Means, run: Arc<Run>, told: oneshot::Sender<Ended>) -> io::Result<()> {
    let other_server = match &means.input {
        Input::Network(url) => url.rtmp(),
        Input::Capture(_) => None,
    };
    // Whoever asked may have gone when it ends.
    if let Some(url) = other_server {
        tokio::spawn(async move {
            let _ = told.send(rtmp::run(&means, &run, &url).await);
        });
        return Ok(());
    }
    let thread = std::thread::Builder::new().name("source".into());
    thread.spawn(move || {
        let _ = told.send(run::run(&means, &run));
    })?;
    Ok(())
}

/// Ends a run with whoever watches over it.
struct StopAtEnd(Option<Arc<Run>>);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        let Some(run) = self.0.take() else { return };
        run.leave();
        let later = run.clone();
        // The server may be ending, and nobody can wait here.
        let killing = std::thread::Builder::new().name("source end".into()).spawn(move || {
            std::thread::sleep(SOURCE_GOODBYE);
            later.stop();
        });
        if killing.is_err() {
            run.stop();
        }
    }
}

impl SourceTask {
    pub(super) fn new(source: Source, origin: Origin, around: &Surroundings, way: Way) -> Self {
        let (streams, relays) = (around.streams.clone(), around.relays.clone());
        let air = Arc::new(Air::new(source.name.clone(), streams.clone(), relays.clone()));
        let progress = Arc::new(Progress::new(source.name.clone()));
        Self {
            settings: watch::Sender::new(source),
            origin,
            streams,
            relays,
            program: around.program.clone(),
            words: around.words,
            devices: around.devices.clone(),
            way: Arc::new(way),
            air,
            progress,
            waiting: AtomicUsize::new(0),
            asked: Notify::new(),
            removed: AtomicBool::new(false),
        }
    }

    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    pub(super) fn settings(&self) -> Source {
        self.settings.borrow().clone()
    }

    /// Other settings from now on. Viewers stay; a new address is used at once.
    pub(super) fn change(&self, source: Source) {
        self.settings.send_if_modified(|settings| {
            let changes = *settings != source;
            *settings = source;
            changes
        });
        self.asked.notify_one();
    }

    /// There is no such source any more, which those who wait for it are told.
    pub(super) fn remove(&self) {
        self.removed.store(true, Ordering::Relaxed);
        let ended = Ended::new("the source was removed", true, Caption::Unavailable);
        self.progress.failed(&ended, Instant::now());
    }

    /// What it showed last.
    pub(super) fn last_keyframe(&self) -> Option<Keyframe> {
        self.air.last_keyframe()
    }

    pub(super) fn figures(&self) -> Figures {
        self.progress.figures(
            &self.settings.borrow(),
            self.origin,
            self.air.viewers(),
            self.air.shows_slate(),
        )
    }

    /// The stream, once it is on air; or why it is not. Waits for the source's `start_timeout` at most.
    pub(super) async fn request(&self) -> Result<Arc<Stream>, String> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        let mut news = self.progress.news();
        let failures = news.borrow_and_update().failures;
        self.asked.notify_one();
        let (name, patience, waits) = {
            let settings = self.settings.borrow();
            // Viewers of a device see a slate, whatever is wrong with it: it may be mended while they watch.
            let waits = settings.slate && matches!(settings.input, Input::Capture(_));
            (settings.name.clone(), settings.start_timeout, waits)
        };
        let on_air = async {
            loop {
                if let Some(stream) = self.streams.find(&name).filter(|stream| stream.is_on_air()) {
                    return Ok(stream);
                }
                let moment = news.borrow_and_update().clone();
                if self.removed.load(Ordering::Relaxed) {
                    return Err(moment.reason.unwrap_or_default());
                }
                // A camera that is being switched on refuses at first; a wrong password stays wrong.
                if moment.failures > failures && moment.why.lasting && !waits {
                    return Err(moment.reason.unwrap_or_default());
                }
                // The sender is ours.
                let _ = news.changed().await;
            }
        };
        match tokio::time::timeout(patience, on_air).await {
            Ok(result) => result,
            Err(_) => {
                let reason = news.borrow().reason.clone();
                Err(reason.unwrap_or_else(|| format!("nothing has come for {} s", patience.as_secs())))
            }
        }
    }

    pub(super) fn is_watched(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0 || self.air.viewers() > 0
    }

    fn is_wanted(&self) -> bool {
        !self.settings.borrow().on_demand || self.is_watched()
    }

    /// Until it is dropped.
    pub(super) async fn run_with_slates(&self) {
        futures_util::future::join(self.run(), self.show_slates()).await;
    }

    async fn run(&self) {
        let mut backoff = Backoff::default();
        let mut not_before = Instant::now();
        loop {
            while !self.is_wanted() {
                self.progress.idle();
                self.air.end();
                self.asked.notified().await;
            }
            // A player that comes again and again does not shorten it: cameras lock out who knocks too often.
            tokio::time::sleep_until(not_before.into()).await;
            let began = Instant::now();
            match self.run_once().await {
                Outcome::Unwanted => {
                    tracing::info!(
                        source = self.progress.name(),
                        "nobody watches any more: the source rests"
                    );
                    backoff.reset();
                }
                Outcome::Moved => {
                    tracing::info!(source = self.progress.name(), "the source has another address now");
                    backoff.reset();
                }
                Outcome::Failed(error) => {
                    if began.elapsed() >= SOURCE_STEADY && self.progress.state() == State::OnAir {
                        backoff.reset();
                    }
                    not_before = self.wait(&mut backoff, &error).await;
                }
            }
        }
    }

    /// Waits after a failure, for as long as the source is wanted. Returns when it may be tried again at the earliest.
    async fn wait(&self, backoff: &mut Backoff, ended: &Ended) -> Instant {
        // The same for those who watch and for nobody: who comes later shortens it.
        let wait = backoff.next_within(SOURCE_BACKOFF_FIRST, SOURCE_BACKOFF_MOST, random());
        let failed = Instant::now();
        let until = |watched: bool| failed + if watched { wait.min(SOURCE_BACKOFF_WATCHED) } else { wait };
        let mut watched = self.is_watched();
        if self.progress.failed(ended, until(watched)) {
            tracing::warn!(
                source = self.progress.name(), from = %self.settings.borrow().input, error = ended.text,
                next_try = ?until(watched).saturating_duration_since(failed), "a source failed"
            );
        }
        let mut moved = self.settings.subscribe();
        let captures = matches!(self.settings.borrow().input, Input::Capture(_));
        let mut plugged = self.devices.changes();
        let mut tick = tokio::time::interval(SOURCE_TEND);
        while self.is_wanted() && Instant::now() < until(watched) {
            tokio::select! {
                () = tokio::time::sleep_until(until(watched).into()) => {}
                _ = tick.tick() => self.tend_air(Instant::now()),
                () = self.asked.notified() => {}
                _ = moved.changed() => return failed,
                // What it waits for may just have been plugged in.
                _ = plugged.changed(), if captures => return failed,
            }
            watched = watched || self.is_watched();
        }
        until(true)
    }

    async fn run_once(&self) -> Outcome {
        let mut settings = self.settings.subscribe();
        let mut input = settings.borrow_and_update().input.clone();
        self.progress.starting();
        let run = Arc::new(Run::default());
        let mut stop = StopAtEnd(Some(run.clone()));
        let (told, mut end) = oneshot::channel();
        let means = Means {
            program: self.program.clone(),
            input: input.clone(),
            devices: self.devices.clone(),
            way: self.way.clone(),
            relays: self.relays.clone(),
            air: self.air.clone(),
            progress: self.progress.clone(),
        };
        if let Err(error) = begin(means, run.clone(), told) {
            let text = format!("no thread for it: {error}");
            return Outcome::Failed(Ended::new(text, false, Caption::Unavailable));
        }
        let mut unwatched: Option<Instant> = None;
        let mut tick = tokio::time::interval(SOURCE_TEND);
        let outcome = loop {
            tokio::select! {
                ended = &mut end => {
                    let crashed = |_| {
                        let text = "its thread ended by a mistake of ours; see the log";
                        Ended::new(text, false, Caption::Unavailable)
                    };
                    stop.0 = None;
                    return Outcome::Failed(ended.unwrap_or_else(crashed));
                }
                _ = tick.tick() => {
                    let now = Instant::now();
                    run.end_if_stalled(now);
                    self.tend_air(now);
                    if self.is_wanted() {
                        unwatched = None;
                    } else if now.saturating_duration_since(*unwatched.get_or_insert(now)) >= self.stop_delay() {
                        break Outcome::Unwanted;
                    }
                }
                _ = settings.changed() => {
                    let wanted = settings.borrow_and_update().input.clone();
                    if !self.turn_controls(&input, &wanted).await && wanted != input {
                        break Outcome::Moved;
                    }
                    input = wanted;
                }
            }
        };
        run.leave();
        // Two workers at once would confuse cameras that serve one client only.
        if tokio::time::timeout(SOURCE_GOODBYE, &mut end).await.is_err() {
            run.stop();
            let _ = tokio::time::timeout(SOURCE_END, &mut end).await;
        }
        stop.0 = None;
        outcome
    }

    /// Where nothing but the controls of a device is another, they are turned while pictures go on. False: there is more
    /// to it.
    async fn turn_controls(&self, before: &Input, wanted: &Input) -> bool {
        let (Input::Capture(before), Input::Capture(wanted)) = (before, wanted) else { return false };
        if !before.differs_in_controls_only(wanted) {
            return false;
        }
        let (devices, wanted) = (self.devices.clone(), wanted.clone());
        match tokio::task::spawn_blocking(move || capture::turn(&devices, &wanted)).await {
            Ok(Err(error)) => {
                tracing::warn!(source = self.progress.name(), %error, "controls of the device were not turned");
            }
            Ok(Ok(())) => tracing::info!(source = self.progress.name(), "controls of the device are turned"),
            Err(_) => {}
        }
        true
    }

    /// Since when it rests, if it does.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let moment = self.progress.moment();
        (moment.state == State::Idle && !self.is_watched()).then_some(moment.since)
    }

    /// What has gone goes off air after a while; not a device that somebody watches, for whom a slate is being made: on a small box
    /// that may take longer, and the device may be plugged in again any time.
    fn tend_air(&self, now: Instant) {
        let waits = {
            let settings = self.settings.borrow();
            settings.slate && matches!(settings.input, Input::Capture(_))
        };
        if !(waits && self.is_watched()) {
            self.air.tend(now);
        }
    }

    fn stop_delay(&self) -> Duration {
        self.settings.borrow().stop_delay
    }
}
