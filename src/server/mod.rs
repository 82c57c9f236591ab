//! The sockets: short loops that move bytes between peers and what is sans-IO.

mod accept;
mod certificates;
mod connections;
mod control;
mod discovery;
pub mod fanout;
mod health;
pub mod http;
mod https;
pub mod log;
mod monitor;
mod own_certificate;
mod process;
mod restart;
pub mod rtmp;
mod run;
pub(crate) mod socket;
mod system;

pub use accept::Shutdown;
pub(crate) use accept::prepare as prepare_socket;
pub(crate) use certificates::read_pem;
pub use certificates::{CertificateError, Certificates};
pub use control::{CONTROL_SOCKET, Control};
pub use https::Https;
pub use own_certificate::files as https_files;
pub use process::ask_for_descriptors;
pub use restart::Restart;
pub use run::{Ending, Listeners, run};

use crate::access::Access;
use crate::appliance::Appliance;
use crate::choice::Preferences;
use crate::config::Config;
use crate::device::Devices;
use crate::index::Index;
use crate::library::Library;
use crate::picture::Pictures;
use crate::positions::Positions;
use crate::provider::Providers;
use crate::recording::Recordings;
use crate::relay::Relays;
use crate::rtmp::LiveApps;
use crate::settings::Settings;
use crate::snapshot::Snapshots;
use crate::source::Sources;
use crate::stream::{Stream, Streams};
use crate::upload::{self, Uploads};
use crate::web_media::component::Component;
use connections::Connections;
use fanout::Fanout;
use https::Proxied;
use monitor::Monitor;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// The path by which the kernel knows this very program, even when its file was replaced.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// RTMP's own port.
const RTMP_PORT: u16 = 1935;

/// What the connections of one server share.
pub struct App {
    /// The library's files, and the reels made of them.
    pub providers: Arc<Providers>,
    /// What is known of the library's files.
    pub index: Index,
    /// What is live.
    pub streams: Arc<Streams>,
    /// Who writes to those who watch it.
    pub fanout: Arc<Fanout>,
    /// What comes from other servers and goes to them.
    pub relays: Arc<Relays>,
    /// What comes from addresses on the network.
    pub sources: Arc<Sources>,
    /// Programs that are not part of this one.
    pub components: Option<Arc<Component>>,
    /// The capture devices of this machine.
    pub devices: Devices,
    /// The library's pictures.
    pub pictures: Pictures,
    /// What comes into the library from outside.
    pub uploads: Arc<Uploads>,
    /// Where viewers left off.
    pub positions: Arc<Positions>,
    /// Pictures of what is live.
    pub snapshots: Snapshots,
    /// What is recorded.
    pub recordings: Arc<Recordings>,
    /// Who may do what.
    pub access: Arc<Access>,
    /// What the owner has changed on the page.
    pub settings: Arc<Settings>,
    /// The box that it runs on, if it does.
    pub appliance: Arc<Appliance>,
    /// Whether the server is to be started anew.
    pub restart: Restart,
    /// What may be published, and what publishers must know.
    live_apps: RwLock<Arc<LiveApps>>,
    /// What those get who choose nothing.
    preferences: RwLock<Arc<Preferences>>,
    /// Where RTMP is listened for, for addresses that are handed out.
    pub rtmp_port: u16,
    /// When the server began.
    pub started: Instant,
    /// Who watches by HLS, and what is made for them.
    pub(crate) hls: http::Hls,
    /// Tables of films that are played as one MP4.
    pub(crate) mp4_tables: http::Tables,
    /// The owner's own pages.
    pub(crate) www: Option<Arc<Library>>,
    /// How the machine is.
    monitor: Monitor,
    /// Who is behind HTTPS.
    proxied: Proxied,
    /// Who is connected.
    connections: Connections,
    /// Who is told of changes in the library.
    listeners: http::events::Listeners,
}

impl App {
    /// A server of these files and streams.
    pub fn new(
        providers: Arc<Providers>,
        streams: Arc<Streams>,
        recordings: Arc<Recordings>,
        live_apps: LiveApps,
    ) -> Self {
        let uploads = Arc::new(Uploads::off(providers.library().clone()));
        let index = Index::in_memory(providers.library().clone(), "/proc/self/exe".into());
        Self {
            providers,
            index,
            streams,
            fanout: Arc::default(),
            relays: Arc::default(),
            sources: Arc::default(),
            components: None,
            devices: Devices::default(),
            pictures: Pictures::new(OWN_PROGRAM.into()),
            uploads,
            positions: Arc::default(),
            snapshots: Snapshots::new(OWN_PROGRAM.into()),
            recordings,
            access: Arc::new(Access::everybody()),
            settings: Arc::new(Settings::none(Config::default())),
            appliance: Arc::new(Appliance::none()),
            restart: Restart::default(),
            live_apps: RwLock::new(Arc::new(live_apps)),
            preferences: RwLock::default(),
            rtmp_port: RTMP_PORT,
            started: Instant::now(),
            hls: http::Hls::default(),
            mp4_tables: http::Tables::default(),
            www: None,
            monitor: Monitor::default(),
            proxied: Proxied::default(),
            connections: Connections::default(),
            listeners: http::events::Listeners::default(),
        }
    }

