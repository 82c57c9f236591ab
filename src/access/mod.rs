//! Who may do what: the owner by password, programs by token, viewers freely or by a second password.
//!
//! ```text
//!  a request:  cookie, bearer token, ?token=  ──▶ who ──┐
//!              what its route needs           ──────────┴─▶ permit ──▶ yes, or why not
//!              Host, Origin, Sec-Fetch-Site   ──▶ origin ──▶ yes, or why not
//!  a password: guess (how often) ──▶ password (Argon2id) ──▶ state (a session) ──▶ document (the disk)
//! ```
//!
//! There is no password until somebody of the same network chooses one; until then nothing can be changed. What is
//! kept is one [`Document`] of the data folder with digests in it. HTTP and RTMP are not known here.

mod error;
mod exported;
mod guess;
mod network;
mod origin;
mod password;
mod remembered;
mod secret;
mod sessions;
mod sign_in;
mod state;

pub use error::{ChangeError, Denied, SignInError};
pub use network::Networks;
pub use origin::{Origin, OriginError, own_names};
pub use password::{NewPassword, PasswordError};
pub use secret::Secret;
pub use state::{Role, Session, Token, TooManyTokens};

use crate::document::{Document, Found};
use crate::limits::{MAX_ACCESS_FILE, SESSION_SAVE_INTERVAL};
use guess::Guesses;
use remembered::{Remembered, same};
use secret::Digest;
use state::State;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

/// Who may change things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The owner, who has a password.
    #[default]
    Owner,
    /// Everybody who reaches the server, as the owner has written into the configuration.
    Open,
}

impl Mode {
    /// As the configuration names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Open => "open",
        }
    }
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: the page itself, and what it needs to ask for a password.
    Nothing,
    /// To be allowed to watch.
    Watch,
    /// To be the owner.
    Own,
}

/// What a request shows of its sender.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown<'a> {
    /// The session's secret, from the cookie.
    pub session: Option<&'a str>,
    /// `Authorization: Bearer`
    pub bearer: Option<&'a str>,
    /// `?token=`: in the address of something to watch, where it may be seen by others, so that it opens no more than that.
    pub link: Option<&'a str>,
}

/// Who that is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Who {
    /// What they may do by what they have shown.
    pub role: Option<Role>,
    /// The session by which they are known, as lists name it.
    pub session: Option<String>,
}

/// Who may do what, for all connections of the server.
#[derive(Debug)]
pub struct Access {
    mode: Mode,
    names: Vec<String>,
    kept: Option<Document>,
    inner: Mutex<Inner>,
    /// Held by whoever hashes a password: one at a time.
    hashing: Mutex<()>,
    waiting: AtomicUsize,
    /// What the server itself shows when it calls itself.
    own: Option<Secret>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    /// The file is there and says nothing: whoever could claim now would take over somebody's server.
    locked: bool,
    guesses: Guesses,
    remembered: Remembered,
    /// The state's clock when this run began, and when that was.
    clock: (u64, Instant),
    saved: Instant,
}

impl Inner {
    fn new(state: State, locked: bool) -> Self {
        let now = Instant::now();
        Self {
            clock: (state.clock, now),
            state,
            locked,
            guesses: Guesses::new(now),
            remembered: Remembered::default(),
            saved: now,
        }
    }

    /// Sets the state's clock.
    fn tick(&mut self) {
        let (before, began) = self.clock;
        self.state.clock = before.saturating_add(began.elapsed().as_secs());
    }
}

impl Access {
    /// Everybody may do everything, nothing is kept: for servers in tests.
    pub fn everybody() -> Self {
        Self::with(Mode::Open, Vec::new(), None, Inner::new(State::default(), false))
    }

    /// As it was kept in that folder; `names` are those by which the server may be called from outside.
    pub fn open(mode: Mode, names: Vec<String>, data: &Path) -> Self {
        let kept = Document::new(data, "access.json", MAX_ACCESS_FILE);
        let parse = |bytes: &[u8]| serde_json::from_slice::<State>(bytes).map_err(|error| error.to_string());
        let file = kept.path().display().to_string();
        let inner = match kept.read(parse) {
            Found::Nothing => Inner::new(State::default(), false),
            Found::Latest(state) => Inner::new(state, false),
            Found::Previous(state, reason) => {
                tracing::error!(
                    file,
                    reason,
                    "the file can't be read; its previous copy is used: sign in again where needed"
                );
                Inner::new(state, false)
            }
            Found::Unreadable(reason) => {
                tracing::error!(
                    file,
                    reason,
                    "the file with the owner's password can't be read; nothing can be changed"
                );
                Inner::new(State::default(), true)
            }
        };
        Self::with(mode, names, Some(kept), inner)
    }

