//! Passwords that were right a moment ago, for programs that send theirs with every request: hashing each would take a third of
//! a second. Kept in memory alone, as a digest with a key of this run, and forgotten when a password is changed. Pure: times are
//! arguments.

use super::password::PasswordHash;
use super::secret::{Digest, Secret};
use super::state::Role;
use crate::limits::{MAX_REMEMBERED_PASSWORDS, PASSWORD_MEMORY_TIME};
use std::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Remembered {
    /// Without one nothing is remembered.
    key: Option<Secret>,
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    digest: Digest,
    role: Role,
    used: Instant,
}

impl Remembered {
    /// What that password opens, if it was right a moment ago.
    pub(super) fn role(&mut self, sent: &str, now: Instant) -> Option<Role> {
        let digest = self.digest(sent)?;
        self.known.retain(|known| now.saturating_duration_since(known.used) < PASSWORD_MEMORY_TIME);
        let known = self.known.iter_mut().find(|known| known.digest == digest)?;
        known.used = now;
        Some(known.role)
    }

    /// It was right.
    pub(super) fn remember(&mut self, sent: &str, role: Role, now: Instant) {
        if self.key.is_none() {
            self.key = Secret::random().ok();
        }
        let Some(digest) = self.digest(sent) else { return };
        if self.known.len() >= MAX_REMEMBERED_PASSWORDS
            && let Some(at) =
                self.known.iter().enumerate().min_by_key(|(_, known)| known.used).map(|(at, _)| at)
        {
            self.known.remove(at);
        }
        self.known.push(Known { digest, role, used: now });
    }

    /// Passwords have changed.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    fn digest(&self, sent: &str) -> Option<Digest> {
        self.key.as_ref().map(|key| Digest::of(&format!("{} {sent}", key.reveal())))
    }
}

/// Whether two states' passwords are the same.
pub(super) fn same(one: Option<&PasswordHash>, other: Option<&PasswordHash>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(other),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_was_right_is_known_while_it_is_used_and_until_it_changes() {
        let (mut remembered, start) = (Remembered::default(), Instant::now());
        assert_eq!(remembered.role("open sesame", start), None);
        remembered.remember("open sesame", Role::Owner, start);
        let later = start + PASSWORD_MEMORY_TIME - Duration::from_secs(1);
        assert_eq!(remembered.role("open sesame", later), Some(Role::Owner));
        assert_eq!(remembered.role("open sesam", later), None);
        assert_eq!(remembered.role("open sesame", later + PASSWORD_MEMORY_TIME), None);
        remembered.remember("open sesame", Role::Owner, later);
        remembered.forget();
        assert_eq!(remembered.role("open sesame", later), None);
        for n in 0..100 {
            remembered.remember(&n.to_string(), Role::Viewer, start + Duration::from_millis(n));
        }
        assert_eq!(remembered.known.len(), MAX_REMEMBERED_PASSWORDS);
    }
}
