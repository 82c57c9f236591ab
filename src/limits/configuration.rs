//! The configuration.

/// Largest configuration file read. Ours with every comment has 3 KB; a film given to `--config`
/// by mistake must not be read into memory.
pub const MAX_CONFIG_FILE: u64 = 1 << 20;

/// Folders in one library. Each is looked at when the server starts.
pub const MAX_LIBRARY_FOLDERS: usize = 64;

/// Keys and flags are typed by hand: a name this different from every known one is no typing
/// mistake, and no suggestion is better than a wrong one.
pub const MAX_TYPING_MISTAKES: usize = 3;
