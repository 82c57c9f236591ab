//! What somebody was let in by, afterwards: sessions and tokens, listed and taken away.

use super::error::ChangeError;
use super::secret::{Digest, Secret};
use super::state::{Role, Session, Token, TooManyTokens};
use super::{Access, unix_time};

impl Access {
    /// A word that only a page made for this session can know: another site's form does not have it.
    pub fn word_for(&self, session: &str) -> String {
        Digest::of(&format!("form of {session}")).id()
    }

    /// Ends the session of that secret.
    pub fn sign_out(&self, session: &str) {
        let digest = Digest::of(session).id();
        self.end_sessions(|session| session.id() == digest);
    }

    /// The sessions, the one used last first, each with the seconds since then.
    pub fn sessions(&self) -> Vec<(Session, u64)> {
        let mut inner = self.inner();
        inner.tick();
        let clock = inner.state.clock;
        inner.state.sessions().into_iter().map(|session| (session.clone(), session.idle(clock))).collect()
    }

    /// Ends the sessions for which `which` is true; whether there were any.
    pub fn end_sessions(&self, which: impl Fn(&Session) -> bool) -> bool {
        let mut inner = self.inner();
        let mut state = inner.state.clone();
        let any = state.end_sessions(which);
        // They have ended, whatever the disk says.
        inner.state = state.clone();
        if any && let Err(error) = self.keep(&mut inner, state) {
            tracing::warn!(%error, "it can't be kept that a session has ended");
        }
        any
    }

    /// The tokens, as they were made.
    pub fn tokens(&self) -> Vec<Token> {
        self.inner().state.tokens().to_vec()
    }

    /// Makes a token.
    ///
    /// # Errors
    /// There are too many, or it could not be kept.
    pub fn make_token(
        &self,
        name: &str,
        role: Role,
    ) -> Result<Result<(Secret, Token), TooManyTokens>, ChangeError> {
        self.change(|state| Ok(state.make_token(name, role, unix_time())))
    }

    /// Takes one away; whether it was there.
    ///
    /// # Errors
    /// It could not be kept.
    pub fn remove_token(&self, id: &str) -> Result<bool, ChangeError> {
        self.change(|state| Ok(state.remove_token(id)))
    }
}
