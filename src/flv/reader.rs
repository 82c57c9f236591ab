//! FLV files, read tag by tag.
