//! Why a relay stops for a while. The texts are shown to the owner; none has a stream key in it.

use crate::limits::{MAX_REDIRECTS, RELAY_CONNECT_TIMEOUT, RELAY_SILENCE};
use crate::rtmp::client::ClientError;
use crate::rtmp_url::RtmpUrlError;
use crate::stream::PublishRefused;
use std::io;

/// What ended an attempt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayError {
    #[error("the name \"{host}\" can't be found ({reason}); check the address, and this computer's DNS")]
    Resolve { host: String, reason: io::Error },
    #[error("{host} port {port} can't be reached: {reason}")]
    Connect { host: String, port: u16, reason: io::Error },
    #[error("no connection to {host} port {port} within {} s", RELAY_CONNECT_TIMEOUT.as_secs())]
    ConnectTimeout { host: String, port: u16 },
    #[error("TLS with {host} failed: {reason}{hint}")]
    Tls { host: String, reason: io::Error, hint: &'static str },
    #[error(
        "this computer has no certificates of authorities to check {0} by; install ca-certificates, or name a file with ca = \"FILE\" in [relay]"
    )]
    NoAuthorities(String),
    #[error(transparent)]
    Session(#[from] ClientError),
    #[error("the connection was lost: {0}")]
    Lost(#[from] io::Error),
    #[error("the server closed the connection")]
    Closed,
    #[error("{0}")]
    Ended(String),
    #[error("the server has sent no sound and no picture for {} s", RELAY_SILENCE.as_secs())]
    Silent,
    #[error("the server has taken nothing for {} s", RELAY_SILENCE.as_secs())]
    Stalled,
    #[error("the server sent us on more than {MAX_REDIRECTS} times")]
    Redirects,
    #[error("the server sent us to an address that can't be used: {0}")]
    BadRedirect(RtmpUrlError),
    #[error(
        "the server sent us from rtmps:// to rtmp://, which would show the stream key to everybody on the way"
    )]
    Downgrade,
    #[error("the address is this very stream on this very server; a stream can't be relayed to itself")]
    Loop,
    #[error(transparent)]
    Local(#[from] PublishRefused),
    #[error("somebody else publishes this stream now")]
    Replaced,
}

impl RelayError {
    /// Trying again at once will give the same answer.
    pub(crate) fn is_lasting(&self) -> bool {
        match self {
            Self::Session(error) => error.is_refusal(),
            Self::Redirects
            | Self::BadRedirect(_)
            | Self::Downgrade
            | Self::Loop
            | Self::NoAuthorities(_) => true,
            _ => false,
        }
    }
}
