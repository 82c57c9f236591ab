//! A file that is being converted: its conversions, begun and ended as its viewers need them.
//!
//! ```text
//!  viewers' wishes ─▶ Reel::plan ─▶ Film::direct ─▶ a thread and a worker per range ─▶ Reel
//!                        ▲                              │
//!                        └────────── it stirred ◀───────┘
//! ```
//!
//! The reel decides (purely) what is needed; this decides what the machine can give: how many conversions, whose
//! turn it is, and what to do about one that has died.

mod outcome;
mod source;

pub(super) use outcome::Outcome;
pub(super) use source::{Media, Source};

use super::cache::Cache;
use super::convert::{self, Means};
use super::discs::Discs;
use super::job::Job;
use super::kept::Making;
use super::transcodes::Place;
use crate::limits::{
    DIRECTOR_STEP, MAX_CONVERSIONS, MAX_REEL_CONVERSIONS, PLACE_PATIENCE, REMUX_LEAD, SEEK_RESTART_STEP,
    SPARE_LEAD, UNWANTED_GRACE,
};
use crate::pipeline::{self, Beside, ConversionError, Form, MediaStreams};
use crate::reel::{Phase, Plan, RangeId, Reel, Start, Terms};
use crate::time::MediaTime;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A file being converted, and what its conversions share.
#[derive(Debug)]
pub(super) struct Film {
    pub(super) reel: Arc<Reel>,
    pub(super) name: String,
    /// What shall come out.
    pub(super) form: Form,
    /// Files of subtitles beside it.
    pub(super) beside: Arc<Vec<Beside>>,
    /// Files that it goes on in, as one run of bytes.
    pub(super) continued: Arc<Vec<File>>,
    /// Files that are played behind it, and where each is, once that is known.
    later: Vec<File>,
    discs: Mutex<Option<Arc<Discs>>>,
    pub(super) means: Arc<Means>,
    media: Media,
    making: Option<Making>,
    patience: Duration,
    /// What the first conversion has found.
    streams: OnceLock<MediaStreams>,
    /// A conversion that was to start in the middle could not.
    only_from_start: AtomicBool,
    /// The disk had no room in the middle of a conversion.
    short_of_space: AtomicBool,
    /// Some of it was made in memory, and no disk has it.
    in_memory: AtomicBool,
    stopped: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    running: HashMap<RangeId, Running>,
    last_start: Option<Instant>,
    /// Since when there has been no place for a conversion that somebody waits for.
    crowded_out: Option<Instant>,
    /// How often conversions died, by place: see [`DEATH_PLACE`](crate::limits::DEATH_PLACE).
    deaths: HashMap<u128, u32>,
    /// All of those deaths came from outside.
    only_killed: bool,
    /// No conversion is started before: whoever kills them, for want of memory, needs a moment to find some.
    not_before: Option<Instant>,
    /// Nothing was found from here on.
    ceiling: MediaTime,
    /// How often nothing was found.
    misses: u32,
}

#[derive(Debug)]
struct Running {
    job: Arc<Job>,
    aim: MediaTime,
    in_memory: bool,
    unwanted_since: Option<Instant>,
}

