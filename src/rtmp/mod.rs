//! RTMP, sans-IO.
pub mod chunk_reader;
pub mod media_record;
