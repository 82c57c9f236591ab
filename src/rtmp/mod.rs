//! RTMP, sans-IO.
pub mod chunk_reader;
mod command;
pub mod media_record;
pub mod play_path;
mod status;
