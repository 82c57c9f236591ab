//! Sockets, TLS, and the health of the server.

use super::{MAX_HTTP_CONNECTIONS, MAX_RTMP_CONNECTIONS};
use std::time::Duration;

/// Descriptors that the server asks the system for: one a connection of either protocol, and as many again as a
/// quarter for files, pipes of conversions and listing. Most systems give 1024 until asked.
pub const DESCRIPTORS: u64 = ((MAX_RTMP_CONNECTIONS + MAX_HTTP_CONNECTIONS)
    + (MAX_RTMP_CONNECTIONS + MAX_HTTP_CONNECTIONS) / 4) as u64;

/// A viewer of a live stream that takes nothing for this long, with the socket full, is no longer there: what it was
/// given stays in memory for it alone. A player that pauses by RTMP's command is given nothing and stays.
pub const LIVE_UNREAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The server calls itself so many times within the time after which a service manager takes it for hung
/// (`WatchdogSec`): one answer may be late, two may not.
pub const HEALTH_CHECKS_PER_WATCHDOG: u32 = 3;

/// Its own answer may take this long: far longer than any under load, shorter than a third of the 60 s that our unit
/// gives it.
pub const HEALTH_TIMEOUT: Duration = Duration::from_secs(15);

/// After an accept that failed, mostly for want of descriptors.
pub const ACCEPT_BACKOFF: Duration = Duration::from_millis(200);

/// A connection silent for this long is probed …
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);

/// … this often …
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// … and is gone after so many probes without answer.
pub const KEEPALIVE_PROBES: u32 = 4;

/// Plaintext that one TLS connection takes before its ciphertext is with the kernel: four records of the
/// largest size. What is more waits in the session, which counts it.
pub const TLS_OUTPUT: usize = 64 << 10;

/// Between two looks at whether the certificate's files have changed, at the most when somebody connects.
pub const CERTIFICATE_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Largest file with certificates or a key: the whole list of a system's authorities has 220 KB.
pub const MAX_PEM_FILE: u64 = 1 << 20;
