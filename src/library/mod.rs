//! The library: folders and files below the library roots.
