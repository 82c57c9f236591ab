//! The box's name: `org.freedesktop.hostname1(5)`.

use super::bus::Service;
use super::{Appliance, SystemError};
use serde::Serialize;

const HOSTNAMED: Service = Service {
    name: "org.freedesktop.hostname1",
    path: "/org/freedesktop/hostname1",
    interface: "org.freedesktop.hostname1",
};

/// What the box is called.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Host {
    /// In the network.
    pub name: String,
}

impl Appliance {
    /// What it is called now.
    ///
    /// # Errors
    /// No box, or the service does not answer.
    pub async fn host(&self) -> Result<Host, SystemError> {
        Ok(Host { name: self.property(&HOSTNAMED, "Hostname").await? })
    }

    /// Calls it something else, now and after the next start. The name was checked.
    ///
    /// # Errors
    /// No box, or the system does not let us.
    pub async fn set_host(&self, name: &str) -> Result<(), SystemError> {
        // The last argument: nobody is there to be asked for a password.
        let () = self.call(&HOSTNAMED, "SetStaticHostname", &(name, false)).await?;
        self.call(&HOSTNAMED, "SetHostname", &(name, false)).await
    }
}
