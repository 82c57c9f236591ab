//! What is known of the owner, viewers, sessions and tokens, as it is kept. Pure: times are arguments.
//!
//! Times are seconds that the server has run, over all its runs: a box without a battery does not know the date. What
//! is shown to people is a date all the same, as the clock had it.

use super::password::PasswordHash;
use super::secret::{Digest, Secret};
use crate::limits::{MAX_LABEL_CHARS, MAX_SESSIONS, MAX_TOKENS, SESSION_IDLE};
use serde::{Deserialize, Serialize};
use std::io;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Watch.
    Viewer,
    /// Everything.
    Owner,
}

/// A browser that somebody has signed in with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    digest: Digest,
    /// What it may do.
    pub role: Role,
    /// When somebody signed in, in seconds since 1970, as far as the clock was set.
    pub made: u64,
    /// When it was last used, in seconds that the server has run.
    seen: u64,
    /// What the browser calls itself.
    pub agent: String,
    /// Where it was used last.
    pub address: String,
}

impl Session {
    /// A name for lists.
    pub fn id(&self) -> String {
        self.digest.id()
    }

    /// Seconds since it was used, while the server ran.
    pub fn idle(&self, clock: u64) -> u64 {
        clock.saturating_sub(self.seen)
    }
}

/// What a program shows instead of a password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    digest: Digest,
    /// What the owner calls it.
    pub name: String,
    /// What it opens.
    pub role: Role,
    /// When it was made, in seconds since 1970.
    pub made: u64,
}

impl Token {
    /// A name for addresses.
    pub fn id(&self) -> String {
        self.digest.id()
    }
}

/// There is no room for another one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {MAX_TOKENS} tokens already; take away some that nothing uses")]
pub struct TooManyTokens;

/// All of it. What a newer version has written besides is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Opens everything. Without one the server is nobody's yet.
    pub(super) owner: Option<PasswordHash>,
    /// Opens what can be watched. Without one everybody at home may.
    #[serde(default)]
    pub(super) viewers: Option<PasswordHash>,
    /// Goes into addresses for players that know no passwords, while viewers need one.
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    sessions: Vec<Session>,
    #[serde(default)]
    tokens: Vec<Token>,
    /// Seconds that the server has run.
    #[serde(default)]
    pub(super) clock: u64,
    /// Nobody knows what this is, so nobody throws it away.
    #[serde(flatten)]
    unknown: serde_json::Map<String, serde_json::Value>,
}

impl State {
    /// Begins a session, for which the oldest makes room.
    ///
    /// # Errors
    /// No random numbers.
    pub(super) fn sign_in(
        &mut self,
        role: Role,
        agent: &str,
        address: &str,
        made: u64,
    ) -> io::Result<Secret> {
        let secret = Secret::random()?;
        self.drop_idle();
        if self.sessions.len() >= MAX_SESSIONS
            && let Some(at) =
                self.sessions.iter().enumerate().min_by_key(|(_, session)| session.seen).map(|(at, _)| at)
        {
            self.sessions.remove(at);
        }
        self.sessions.push(Session {
            digest: secret.digest(),
            role,
            made,
            seen: self.clock,
            agent: label(agent),
            address: label(address),
        });
        Ok(secret)
    }

    /// The session of that secret, which is used now.
    pub(super) fn session(&mut self, secret: &str, address: &str) -> Option<&Session> {
        let digest = Digest::of(secret);
        let clock = self.clock;
        let session = self.sessions.iter_mut().find(|session| session.digest == digest)?;
        if session.idle(clock) > SESSION_IDLE.as_secs() {
            return None;
        }
        session.seen = clock;
        if session.address != address {
            session.address = label(address);
        }
        Some(session)
    }

    /// All of them, the one used last first.
    pub(super) fn sessions(&self) -> Vec<Session> {
        let mut sessions = self.sessions.clone();
        sessions.retain(|session| session.idle(self.clock) <= SESSION_IDLE.as_secs());
        sessions.sort_by_key(|session| std::cmp::Reverse(session.seen));
        sessions
    }

    /// Ends those for which `which` is true; whether there were any.
    pub(super) fn end_sessions(&mut self, which: impl Fn(&Session) -> bool) -> bool {
        let before = self.sessions.len();
        self.sessions.retain(|session| !which(session));
        self.sessions.len() < before
    }

    fn drop_idle(&mut self) {
        let clock = self.clock;
        self.sessions.retain(|session| session.idle(clock) <= SESSION_IDLE.as_secs());
    }

    /// Makes a token.
    ///
    /// # Errors
    /// There are too many. (No random numbers count as that.)
    pub(super) fn make_token(
        &mut self,
        name: &str,
        role: Role,
        made: u64,
    ) -> Result<(Secret, Token), TooManyTokens> {
        if self.tokens.len() >= MAX_TOKENS {
            return Err(TooManyTokens);
        }
        let secret = Secret::random().map_err(|_| TooManyTokens)?;
        let token = Token { digest: secret.digest(), name: label(name), role, made };
        self.tokens.push(token.clone());
        Ok((secret, token))
    }

    /// What that token opens.
    pub(super) fn token(&self, secret: &str) -> Option<&Token> {
        let digest = Digest::of(secret);
        self.tokens.iter().find(|token| token.digest == digest)
    }

