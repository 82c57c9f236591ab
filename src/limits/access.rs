//! Who may do what: passwords, sessions, tokens.

use std::time::Duration;

/// Memory that one hash of a password takes, in KiB: what OWASP advises for Argon2id (2023). One at a time is
/// made, so a box of 512 MB never misses it.
pub const PASSWORD_MEMORY_KIB: u32 = 19 << 10;

/// Passes over that memory: together about 0.3 s on a Raspberry Pi 3.
pub const PASSWORD_PASSES: u32 = 2;

/// The shortest password: NIST SP 800-63B.
pub const MIN_PASSWORD_CHARS: usize = 8;

/// Bytes of the longest password: hashing must not be a way to keep the box busy.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Hashes of passwords that wait for their turn; who comes then is told to come back.
pub const MAX_WAITING_PASSWORDS: usize = 8;

/// Guesses that one address has at once: the passwords that a person has in mind, and a slip.
pub const GUESSES_PER_ADDRESS: u32 = 5;

/// Until an address has another one: three thousand a day.
pub const GUESS_INTERVAL: Duration = Duration::from_secs(30);

/// Guesses that all addresses have together, for those who have many.
pub const GUESSES_IN_ALL: u32 = 40;

/// Until there is another one for all.
pub const GUESS_INTERVAL_IN_ALL: Duration = Duration::from_secs(5);

/// Addresses whose guesses are remembered; the one that waited longest makes room.
pub const MAX_GUESSING_ADDRESSES: usize = 1024;

/// Sessions at a time: every screen of a large house. The one unused for longest makes room.
pub const MAX_SESSIONS: usize = 64;

/// A session that nobody uses ends: a telephone that was given away is forgotten. Counted while the server runs, because
/// a box without a battery does not know what time it is.
pub const SESSION_IDLE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Between two times that the last use of sessions is written down: an SD card is spared.
pub const SESSION_SAVE_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// Tokens for programs.
pub const MAX_TOKENS: usize = 64;

/// Characters of what people call a token, a session's browser, a box.
pub const MAX_LABEL_CHARS: usize = 100;

/// Bytes of the file that keeps all this: every session and token at its longest fits four times.
pub const MAX_ACCESS_FILE: u64 = 256 << 10;

/// Names by which the server may be called besides those that are the home's anyway.
pub const MAX_HOST_NAMES: usize = 32;

/// Lines of the kernel's table of routes that are looked at to find who is in the same network.
pub const MAX_ROUTES: usize = 4096;

/// Age at which the server's own certificate, good for 800 days, is made anew: a box that is switched on every other month meets one
/// that is still good.
pub const CERTIFICATE_RENEWAL_AGE: Duration = Duration::from_secs(740 * 24 * 3600);

/// How often is looked.
pub const CERTIFICATE_RENEWAL_INTERVAL: Duration = Duration::from_secs(12 * 3600);

/// Body of a request with a certificate and its key: a chain of five, each 2 KB.
pub const MAX_CERTIFICATE_BODY: usize = 64 << 10;

/// Body of a request that signs in, claims, or makes a token.
pub const MAX_ACCESS_BODY: usize = 8 << 10;