    /// … with these rules of who may do what.
    #[must_use]
    pub fn with_access(self, access: Access) -> Self {
        Self { access: Arc::new(access), ..self }
    }

    /// … on this box.
    #[must_use]
    pub fn with_appliance(self, appliance: Appliance) -> Self {
        Self { appliance: Arc::new(appliance), ..self }
    }

    /// … with what the owner has changed.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        self.apply(&settings.config());
        Self { settings: Arc::new(settings), ..self }
    }

    /// Lets those settings hold that can while the server runs: for what is played and published from now on.
    pub fn apply(&self, config: &Config) {
        let live_apps = LiveApps::new(config.live.secret.clone(), config.live.apps.clone());
        *self.live_apps.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live_apps);
        let preferences = Arc::new(config.playback.preferences.clone());
        *self.preferences.write().unwrap_or_else(PoisonError::into_inner) = preferences;
    }

    /// What may be published, and what publishers must know.
    pub fn live_apps(&self) -> Arc<LiveApps> {
        self.live_apps.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What those get who choose nothing.
    pub fn preferences(&self) -> Arc<Preferences> {
        self.preferences.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// … with a folder of the owner's own pages, and sites that may read HLS.
    #[must_use]
    pub fn with_http(self, www: Option<PathBuf>, hls_origins: Vec<String>) -> Self {
        let www = www.map(|folder| Arc::new(Library::new([folder])));
        let hls = self.hls.with_origins(hls_origins);
        Self { hls, www, ..self }
    }

    /// … with these relays.
    #[must_use]
    pub fn with_relays(self, relays: Relays) -> Self {
        Self { relays: Arc::new(relays), ..self }
    }

    /// … with these folders that take files.
    #[must_use]
    pub fn with_uploads(self, settings: upload::Settings) -> Self {
        let uploads = Arc::new(Uploads::new(self.providers.library().clone(), settings));
        Self { uploads, ..self }
    }

    /// … with these positions.
    #[must_use]
    pub fn with_positions(self, positions: Positions) -> Self {
        Self { positions: Arc::new(positions), ..self }
    }

    /// … with this index.
    #[must_use]
    pub fn with_index(self, index: Index) -> Self {
        Self { index, ..self }
    }

    /// … with these capture devices.
    #[must_use]
    pub fn with_devices(self, devices: Devices) -> Self {
        Self { devices, ..self }
    }

    /// … with these sources.
    #[must_use]
    pub fn with_sources(self, sources: Arc<Sources>) -> Self {
        Self { sources, ..self }
    }

    /// … with this component.
    #[must_use]
    pub fn with_component(self, component: Component) -> Self {
        Self { components: Some(Arc::new(component)), ..self }
    }

    /// The live stream of that name, if whoever wants to watch it need not wait for it to begin.
    pub fn live_now(&self, name: &str) -> Option<Arc<Stream>> {
        self.streams.find(name).filter(|stream| {
            stream.is_on_air() || !(self.relays.provides(name) || self.sources.provides(name))
        })
    }

    /// The live stream of that name. What is provided on demand is started, and waited for within bounds.
    ///
    /// # Errors
    /// Why there is none, for the person who wants to watch.
    pub async fn live_stream(&self, name: &str) -> Result<Arc<Stream>, String> {
        if let Some(stream) = self.live_now(name) {
            return Ok(stream);
        }
        if self.sources.provides(name) {
            let asked = self.sources.request(name).await;
            return asked.map_err(|reason| {
                let reason = reason.unwrap_or_else(|| "it was removed".to_owned());
                format!("the source \"{name}\" does not come: {reason}; look at /api/v1/sources")
            });
        }
        self.relays.request(name).await.map_err(|reason| match reason {
            Some(reason) => format!("\"{name}\" comes from another server, and does not come: {reason}"),
            None => format!("nobody publishes \"{name}\"; start the encoder, then try again"),
        })
    }
}
