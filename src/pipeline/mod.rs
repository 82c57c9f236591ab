//! GStreamer, in a worker process.
