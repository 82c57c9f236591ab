//! What must hold for whatever bytes: one function a target, which panics when it does not.
//!
//! Two callers share this folder by path: the programs in `fuzz_targets`, which look for new inputs, and
//! `tests/fuzz_corpus.rs`, which runs the known ones with every `cargo test`.

#![allow(dead_code, clippy::unwrap_used, unreachable_pub, missing_docs)]

pub mod amf0;
pub mod chunk_reader;
pub mod client;
pub mod codec;
pub mod discovery;
pub mod flv;
pub mod fmp4;
pub mod index;
pub mod kept;
pub mod mend;
pub mod paths;
pub mod recording;
pub mod session;
pub mod source;
pub mod subtitles;
pub mod web_page;
pub mod web_socket;
pub mod wire;

/// Takes the settings of a law from the front of its input; zero behind the end.
pub fn byte(input: &mut &[u8]) -> u8 {
    let Some((&first, rest)) = input.split_first() else { return 0 };
    *input = rest;
    first
}

/// Takes up to `count` bytes from the front.
pub fn bytes<'a>(input: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (front, rest) = input.split_at(count.min(input.len()));
    *input = rest;
    front
}