    /// All of them, as they were made.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Takes one away; whether it was there.
    pub(super) fn remove_token(&mut self, id: &str) -> bool {
        let before = self.tokens.len();
        self.tokens.retain(|token| token.id() != id);
        self.tokens.len() < before
    }

    /// Sets or takes away the viewers' password. Addresses with the last one's token open nothing any more.
    ///
    /// # Errors
    /// No random numbers.
    pub(super) fn set_viewers(&mut self, password: Option<PasswordHash>) -> io::Result<()> {
        self.link = match password {
            Some(_) => Some(Secret::random()?.reveal().to_owned()),
            None => None,
        };
        self.viewers = password;
        self.end_sessions(|session| session.role == Role::Viewer);
        Ok(())
    }

    /// Forgets everybody.
    pub(super) fn forget_all(&mut self) {
        let clock = self.clock;
        *self = Self { clock, ..Self::default() };
    }

    /// What goes into addresses for players, while viewers need a password.
    pub(super) fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// Whether that is it.
    pub(super) fn is_link(&self, sent: &str) -> bool {
        self.link.as_deref().is_some_and(|link| Digest::of(link) == Digest::of(sent))
    }
}

/// What somebody calls something, in a length that a list can show.
fn label(text: &str) -> String {
    let text = text.trim().chars().filter(|c| !c.is_control());
    text.take(MAX_LABEL_CHARS).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn signed_in(state: &mut State, role: Role) -> String {
        state.sign_in(role, "Firefox", "192.168.1.5", 1_795_392_000).unwrap().reveal().to_owned()
    }

    #[test]
    fn a_session_lasts_while_it_is_used_and_ends_when_it_is_not() {
        let mut state = State::default();
        let secret = signed_in(&mut state, Role::Owner);
        for _ in 0..10 {
            state.clock += SESSION_IDLE.as_secs();
            assert_eq!(state.session(&secret, "192.168.1.6").unwrap().role, Role::Owner);
        }
        assert_eq!(state.sessions()[0].address, "192.168.1.6");
        state.clock += SESSION_IDLE.as_secs() + 1;
        assert!(state.session(&secret, "").is_none());
        assert!(state.sessions().is_empty());
    }

    #[test]
    fn sessions_are_bounded_and_the_one_unused_for_longest_makes_room() {
        let mut state = State::default();
        let first = signed_in(&mut state, Role::Owner);
        state.clock = 1;
        let second = signed_in(&mut state, Role::Owner);
        for _ in 2..MAX_SESSIONS {
            signed_in(&mut state, Role::Viewer);
        }
        state.clock = 2;
        assert!(state.session(&first, "").is_some());
        signed_in(&mut state, Role::Viewer);
        assert_eq!(state.sessions().len(), MAX_SESSIONS);
        assert!(state.session(&first, "").is_some());
        assert!(state.session(&second, "").is_none());
    }

    #[test]
    fn tokens_open_until_they_are_taken_away() {
        let mut state = State::default();
        let (secret, token) = state.make_token(" Kodi\n ", Role::Viewer, 0).unwrap();
        assert_eq!((token.name.as_str(), token.role), ("Kodi", Role::Viewer));
        assert_eq!(state.token(secret.reveal()).unwrap().role, Role::Viewer);
        assert!(state.token(&token.id()).is_none() && state.token("").is_none());
        assert!(state.remove_token(&token.id()) && !state.remove_token(&token.id()));
        assert!(state.token(secret.reveal()).is_none());
        for n in 0..MAX_TOKENS {
            state.make_token(&n.to_string(), Role::Owner, 0).unwrap();
        }
        assert_eq!(state.make_token("x", Role::Owner, 0).unwrap_err(), TooManyTokens);
    }

    #[test]
    fn no_secret_is_kept_and_what_a_newer_version_wrote_is() {
        let text = r#"{"owner":null,"clock":7,"passkeys":[{"id":1}]}"#;
        let mut state: State = serde_json::from_str(text).unwrap();
        let session = signed_in(&mut state, Role::Owner);
        let (token, _) = state.make_token("x", Role::Owner, 0).unwrap();
        let kept = serde_json::to_string(&state).unwrap();
        assert!(!kept.contains(&session) && !kept.contains(token.reveal()));
        let mut again: State = serde_json::from_str(&kept).unwrap();
        assert!(again.session(&session, "").is_some() && again.token(token.reveal()).is_some());
        assert_eq!(again.unknown["passkeys"][0]["id"], 1);
    }

    #[test]
    fn another_password_of_the_viewers_ends_what_the_last_one_opened() {
        let mut state = State::default();
        assert!(state.link().is_none() && !state.is_link(""));
        let hash: PasswordHash =
            serde_json::from_str(r#"{"memory_kib":8,"passes":1,"salt":"","hash":""}"#).unwrap();
        state.set_viewers(Some(hash.clone())).unwrap();
        let link = state.link().unwrap().to_owned();
        assert!(state.is_link(&link));
        let (owner, viewer) = (signed_in(&mut state, Role::Owner), signed_in(&mut state, Role::Viewer));
        state.set_viewers(Some(hash)).unwrap();
        assert!(!state.is_link(&link));
        assert!(state.session(&owner, "").is_some() && state.session(&viewer, "").is_none());
        state.set_viewers(None).unwrap();
        assert!(state.link().is_none());
    }
}
