//! How a source is doing: set by its task and its thread, read by the interfaces and by viewers who wait.

use super::ended::{Caption, Ended};
use crate::config::{Input, Source, WrittenSource};
use crate::pipeline::MediaStreams;
use crate::source_url::Kind as NetworkKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What a source does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SourceState)]
pub enum State {
    /// Nobody watches, and it runs on demand.
    Idle,
    /// Its worker has begun, and nothing has come yet.
    Starting,
    /// Pictures or sound come.
    OnAir,
    /// It failed, and is tried again after a while.
    Waiting,
}

/// Who said that there is this source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SourceOrigin)]
pub enum Origin {
    /// `[[source]]` in the configuration file, where alone it can be changed.
    File,
    /// The interface.
    Api,
    /// A viewer, who brought the address; it is forgotten when nobody watches.
    Viewer,
}

/// A source at a moment.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) state: State,
    pub(super) since: Instant,
    /// Why it failed last; forgotten when it is on air again.
    pub(super) reason: Option<String>,
    pub(super) next_try: Option<Instant>,
    /// Failures, ever.
    pub(super) failures: u64,
    /// The last one was such that trying again soon does not help.
    pub(super) lasting: bool,
    /// What viewers are told while nothing comes.
    pub(super) caption: Caption,
}

/// What is known of a source from when it was on air.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// Pixels.
    pub(super) size: Option<(u32, u32)>,
    /// There is sound.
    pub(super) sound: Option<bool>,
}

/// The device that a source captures from.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
struct Captured {
    /// Its stable name.
    id: String,
    /// What comes from it.
    mode: String,
}

/// How a source's pictures come.
#[derive(Debug, Clone, Copy, serde::Serialize)]
#[serde(untagged)]
pub enum Kind {
    /// From the network.
    Network(NetworkKind),
    /// From a device of this machine.
    Device(Device),
}

/// The word for it.
#[derive(Debug, Clone, Copy, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// A capture device.
    Capture,
}

/// What there is to know of a source.
#[derive(Debug)]
pub(super) struct Progress {
    name: String,
    moment: watch::Sender<Moment>,
    starts: AtomicU64,
    bytes: AtomicU64,
    media: Mutex<Media>,
    captured: Mutex<Option<Captured>>,
}

/// What comes from a source.
#[derive(Debug, Clone, Default, serde::Serialize, utoipa::ToSchema)]
#[schema(as = SourceMedia)]
struct Media {
    video: Option<Lane>,
    audio: Option<Lane>,
    warnings: Vec<String>,
}

#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
#[schema(as = SourceLane)]
struct Lane {
    codec: String,
    passthrough: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    height: Option<u32>,
}

/// A source's figures, as `/api/v1/sources` shows them.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Source)]
pub struct Figures {
    /// Its name, and its stream's.
    pub name: String,
    /// Its address without user, password and query; not for a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
    /// The device that it shall come from, as it was written; not for an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device: Option<String>,
    /// All settings of a device, as they were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub settings: Option<WrittenSource>,
    /// The device that it came from last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    captured: Option<Captured>,
    /// How it is received.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// "on_demand" or "always".
    pub mode: &'static str,
    /// Longest wait of a viewer for the first picture, in seconds.
    pub start_timeout_seconds: u64,
    /// It goes on so many seconds after its last viewer.
    pub stop_delay_seconds: u64,
    /// Where it is configured.
    pub origin: Origin,
    /// What it does.
    pub state: State,
    /// For so many seconds.
    pub state_seconds: f64,
    /// Viewers see a picture that says so while nothing comes.
    pub slate: bool,
    /// Such a picture is on air now.
    pub shows_slate: bool,
    /// Why it failed last, if it was not on air since.
    pub reason: Option<String>,
    /// Seconds until the next attempt.
    pub next_try_seconds: Option<f64>,
    /// Viewers now.
    pub viewers: usize,
    /// Attempts that failed and runs that broke.
    pub failures: u64,
    /// Starts after the first one.
    pub restarts: u64,
    /// Bytes of media received.
    pub bytes: u64,
    /// What comes from it.
    #[serde(flatten)]
    media: Media,
}

