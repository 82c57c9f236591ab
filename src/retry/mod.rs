//! What fails and is tried again: sources, and relays from and to other servers. How it stands, and how long to wait.
//!
//! What belongs here: nothing of what is tried, only that it is tried.

mod backoff;
mod standing;

pub(crate) use backoff::Backoff;
pub(crate) use standing::{Moment, Standing};

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Any number. The standard library's hash keys are random, and good enough to spread attempts.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0)
}
