//! The index's file: a line that says what it is, then a [ledger]. The last line about a path holds. Pure.
//!
//! ```text
//!  wiidiaserver index 1
//!  3f6c0c6d22d0a9b1 {"path":"films/a.avi","device":66306,"stamp":{…},"known":{…}}
//! ```

use super::record::Record;
use crate::{ledger, limits};

/// The first line. Another version's file is left unread, and replaced.
pub(super) const HEAD: &str = "wiidiaserver index 1\n";

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// In the file's order.
    pub(super) records: Vec<Record>,
    /// Lines that are not what was written there.
    pub(super) damaged: usize,
    /// It is not of this version.
    pub(super) is_foreign: bool,
}

/// The line for a record, with its end.
pub(super) fn line(record: &Record) -> Vec<u8> {
    ledger::line(record)
}

/// Reads whatever is in the file.
pub(super) fn read(bytes: &[u8]) -> Contents {
    let Some(lines) = bytes.strip_prefix(HEAD.as_bytes()) else {
        return Contents { is_foreign: true, ..Contents::default() };
    };
    let (records, damaged) = ledger::read(lines, limits::MAX_INDEX_LINE);
    Contents { records, damaged, is_foreign: false }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::record::{Details, Failure, Kept, Knowledge, Stamp};
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn sample(n: u64) -> Record {
        let picture = |what: &str| Kept {
            id: format!("{n:016x}{what}"),
            bytes: 4711,
            width: 160,
            height: 90,
            columns: 10,
            times_ms: vec![0, 2000, 4000],
        };
        Record {
            path: format!("films/a%20film%20{n}.avi"),
            device: 7,
            stamp: Stamp { inode: n, len: 1 << 30, modified_ns: 1_700_000_000_123_456_789 },
            known: Some(Knowledge {
                details: Some(Details { duration_ms: Some(5_400_000), ..Details::default() }),
                poster: Some(picture("p")),
                bar: Some(picture("b")),
                pictured: true,
                failure: (n % 2 == 1).then(|| Failure { reason: "no\nway ✗".into(), at: 1, times: 2 }),
                missing_since: None,
            }),
        }
    }

    fn file(count: u64) -> Vec<u8> {
        (0..count).fold(HEAD.as_bytes().to_vec(), |mut file, n| {
            file.extend(line(&sample(n)));
            file
        })
    }

    #[test]
    fn what_was_written_is_read() {
        let contents = read(&file(3));
        assert_eq!((contents.damaged, contents.is_foreign), (0, false));
        assert_eq!(contents.records, (0..3).map(sample).collect::<Vec<_>>());
    }

    #[test]
    fn a_file_cut_anywhere_keeps_all_whole_lines() {
        let file = file(3);
        for end in 0..file.len() {
            let contents = read(&file[..end]);
            let whole = file[..end].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(contents.is_foreign, whole == 0, "cut at {end}");
            assert_eq!(contents.records, (0..whole.saturating_sub(1) as u64).map(sample).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_changed_byte_costs_no_more_than_its_line() {
        let file = file(4);
        for at in HEAD.len()..file.len() {
            for change in [1, 0x20, 0x80, 0xFF] {
                let mut changed = file.clone();
                changed[at] ^= change;
                let contents = read(&changed);
                // A line break that is gone joins two lines.
                assert!(contents.records.len() >= 2, "byte {at}");
                assert!(
                    contents.records.iter().all(|record| (0..4).any(|n| *record == sample(n))),
                    "byte {at}"
                );
            }
        }
    }

    #[test]
    fn another_version_is_left_alone() {
        assert!(read(b"wiidiaserver index 2\n").is_foreign);
        assert!(read(b"").is_foreign);
    }

    proptest! {
        #[test]
        fn anything_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            read(&[HEAD.as_bytes(), &bytes].concat());
        }
    }
}
