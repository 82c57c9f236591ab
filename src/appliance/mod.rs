//! The box that the server runs on: name, clock, power, network, updates. The server has no rights there; it asks the
//! system's own services over D-Bus, which let it by polkit's rules, and has a few verbs performed by root for what those lack.
//!
//! ```text
//!  Appliance ── D-Bus ──▶ hostnamed, timedated, logind, networkd, RAUC
//!            ── socket ─▶ privileged (`wiidiaserver privileged`, root, a fixed list of verbs)
//! ```
//!
//! On any other machine all of this says [`SystemError::NotHere`]: the computer's own system looks after it, and a web
//! page of ours has no business there. Which one it is, the service's unit says (`WIIDIA_APPLIANCE`).

mod bundle;
mod bus;
mod clock;
mod host;
mod network;
mod power;
pub mod privileged;
mod storage;
mod trial;
mod trouble;
mod update;
mod wifi;

pub use bundle::Bundle;
pub use clock::Clock;
pub use host::Host;
pub use network::{Addressing, Interface, NetworkError, Wish};
pub use power::Power;
pub use privileged::Verb;
pub use storage::{AddedFolder, Disk, DiskDeed, NetworkFolder, Protocol};
pub use trial::Trial;
pub use trouble::Trouble;
pub use update::Update;
pub use wifi::{SeenNetwork, Wifi, WifiError, WifiNetwork, WifiSecurity};

use crate::document::Document;
use crate::limits::MAX_TRIAL_FILE;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell};

/// Why something of the machine could not be seen or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SystemError {
    /// It is no box of ours, or has no such service.
    #[error("not on this machine: {0}")]
    NotHere(String),
    /// The system does not let us.
    #[error("the system does not let the server do this ({0}); its polkit rules are missing")]
    Refused(String),
    /// It tried, and failed.
    #[error("{0}")]
    Failed(String),
    /// What was sent is not what it should be.
    #[error("{0}")]
    Unfit(String),
    /// Somebody else does the same.
    #[error("{0}")]
    Busy(String),
    /// The disk is as full as it may be.
    #[error("the box has no room for this; delete something, then try again")]
    NoRoom,
    /// What was asked for makes no sense.
    #[error(transparent)]
    Wrong(#[from] NetworkError),
}

/// Where the system and the server meet, as values, so that tests can give others.
#[derive(Debug, Clone)]
pub struct Places {
    /// The socket behind which root does what is on the list.
    pub privileged: PathBuf,
    /// Where the server asks for what the system does while it starts.
    pub requests: PathBuf,
    /// What the system says of disks.
    pub disks: PathBuf,
    /// The units of folders of a NAS, among others.
    pub units: PathBuf,
    /// The code that the screen shows.
    pub code: PathBuf,
}

impl Places {
    /// All of them below that folder: for tests.
    pub fn below(folder: &Path) -> Self {
        Self {
            privileged: folder.join("privileged.sock"),
            requests: folder.join("requests"),
            disks: folder.join("disks"),
            units: folder.join("units"),
            code: folder.join("screen/code"),
        }
    }

    fn of_box() -> Self {
        Self { units: "/etc/systemd/system".into(), ..Self::below(Path::new("/run/wiidia")) }
    }
}

/// The machine, if it is a box.
#[derive(Debug)]
pub struct Appliance {
    here: bool,
    bus: OnceCell<zbus::Connection>,
    places: Places,
    kept: Document,
    trial: Mutex<Option<Trial>>,
    /// Held by whoever changes the Wi-Fi.
    radio: Arc<Mutex<()>>,
    shelf: Arc<Mutex<bundle::Shelf>>,
}

impl Appliance {
    /// Not a box: everything is refused.
    pub fn none() -> Self {
        let nowhere = Path::new("/nonexistent");
        Self::new(false, nowhere, Places::below(nowhere))
    }

    /// A box, with the state of a trial in `data`.
    pub fn of_box(data: &Path) -> Self {
        Self::new(true, data, Places::of_box())
    }

    /// A box whose system is elsewhere: for tests.
    pub fn with_places(data: &Path, places: Places) -> Self {
        Self::new(true, data, places)
    }

    fn new(here: bool, data: &Path, places: Places) -> Self {
        Self {
            here,
            bus: OnceCell::new(),
            places,
            kept: Document::new(data, "network-trial.json", MAX_TRIAL_FILE),
            trial: Mutex::default(),
            radio: Arc::default(),
            shelf: Arc::new(Mutex::new(bundle::Shelf::new(data))),
        }
    }

    /// Whether this is a box.
    pub fn is_here(&self) -> bool {
        self.here
    }

    fn must_be_here(&self) -> Result<(), SystemError> {
        let text = "its own system looks after this".to_owned();
        if self.here { Ok(()) } else { Err(SystemError::NotHere(text)) }
    }
}
