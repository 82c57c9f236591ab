//! Files of lines that are only ever appended, each with a sum of its own. Pure: bytes in, records out.
//!
//! ```text
//!  3f6c0c6d22d0a9b1 {"path":"films/a.avi", …}
//!  └ the first half of the SHA-1 of the rest
//! ```
//!
//! SD cards wear and power fails. JSON has no line break in it, so whatever a power cut or a dying card did to a line,
//! reading goes on at the next one. What a line means, and which one holds, is for those who write them.

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha1::{Digest, Sha1};

/// Hexadecimal digits of the sum.
const SUM_LEN: usize = 16;

/// What is before a line's text.
pub(crate) fn sum(text: &[u8]) -> String {
    HEXLOWER.encode(&Sha1::digest(text)[..SUM_LEN / 2])
}

/// The line for a record, with its end.
pub fn line(record: &impl Serialize) -> Vec<u8> {
    let text = serde_json::to_string(record).unwrap_or_default();
    format!("{} {text}\n", sum(text.as_bytes())).into_bytes()
}

/// Reads whatever is there: the records in their order, and how many lines are not what was written. Lines longer than
/// `longest` bytes are not looked at.
pub fn read<T: DeserializeOwned>(lines: &[u8], longest: usize) -> (Vec<T>, usize) {
    let mut records = Vec::new();
    let mut damaged = 0;
    for text in lines.split_inclusive(|byte| *byte == b'\n') {
        match record(text, longest) {
            Some(record) => records.push(record),
            None => damaged += 1,
        }
    }
    (records, damaged)
}

fn record<T: DeserializeOwned>(line: &[u8], longest: usize) -> Option<T> {
    if line.len() > longest {
        return None;
    }
    let (expected, text) = line.strip_suffix(b"\n")?.split_at_checked(SUM_LEN)?;
    let text = text.strip_prefix(b" ")?;
    if sum(text).as_bytes() != expected {
        return None;
    }
    serde_json::from_slice(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_cut_anywhere_keeps_all_whole_lines() {
        let written = ["a", "b\n\"c\"", "\u{fffd}"].map(str::to_owned);
        let file: Vec<u8> = written.iter().flat_map(line).collect();
        for end in 0..=file.len() {
            let whole = file[..end].iter().filter(|byte| **byte == b'\n').count();
            let (records, damaged) = read::<String>(&file[..end], 1000);
            assert_eq!(records, written[..whole], "cut at {end}");
            assert_eq!(damaged, usize::from(end > 0 && !file[..end].ends_with(b"\n")), "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn anything_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let (records, damaged) = read::<String>(&bytes, 100);
            prop_assert!(records.is_empty() && damaged <= bytes.len());
        }

        #[test]
        fn what_was_written_is_read(texts in proptest::collection::vec(any::<String>(), 0..8)) {
            let file: Vec<u8> = texts.iter().flat_map(line).collect();
            prop_assert_eq!(read::<String>(&file, 1 << 20), (texts, 0));
        }
    }
}
