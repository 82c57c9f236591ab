//! Backups: everything that was set, sealed by a passphrase. Pure.
//!
//! The key is Argon2id of the passphrase, the seal XChaCha20-Poly1305: whoever finds the file learns nothing, and a file that
//! was changed, or another passphrase, opens nothing.

use crate::limits::{MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, PASSWORD_MEMORY_KIB};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64;
use rustix::rand::{GetRandomFlags, getrandom};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Passes over the key's memory: more than for a password, because whoever has the file can try without end.
const PASSES: u32 = 4;

/// A sealed backup.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Backup)]
pub struct Archive {
    /// The shape of this; another one is refused.
    wiidia_backup: u32,
    /// The server that made it.
    pub version: String,
    /// When, in seconds since 1970.
    pub made: u64,
    salt: String,
    nonce: String,
    sealed: String,
}

/// Why a backup could not be made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// It would be guessed.
    #[error("the passphrase has {0} characters, expected at least {MIN_PASSWORD_CHARS}; take a few words")]
    TooShort(usize),
    /// It is no passphrase.
    #[error("the passphrase is too long, expected at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// Made by another server.
    #[error("this is no backup that this version can read; take the version that made it, or a newer one")]
    Shape,
    /// The passphrase is another, or somebody has changed the file.
    #[error("the backup does not open; either the passphrase is another one, or the file is damaged")]
    Closed,
    /// The machine does not let us.
    #[error("the backup can't be sealed on this machine now; try again")]
    Machine,
}

impl Archive {
    /// Seals `content`.
    ///
    /// # Errors
    /// The passphrase is no good.
    pub fn seal(content: &[u8], passphrase: &str, version: &str, made: u64) -> Result<Self, BackupError> {
        let chars = passphrase.chars().count();
        if chars < MIN_PASSWORD_CHARS {
            return Err(BackupError::TooShort(chars));
        }
        let (mut salt, mut nonce) = ([0; 16], [0; 24]);
        for bytes in [&mut salt[..], &mut nonce[..]] {
            // Up to 256 bytes come whole (getrandom(2)).
            getrandom(&mut *bytes, GetRandomFlags::empty()).map_err(|_| BackupError::Machine)?;
        }
        let sealed = cipher(passphrase, &salt)?
            .encrypt(&XNonce::from(nonce), content)
            .map_err(|_| BackupError::Machine)?;
        Ok(Self {
            wiidia_backup: 1,
            version: version.to_owned(),
            made,
            salt: BASE64.encode(&salt),
            nonce: BASE64.encode(&nonce),
            sealed: BASE64.encode(&sealed),
        })
    }

    /// What was sealed.
    ///
    /// # Errors
    /// The passphrase is another one, or the file was changed.
    pub fn open(&self, passphrase: &str) -> Result<Vec<u8>, BackupError> {
        if self.wiidia_backup != 1 {
            return Err(BackupError::Shape);
        }
        let bytes = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| BackupError::Shape);
        let nonce: [u8; 24] = bytes(&self.nonce)?.try_into().map_err(|_| BackupError::Shape)?;
        let (salt, sealed) = (bytes(&self.salt)?, bytes(&self.sealed)?);
        cipher(passphrase, &salt)?.decrypt(&XNonce::from(nonce), &sealed[..]).map_err(|_| BackupError::Closed)
    }
}

fn cipher(passphrase: &str, salt: &[u8]) -> Result<XChaCha20Poly1305, BackupError> {
    if passphrase.len() > MAX_PASSWORD_BYTES {
        return Err(BackupError::TooLong);
    }
    let params = Params::new(PASSWORD_MEMORY_KIB, PASSES, 1, Some(32)).map_err(|_| BackupError::Machine)?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key)
        .map_err(|_| BackupError::Shape)?;
    Ok(XChaCha20Poly1305::new(&key.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_by_its_passphrase_alone() {
        let archive = Archive::seal(b"canary-secret", "correct horse", "0.1.0", 7).unwrap();
        let text = serde_json::to_string(&archive).unwrap();
        assert!(!text.contains("canary"));
        let archive: Archive = serde_json::from_str(&text).unwrap();
        assert_eq!(archive.open("correct horse").unwrap(), b"canary-secret");
        assert_eq!(archive.open("correct horses"), Err(BackupError::Closed));
        assert_eq!(archive.open(""), Err(BackupError::Closed));
    }

    #[test]
    fn what_was_changed_opens_nothing_and_breaks_nothing() {
        let archive = Archive::seal(b"content", "correct horse", "0.1.0", 7).unwrap();
        let broken = |change: &dyn Fn(&mut Archive)| {
            let mut archive = archive.clone();
            change(&mut archive);
            archive.open("correct horse").unwrap_err()
        };
        assert_eq!(broken(&|a| a.wiidia_backup = 2), BackupError::Shape);
        assert_eq!(broken(&|a| a.nonce = "%".into()), BackupError::Shape);
        assert_eq!(broken(&|a| a.nonce = "AAAA".into()), BackupError::Shape);
        assert_eq!(broken(&|a| a.salt = String::new()), BackupError::Shape);
        assert_eq!(broken(&|a| a.sealed = String::new()), BackupError::Closed);
        let mut bytes = BASE64.decode(archive.sealed.as_bytes()).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let changed = BASE64.encode(&bytes);
            if at % 7 == 0 {
                assert_eq!(broken(&|a| a.sealed = changed.clone()), BackupError::Closed);
            }
            bytes[at] ^= 1;
        }
    }

    #[test]
    fn short_passphrases_are_refused() {
        assert_eq!(Archive::seal(b"", "short", "", 0).unwrap_err(), BackupError::TooShort(5));
    }
}
