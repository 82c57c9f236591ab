//! Updates of the box: RAUC's `de.pengutronix.rauc.Installer`, and what the boot says of the last one
//! (`/run/wiidia/update.json`, written by the system when it starts).

use super::bus::Service;
use super::{Appliance, SystemError};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;
use zbus::zvariant;

pub(super) const RAUC: Service =
    Service { name: "de.pengutronix.rauc", path: "/", interface: "de.pengutronix.rauc.Installer" };

const OUTCOME: &str = "/run/wiidia/update.json";

/// The system that runs, as the boot has written it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BootedSystem)]
pub struct Booted {
    /// `A` or `B`.
    pub slot: String,
    /// Its version.
    pub version: String,
    /// It has not served for long enough yet to be kept.
    #[serde(default)]
    pub trial: bool,
    /// What became of an update that was taken back.
    #[serde(default)]
    pub failed: Option<TakenBack>,
}

/// An update that was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TakenBack {
    /// Where it was.
    pub slot: String,
    /// Why.
    pub reason: String,
}

/// How far an update is, and which system runs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Update {
    /// `idle` or `installing`.
    pub operation: String,
    /// Percent of the present one.
    pub percent: i32,
    /// What it does.
    pub step: String,
    /// Why the last one failed; empty.
    pub last_error: String,
    /// Which system runs; none when the boot has not said.
    pub booted: Option<Booted>,
}

impl Appliance {
    /// How far it is.
    ///
    /// # Errors
    /// No box, or the service does not answer.
    pub async fn update(&self) -> Result<Update, SystemError> {
        let (percent, step, _depth): (i32, String, i32) = self.property(&RAUC, "Progress").await?;
        let booted = tokio::fs::read(OUTCOME).await.unwrap_or_default();
        Ok(Update {
            operation: self.property(&RAUC, "Operation").await?,
            percent,
            step,
            last_error: self.property(&RAUC, "LastError").await?,
            booted: serde_json::from_slice(&booted).ok(),
        })
    }

    /// Begins to install a bundle from an address of the web. Its signature is RAUC's to check.
    ///
    /// # Errors
    /// No box, no such address, or another one is being installed.
    pub async fn install(&self, address: &str) -> Result<(), SystemError> {
        self.must_be_here()?;
        let good = ["https://", "http://"].into_iter().any(|scheme| address.starts_with(scheme));
        if !good || address.len() > 2000 || address.contains(|c: char| c.is_control() || c == ' ') {
            let text = "expected the address of a bundle, such as https://example.org/wiidia-rpi4.raucb";
            return Err(SystemError::Unfit(text.to_owned()));
        }
        let options: HashMap<&str, zvariant::Value<'_>> = HashMap::new();
        self.call(&RAUC, "InstallBundle", &(address, options)).await
    }

    /// Lets the other system be started from now on: the version before, or the one that was just installed.
    ///
    /// # Errors
    /// No box, or the system does not let us.
    pub async fn boot_other(&self) -> Result<(), SystemError> {
        let (_slot, _message): (String, String) = self.call(&RAUC, "Mark", &("active", "other")).await?;
        Ok(())
    }
}
