//! What the owner has set and the box's own system has to know: how it is called, and its time zone. On another machine they
//! are the page's alone.

use super::App;
use crate::appliance::SystemError;
use crate::limits::SYSTEM_TOLD_AGAIN;
use crate::restore;

impl App {
    /// Tells the system what is set.
    ///
    /// # Errors
    /// One of its services does not take it.
    pub(crate) async fn tell_system(&self) -> Result<(), SystemError> {
        if !self.appliance.is_here() {
            return Ok(());
        }
        let text = |name| self.settings.value("general", name).as_str().unwrap_or_default().to_owned();
        let (name, zone) = (text("name"), text("time_zone"));
        if !name.is_empty() {
            self.appliance.set_host(&name).await?;
        }
        if !zone.is_empty() {
            self.appliance.set_zone(&zone).await?;
        }
        Ok(())
    }

    /// Tells it of a backup that was put back before this start, until it has heard.
    pub(super) async fn tell_system_of_backup(&self) {
        let data = self.settings.config().data;
        while restore::is_untold(&data) {
            match self.tell_system().await {
                Ok(()) => {
                    if let Err(error) = restore::told(&data) {
                        tracing::warn!(%error, "the system is told of the backup at every start, until the disk can be written to");
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the system did not take the name and time zone of the backup; it is told again");
                    tokio::time::sleep(SYSTEM_TOLD_AGAIN).await;
                }
            }
        }
    }
}
