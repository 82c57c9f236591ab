//! Live sources: addresses on the network and capture devices whose pictures and sound become live streams while they
//! are wanted.
//!
//! ```text
//!  camera, radio, HLS … ─▶ worker process ─▶ LiveFeed ─▶ pacer ─▶ Air: Publisher ─▶ stream ─▶ viewers
//!                          (GStreamer, sealed)  (thread)                                │
//!                                 ▲                                                     │
//!                                 └── task: starts, watches over it, tries again ◀── how many
//! ```
//!
//! To the stream a source is a publisher like any other. A capture device is another
//! [`LiveInput`](crate::pipeline::LiveInput) of the same worker.
//!
//! What belongs here: which sources there are, when they run, what happens when they fail. What does not: how media
//! are received and converted (`pipeline`), who watches (`server`), how other RTMP servers are spoken to (`relay`).

mod air;
mod capture;
mod ended;
mod pacer;
mod progress;
mod rtmp;
mod run;
mod slate;
mod store;
mod task;
mod way;
mod words;

pub use progress::{Device, Figures, Kind, Origin, State};
pub use words::Words;

use crate::config::{Input, Source, SourceProblem, WrittenSource};
use crate::device::Devices;
use crate::limits::{
    MAX_SOURCES, MAX_WEB_STREAMS, SOURCE_START_TIMEOUT, SOURCE_STOP_DELAY, WEB_STREAM_KEPT, YT_DLP_TIMEOUT,
};
use crate::relay::Relays;
use crate::source_url::{Kind as UrlKind, SourceUrl};
use crate::stream::{Keyframe, Stream, Streams};
use crate::web_address::WebAddress;
use crate::web_media::Resolver;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use store::Store;
use task::SourceTask;
use tokio::task::AbortHandle;
use way::Way;

/// All live sources of a server.
#[derive(Default)]
pub struct Sources {
    means: Option<Means>,
    /// By name. Never held while the disk is written to: everybody who watches something looks here.
    sources: Mutex<BTreeMap<String, Running>>,
    /// Held by one change through the interface at a time.
    changing: Mutex<()>,
}

struct Means {
    around: Surroundings,
    store: Store,
}

/// What sources work with.
pub struct Surroundings {
    /// This very program.
    pub program: PathBuf,
    /// Where what comes becomes a stream.
    pub streams: Arc<Streams>,
    /// What connects to other RTMP servers.
    pub relays: Arc<Relays>,
    /// The capture devices of this machine.
    pub devices: Devices,
    /// Understands playlists, pages and viewers' addresses.
    pub resolver: Option<Arc<Resolver>>,
    /// The language of what viewers read while nothing comes.
    pub words: Words,
}

struct Running {
    source: Arc<SourceTask>,
    task: AbortHandle,
}

