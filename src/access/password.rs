//! Passwords, which people choose and others guess: kept as Argon2id (RFC 9106).

use super::secret::random;
use crate::limits::{MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, PASSWORD_MEMORY_KIB, PASSWORD_PASSES};
use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::ConstantTimeEq;

/// A password that somebody chose, fit to be kept.
#[derive(Clone)]
pub struct NewPassword(String);

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It would be guessed.
    #[error(
        "the password has {0} characters, expected at least {MIN_PASSWORD_CHARS}; a few words with spaces between are easy to type"
    )]
    TooShort(usize),
    /// It is no password.
    #[error("the password has {0} bytes, expected at most {MAX_PASSWORD_BYTES}; choose a shorter one")]
    TooLong(usize),
    /// All the same character.
    #[error("the password is one character again and again, and would be guessed first; mix in some others")]
    Monotonous,
}

impl NewPassword {
    /// Checks it.
    ///
    /// # Errors
    /// What to change.
    pub fn parse(chosen: &str) -> Result<Self, PasswordError> {
        let chars = chosen.chars().count();
        if chars < MIN_PASSWORD_CHARS {
            return Err(PasswordError::TooShort(chars));
        }
        if chosen.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong(chosen.len()));
        }
        let first = chosen.chars().next();
        if chosen.chars().all(|c| Some(c) == first) {
            return Err(PasswordError::Monotonous);
        }
        Ok(Self(chosen.to_owned()))
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

/// What is kept of a password. The costs are kept beside it, so that they can be raised later.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    salt: String,
    hash: String,
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// The hash could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the password can't be hashed: {0}")]
pub(super) struct HashError(String);

const LEN: usize = 32;

impl PasswordHash {
    /// Of a new password. Takes a third of a second and 19 MB: not for a thread that serves others.
    ///
    /// # Errors
    /// No random numbers, or no memory.
    pub(super) fn of(password: &NewPassword) -> Result<Self, HashError> {
        let salt: [u8; 16] = random().map_err(|error| HashError(error.to_string()))?;
        let hash = argon2id(password.0.as_bytes(), &salt, PASSWORD_MEMORY_KIB, PASSWORD_PASSES)?;
        Ok(Self {
            memory_kib: PASSWORD_MEMORY_KIB,
            passes: PASSWORD_PASSES,
            salt: BASE64.encode(&salt),
            hash: BASE64.encode(&hash),
        })
    }

    /// Whether this is of the same choice of a password.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.salt == other.salt && self.hash == other.hash
    }

    /// Whether that was the password. Takes as long as [`of`](Self::of).
    pub(super) fn opens(&self, sent: &str) -> bool {
        if sent.len() > MAX_PASSWORD_BYTES {
            return false;
        }
        let (Ok(salt), Ok(kept)) = (BASE64.decode(self.salt.as_bytes()), BASE64.decode(self.hash.as_bytes()))
        else {
            return false;
        };
        // A file that was tampered with must not make the box take all its memory.
        let memory = self.memory_kib.min(4 * PASSWORD_MEMORY_KIB);
        match argon2id(sent.as_bytes(), &salt, memory, self.passes.min(16)) {
            Ok(hash) => hash.ct_eq(&kept[..]).into(),
            Err(_) => false,
        }
    }
}

fn argon2id(password: &[u8], salt: &[u8], memory_kib: u32, passes: u32) -> Result<Vec<u8>, HashError> {
    let params =
        Params::new(memory_kib, passes, 1, Some(LEN)).map_err(|error| HashError(error.to_string()))?;
    let mut hash = vec![0; LEN];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password, salt, &mut hash)
        .map_err(|error| HashError(error.to_string()))?;
    Ok(hash)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_opens_and_what_is_kept_says_nothing_of_it() {
        let hash = PasswordHash::of(&NewPassword::parse("open sesame").unwrap()).unwrap();
        let kept = serde_json::to_string(&hash).unwrap();
        assert!(!kept.contains("sesame") && !format!("{hash:?}").contains(&hash.hash));
        let hash: PasswordHash = serde_json::from_str(&kept).unwrap();
        assert!(hash.opens("open sesame"));
        for wrong in ["", "open sesam", "open sesame ", "Open sesame", &"x".repeat(5000)] {
            assert!(!hash.opens(wrong), "{wrong}");
        }
    }

    #[test]
    fn two_hashes_of_a_password_differ() {
        let password = NewPassword::parse("open sesame").unwrap();
        let (one, other) = (PasswordHash::of(&password).unwrap(), PasswordHash::of(&password).unwrap());
        assert_ne!(one.hash, other.hash);
    }

    #[test]
    fn passwords_that_would_be_guessed_are_refused_in_words() {
        for (chosen, error) in [
            ("", PasswordError::TooShort(0)),
            ("seven77", PasswordError::TooShort(7)),
            ("ääääää", PasswordError::TooShort(6)),
            ("aaaaaaaaaa", PasswordError::Monotonous),
            (&"ab".repeat(600), PasswordError::TooLong(1200)),
        ] {
            assert_eq!(NewPassword::parse(chosen).unwrap_err(), error);
        }
        assert!(NewPassword::parse("Bärentatze").is_ok());
    }

    #[test]
    fn what_was_tampered_with_opens_nothing_and_breaks_nothing() {
        for text in [
            r#"{"memory_kib":4294967295,"passes":4294967295,"salt":"","hash":""}"#,
            r#"{"memory_kib":8,"passes":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA==","hash":""}"#,
            r#"{"memory_kib":0,"passes":0,"salt":"%","hash":"%"}"#,
        ] {
            let hash: PasswordHash = serde_json::from_str(text).unwrap();
            assert!(!hash.opens("") && !hash.opens("open sesame"));
        }
    }
}
