//! The library as a network folder.

use std::time::Duration;

/// Bytes of a request's XML: file managers name a dozen properties.
pub const MAX_SHARE_BODY: usize = 64 << 10;

/// Bytes of what macOS writes beside a file, which is thrown away.
pub const MAX_SHARE_LITTER: usize = 16 << 20;

/// Elements within each other in it; file managers need three.
pub const MAX_SHARE_DEPTH: usize = 16;

/// Properties that one request may name: each is answered for every file.
pub const MAX_SHARE_PROPERTIES: usize = 64;

/// Files and folders that one listing has, about 12 MB of XML: the folder of who never sorted anything.
pub const MAX_SHARE_ENTRIES: usize = 20_000;

/// Folders within each other that are copied or deleted as a whole.
pub const MAX_SHARE_TREE_DEPTH: usize = 32;

/// Files and folders that are copied or deleted as a whole.
pub const MAX_SHARE_TREE: usize = 100_000;

/// Passwords that were right and are remembered by what they hash to, so that not every request costs a third of a second.
pub const MAX_REMEMBERED_PASSWORDS: usize = 8;

/// … for this time after their last use.
pub const PASSWORD_MEMORY_TIME: Duration = Duration::from_secs(600);

/// What a lock is said to last. Clients ask again before.
pub const SHARE_LOCK_SECONDS: u64 = 3600;
