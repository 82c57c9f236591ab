//! The box's clock: `org.freedesktop.timedate1(5)`.

use super::bus::Service;
use super::{Appliance, SystemError};
use serde::Serialize;

const TIMEDATED: Service = Service {
    name: "org.freedesktop.timedate1",
    path: "/org/freedesktop/timedate1",
    interface: "org.freedesktop.timedate1",
};

/// What the clock says.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Clock {
    /// Seconds since 1970.
    pub time: u64,
    /// The time zone's name.
    pub zone: String,
    /// It is to be set by the network.
    pub by_network: bool,
    /// The network has set it.
    pub synchronized: bool,
}

impl Appliance {
    /// What it says now.
    ///
    /// # Errors
    /// No box, or the service does not answer.
    pub async fn clock(&self) -> Result<Clock, SystemError> {
        let micros: u64 = self.property(&TIMEDATED, "TimeUSec").await?;
        Ok(Clock {
            time: micros / 1_000_000,
            zone: self.property(&TIMEDATED, "Timezone").await?,
            by_network: self.property(&TIMEDATED, "NTP").await?,
            synchronized: self.property(&TIMEDATED, "NTPSynchronized").await?,
        })
    }

    /// Sets the time zone, whose name was checked.
    ///
    /// # Errors
    /// No box, or the system does not let us.
    pub async fn set_zone(&self, zone: &str) -> Result<(), SystemError> {
        self.call(&TIMEDATED, "SetTimezone", &(zone, false)).await
    }

    /// Sets the clock by hand, in seconds since 1970, where no time server can be reached.
    ///
    /// # Errors
    /// No box, or the system does not let us: not while the network sets it.
    pub async fn set_time(&self, time: u64) -> Result<(), SystemError> {
        let micros = i64::try_from(time.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
        self.call(&TIMEDATED, "SetTime", &(micros, false, false)).await
    }
}
