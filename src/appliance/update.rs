//! Updates of the box: RAUC's `de.pengutronix.rauc.Installer`, and what the boot says of the last one
//! (`/run/wiidia/update.json`, written by the system when it starts).

use super::bus::Service;
use super::{Appliance, SystemError};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use zbus::zvariant;

pub(super) const RAUC: Service =
    Service { name: "de.pengutronix.rauc", path: "/", interface: "de.pengutronix.rauc.Installer" };

const OUTCOME: &str = "/run/wiidia/update.json";

/// How far an update is, and which system runs.
#[derive(Debug, Clone, Serialize)]
pub struct Update {
    /// `idle` or `installing`.
    pub operation: String,
    /// Percent of the present one.
    pub percent: i32,
    /// What it does.
    pub step: String,
    /// Why the last one failed; empty.
    pub last_error: String,
    /// Which system runs, and what became of the last update, as the boot has written it.
    pub booted: Value,
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
            booted: serde_json::from_slice(&booted).unwrap_or_default(),
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
