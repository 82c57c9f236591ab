//! Restarting the box and switching it off: `org.freedesktop.login1(5)`.

use super::bus::Service;
use super::{Appliance, SystemError};
use serde::Deserialize;

const LOGIND: Service = Service {
    name: "org.freedesktop.login1",
    path: "/org/freedesktop/login1",
    interface: "org.freedesktop.login1.Manager",
};

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// Start again.
    Reboot,
    /// Be off.
    Off,
}

impl Appliance {
    /// Does it. The answer comes before the end.
    ///
    /// # Errors
    /// No box, or the system does not let us.
    pub async fn power(&self, what: Power) -> Result<(), SystemError> {
        let method = match what {
            Power::Reboot => "Reboot",
            Power::Off => "PowerOff",
        };
        self.call(&LOGIND, method, &(false,)).await
    }
}
