//! The laws of `fuzz/laws` over all files of `fuzz/corpus`: as they are, cut, and with single bytes changed.
//! What a fuzzer found once stays found, on stable Rust and without libFuzzer.

#![allow(clippy::unwrap_used)]

#[path = "../fuzz/laws/mod.rs"]
mod laws;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Cuts and changed bytes of each file: 100 files with a law that takes a millisecond make 2 s.
const VARIANTS: usize = 12;

fn replay(target: &str, law: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "nothing in {}", folder.display());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy();
        let check = |input: &[u8], what: &str| {
            if catch_unwind(AssertUnwindSafe(|| law(input))).is_err() {
                panic!("{target}: the law does not hold for {name}, {what}; the reason is above");
            }
        };
        check(&bytes, "as it is");
        for n in 0..VARIANTS.min(bytes.len()) {
            // Spread over the file, the first bytes among them: they choose most.
            let at = n * bytes.len() / VARIANTS.min(bytes.len());
            check(&bytes[..at], &format!("cut to {at} bytes"));
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (n % 8);
            check(&changed, &format!("with bit {} of byte {at} changed", n % 8));
            changed[at] = !bytes[at];
            check(&changed, &format!("with byte {at} inverted"));
        }
    }
}

macro_rules! laws_hold {
    ($($test:ident: $target:ident;)*) => {
        $(#[test]
        fn $test() {
            replay(stringify!($target), laws::$target::law);
        })*

        #[test]
        fn every_target_is_replayed() {
            let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets").read_dir().unwrap();
            for target in targets {
                let target = target.unwrap().path();
                let name = target.file_stem().unwrap().to_string_lossy().into_owned();
                assert!([$(stringify!($target)),*].contains(&name.as_str()), "{name} is not replayed");
            }
        }
    };
}

laws_hold! {
    chunks_read_the_same_however_they_are_cut: chunk_reader;
    amf0_reads_back: amf0;
    flv_tags_read_back_and_are_found_again: flv;
    a_worker_can_say_nothing_that_hurts: wire;
    an_index_says_the_same_when_it_is_written_again: index;
    headers_are_mended: mend;
    boxes_nest_whatever_the_tags: fmp4;
    codec_headers_stay_within_limits: codec;
    sessions_end_but_never_break: session;
    a_server_can_say_nothing_that_hurts: client;
    recordings_broken_off_keep_every_whole_tag: recording;
    no_name_leads_out_of_the_library: paths;
    websocket_clients_are_read_the_same_however_they_are_cut: web_socket;
    a_sources_address_hides_its_secrets: source;
    subtitles_are_what_a_page_shows: subtitles;
    a_kept_reel_is_what_was_written_or_none: kept;
    pages_lead_to_the_web_alone: web_page;
    who_searches_gets_no_more_than_may_be: discovery;
}
