//! What `fuzz/` needs of this module's inside. No part of the program uses it.

use super::book;
use super::catalogue::Catalogue;

/// Reads an index's file, writes what it held and reads that: both must be the same. How many files are known then.
pub fn book(bytes: &[u8]) -> usize {
    let contents = book::read(bytes);
    let lines = contents.records.iter().map(book::line);
    let again = lines.fold(book::HEAD.as_bytes().to_vec(), |mut file, line| {
        file.extend(line);
        file
    });
    assert_eq!(book::read(&again).records, contents.records);
    let catalogue = Catalogue::of(contents.records);
    let kept = catalogue.records().count();
    assert_eq!(kept, catalogue.len());
    kept
}

/// The file whose lines are those of `text`, each with the sum that a fuzzer would never find.
pub fn summed(text: &[u8]) -> Vec<u8> {
    let mut file = book::HEAD.as_bytes().to_vec();
    for line in text.split(|byte| *byte == b'\n') {
        file.extend(crate::ledger::sum(line).into_bytes());
        file.push(b' ');
        file.extend(line);
        file.push(b'\n');
    }
    file
}
