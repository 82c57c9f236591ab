//! Passwords as they come in: choosing the first, signing in, changing them. Each takes as long as a hash does, so none of
//! this belongs on a thread that serves others.

use super::error::{ChangeError, Denied, SignInError};
use super::password::{NewPassword, PasswordHash};
use super::remembered::same;
use super::secret::Secret;
use super::state::Role;
use super::{Access, is_near, unix_time};
use crate::limits::{GUESS_INTERVAL, MAX_WAITING_PASSWORDS};
use std::net::IpAddr;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use subtle::ConstantTimeEq;

impl Access {
    /// Whether somebody who wants to claim sees the screen at the box: `shown` is what it says, `typed` what they say. A wrong
    /// one counts as a guess.
    ///
    /// # Errors
    /// It is another one, or there were too many guesses.
    pub fn check_code(&self, shown: &str, typed: &str, address: IpAddr) -> Result<(), ChangeError> {
        let mut inner = self.inner();
        inner.guesses.guess(address, Instant::now()).map_err(|wait| {
            tracing::warn!(%address, "too many wrong codes");
            SignInError::TooOften(wait.min(GUESS_INTERVAL))
        })?;
        // People write 123 456.
        let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        if !bool::from(typed.as_bytes().ct_eq(shown.as_bytes())) {
            return Err(ChangeError::Code);
        }
        inner.guesses.right(address, Instant::now());
        Ok(())
    }

    /// Chooses the first password, and signs in. Takes as long as a hash does.
    ///
    /// # Errors
    /// It has an owner, the password is no good, or it could not be kept.
    pub fn claim(&self, password: &str, agent: &str, address: IpAddr) -> Result<Secret, ChangeError> {
        if self.is_claimed() {
            return Err(ChangeError::Claimed);
        }
        if !is_near(address) {
            return Err(ChangeError::FarAway);
        }
        let password = NewPassword::parse(password)?;
        let hash = self.in_turn(|| PasswordHash::of(&password))?.map_err(SignInError::from)?;
        let mut inner = self.inner();
        // Two at once: the first has it.
        if inner.state.owner.is_some() || inner.locked {
            return Err(ChangeError::Claimed);
        }
        inner.tick();
        let mut state = inner.state.clone();
        state.owner = Some(hash);
        let secret = state.sign_in(Role::Owner, agent, &address.to_string(), unix_time())?;
        self.keep(&mut inner, state)?;
        tracing::info!(%address, "the server has an owner now");
        Ok(secret)
    }

    /// Begins a session with a password: the owner's, or the viewers'. Takes as long as two hashes do.
    ///
    /// # Errors
    /// It is neither, or there were too many guesses.
    pub fn sign_in(
        &self,
        password: &str,
        agent: &str,
        address: IpAddr,
    ) -> Result<(Role, Secret), SignInError> {
        let role = self.guess(password, address)?;
        let mut inner = self.inner();
        inner.tick();
        let mut state = inner.state.clone();
        let secret = state.sign_in(role, agent, &address.to_string(), unix_time());
        let secret = secret.map_err(|error| SignInError::Failed(error.to_string()))?;
        // A full disk keeps nobody out: the session lasts as long as this run.
        if let Err(error) = self.keep(&mut inner, state.clone()) {
            tracing::warn!(%error, "a session can't be kept, and will end with this run");
            inner.state = state;
        }
        Ok((role, secret))
    }

    /// What a program may do that sends its password with every request: a token's, or what the password opens. A wrong one
    /// counts as a guess. Takes as long as two hashes do, the first time.
    ///
    /// # Errors
    /// It opens nothing, or there were too many guesses.
    pub fn password_of_program(&self, password: &str, address: IpAddr) -> Result<Role, SignInError> {
        {
            let mut inner = self.inner();
            if let Some(token) = inner.state.token(password) {
                return Ok(token.role);
            }
            if let Some(role) = inner.remembered.role(password, Instant::now()) {
                return Ok(role);
            }
        }
        let before = self.inner().state.clone();
        let role = self.guess(password, address)?;
        let mut inner = self.inner();
        // Somebody may have changed it meanwhile.
        if same(before.owner.as_ref(), inner.state.owner.as_ref())
            && same(before.viewers.as_ref(), inner.state.viewers.as_ref())
        {
            inner.remembered.remember(password, role, Instant::now());
        }
        Ok(role)
    }

    /// What a password opens. Counts as a guess.
    fn guess(&self, password: &str, address: IpAddr) -> Result<Role, SignInError> {
        let (owner, viewers) = {
            let mut inner = self.inner();
            let now = Instant::now();
            match (&inner.state.owner, inner.locked) {
                (None, true) => return Err(Denied::Locked.into()),
                (None, false) => return Err(Denied::Unclaimed.into()),
                _ => {}
            }
            inner.guesses.guess(address, now).map_err(|wait| {
                tracing::warn!(%address, "too many wrong passwords");
                SignInError::TooOften(wait.min(GUESS_INTERVAL))
            })?;
            (inner.state.owner.clone(), inner.state.viewers.clone())
        };
        let role = self.in_turn(|| {
            let opens = |hash: &Option<PasswordHash>| hash.as_ref().is_some_and(|hash| hash.opens(password));
            // Both, always: how long it takes says nothing.
            let (owner, viewer) = (opens(&owner), opens(&viewers));
            if owner {
                Some(Role::Owner)
            } else if viewer {
                Some(Role::Viewer)
            } else {
                None
            }
        })?;
        let role = role.ok_or_else(|| {
            tracing::info!(%address, "a wrong password");
            SignInError::Wrong
        })?;
        self.inner().guesses.right(address, Instant::now());
        Ok(role)
    }

    /// Hashes when those before have.
    fn in_turn<T>(&self, hash: impl FnOnce() -> T) -> Result<T, SignInError> {
        struct Waiting<'a>(&'a AtomicUsize);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= MAX_WAITING_PASSWORDS {
            return Err(SignInError::Busy);
        }
        let _turn = self.hashing.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(hash())
    }

    /// Changes the owner's password. Every other session ends; `keep` is the one that does this.
    ///
    /// # Errors
    /// The present one is another, the new one is no good, or it could not be kept.
    pub fn change_password(
        &self,
        present: &str,
        new: &str,
        keep: Option<&str>,
        address: IpAddr,
    ) -> Result<(), ChangeError> {
        let new = NewPassword::parse(new)?;
        if self.guess(present, address)? != Role::Owner {
            return Err(SignInError::Wrong.into());
        }
        let hash = self.in_turn(|| PasswordHash::of(&new))?.map_err(SignInError::from)?;
        self.change(|state| {
            state.owner = Some(hash);
            state.end_sessions(|session| session.role == Role::Owner && Some(session.id().as_str()) != keep);
            Ok(())
        })
    }

    /// Sets the viewers' password, or lets everybody at home watch.
    ///
    /// # Errors
    /// It is no good, or it could not be kept.
    pub fn set_viewers(&self, password: Option<&str>) -> Result<(), ChangeError> {
        let hash = match password.map(NewPassword::parse).transpose()? {
            Some(new) => Some(self.in_turn(|| PasswordHash::of(&new))?.map_err(SignInError::from)?),
            None => None,
        };
        self.change(|state| Ok(state.set_viewers(hash)?))
    }
}
