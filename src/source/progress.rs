//! How a source is doing: set by its task and its thread, read by the interfaces and by viewers who wait.

use super::ended::{Caption, Ended};
use super::rtmp::Found;
use crate::config::{Input, Source, WrittenSource};
use crate::pipeline::{MediaStreams, STATION};
use crate::retry::{self, Standing};
use crate::source_url::Kind as NetworkKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
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

/// What more is known of a source's last failure.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Why {
    /// Trying again soon does not help.
    pub(super) lasting: bool,
    /// What viewers are told while nothing comes.
    pub(super) caption: Caption,
}

/// A source at a moment.
pub(super) type Moment = retry::Moment<State, Why>;

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
#[derive(Debug, Clone, Copy, serde::Serialize, utoipa::ToSchema)]
#[schema(as = SourceWay)]
#[serde(untagged)]
pub enum Kind {
    /// From the network.
    Network(NetworkKind),
    /// From a device of this machine.
    Device(Device),
}

/// The word for it.
#[derive(Debug, Clone, Copy, serde::Serialize, utoipa::ToSchema)]
#[schema(as = SourceDevice)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// A capture device.
    Capture,
}

/// What there is to know of a source.
#[derive(Debug)]
pub(super) struct Progress {
    name: String,
    standing: Standing<State, Why>,
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
    /// What a radio says is played now.
    title: Option<String>,
    /// What it says it is called.
    station: Option<String>,
    /// What is missing, and why.
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
        Self {
            name,
            standing: Standing::new(State::Idle),
            starts: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            media: Mutex::default(),
            captured: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn idle(&self) {
        self.standing.rest(State::Idle);
    }

    /// Whoever waits for the stream may see it now.
    pub(super) fn slate_began(&self) {
        self.standing.nudge();
    }

    /// What viewers are told while nothing comes.
    pub(super) fn caption(&self) -> Caption {
        self.moment().why.caption
    }

    pub(super) fn moment(&self) -> Moment {
        self.standing.moment()
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
        self.standing.set(State::Starting);
    }

    pub(super) fn on_air(&self) {
        self.standing.well(State::OnAir);
    }

    /// It failed, and waits. True when that is news.
    pub(super) fn failed(&self, ended: &Ended, next_try: Instant) -> bool {
        let why = Why { lasting: ended.lasting, caption: ended.caption };
        self.standing.failed(State::Waiting, ended.text.clone(), next_try, why)
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
        let said = |name: &str| streams.contents.tag(name).map(str::to_owned);
        let (title, station) = (said("title"), said(STATION));
        let media = Media { video, audio, title, station, warnings: streams.warnings.clone() };
        *self.media.lock().unwrap_or_else(PoisonError::into_inner) = media;
    }

    /// What is passed on as it is, from another RTMP server.
    pub(super) fn passes(&self, found: &Found) {
        let (width, height) = found.size.unzip();
        let video =
            found.video.map(|codec| Lane { codec: codec.to_string(), passthrough: true, width, height });
        let audio = found.audio.map(|codec| Lane {
            codec: codec.to_string(),
            passthrough: true,
            width: None,
            height: None,
        });
        let media = Media { video, audio, ..Media::default() };
        *self.media.lock().unwrap_or_else(PoisonError::into_inner) = media;
    }

    pub(super) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn news(&self) -> watch::Receiver<Moment> {
        self.standing.news()
    }

    pub(super) fn state(&self) -> State {
        self.standing.state()
    }

    pub(super) fn figures(
        &self,
        source: &Source,
        origin: Origin,
        viewers: usize,
        shows_slate: bool,
    ) -> Figures {
        let now = Instant::now();
        let moment = self.moment();
        let (url, device, settings, kind) = match &source.input {
            Input::Network(url) => (Some(url.to_string()), None, None, Kind::Network(url.kind())),
            Input::Capture(capture) => {
                let device = Some(capture.device.clone());
                (None, device, Some(source.to_written()), Kind::Device(Device::Capture))
            }
        };
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
            state_seconds: moment.state_seconds(now),
            next_try_seconds: moment.next_try_seconds(now),
            reason: moment.reason,
            viewers,
            failures: moment.failures,
            restarts: self.starts.load(Ordering::Relaxed).saturating_sub(1),
            bytes: self.bytes.load(Ordering::Relaxed),
            media: self.media.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
