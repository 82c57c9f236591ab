//! Other RTMP servers.

use std::time::Duration;

/// Another server has this long for each of its answers. Platforms that look a stream key up in their
/// data base take three seconds.
pub const RELAY_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The buffer that a relay says it has: what ffmpeg says.
pub const RELAY_BUFFER_LENGTH: Duration = Duration::from_secs(3);

/// For finding another server and connecting to it, all of its addresses together.
pub const RELAY_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// For one of its addresses: a broken IPv6 must not take the time of the IPv4 behind it.
pub const RELAY_ADDRESS_TIMEOUT: Duration = Duration::from_secs(3);

/// Addresses of another server that are tried, in the order of the system's resolver.
pub const MAX_RELAY_ADDRESSES: usize = 8;

/// Times that another server may send us on to yet another one: CDNs do it once, clusters twice.
pub const MAX_REDIRECTS: usize = 3;

/// Bytes taken from another server with one read. A session keeps what one read brings.
pub const RELAY_READ: usize = 64 << 10;

/// A server that plays but sends no media, or does not read what it is sent, is left after this: TCP notices
/// a dead one much later.
pub const RELAY_SILENCE: Duration = Duration::from_secs(30);

/// Between two looks of a relay at whether it is still wanted, and at whether the other server still is there.
pub const RELAY_TEND: Duration = Duration::from_secs(1);

/// For the goodbye to another server.
pub const RELAY_GOODBYE: Duration = Duration::from_secs(2);

/// The wait after a relay's first failure; each one more doubles it …
pub const RELAY_BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// … up to this: a server that comes back after a night is found within a minute.
pub const RELAY_BACKOFF_MOST: Duration = Duration::from_secs(60);

/// A viewer who asks makes a failed pull try at once, but no sooner than this after it failed.
pub const RELAY_RETRY_SOONEST: Duration = Duration::from_secs(1);

/// A relay that ran for so long was well: the waits begin anew.
pub const RELAY_STEADY: Duration = Duration::from_secs(30);

/// A viewer waits this long for a stream that is fetched on demand: connecting, and a keyframe interval of
/// ten seconds at the worst.
pub const RELAY_START_TIMEOUT: Duration = Duration::from_secs(15);

/// A pull on demand goes on for so long after its last viewer: people change their minds, pages reload.
pub const PULL_LINGER: Duration = Duration::from_secs(10);

/// A push keeps its connection for so long while the stream's publisher reconnects.
pub const PUSH_OFF_AIR: Duration = Duration::from_secs(5);

/// Between two looks for streams that have come on air and are to be pushed.
pub const PUSH_LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Pushes, of each stream to each of its servers, that are remembered; those that ended make room. Each that
/// runs costs a task and 64 KB.
pub const MAX_PUSHES: usize = 256;

/// Rules for relays in the configuration, of each kind.
pub const MAX_RELAY_RULES: usize = 64;

/// A stream's name of so many bytes may be a secret key, and is kept out of what other servers say of it.
/// Platforms' keys have 20 and more.
pub const SHORTEST_SECRET: usize = 8;

/// Letters kept of what another server says: it goes into the log and the interface.
pub const MAX_RELAY_TEXT: usize = 300;
