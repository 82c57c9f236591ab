//! What a live worker is asked to do. It goes over the worker's standard input, not the command line: an address
//! may hold a password, and everybody on the machine can read command lines.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where live pictures and sound come from. Capture devices of this machine will be another kind.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// Without the address: it may hold a password.
impl fmt::Debug for LiveInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network { .. } => f.write_str("Network { … }"),
        }
    }
}