impl Progress {
    pub(super) fn new(name: String) -> Self {
        let moment = Moment {
            state: State::Idle,
            since: Instant::now(),
            reason: None,
            next_try: None,
            failures: 0,
            lasting: false,
            caption: Caption::default(),
        };
        Self {
            name,
            moment: watch::Sender::new(moment),
            starts: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            media: Mutex::default(),
            captured: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn set(&self, state: State) {
        self.moment.send_if_modified(|moment| {
            let changes = moment.state != state;
            if changes {
                (moment.state, moment.since, moment.next_try) = (state, Instant::now(), None);
            }
            changes
        });
    }

    pub(super) fn idle(&self) {
        self.set(State::Idle);
        self.moment.send_modify(|moment| moment.caption = Caption::default());
    }

    /// Whoever waits for the stream may see it now.
    pub(super) fn slate_began(&self) {
        self.moment.send_modify(|_| ());
    }

    /// What viewers are told while nothing comes.
    pub(super) fn caption(&self) -> Caption {
        self.moment.borrow().caption
    }

    pub(super) fn moment(&self) -> Moment {
        self.moment.borrow().clone()
    }

    /// The device that it captures from now, and what it was asked for.
    pub(super) fn captures(&self, id: String, mode: String) {
        *self.captured.lock().unwrap_or_else(PoisonError::into_inner) = Some(Captured { id, mode });
    }

    /// What was learnt when it was on air.
    pub(super) fn known(&self) -> Known {
        let media = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        let size = media.video.as_ref().and_then(|video| Some((video.width?, video.height?)));
        Known {
            size: size.filter(|size| size.0 > 0 && size.1 > 0),
            sound: media.video.as_ref().map(|_| media.audio.is_some()),
        }
    }

    pub(super) fn starting(&self) {
        self.starts.fetch_add(1, Ordering::Relaxed);
        self.set(State::Starting);
    }

    pub(super) fn on_air(&self) {
        self.set(State::OnAir);
        self.moment.send_modify(|moment| {
            (moment.reason, moment.caption) = (None, Caption::default());
        });
    }

    pub(super) fn failed(&self, ended: &Ended, next_try: Instant) {
        self.moment.send_modify(|moment| {
            *moment = Moment {
                state: State::Waiting,
                since: Instant::now(),
                reason: Some(ended.text.clone()),
                next_try: Some(next_try),
                failures: moment.failures + 1,
                lasting: ended.lasting,
                caption: ended.caption,
            };
        });
    }

    pub(super) fn found(&self, streams: &MediaStreams) {
        let video = streams.video.as_ref().map(|video| Lane {
            codec: video.source_codec.clone(),
            passthrough: video.passthrough,
            width: Some(video.width),
            height: Some(video.height),
        });
        let audio = streams.audio.as_ref().map(|audio| Lane {
            codec: audio.source_codec.clone(),
            passthrough: audio.passthrough,
            width: None,
            height: None,
        });
        let media = Media { video, audio, warnings: streams.warnings.clone() };
        *self.media.lock().unwrap_or_else(PoisonError::into_inner) = media;
    }

    pub(super) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn news(&self) -> watch::Receiver<Moment> {
        self.moment.subscribe()
    }

    pub(super) fn state(&self) -> State {
        self.moment.borrow().state
    }

    pub(super) fn figures(
        &self,
        source: &Source,
        origin: Origin,
        viewers: usize,
        shows_slate: bool,
    ) -> Figures {
        let now = Instant::now();
        let moment = self.moment.borrow().clone();
        let (url, device, settings, kind) = match &source.input {
            Input::Network(url) => (Some(url.to_string()), None, None, Kind::Network(url.kind())),
            Input::Capture(capture) => {
                let device = Some(capture.device.clone());
                (None, device, Some(source.to_written()), Kind::Device(Device::Capture))
            }
        };
        let seconds = |time: Duration| time.as_millis() as f64 / 1000.0;
        Figures {
            name: source.name.clone(),
            url,
            device,
            settings,
            captured: self.captured.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            kind,
            slate: source.slate,
            shows_slate,
            mode: if source.on_demand { "on_demand" } else { "always" },
            start_timeout_seconds: source.start_timeout.as_secs(),
            stop_delay_seconds: source.stop_delay.as_secs(),
            origin,
            state: moment.state,
            state_seconds: seconds(now.saturating_duration_since(moment.since)),
            reason: moment.reason,
            next_try_seconds: moment.next_try.map(|at| seconds(at.saturating_duration_since(now))),
            viewers,
            failures: moment.failures,
            restarts: self.starts.load(Ordering::Relaxed).saturating_sub(1),
            bytes: self.bytes.load(Ordering::Relaxed),
            media: self.media.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
