//! The library.

/// Entries listed of one folder. 20,000 films in one folder are listed whole; a folder of a
/// million files must not cost a gigabyte.
pub const MAX_LISTING: usize = 100_000;
