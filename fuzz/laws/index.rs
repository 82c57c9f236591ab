//! The index's file: whatever is in it, what is read of it is what would be written again.

use wiidiaserver::index::fuzzing::{book, summed};

pub fn law(input: &[u8]) {
    book(input);
    let file = summed(input);
    let known = book(&file);
    // A file that was cut knows no more than the whole one.
    assert!(book(&file[..file.len() / 2]) <= known);
}
