//! The library.

/// Entries listed of one folder. 20,000 films in one folder are listed whole; a folder of a
/// million files must not cost a gigabyte.
pub const MAX_LISTING: usize = 100_000;

/// Entries of one page of a listing: more than any screen shows, and a folder of 20,000 comes in twenty of them.
pub const MAX_PAGE: usize = 1000;

/// Characters of the words of a search: as many as the longest file name has bytes.
pub const MAX_QUERY_CHARS: usize = 255;
