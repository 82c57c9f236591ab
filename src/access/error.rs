//! Why somebody may not, could not sign in, or could not set a password: in words that say what would help.

use super::password::{HashError, PasswordError};
use std::io;
use std::time::Duration;

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
    /// The screen at the box shows another one.
    #[error("that is not the code; type the six digits that the screen at the box shows")]
    Code,
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
