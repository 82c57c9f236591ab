//! The box that the server runs on: name, clock, power, network, updates. The server has no rights there; it asks the
//! system's own services over D-Bus, which let it by polkit's rules, and the helper for what those lack.
//!
//! ```text
//!  Appliance ── D-Bus ──▶ hostnamed, timedated, logind, networkd, RAUC
//!            ── socket ─▶ helper (`wiidiaserver helper`, root, a fixed list of verbs)
//! ```
//!
//! On any other machine all of this says [`SystemError::NotHere`]: the computer's own system looks after it, and a web
//! page of ours has no business there. Which one it is, the service's unit says (`WIIDIA_APPLIANCE`).

mod bus;
mod clock;
pub mod helper;
mod host;
mod network;
mod power;
mod trial;
mod trouble;
mod update;

pub use clock::Clock;
pub use helper::Verb;
pub use host::Host;
pub use network::{Addressing, Interface, NetworkError, Wish};
pub use power::Power;
pub use trial::Trial;
pub use trouble::Trouble;
pub use update::Update;

use crate::document::Document;
use crate::limits::MAX_TRIAL_FILE;
use std::path::{Path, PathBuf};
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
    /// What was asked for makes no sense.
    #[error(transparent)]
    Wrong(#[from] NetworkError),
}

/// The machine, if it is a box.
#[derive(Debug)]
pub struct Appliance {
    here: bool,
    bus: OnceCell<zbus::Connection>,
    helper: PathBuf,
    requests: PathBuf,
    kept: Document,
    trial: Mutex<Option<Trial>>,
}

impl Appliance {
    /// Not a box: everything is refused.
    pub fn none() -> Self {
        Self::new(false, Path::new("/nonexistent"), Path::new("/nonexistent"), Path::new("/nonexistent"))
    }

    /// A box, with the state of a trial in `data`.
    pub fn of_box(data: &Path) -> Self {
        Self::new(true, data, Path::new("/run/wiidia/helper.sock"), Path::new("/run/wiidia/requests"))
    }

    fn new(here: bool, data: &Path, helper: &Path, requests: &Path) -> Self {
        Self {
            here,
            bus: OnceCell::new(),
            helper: helper.to_owned(),
            requests: requests.to_owned(),
            kept: Document::new(data, "network-trial.json", MAX_TRIAL_FILE),
            trial: Mutex::default(),
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
