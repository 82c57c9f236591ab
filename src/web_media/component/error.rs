//! Why a component is not installed.

use crate::limits::MAX_COMPONENT;
use crate::web_media::FetchError;
use std::io;
use std::path::PathBuf;
use url::Url;

/// Why a component is not installed. What was there before is still used. The texts are shown to people.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The package index, or the archive.
    #[error("it can't be fetched: {0}")]
    Fetch(#[from] FetchError),
    /// The fetching broke off.
    #[error("it can't be fetched: the connection broke: {0}; try again")]
    Broken(io::Error),
    /// The index says something else than expected.
    #[error("the package index {index} has no {what}; expected an index like https://pypi.org")]
    Index {
        /// Its address.
        index: Url,
        /// What is missing.
        what: &'static str,
    },
    /// Not a version's number.
    #[error("\"{0}\" is no version; write for example 2026.10.26")]
    Version(String),
    /// Not what the index promised.
    #[error(
        "what came is not what the package index promised: SHA-256 {came}, expected {expected}; try again later"
    )]
    Sum {
        /// The sum of what came.
        came: String,
        /// What the index says.
        expected: String,
    },
    /// More than any version has.
    #[error("it is larger than {most} MB, which no version was so far", most = MAX_COMPONENT >> 20)]
    TooLarge,
    /// The disk.
    #[error("it can't be kept in {folder}: {reason}; make room there, and make it writable for the server's user", folder = folder.display())]
    Disk {
        /// Where.
        folder: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// Python.
    #[error("{python} {step} failed: {reason}; Python 3.11 or newer is needed, which [web] python names", python = python.display())]
    Python {
        /// Which.
        python: PathBuf,
        /// What it was to do.
        step: &'static str,
        /// What it said.
        reason: String,
    },
    /// It does not work.
    #[error("version {version} does not find the film on a page made for that, so it is not used: {reason}")]
    SelfTest {
        /// Which.
        version: String,
        /// What it said.
        reason: String,
    },
    /// Nothing to go back to.
    #[error("there is no version before this one to go back to")]
    NoPrevious,
    /// Nothing there.
    #[error("yt-dlp is not installed; install it with `wiidiaserver component install yt-dlp`")]
    NotInstalled,
}
