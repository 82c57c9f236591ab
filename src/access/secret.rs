//! Secrets that the server makes itself: long enough that nobody guesses them, kept as digests.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use rustix::rand::{GetRandomFlags, getrandom};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::{fmt, io};
use subtle::ConstantTimeEq;

/// 256 random bits, as text that fits into a cookie and an address. Never printed by `Debug`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// The kernel has no random numbers.
    pub fn random() -> io::Result<Self> {
        Ok(Self(BASE64URL_NOPAD.encode(&random::<32>()?)))
    }

    /// For whom it belongs to.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Random bytes of the kernel's.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty())?;
    }
    Ok(bytes)
}

/// SHA-256 of a secret: whoever reads the file learns nothing that opens anything. A fast hash will do, because there
/// are too many such secrets to try.
#[derive(Clone, Copy, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// Of what somebody has sent.
    pub(super) fn of(sent: &str) -> Self {
        Self(Sha256::digest(sent.as_bytes()).into())
    }

    /// A name for what the secret opens, which lists can show: it opens nothing.
    pub(super) fn id(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.0)[..8])
    }
}

impl PartialEq for Digest {
    /// In a time that says nothing about where they differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.id())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("64 hexadecimal digits were expected"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_differ_and_are_not_printed() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_eq!(one.reveal().len(), 43);
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.digest(), Digest::of(one.reveal()));
        assert_ne!(one.digest(), other.digest());
        assert!(!format!("{one:?} {:?}", one.digest()).contains(one.reveal()));
    }

    #[test]
    fn a_digest_is_kept_as_text_and_its_name_opens_nothing() {
        let digest = Digest::of("abc");
        let kept = serde_json::to_string(&digest).unwrap();
        assert_eq!(kept, "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
        assert_eq!(serde_json::from_str::<Digest>(&kept).unwrap(), digest);
        assert!(!kept.contains(&digest.id()));
        for wrong in ["\"\"", "\"ba78\"", "1", "\"zz\""] {
            assert!(serde_json::from_str::<Digest>(wrong).is_err());
        }
    }
}
