//! A new address of the network on trial. Pure but for its file: what has begun is written down first, so that a box
//! that lost its power in between goes back at its next start.

use crate::document::{Document, Found};
use serde::{Deserialize, Serialize};
use std::io;
use std::time::{Duration, Instant};

/// One trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    interface: String,
    until: Instant,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    interface: String,
}

impl Trial {
    /// Begins one.
    pub fn begin(interface: &str, until: Instant) -> Self {
        Self { interface: interface.to_owned(), until }
    }

    /// The one that was written down by a run that has ended: its time is over.
    pub fn kept(document: &Document, now: Instant) -> Option<Self> {
        let parse = |bytes: &[u8]| serde_json::from_slice::<Kept>(bytes).map_err(|error| error.to_string());
        match document.read(parse) {
            Found::Latest(kept) | Found::Previous(kept, _) => Some(Self::begin(&kept.interface, now)),
            Found::Nothing | Found::Unreadable(_) => None,
        }
    }

    /// Writes it down.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn keep(&self, document: &Document) -> io::Result<()> {
        document.write(&serde_json::to_vec(&Kept { interface: self.interface.clone() })?)
    }

    /// Which socket.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// How long it still lasts.
    pub fn left(&self, now: Instant) -> Duration {
        self.until.saturating_duration_since(now)
    }

    /// Whether nobody has kept it in time.
    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::limits::NETWORK_TRIAL;

    #[test]
    fn a_trial_ends_by_time_and_at_once_after_a_power_cut() {
        let folder = tempfile::tempdir().unwrap();
        let document = Document::new(folder.path(), "trial.json", 1000);
        let now = Instant::now();
        assert_eq!(Trial::kept(&document, now), None);
        let trial = Trial::begin("eth0", now + NETWORK_TRIAL);
        trial.keep(&document).unwrap();
        assert!(!trial.is_over(now + NETWORK_TRIAL - Duration::from_millis(1)));
        assert!(trial.is_over(now + NETWORK_TRIAL));
        assert_eq!(trial.left(now), NETWORK_TRIAL);
        let after = Trial::kept(&document, now).unwrap();
        assert!(after.is_over(now) && after.interface() == "eth0");
        document.remove().unwrap();
        assert_eq!(Trial::kept(&document, now), None);
    }
}
