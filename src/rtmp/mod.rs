//! RTMP, sans-IO.
