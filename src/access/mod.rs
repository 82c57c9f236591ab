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

mod exported;
mod guess;
mod network;
mod origin;
mod password;
mod secret;
mod state;

pub use network::Networks;
pub use origin::{Origin, OriginError, own_names};
pub use password::{NewPassword, PasswordError};
pub use secret::Secret;
pub use state::{Role, Session, Token, TooManyTokens};

use crate::document::{Document, Found};
use crate::limits::{GUESS_INTERVAL, MAX_ACCESS_FILE, MAX_WAITING_PASSWORDS, SESSION_SAVE_INTERVAL};
use guess::Guesses;
use password::{HashError, PasswordHash};
use secret::Digest;
use state::State;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

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

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The server is nobody's yet.
    #[error(
        "nobody has set this server up yet, so nothing can be changed; open its page in a browser of the same network and choose a password, or run: wiidiaserver ctl claim"
    )]
    Unclaimed,
    /// Nobody knows who the owner is.
    #[error(
        "the file with the owner's password can't be read, so nothing can be changed; see the log, and put a file wiidia/password-reset onto the card, or remove access.json from the data folder"
    )]
    Locked,
    /// A password would help.
    #[error("this needs the owner's password; sign in, or send a token as Authorization: Bearer")]
    SignIn,
    /// A password would help, the viewers' too.
    #[error(
        "watching needs a password in this house; sign in on the page, or use an address with ?token= from there"
    )]
    SignInToWatch,
    /// The viewers' password will not do.
    #[error("this is the owner's to do; sign in with the owner's password")]
    NotOwner,
    /// Viewers are free at home alone.
    #[error("from outside of the home's network this needs a password; sign in")]
    FarAway,
}

/// Why somebody could not sign in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Too many guesses.
    #[error("there were too many wrong passwords; try again in {} s", .0.as_secs() + 1)]
    TooOften(Duration),
    /// Too many at a time.
    #[error("too many people sign in at this moment; try again in a few seconds")]
    Busy,
    /// It is another one.
    #[error("that is not the password; if it is forgotten, docs/security.md says how to choose a new one")]
    Wrong,
    /// There is none yet.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The machine does not let us.
    #[error("the password could not be checked: {0}; try again")]
    Failed(String),
}

/// Why a password could not be set.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is no good.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Somebody was faster.
    #[error(
        "this server has an owner already; sign in, or if the password is forgotten see docs/security.md"
    )]
    Claimed,
    /// Not from here.
    #[error(
        "only somebody in the same network may choose the first password; open the page from a device at home"
    )]
    FarAway,
    /// Not now.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// Not kept.
    #[error("the password could not be kept: {0}; make room on the disk of the data folder, then try again")]
    NotKept(#[from] io::Error),
}

impl From<HashError> for SignInError {
    fn from(error: HashError) -> Self {
        Self::Failed(error.to_string())
    }
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
    /// The state's clock when this run began, and when that was.
    clock: (u64, Instant),
    saved: Instant,
}

impl Inner {
    fn new(state: State, locked: bool) -> Self {
        let now = Instant::now();
        Self { clock: (state.clock, now), state, locked, guesses: Guesses::new(now), saved: now }
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

    /// A word that only a page made for this session can know: another site's form does not have it.
    pub fn word_for(&self, session: &str) -> String {
        Digest::of(&format!("form of {session}")).id()
    }

    /// Ends the session of that secret.
    pub fn sign_out(&self, session: &str) {
        let digest = Digest::of(session).id();
        self.end_sessions(|session| session.id() == digest);
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
