//! What a person puts onto the card of a box, in the files that need more than a shell to be understood: `wiidia/network.toml`
//! and `wiidia/restore.tar`. The box's own `import` reads the card, calls `wiidiaserver card …` with the server's rights,
//! and answers in `wiidia/last-import.txt`.
//!
//! ```text
//!  network.toml ──▶ card wired ──▶ systemd.network(5)
//!               ──▶ card wifi  ──▶ wpa_supplicant.conf(5)
//!  a backup     ──▶ card restore ──▶ settings.json, access.json, sources.json, before the server reads them
//! ```

mod network;

pub use network::{CardNetwork, CardNetworkError};

use crate::access::{Access, Mode};
use crate::config::Config;
use crate::limits::MAX_BACKUP_BODY;
use crate::restore::{Content, RestoreError};
use crate::settings::Settings;
use std::io::{self, Read};

/// Why a file of the card was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// It does not come.
    #[error("the file can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Larger than it can be.
    #[error("the file is larger than {MAX_BACKUP_BODY} bytes, which no backup of this server is")]
    TooLarge,
    /// No text.
    #[error("the file is no text; save it as UTF-8")]
    NoText,
    /// What it says of the network is wrong.
    #[error(transparent)]
    Network(#[from] CardNetworkError),
    /// The backup does not open.
    #[error(transparent)]
    Restore(#[from] RestoreError),
}

/// networkd's part of `network.toml`; empty when it says nothing of the cable.
///
/// # Errors
/// What to change in the file.
pub fn wired(input: impl Read) -> Result<String, CardError> {
    Ok(CardNetwork::parse(&text(input)?)?.to_networkd())
}

/// wpa_supplicant's part of `network.toml`; empty when it names no Wi-Fi.
///
/// # Errors
/// What to change in the file.
pub fn wifi(input: impl Read) -> Result<String, CardError> {
    Ok(CardNetwork::parse(&text(input)?)?.to_wpa_supplicant())
}

/// Puts a backup back, while no server runs on this data folder.
///
/// # Errors
/// It is no backup, its passphrase is another one, or the disk does not take it.
pub fn restore(input: impl Read, passphrase: &str, base: Config) -> Result<String, CardError> {
    let content = Content::open(text(input)?.as_bytes(), passphrase).map_err(RestoreError::from)?;
    let access = Access::open(Mode::Owner, Vec::new(), &base.data);
    let data = base.data.clone();
    content.put_back(&Settings::open(base), &access, &data)?;
    Ok("everything that was set is as it was when the backup was made".to_owned())
}

/// All of it, without what Windows puts in front.
fn text(input: impl Read) -> Result<String, CardError> {
    let mut bytes = Vec::new();
    let most = MAX_BACKUP_BODY as u64;
    if input.take(most + 1).read_to_end(&mut bytes)? as u64 > most {
        return Err(CardError::TooLarge);
    }
    let text = String::from_utf8(bytes).map_err(|_| CardError::NoText)?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests;
