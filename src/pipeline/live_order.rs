//! What a live worker is asked to do. It goes over the worker's standard input, not the command line: an address
//! may hold a password, and everybody on the machine can read command lines.

use crate::device::Mode;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Where live pictures and sound come from.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveInput {
    /// A URL on the network: http, https, rtsp, rtsps, udp, rtp or srt, with its password if it has one.
    Network {
        /// The complete address.
        url: String,
        /// The only TCP port that the worker may connect to, when a gateway of the server fetches for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only_port: Option<u16>,
    },
    /// A capture device of this machine.
    Capture(CaptureOrder),
}

/// What to capture.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CaptureOrder {
    /// The device's node.
    pub node: PathBuf,
    /// What to ask it for.
    pub mode: Mode,
    /// Where the sound comes from, if there shall be any.
    pub audio: Option<SoundCard>,
    /// For tests only: the device is a file, see [`crate::device::stand_in`].
    #[serde(default)]
    pub stand_in: bool,
}

/// A recording device of ALSA, by its numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SoundCard {
    /// Of the card.
    pub card: u32,
    /// Of its device.
    pub device: u32,
}

impl SoundCard {
    /// The nodes that recording from it needs.
    pub(super) fn nodes(self) -> [PathBuf; 2] {
        let Self { card, device } = self;
        [format!("/dev/snd/controlC{card}").into(), format!("/dev/snd/pcmC{card}D{device}c").into()]
    }
}

/// Without the address: it may hold a password.
impl fmt::Debug for LiveInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network { .. } => f.write_str("Network { … }"),
            Self::Capture(order) => order.fmt(f),
        }
    }
}