    fn with(mode: Mode, names: Vec<String>, kept: Option<Document>, inner: Inner) -> Self {
        Self {
            mode,
            names,
            kept,
            inner: Mutex::new(inner),
            hashing: Mutex::default(),
            waiting: AtomicUsize::new(0),
            own: Secret::random().ok(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who may change things.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether somebody has chosen a password, or nobody can any more.
    pub fn is_claimed(&self) -> bool {
        let inner = self.inner();
        inner.state.owner.is_some() || inner.locked
    }

    /// Whether viewers need a password.
    pub fn viewers_need_password(&self) -> bool {
        self.inner().state.viewers.is_some()
    }

    /// Names by which the server may be called besides the home's own.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What the server shows when it calls itself, to see whether it serves.
    pub fn own_token(&self) -> Option<&str> {
        self.own.as_ref().map(Secret::reveal)
    }

    /// What goes into addresses for players that know no passwords (`?token=`), while viewers need one.
    pub fn link(&self) -> Option<String> {
        self.inner().state.link().map(str::to_owned)
    }

    /// Who shows this.
    pub fn who(&self, shown: Shown<'_>, address: IpAddr) -> Who {
        if self.mode == Mode::Open {
            return Who { role: Some(Role::Owner), session: None };
        }
        let by_role = |role| Who { role: Some(role), session: None };
        let mut inner = self.inner();
        inner.tick();
        if let Some(bearer) = shown.bearer {
            if let Some(token) = inner.state.token(bearer) {
                return by_role(token.role);
            }
            if self.own_token().is_some_and(|own| Digest::of(own) == Digest::of(bearer)) {
                return by_role(Role::Viewer);
            }
        }
        let session = shown.session.and_then(|secret| inner.state.session(secret, &address.to_string()));
        if let Some(session) = session {
            return Who { role: Some(session.role), session: Some(session.id()) };
        }
        match shown.link {
            Some(link) if inner.state.is_link(link) || inner.state.token(link).is_some() => {
                by_role(Role::Viewer)
            }
            _ => Who::default(),
        }
    }

    /// Whether they may do what needs that.
    ///
    /// # Errors
    /// Why not, and what would help.
    pub fn permit(&self, need: Need, who: &Who, address: IpAddr) -> Result<(), Denied> {
        if self.mode == Mode::Open {
            return Ok(());
        }
        match (need, who.role) {
            (Need::Nothing, _) | (Need::Watch, Some(_)) | (Need::Own, Some(Role::Owner)) => Ok(()),
            (Need::Own, Some(Role::Viewer)) => Err(Denied::NotOwner),
            (Need::Own, None) => {
                let inner = self.inner();
                Err(match &inner.state.owner {
                    Some(_) => Denied::SignIn,
                    None if inner.locked => Denied::Locked,
                    None => Denied::Unclaimed,
                })
            }
            (Need::Watch, None) if self.viewers_need_password() => Err(Denied::SignInToWatch),
            (Need::Watch, None) if !is_near(address) => Err(Denied::FarAway),
            (Need::Watch, None) => Ok(()),
        }
    }

    /// All of it, for a backup: hashes and digests, which open nothing, and the token for addresses.
    pub fn export(&self) -> serde_json::Value {
        serde_json::to_value(&self.inner().state).unwrap_or_default()
    }

    /// Takes the place of what is known now, sessions included.
    ///
    /// # Errors
    /// It is nothing that was exported, it has no owner, or it could not be kept.
    pub fn import(&self, exported: &serde_json::Value) -> Result<(), String> {
        let mut state: State = serde_json::from_value(exported.clone()).map_err(|error| error.to_string())?;
        if state.owner.is_none() {
            return Err("there is no owner in it".to_owned());
        }
        let mut inner = self.inner();
        inner.tick();
        // Sessions go on counting from here.
        state.clock = state.clock.max(inner.state.clock);
        self.keep(&mut inner, state).map_err(|error| error.to_string())?;
        inner.clock = (inner.state.clock, Instant::now());
        inner.locked = false;
        Ok(())
    }

    /// Forgets the owner, and everybody who was let in by them: whoever can reach the card may choose a new password.
    ///
    /// # Errors
    /// It could not be kept.
    pub fn forget_owner(&self) -> Result<(), ChangeError> {
        self.inner().locked = false;
        self.change(|state| {
            state.forget_all();
            Ok(())
        })
    }

    /// Keeps what `change` makes of the state; when it can't be kept, nothing has changed.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T, ChangeError>) -> Result<T, ChangeError> {
        let mut inner = self.inner();
        inner.tick();
        let mut state = inner.state.clone();
        let result = change(&mut state)?;
        self.keep(&mut inner, state)?;
        Ok(result)
    }

    fn keep(&self, inner: &mut Inner, state: State) -> io::Result<()> {
        if let Some(kept) = &self.kept {
            kept.write(&serde_json::to_vec_pretty(&state)?)?;
        }
        inner.saved = Instant::now();
        if !same(inner.state.owner.as_ref(), state.owner.as_ref())
            || !same(inner.state.viewers.as_ref(), state.viewers.as_ref())
        {
            inner.remembered.forget();
        }
        inner.state = state;
        Ok(())
    }

    /// Writes down now and then when sessions were used. Takes as long as the disk does.
    pub fn tend(&self) {
        let mut inner = self.inner();
        if self.mode == Mode::Open || inner.saved.elapsed() < SESSION_SAVE_INTERVAL || inner.locked {
            return;
        }
        inner.tick();
        inner.saved = Instant::now();
        if inner.state.owner.is_some() {
            let state = inner.state.clone();
            if let Err(error) = self.keep(&mut inner, state) {
                tracing::warn!(%error, "when sessions were used can't be kept");
            }
        }
    }
}

/// Whether somebody calls from the same network.
fn is_near(address: IpAddr) -> bool {
    Networks::default().reach(address) || Networks::of_this_machine().reach(address)
}

fn unix_time() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