/// Why a change of the sources is refused; what was there before goes on. The texts are shown to people.
#[derive(Debug, thiserror::Error)]
pub enum ChangeRefused {
    /// It cannot be.
    #[error(transparent)]
    Wrong(#[from] SourceProblem),
    /// Another one has its name.
    #[error("there is a source or a relay \"{0}\" already; change that one, or choose another name")]
    Exists(String),
    /// There is none of that name.
    #[error("there is no source \"{0}\"; look at /api/v1/sources")]
    Unknown(String),
    /// The file's are not ours to change.
    #[error("the source \"{0}\" is in the configuration file; change it there and start the server again")]
    InFile(String),
    /// A change cannot give another name.
    #[error("the source \"{address}\" can't be renamed to \"{body}\"; make a new one and remove the old one")]
    Renamed {
        /// The name in the request's address.
        address: String,
        /// The name in its body.
        body: String,
    },
    /// No place.
    #[error("there are {MAX_SOURCES} sources already; remove one first")]
    TooMany,
    /// The disk.
    #[error("the list of sources can't be kept: {0}; make room on the disk that holds the data folder")]
    NotKept(#[source] io::Error),
}

impl Sources {
    /// The sources of the configuration file, and those kept in the `data` folder. To be called within a runtime:
    /// those that always run begin.
    pub fn new(configured: &[Source], data: &Path, around: Surroundings) -> Self {
        let means = Means { around, store: Store::new(data) };
        let mut sources = BTreeMap::new();
        let of_file = configured.iter().cloned().map(|source| (source, Origin::File));
        for (source, origin) in
            of_file.chain(means.store.load().into_iter().map(|source| (source, Origin::Api)))
        {
            if sources.contains_key(&source.name) || means.around.relays.provides(&source.name) {
                tracing::warn!(
                    source = source.name,
                    "there are two sources of this name; the configuration file's counts"
                );
                continue;
            }
            sources.insert(source.name.clone(), means.start(source, origin));
        }
        Self { means: Some(means), sources: Mutex::new(sources), changing: Mutex::default() }
    }

    fn sources(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, name: &str) -> Option<Arc<SourceTask>> {
        self.sources().get(name).map(|running| running.source.clone())
    }

    /// There is a source of that name.
    pub fn provides(&self, name: &str) -> bool {
        self.sources().contains_key(name)
    }

    /// Starts the source of that name, and waits until it is on air, within bounds.
    ///
    /// # Errors
    /// Why it is not, for the person who wants to watch. `None`: there is no such source.
    pub async fn request(&self, name: &str) -> Result<Arc<Stream>, Option<String>> {
        match self.find(name) {
            Some(source) => source.request().await.map_err(Some),
            None => Err(None),
        }
    }

    /// The address of the film or page that the source of this name is, with its secrets; `None` for cameras and the like.
    pub fn web_address(&self, name: &str) -> Option<String> {
        let settings = self.find(name).filter(|source| source.origin() != Origin::Viewer)?.settings();
        let Input::Network(url) = settings.input else { return None };
        (url.kind() == UrlKind::Http).then(|| url.with_secrets().to_owned())
    }

    /// The name of the live stream of an address that a viewer brought; its source is made when there is none.
    ///
    /// # Errors
    /// When there are too many of them. The text is for people.
    pub fn of_viewer(&self, address: &WebAddress) -> Result<String, String> {
        let name = address.stream_name();
        let resolver = self.means.as_ref().and_then(|means| means.around.resolver.clone());
        let means = self.means.as_ref().zip(resolver);
        let (means, resolver) = means.ok_or_else(|| "addresses of the web are not played here".to_owned())?;
        let now = Instant::now();
        let mut sources = self.sources();
        if sources.contains_key(&name) {
            return Ok(name);
        }
        sources.retain(|_, running| {
            let idle = running.source.idle_since().filter(|_| running.source.origin() == Origin::Viewer);
            let gone = idle.is_some_and(|since| now.saturating_duration_since(since) >= WEB_STREAM_KEPT);
            if gone {
                running.task.abort();
            }
            !gone
        });
        let running = sources.values().filter(|running| running.source.origin() == Origin::Viewer).count();
        if running >= MAX_WEB_STREAMS {
            return Err(format!(
                "{MAX_WEB_STREAMS} streams of the web are played already; stop one, then try again in a minute"
            ));
        }
        let url = SourceUrl::parse(address.url().as_str()).map_err(|error| error.to_string())?;
        let source = Source {
            name: name.clone(),
            input: Input::Network(url),
            on_demand: true,
            // Finding it may take as long as yt-dlp does.
            start_timeout: SOURCE_START_TIMEOUT + YT_DLP_TIMEOUT,
            stop_delay: SOURCE_STOP_DELAY,
            slate: false,
        };
        sources.insert(name.clone(), means.start_by(source, Origin::Viewer, Way::of_viewer(resolver)));
        Ok(name)
    }

    /// How all of them are doing, by name.
    pub fn figures(&self) -> Vec<Figures> {
        self.sources().values().map(|running| running.source.figures()).collect()
    }

    /// How one of them is doing.
    pub fn figures_of(&self, name: &str) -> Option<Figures> {
        self.find(name).map(|source| source.figures())
    }

    /// What the source of that name showed last.
    pub fn last_keyframe(&self, name: &str) -> Option<Keyframe> {
        self.find(name)?.last_keyframe()
    }

    /// A new source. Blocks while it is written to the disk.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn add(&self, written: &WrittenSource) -> Result<Figures, ChangeRefused> {
        let source = Source::check(written)?;
        let _changing = self.changing();
        let means = self.means.as_ref().ok_or(ChangeRefused::TooMany)?;
        let mut list = {
            let sources = self.sources();
            if sources.contains_key(&source.name) || means.around.relays.provides(&source.name) {
                return Err(ChangeRefused::Exists(source.name));
            }
            if sources.len() >= MAX_SOURCES {
                return Err(ChangeRefused::TooMany);
            }
            of_interface(&sources)
        };
        list.push(source.clone());
        means.store.save(&list).map_err(ChangeRefused::NotKept)?;
        tracing::info!(source = source.name, from = %source.input, "a source is added");
        let running = means.start(source.clone(), Origin::Api);
        let figures = running.source.figures();
        self.sources().insert(source.name, running);
        Ok(figures)
    }

    /// Changes a source. Its viewers stay. Blocks as [`add`](Self::add) does.
    ///
    /// # Errors
    /// Why not; the old one goes on then.
    pub fn change(&self, name: &str, written: &WrittenSource) -> Result<Figures, ChangeRefused> {
        let source = Source::check(written)?;
        if source.name != name {
            return Err(ChangeRefused::Renamed { address: name.to_owned(), body: source.name });
        }
        let _changing = self.changing();
        let (means, task, mut list) = self.changeable(name)?;
        list.retain(|other| other.name != name);
        list.push(source.clone());
        means.store.save(&list).map_err(ChangeRefused::NotKept)?;
        tracing::info!(source = name, from = %source.input, "a source is changed");
        task.change(source);
        Ok(task.figures())
    }

    /// Ends a source for ever. Blocks as [`add`](Self::add) does.
    ///
    /// # Errors
    /// Why not; it goes on then.
    pub fn remove(&self, name: &str) -> Result<(), ChangeRefused> {
        let _changing = self.changing();
        let (means, _, mut list) = self.changeable(name)?;
        list.retain(|other| other.name != name);
        means.store.save(&list).map_err(ChangeRefused::NotKept)?;
        if let Some(running) = self.sources().remove(name) {
            tracing::info!(source = name, "a source is removed");
            running.task.abort();
            running.source.remove();
        }
        Ok(())
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A source that the interface may change, and the list of all these.
    fn changeable(&self, name: &str) -> Result<(&Means, Arc<SourceTask>, Vec<Source>), ChangeRefused> {
        let sources = self.sources();
        let found = self.means.as_ref().zip(sources.get(name));
        let (means, running) = found.ok_or_else(|| ChangeRefused::Unknown(name.to_owned()))?;
        match running.source.origin() {
            Origin::Api => Ok((means, running.source.clone(), of_interface(&sources))),
            Origin::File => Err(ChangeRefused::InFile(name.to_owned())),
            Origin::Viewer => Err(ChangeRefused::Unknown(name.to_owned())),
        }
    }

    /// Ends all of them.
    pub fn stop(&self) {
        for running in self.sources().values() {
            running.task.abort();
        }
    }
}

impl Drop for Sources {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Means {
    fn start(&self, source: Source, origin: Origin) -> Running {
        self.start_by(source, origin, Way::of_owner(self.around.resolver.clone()))
    }

    fn start_by(&self, source: Source, origin: Origin, way: Way) -> Running {
        let source = Arc::new(SourceTask::new(source, origin, &self.around, way));
        let task = tokio::spawn({
            let source = source.clone();
            async move { source.run_with_slates().await }
        });
        Running { source, task: task.abort_handle() }
    }
}

/// The sources that were made through the interface.
fn of_interface(sources: &BTreeMap<String, Running>) -> Vec<Source> {
    let of_api = sources.values().filter(|running| running.source.origin() == Origin::Api);
    of_api.map(|running| running.source.settings()).collect()
}
