//! Recordings over streams in memory, into folders on disk.
