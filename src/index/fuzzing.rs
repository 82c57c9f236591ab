//! What `fuzz/` needs of this module's inside. No part of the program uses it.

use super::book;

/// Reads an index's file, writes what it held and reads that: both must be the same. How many files it speaks of.
pub fn book(bytes: &[u8]) -> usize {
    let contents = book::read(bytes);
    let lines = contents.records.iter().map(book::line);
    let again = lines.fold(book::HEAD.as_bytes().to_vec(), |mut file, line| {
        file.extend(line);
        file
    });
    assert_eq!(book::read(&again).records, contents.records);
    contents.records.len()
}
