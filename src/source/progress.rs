//! How a source is doing: set by its task and its thread, read by the interfaces and by viewers who wait.

use crate::config::Source;
use crate::pipeline::MediaStreams;
use crate::retry::Standing;
use crate::source_url::Kind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// What a source does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// `[[source]]` in the configuration file, where alone it can be changed.
    File,
    /// The interface.
    Api,
    /// A viewer, who brought the address; it is forgotten when nobody watches.
    Viewer,
}

/// What there is to know of a source.
#[derive(Debug)]
pub(super) struct Progress {
    name: String,
    pub(super) standing: Standing<State>,
    starts: AtomicU64,
    bytes: AtomicU64,
    media: Mutex<Media>,
}

/// What comes from a source.
#[derive(Debug, Clone, Default, serde::Serialize)]
struct Media {
    video: Option<Lane>,
    audio: Option<Lane>,
    warnings: Vec<String>,
}

#[derive(Debug, Clone, serde::Serialize)]
struct Lane {
    codec: String,
    passthrough: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
}

/// A source's figures, as `/api/v1/sources` shows them.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Figures {
    /// Its name, and its stream's.
    pub name: String,
    /// Its address without user, password and query.
    pub url: String,
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
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn starting(&self) {
        self.starts.fetch_add(1, Ordering::Relaxed);
        self.standing.set(State::Starting);
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

    pub(super) fn figures(&self, source: &Source, origin: Origin, viewers: usize) -> Figures {
        let now = Instant::now();
        let moment = self.standing.moment();
        Figures {
            name: source.name.clone(),
            url: source.url.to_string(),
            kind: source.url.kind(),
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