impl Film {
    /// Begins to convert a file from its start.
    ///
    /// # Errors
    /// When there is no place for it.
    pub(super) fn open(
        source: Source,
        form: Form,
        means: Arc<Means>,
        patience: Duration,
    ) -> io::Result<Arc<Self>> {
        let Source { media, name, beside, continued, discs, making } = source;
        let film = Arc::new(Self {
            reel: Arc::new(Reel::without_ranges(means.seeks.clone())),
            name,
            form,
            beside: Arc::new(beside),
            continued: Arc::new(continued),
            later: discs,
            discs: Mutex::default(),
            means,
            media,
            making,
            patience,
            streams: OnceLock::new(),
            only_from_start: AtomicBool::new(false),
            short_of_space: AtomicBool::new(false),
            in_memory: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            state: Mutex::new(State {
                running: HashMap::new(),
                last_start: None,
                crowded_out: None,
                deaths: HashMap::new(),
                only_killed: true,
                not_before: None,
                ceiling: MediaTime::MAX,
                misses: 0,
            }),
        });
        film.start(&mut film.state(), Start::default())?;
        Ok(film)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs until all is converted, or the film is stopped.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            // Positions move without a word.
            let _ = tokio::time::timeout(DIRECTOR_STEP, self.reel.stirred()).await;
            if self.stopped.load(Ordering::SeqCst) || self.reel.progress().phase != Phase::Growing {
                self.end_all();
                return self.reel.tidy();
            }
            let film = self.clone();
            // Files are made on a disk that may be slow.
            let directed = tokio::task::spawn_blocking(move || film.direct(Instant::now()));
            if let Err(error) = directed.await {
                tracing::error!(file = self.name, %error, "the film's conversions are left to themselves");
                return self.stop();
            }
        }
    }

    /// Begins what is needed, ends what is not.
    fn direct(self: &Arc<Self>, now: Instant) {
        let plan = self.reel.plan(&self.terms(), now);
        if plan.idle {
            // Somebody may come back, or looks on: all goes on until the film is dropped.
            return;
        }
        let mut state = self.state();
        let rested = state.not_before.is_none_or(|time| now >= time)
            && state.last_start.is_none_or(|last| now.saturating_duration_since(last) >= SEEK_RESTART_STEP);
        let started =
            plan.start.filter(|_| rested).and_then(|start| self.try_start(&mut state, start, &plan, now));
        let wanted = |id: &RangeId| {
            let among = |list: &[(RangeId, MediaTime)]| list.iter().any(|(known, _)| known == id);
            started == Some(*id) || among(&plan.wanted) || (started.is_none() && among(&plan.meanwhile))
        };
        for (id, running) in &mut state.running {
            // What it has begun is not to be had again in the middle; unless it keeps only what is near its viewers.
            if wanted(id) || (self.only_from_start() && !running.in_memory) {
                running.unwanted_since = None;
                continue;
            }
            let since = *running.unwanted_since.get_or_insert(now);
            if started.is_some() || now.saturating_duration_since(since) >= UNWANTED_GRACE {
                running.job.stop();
            }
        }
        drop(state);
        self.reel.set_goals(&plan.wanted, REMUX_LEAD);
        if started.is_none() {
            self.reel.set_goals(&plan.meanwhile, REMUX_LEAD);
        }
    }

    fn terms(&self) -> Terms {
        let seekable = self.streams.get().map(|streams| streams.seekable && !self.only_from_start());
        Terms { seekable, patience: self.patience, ceiling: self.state().ceiling.min(self.length()) }
    }

    fn length(&self) -> MediaTime {
        self.reel.duration().filter(|length| *length > MediaTime::ZERO).unwrap_or(MediaTime::MAX)
    }

    fn only_from_start(&self) -> bool {
        self.only_from_start.load(Ordering::Relaxed)
            || self.streams.get().is_some_and(|streams| !streams.seekable)
    }

    /// Starts a conversion if the machine has a place for it, or gets one from a conversion that can spare it.
    fn try_start(
        self: &Arc<Self>,
        state: &mut State,
        start: Start,
        plan: &Plan,
        now: Instant,
    ) -> Option<RangeId> {
        let live = || state.running.iter().filter(|(_, running)| !running.job.is_stopped());
        let lead = |id: &RangeId| -> Option<(RangeId, u32)> {
            let (_, wanted) = plan.wanted.iter().find(|(known, _)| known == id)?;
            Some((*id, self.reel.available_in(*id)?.saturating_millis_since(*wanted)))
        };
        let kept: Vec<(RangeId, u32)> = live().filter_map(|(id, _)| lead(id)).collect();
        // Those that nobody wants are ended, and some are ending already.
        let freed = state.running.len() - kept.len();
        let encodes = self.streams.get().is_some_and(convert::encodes);
        let alone = live().count() == 0;
        let full = kept.len() >= MAX_REEL_CONVERSIONS
            || (encodes && freed == 0 && self.means.transcodes.are_full())
            || (freed == 0 && self.means.running.load(Ordering::Relaxed) >= MAX_CONVERSIONS);
        if full {
            let spare = kept.iter().max_by_key(|(_, lead)| *lead);
            let Some((id, _)) = spare.filter(|(_, lead)| u128::from(*lead) >= SPARE_LEAD.as_millis()) else {
                self.reel.decide(start.viewer, false, start.aim, now);
                if alone && self.is_crowded_out(state, now) {
                    let most = self.means.transcodes.most();
                    let why =
                        format!("{most} other films are being encoded, as many as this machine is set to");
                    self.reel
                        .fail(format!("\"{}\" can't be played: {why}; stop one and try again", self.name));
                }
                return None;
            };
            if let Some(running) = state.running.get(id) {
                running.job.stop();
            }
        }
        let started = self.start(state, start);
        if let Err(error) = &started {
            tracing::warn!(file = self.name, %error, "no other conversion");
            if alone {
                // There is nothing to wait for.
                self.reel.fail(format!("\"{}\" can't be played on: {error}", self.name));
            } else if plan.meanwhile.is_empty() && self.is_crowded_out(state, now) {
                // Nor will what others watch come to where this viewer wants to be.
                self.reel.settle(start.viewer);
            }
        }
        self.reel.decide(start.viewer, started.is_ok(), start.aim, now);
        started.ok()
    }

    /// There has been no place for so long that those who wait for one need an answer.
    fn is_crowded_out(&self, state: &mut State, now: Instant) -> bool {
        let since = *state.crowded_out.get_or_insert(now);
        now.saturating_duration_since(since) >= PLACE_PATIENCE
    }

    fn start(self: &Arc<Self>, state: &mut State, start: Start) -> io::Result<RangeId> {
        let aim = start.aim;
        let (data, window) = self.room()?;
        let (media, now) = (self.media.open()?, Instant::now());
        let goal = aim.saturating_add_millis(ms(REMUX_LEAD));
        let full = || io::Error::other("it has as many parts as it may have, and all are being watched");
        let id = self.reel.begin(Arc::new(data), start, goal, now).ok_or_else(full)?;
        tracing::info!(file = self.name, %aim, profile = %self.form.profile, "conversion starts");
        let job = Arc::new(Job::new());
        let (film, for_job) = (self.clone(), job.clone());
        let count = Count::one_more(&self.means.running);
        let in_memory = window.is_some();
        self.means.begun.fetch_add(1, Ordering::Relaxed);
        let work = move || {
            let outcome = convert::run(&film, &for_job, media, id, aim, window);
            for_job.ended();
            film.ended(id, outcome);
            if in_memory {
                film.reel.forget_unwatched(id);
            }
            drop(count);
        };
        let spawned = std::thread::Builder::new().name("convert".to_owned()).spawn(work);
        if let Err(error) = spawned {
            self.reel.park(id);
            return Err(error);
        }
        // The first one is not a seek.
        state.crowded_out = None;
        state.last_start = Some(now).filter(|_| aim > MediaTime::ZERO);
        state.running.insert(id, Running { job, aim, in_memory, unwanted_since: None });
        Ok(id)
    }

    /// Where a conversion is written to: a file; or memory, with a place for it, when the disk is full.
    fn room(&self) -> io::Result<(File, Option<Place>)> {
        let cache = &self.means.cache;
        let file = match self.short_of_space.load(Ordering::Relaxed) {
            false => cache.check_space().and_then(|()| cache.new_file()),
            true => Err(io::ErrorKind::StorageFull.into()),
        };
        let error = match file {
            Ok(file) => return Ok((file, None)),
            Err(error) => error,
        };
        let Some(place) = self.means.windows.enter(Duration::ZERO) else {
            let most = self.means.windows.most();
            let why = format!(
                "{error}, and {most} conversions are in memory already; make room on the disk that holds the data folder"
            );
            return Err(io::Error::new(error.kind(), why));
        };
        tracing::warn!(
            file = self.name,
            "the disk is full: the conversion is kept in memory, and only around its viewers"
        );
        self.in_memory.store(true, Ordering::Relaxed);
        Ok((Cache::new_window()?, Some(place)))
    }

    /// What the first conversion has found; the others only may differ in what they can.
    pub(super) fn found(&self, aim: MediaTime, streams: &MediaStreams) {
        let _ = self.streams.set(streams.clone());
        if aim > MediaTime::ZERO && !streams.seekable {
            tracing::warn!(file = self.name, "can't be played from the middle after all");
            self.only_from_start.store(true, Ordering::Relaxed);
        }
    }

    /// Where each of its files is, if there are several. The first conversion looks at them, others wait for it.
    pub(super) fn discs(&self, job: &Job) -> Result<Option<Arc<Discs>>, ConversionError> {
        let Media::File(first) = &self.media else { return Ok(None) };
        if self.later.is_empty() {
            return Ok(None);
        }
        let mut known = self.discs.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            let files = std::iter::once(first).chain(&self.later).map(File::try_clone);
            let request = pipeline::Request { form: self.form.clone(), ..pipeline::Request::default() };
            let found = Discs::look(&self.means.program, files, &request, |killer| job.began(killer))?;
            *known = Some(Arc::new(found));
        }
        Ok(known.clone())
    }

    /// Its bytes come over the network: what cannot be read now may be there a minute later.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self.media, Media::Remote(_))
    }

    /// Some of it is in memory alone, where nothing is kept for who may come.
    pub(super) fn is_in_memory(&self) -> bool {
        self.in_memory.load(Ordering::Relaxed)
    }

    /// What the first conversion has found, once it has.
    pub(super) fn streams(&self) -> Option<&MediaStreams> {
        self.streams.get()
    }

    /// What is added to the file's times, once the first conversion has found it.
    pub(super) fn lead_ns(&self) -> Option<i64> {
        self.streams.get().map(|streams| streams.lead_ns)
    }

    /// Ends a conversion whose worker has been silent for too long.
    pub(super) fn end_if_stalled(&self, now: Instant) {
        self.state().running.values().for_each(|running| running.job.end_if_stalled(now));
    }

    fn end_all(&self) {
        self.state().running.values().for_each(|running| running.job.stop());
    }

    /// Ends all work, for good.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.end_all();
        if self.reel.progress().phase == Phase::Growing {
            self.reel.fail(format!("\"{}\" is not being converted any more; play it again", self.name));
        }
    }
}

fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Counts conversions while it lives.
struct Count(Arc<AtomicUsize>);

impl Count {
    fn one_more(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
