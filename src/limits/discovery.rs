//! SSDP.

use std::time::Duration;

/// Bytes of a search: a frame of Ethernet, which no sender of one exceeds.
pub const MAX_SSDP_DATAGRAM: usize = 1472;

/// Answers are spread over at most so long; the specification's own limit.
pub const MAX_SSDP_WAIT: Duration = Duration::from_secs(5);

/// What waits for its time: announcements in all networks, and answers to some tens of devices that ask for everything at once.
pub const MAX_SSDP_PENDING: usize = 256;

/// Answers a second. A home's devices ask for a few in a minute; whoever wants us to send more than he does gets no more.
pub const MAX_SSDP_ANSWERS_A_SECOND: u32 = 24;

/// How often a new network is told, in case that datagrams get lost, and
pub const SSDP_FIRST_ANNOUNCEMENTS: u32 = 3;

/// how far apart.
pub const SSDP_REPEAT: Duration = Duration::from_secs(2);

/// Networks that the server tells of itself. Homes have one or two; programs for containers make some.
pub const MAX_SSDP_HOMES: usize = 16;

/// How often the machine's addresses are looked at. Cables are plugged in by people, who wait for a moment.
pub const SSDP_HOMES_INTERVAL: Duration = Duration::from_secs(10);
